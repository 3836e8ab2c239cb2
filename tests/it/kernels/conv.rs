//! Convolution: values and gradients.

use proptest::prelude::*;
use specc::kernels::conv::{Conv, ConvGeometry, PooledGradInput, PooledGradWeight};
use specc::kernels::isa::Isa;
use specc::kernels::pool2d::PoolGeometry;
use specc::kernels::threads::ThreadPool;
use specc::kernels::{LANES, Tolerance, pool2d, reference};

use super::sample::{SameBits, assert_close, magnitudes, sample, wide};
use crate::close::double;
use crate::random::Random;

fn geometries() -> impl Strategy<Value = ConvGeometry> {
    let channels = prop_oneof![
        (1usize..7, 1usize..12).prop_map(|(i, o)| (i, o, 1)),
        (12usize..36, 1usize..20).prop_map(|(i, o)| (i, o, 1)),
        (1usize..4, 1usize..4, 2usize..5).prop_map(|(i, o, g)| (i * g, o * g, g)),
        (1usize..9, 1usize..3).prop_map(|(c, m)| (c, c * m, c)),
        Just((66, 5, 1)),
        Just((28, 14, 2)),
    ];
    (channels, 1usize..10, 1usize..14, 1usize..6, 1usize..4, 0usize..4).prop_map(
        |((in_channels, out_channels, groups), in_height, in_width, kernel, stride, pad)| {
            ConvGeometry {
                in_channels,
                out_channels,
                in_height,
                in_width,
                kernel: kernel.min(in_height + 2 * pad).min(in_width + 2 * pad),
                stride,
                pad,
                groups,
            }
        },
    )
}

/// Sizes for which some operations go by Winograd's algorithm: odd images, any padding, channels beside whole vectors.
fn winograd_geometries() -> impl Strategy<Value = ConvGeometry> {
    let channels = prop_oneof![(18usize..30, 18usize..30), Just((16, 70)), Just((70, 16))];
    (channels, 4usize..10, 4usize..10, 0usize..4).prop_map(
        |((in_channels, out_channels), in_height, in_width, pad)| ConvGeometry {
            in_channels,
            out_channels,
            in_height,
            in_width,
            kernel: 3,
            stride: 1,
            pad,
            groups: 1,
        },
    )
}

fn nan(n: usize) -> Vec<f32> {
    vec![f32::NAN; n]
}

/// By Winograd's algorithm the results of a tile, and the taps of a kernel, share their rounding: their scale is that of the largest
/// among `n` neighbours.
fn shared(by_winograd: bool, n: usize, mut scale: Vec<f64>) -> Vec<f64> {
    if by_winograd {
        for scale in scale.chunks_mut(n) {
            let largest = scale.iter().copied().fold(0.0, f64::max);
            scale.fill(largest);
        }
    }
    scale
}

