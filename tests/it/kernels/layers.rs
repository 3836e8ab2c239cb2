//! Linear layers and pooling: values and gradients.

use proptest::prelude::*;
use specc::kernels::isa::Isa;
use specc::kernels::linear::Linear;
use specc::kernels::pool2d::PoolGeometry;
use specc::kernels::threads::ThreadPool;
use specc::kernels::{LANES, Tolerance, bias, lanes, pool2d, reference};

use super::sample::{SameBits, assert_close, sample, wide};
use crate::random::Random;

fn nan(n: usize) -> Vec<f32> {
    vec![f32::NAN; n]
}

fn check_linear(channels: usize, pixels: usize, outputs: usize, n_blocks: usize, seed: u64) {
    let inputs = channels * pixels;
    let mut random = Random::new(seed);
    let x = random.singles(n_blocks * inputs * LANES);
    let dy = random.singles(n_blocks * outputs * LANES);
    let (weight, shift) = (random.singles(inputs * outputs), random.singles(outputs));
    let wide_weight = wide(&weight);
    let turned_weight: Vec<f64> = (0..inputs)
        .flat_map(|i| (0..outputs).map(move |o| (i, o)))
        .map(|(i, o)| wide_weight[o * inputs + i])
        .collect();
    let mut same = SameBits::default();
    for isa in Isa::available() {
        let linear = Linear::new(isa, channels, pixels, outputs).unwrap();
        let (mut y, mut dx) = (nan(dy.len()), nan(x.len()));
        linear.forward(&weight, &x, Some(&shift), false, &mut y);
        linear.grad_input(&weight, &dy, &mut dx, false);
        let mut turned = nan(linear.turned_len(n_blocks));
        linear.turn_input(&x, &mut turned);
        let mut grad = nan(weight.len());
        linear.grad_weight(&turned, &dy, &mut grad);
        let mut sums = vec![0.0; outputs * LANES];
        bias::add_channel_sums(isa, &dy, &mut sums);
        let mut grad_bias = nan(outputs);
        lanes::sum_lanes(isa, &sums, &mut grad_bias);
        same.check(isa, &[&y, &dx, &grad, &grad_bias]);
        for n_threads in [1, 3] {
            let pool = ThreadPool::new(n_threads);
            let mut other_grad = nan(grad.len());
            linear.grad_weight_on(&pool, &turned, &dy, &mut other_grad);
            assert!(other_grad == grad, "other bits on threads");
        }

        let (mut expected_grad, mut expected_bias) = (vec![0.0; grad.len()], vec![0.0; outputs]);
        for block in 0..n_blocks {
            let part = |values: &[f32], n: usize| {
                values[block * n * LANES..(block + 1) * n * LANES].to_vec()
            };
            for lane in 0..LANES {
                let x = sample(&part(&x, inputs), channels, lane);
                let dy = sample(&part(&dy, outputs), outputs, lane);
                let found = sample(&part(&y, outputs), outputs, lane);
                let expected = reference::linear(&wide_weight, &x, &wide(&shift));
                let scale = vec![inputs as f64; outputs];
                assert_close("y", Tolerance::Sum, &found, &expected, &scale);
                let found = sample(&part(&dx, inputs), channels, lane);
                let expected = reference::linear(&turned_weight, &dy, &vec![0.0; inputs]);
                assert_close(
                    "dx",
                    Tolerance::Sum,
                    &found,
                    &expected,
                    &vec![outputs as f64; inputs],
                );
                for (o, dy) in dy.iter().enumerate() {
                    expected_bias[o] += dy;
                    for (i, x) in x.iter().enumerate() {
                        expected_grad[o * inputs + i] += dy * x;
                    }
                }
            }
        }
        let scale = vec![(n_blocks * LANES) as f64; grad.len()];
        assert_close("dW", Tolerance::Sum, &wide(&grad), &expected_grad, &scale);
        assert_close("db", Tolerance::Sum, &wide(&grad_bias), &expected_bias, &scale);
    }
}

fn check_pool(g: &PoolGeometry, relu: bool, seed: u64) {
    let mut random = Random::new(seed);
    // Few distinct values, so that windows have ties.
    let x: Vec<f32> = random.singles(g.in_len()).iter().map(|x| (x * 3.0).round()).collect();
    let dy = random.singles(g.out_len());
    let mut same = SameBits::default();
    for isa in Isa::available() {
        let (mut y, mut dx) = (nan(g.out_len()), nan(g.in_len()));
        let mut masks = vec![0xffff; g.mask_len()];
        pool2d::max::forward(isa, g, relu, &x, &mut y, &mut masks);
        pool2d::max::backward(isa, g, &dy, &masks, &mut dx);
        let (mut mean, mut mean_dx) = (nan(g.out_len()), nan(g.in_len()));
        pool2d::average::forward(isa, g, &x, &mut mean);
        pool2d::average::backward(isa, g, &dy, &mut mean_dx);
        same.check(isa, &[&y, &dx, &mean, &mean_dx]);
        let area = (g.kernel * g.kernel) as f64;
        for lane in 0..LANES {
            let (x, dy) = (sample(&x, g.channels, lane), sample(&dy, g.channels, lane));
            let (mut expected, winner) = reference::max_pool(g, &x);
            let mut expected_dx = vec![0.0; x.len()];
            for (o, &i) in winner.iter().enumerate() {
                if !relu || expected[o] > 0.0 {
                    expected_dx[i] += dy[o];
                }
            }
            if relu {
                for y in &mut expected {
                    *y = y.max(0.0);
                }
            }
            let ones = vec![4.0; x.len()];
            let found = sample(&y, g.channels, lane);
            assert_close("max", Tolerance::Rounding, &found, &expected, &ones);
            let found = sample(&dx, g.channels, lane);
            assert_close("max dx", Tolerance::Rounding, &found, &expected_dx, &ones);

            let (mut expected, mut expected_dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
            reference::window_terms(g, |o, i| {
                expected[o] += x[i] / area;
                expected_dx[i] += dy[o] / area;
            });
            let found = sample(&mean, g.channels, lane);
            assert_close("mean", Tolerance::Rounding, &found, &expected, &ones);
            let found = sample(&mean_dx, g.channels, lane);
            assert_close("mean dx", Tolerance::Rounding, &found, &expected_dx, &ones);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn linear_agrees_with_the_reference(
        channels in 1usize..40, pixels in 1usize..6, outputs in 1usize..60, n_blocks in 1usize..9, seed in 0u64..1000
    ) {
        check_linear(channels, pixels, outputs, n_blocks, seed);
    }

    #[test]
    fn pooling_agrees_with_the_reference(
        channels in 1usize..5, in_height in 1usize..9, in_width in 1usize..9,
        kernel in 1usize..5, stride in 1usize..4, pad in 0usize..3, relu: bool, seed in 0u64..1000
    ) {
        let g = PoolGeometry { channels, in_height, in_width, kernel, stride, pad };
        if g.check().is_ok() {
            check_pool(&g, relu, seed);
        }
    }
}

#[test]
fn large_linear_layer() {
    check_linear(150, 1, 130, 8, 1);
}