fn check(g: &ConvGeometry, seed: u64) {
    let mut random = Random::new(seed);
    let (x, dy) = (random.singles(g.in_len()), random.singles(g.out_len()));
    let (weight, bias) = (random.singles(g.weight_len()), random.singles(g.out_channels));
    let before = random.singles(g.in_len());
    let wide_weight = wide(&weight);
    let mut same = SameBits::default();
    for isa in Isa::available() {
        let conv = Conv::new(isa, *g).unwrap();
        let mut packed = nan(conv.packed_len());
        conv.pack(&ThreadPool::new(2), &weight, &mut packed);
        let (mut y, mut with_relu, mut plain) =
            (nan(g.out_len()), nan(g.out_len()), nan(g.out_len()));
        let mut scratch = nan(conv.forward_scratch_len());
        conv.forward(&packed, &x, Some(&bias), false, &mut y, &mut scratch);
        conv.forward(&packed, &x, Some(&bias), true, &mut with_relu, &mut scratch);
        conv.forward(&packed, &x, None, false, &mut plain, &mut scratch);
        for (&relu, &y) in with_relu.iter().zip(&y) {
            assert_eq!(relu.to_bits(), if y < 0.0 { 0 } else { y.to_bits() });
        }

        let mut turned = nan(conv.packed_turned_len());
        conv.pack_turned(&ThreadPool::new(2), &weight, &mut turned);
        let mut dx = nan(g.in_len());
        let mut scratch = nan(conv.grad_input_scratch_len());
        conv.grad_input(&turned, &dy, &mut dx, false, &mut scratch);
        let mut added = before.clone();
        conv.grad_input(&turned, &dy, &mut added, true, &mut scratch);

        let mut sums = vec![0.0; conv.grad_weight_len()];
        let mut scratch = nan(conv.grad_weight_scratch_len());
        conv.grad_weight(&x, &dy, &mut sums, &mut scratch);
        let mut grad = nan(g.weight_len());
        conv.collapse_grad_weight(&sums, &mut grad);
        same.check(isa, &[&y, &plain, &dx, &added, &grad]);

        let pixels = g.out_height() * g.out_width();
        let [forward, backward, weights] = conv.by_winograd();
        let (mut expected_grad, mut grad_scale) = (vec![0.0; grad.len()], vec![0.0; grad.len()]);
        for lane in 0..LANES {
            let (x, dy) = (sample(&x, g.in_channels, lane), sample(&dy, g.out_channels, lane));
            let (x_size, dy_size) = (magnitudes(&x), magnitudes(&dy));
            let w_size = magnitudes(&wide_weight);
            let expected = reference::conv_forward(g, &x, &wide_weight);
            let scale = shared(forward, pixels, reference::conv_forward(g, &x_size, &w_size));
            let found = sample(&plain, g.out_channels, lane);
            assert_close("y", Tolerance::Sum, &found, &expected, &scale);
            let expected: Vec<f64> =
                expected.iter().enumerate().map(|(i, y)| y + f64::from(bias[i / pixels])).collect();
            let scale: Vec<f64> = scale.iter().map(|s| s + 1.0).collect();
            let found = sample(&y, g.out_channels, lane);
            assert_close("y + bias", Tolerance::Sum, &found, &expected, &scale);

            let expected = reference::conv_grad_input(g, &dy, &wide_weight);
            let scale = reference::conv_grad_input(g, &dy_size, &w_size);
            let scale = shared(backward, g.in_height * g.in_width, scale);
            let found = sample(&dx, g.in_channels, lane);
            assert_close("dx", Tolerance::Sum, &found, &expected, &scale);
            let before = sample(&before, g.in_channels, lane);
            let expected: Vec<f64> = expected.iter().zip(&before).map(|(a, b)| a + b).collect();
            let scale: Vec<f64> = scale.iter().map(|s| s + 1.0).collect();
            let found = sample(&added, g.in_channels, lane);
            assert_close("dx added", Tolerance::Sum, &found, &expected, &scale);

            for (sum, term) in expected_grad.iter_mut().zip(reference::conv_grad_weight(g, &x, &dy))
            {
                *sum += term;
            }
            let sizes = reference::conv_grad_weight(g, &x_size, &dy_size);
            for (sum, term) in grad_scale.iter_mut().zip(sizes) {
                *sum += term;
            }
        }
        let grad_scale = shared(weights, 9, grad_scale);
        assert_close("dW", Tolerance::Sum, &wide(&grad), &expected_grad, &grad_scale);
    }
}

/// Of the gradients behind pooling, those of winners alone give the whole weight gradient. Tells whether a kernel exists.
fn check_winners(g: &ConvGeometry, size: usize, relu: bool, seed: u64) -> bool {
    let mut random = Random::new(seed);
    let (x, mut whole) = (random.singles(g.in_len()), random.singles(g.out_len()));
    // Windows without a winner, with relu.
    whole.chunks_mut(7 * LANES).step_by(3).for_each(|values| values.fill(-1.0));
    let mut same = SameBits::default();
    for isa in Isa::available() {
        let Some(plan) = PooledGradWeight::new(isa, *g, size) else { return false };
        let pool = *plan.pool();
        let (mut y, mut masks) = (nan(pool.out_len()), vec![0; pool.mask_len()]);
        pool2d::max::forward(isa, &pool, relu, &whole, &mut y, &mut masks);
        let dy = Random::new(seed + 1).singles(pool.out_len());
        let mut kept = nan(pool.out_len());
        pool2d::max::winners(isa, &pool, &dy, &masks, &mut kept);
        let mut spread = nan(g.out_len());
        pool2d::max::backward(isa, &pool, &dy, &masks, &mut spread);
        let total = |values: &[f32]| wide(values).iter().sum::<f64>();
        assert!((total(&kept) - total(&spread)).abs() < double::DIFFERENCE);

        let weight = Random::new(seed + 2).singles(g.weight_len());
        let mut dx = vec![];
        if let Some(plan) = PooledGradInput::new(isa, *g, size) {
            let (mut packed, mut scratch) = (nan(plan.packed_len()), nan(plan.scratch_len()));
            plan.pack(&weight, &mut packed);
            dx = nan(g.in_len());
            plan.run(&packed, &dy, &masks, &mut dx, &mut scratch);
            let weight = wide(&weight);
            for lane in 0..LANES {
                let dy = sample(&spread, g.out_channels, lane);
                let expected = reference::conv_grad_input(g, &dy, &weight);
                let scale = reference::conv_grad_input(g, &magnitudes(&dy), &magnitudes(&weight));
                let found = sample(&dx, g.in_channels, lane);
                assert_close("dx of winners", Tolerance::Sum, &found, &expected, &scale);
            }
        }

        let mut sums = vec![0.0; plan.sums_len()];
        let mut scratch = nan(plan.scratch_len());
        plan.add(&x, &dy, &masks, &mut sums, &mut scratch);
        let mut grad = nan(g.weight_len());
        plan.collapse(&sums, &mut grad);
        same.check(isa, &[&grad, &kept, &dx]);
        let (mut expected, mut scale) = (vec![0.0; grad.len()], vec![0.0; grad.len()]);
        for lane in 0..LANES {
            let (x, dy) = (sample(&x, g.in_channels, lane), sample(&spread, g.out_channels, lane));
            let terms = reference::conv_grad_weight(g, &x, &dy);
            let sizes = reference::conv_grad_weight(g, &magnitudes(&x), &magnitudes(&dy));
            for (at, (term, size)) in terms.iter().zip(&sizes).enumerate() {
                expected[at] += term;
                scale[at] += size;
            }
        }
        let scale = shared(plan.by_winograd(), 9, scale);
        assert_close("dW of winners", Tolerance::Sum, &wide(&grad), &expected, &scale);
    }
    true
}

fn check_pooled(g: &ConvGeometry, size: usize, relu: bool, seed: u64) {
    let pool = PoolGeometry {
        channels: g.out_channels,
        in_height: g.out_height(),
        in_width: g.out_width(),
        kernel: size,
        stride: size,
        pad: 0,
    };
    if pool.check().is_err() {
        return;
    }
    let mut random = Random::new(seed);
    let (x, weight) = (random.singles(g.in_len()), random.singles(g.weight_len()));
    let bias = random.singles(g.out_channels);
    for isa in Isa::available() {
        let conv = Conv::new(isa, *g).unwrap();
        let mut packed = nan(conv.packed_len());
        conv.pack(&ThreadPool::new(2), &weight, &mut packed);
        let mut whole = nan(g.out_len());
        let mut scratch = nan(conv.forward_scratch_len());
        conv.forward(&packed, &x, Some(&bias), relu, &mut whole, &mut scratch);
        let (mut expected, mut expected_masks) =
            (nan(pool.out_len()), vec![0xaaaa; pool.mask_len()]);
        pool2d::max::forward(isa, &pool, relu, &whole, &mut expected, &mut expected_masks);
        let (mut y, mut masks) = (nan(pool.out_len()), vec![0x5555; pool.mask_len()]);
        let mut scratch = nan(conv.pool_scratch_len(size));
        conv.forward_max_pool(
            &packed,
            &x,
            Some(&bias),
            relu,
            size,
            &mut y,
            &mut masks,
            &mut scratch,
        );
        assert_eq!(y, expected, "{isa:?}");
        // With relu, a window of zeros has no winner either way; elsewhere winners must agree.
        assert_eq!(masks, expected_masks, "{isa:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_reference(g in geometries(), seed in 0u64..1000) {
        check(&g, seed);
    }

    #[test]
    fn pooled_forward_is_forward_then_pool(
        g in geometries(), size in 1usize..4, relu: bool, seed in 0u64..1000
    ) {
        check_pooled(&g, size, relu, seed);
    }

    #[test]
    fn winners_give_the_weight_gradient(
        g in geometries(), size in 2usize..5, relu: bool, seed in 0u64..1000
    ) {
        check_winners(&g, size, relu, seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn winograd_agrees_with_the_reference(g in winograd_geometries(), seed in 0u64..1000) {
        check(&g, seed);
    }

    #[test]
    fn winograd_gives_the_weight_gradient_behind_a_pool(
        g in winograd_geometries(), relu: bool, seed in 0u64..1000
    ) {
        check_winners(&g, 2, relu, seed);
    }

    #[test]
    fn pooled_winograd_is_winograd_then_pool(
        g in winograd_geometries(), size in 1usize..4, relu: bool, seed in 0u64..1000
    ) {
        check_pooled(&g, size, relu, seed);
    }
}

#[test]
fn winograd_is_taken_where_it_pays() {
    let base = ConvGeometry {
        in_channels: 32,
        out_channels: 64,
        in_height: 16,
        in_width: 16,
        kernel: 3,
        stride: 1,
        pad: 1,
        groups: 1,
    };
    let taken = |g: ConvGeometry| Conv::new(Isa::detect(), g).unwrap().by_winograd();
    for g in [
        base,
        ConvGeometry { pad: 0, ..base },
        ConvGeometry { pad: 2, ..base },
        ConvGeometry { in_height: 9, in_width: 7, in_channels: 37, ..base },
        ConvGeometry { in_channels: 16, out_channels: 16, ..base },
    ] {
        assert_eq!(taken(g), [true; 3], "{g:?}");
    }
    for g in [
        ConvGeometry { kernel: 5, ..base },
        ConvGeometry { stride: 2, ..base },
        ConvGeometry { groups: 2, ..base },
        ConvGeometry { in_channels: 3, ..base },
        ConvGeometry { in_height: 1, in_width: 1, ..base },
    ] {
        assert_eq!(taken(g), [false; 3], "{g:?}");
    }
    assert_eq!(Conv::direct(Isa::detect(), base).unwrap().by_winograd(), [false; 3]);
    let behind_pool =
        |g, size| PooledGradWeight::new(Isa::detect(), g, size).unwrap().by_winograd();
    assert!(behind_pool(base, 2) && !behind_pool(base, 3));
    assert!(!behind_pool(ConvGeometry { kernel: 5, pad: 2, ..base }, 2));
    let odd = ConvGeometry { in_channels: 37, out_channels: 24, in_height: 9, in_width: 7, ..base };
    assert_eq!(taken(odd), [true; 3]);
    check(&odd, 4);
}

#[test]
fn lenet_and_wide_shapes() {
    let base = ConvGeometry {
        in_channels: 3,
        out_channels: 6,
        in_height: 32,
        in_width: 32,
        kernel: 5,
        stride: 1,
        pad: 0,
        groups: 1,
    };
    check(&base, 1);
    let second =
        ConvGeometry { in_channels: 6, out_channels: 16, in_height: 14, in_width: 14, ..base };
    check(&second, 2);
    assert!(check_winners(&base, 2, true, 1) && check_winners(&second, 2, true, 2));
    let many = ConvGeometry { in_channels: 32, kernel: 3, pad: 1, ..second };
    assert!(check_winners(&many, 2, true, 3) && check_winners(&many, 3, false, 4));
    let wide = ConvGeometry {
        in_channels: 70,
        out_channels: 33,
        in_height: 9,
        in_width: 8,
        kernel: 3,
        pad: 1,
        stride: 2,
        groups: 1,
    };
    check(&wide, 3);
}
