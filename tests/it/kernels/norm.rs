//! Normalisation layers against definitions and slopes in double precision.

use specc::kernels::isa::Isa;
use specc::kernels::norm::{
    BatchGrad, BatchNorm, GroupGeometry, Moments, add_grad_sums, batch_backward, batch_forward,
    block_moments, combine_moments, finish_grad_sums, group_backward, group_forward,
    running_update,
};
use specc::kernels::{LANES, Tolerance, reference};

use super::sample::{Noise, SameBits, assert_close, sample, wide};

const EPS: f64 = 1e-5;

/// Normalises sets of indices of `x` on their own.
fn normalized(x: &[f64], sets: &[Vec<usize>]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for set in sets {
        let n = set.len() as f64;
        let mean = set.iter().map(|&i| x[i]).sum::<f64>() / n;
        let variance = set.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / n;
        for &i in set {
            y[i] = (x[i] - mean) / (variance + EPS).sqrt();
        }
    }
    y
}

#[test]
fn batch_statistics_and_gradients() {
    let (pixels, channels, active) = (6, 5, 11);
    let block = pixels * channels * LANES;
    let mut noise = Noise::new(21);
    // A mean far from zero: sums of squares alone would lose it.
    let x: Vec<f32> = noise.vec(2 * block).iter().map(|x| x + 50.0).collect();
    let residual = noise.vec(2 * block);
    let mut dy = noise.vec(2 * block);
    let lane_of = |i: usize| i % LANES;
    let is_active = |i: usize| i < block || lane_of(i) < active;
    for (i, dy) in dy.iter_mut().enumerate() {
        if !is_active(i) {
            *dy = 0.0;
        }
    }
    let gamma = noise.vec(channels);
    let beta = noise.vec(channels);
    let sets: Vec<Vec<usize>> = (0..channels)
        .map(|c| (0..2 * block).filter(|&i| is_active(i) && i / LANES % channels == c).collect())
        .collect();
    let channel = |i: usize| i / LANES % channels;
    let forward = |x: &[f64]| -> Vec<f64> {
        let y = normalized(x, &sets);
        (0..2 * block)
            .map(|i| {
                let value = y[i] * f64::from(gamma[channel(i)]) + f64::from(beta[channel(i)]);
                (value + f64::from(residual[i])).max(0.0)
            })
            .collect()
    };
    let mut same = SameBits::default();
    for isa in Isa::available() {
        let mut parts = vec![vec![Moments::default(); channels]; 2];
        block_moments(isa, &x[..block], LANES, &mut parts[0]);
        block_moments(isa, &x[block..], active, &mut parts[1]);
        let mut moments = vec![Moments::default(); channels];
        combine_moments(&mut moments, parts.iter().map(Vec::as_slice));
        let wide_x = wide(&x);
        for (moments, set) in moments.iter().zip(&sets) {
            let mean = set.iter().map(|&i| wide_x[i]).sum::<f64>() / set.len() as f64;
            let squares = set.iter().map(|&i| (wide_x[i] - mean).powi(2)).sum::<f64>();
            assert_eq!(moments.count, set.len() as f64);
            assert!(Tolerance::Rounding.holds(moments.mean, mean, 1.0));
            assert!(Tolerance::Sum.holds(moments.squares, squares, 0.0));
        }
        let mean: Vec<f32> = moments.iter().map(|m| m.mean as f32).collect();
        let inv_std: Vec<f32> =
            moments.iter().map(|m| (1.0 / (m.squares / m.count + EPS).sqrt()) as f32).collect();
        let scale: Vec<f32> = gamma.iter().zip(&inv_std).map(|(g, s)| g * s).collect();
        let (mut running_mean, mut running_variance) = (vec![0.0; channels], vec![1.0; channels]);
        running_update(&moments, 0.1, &mut running_mean, &mut running_variance);
        let unbiased = moments[0].squares / (moments[0].count - 1.0);
        assert!(Tolerance::Rounding.holds(f64::from(running_mean[0]), 0.1 * moments[0].mean, 1.0));
        assert!(Tolerance::Rounding.holds(
            f64::from(running_variance[0]),
            0.9 + 0.1 * unbiased,
            1.0
        ));

        let norm = BatchNorm { mean: &mean, scale: &scale, shift: &beta };
        let mut y = vec![f32::NAN; 2 * block];
        for b in [0..block, block..2 * block] {
            batch_forward(isa, &norm, &x[b.clone()], Some(&residual[b.clone()]), true, &mut y[b]);
        }
        let expected = forward(&wide_x);
        let active_only = |values: &[f64]| -> Vec<f64> {
            (0..2 * block).filter(|&i| is_active(i)).map(|i| values[i]).collect()
        };
        let scales = vec![60.0; 2 * block];
        assert_close(
            "y",
            Tolerance::Sum,
            &active_only(&wide(&y)),
            &active_only(&expected),
            &scales[..active_only(&expected).len()],
        );

        let mut sums = vec![0.0; 2 * channels * LANES];
        for b in [0..block, block..2 * block] {
            add_grad_sums(
                isa,
                (&mean, &inv_std),
                &x[b.clone()],
                &dy[b.clone()],
                Some(&y[b]),
                &mut sums,
            );
        }
        let (mut grad_beta, mut grad_gamma) = (vec![f32::NAN; channels], vec![f32::NAN; channels]);
        finish_grad_sums(&sums, &mut grad_beta, &mut grad_gamma);
        let by_count = |values: &[f32]| -> Vec<f32> {
            values.iter().zip(&moments).map(|(v, m)| (f64::from(*v) / m.count) as f32).collect()
        };
        let (mean_dy, mean_dy_x) = (by_count(&grad_beta), by_count(&grad_gamma));
        let grad = BatchGrad {
            mean: &mean,
            inv_std: &inv_std,
            scale: &scale,
            mean_dy: &mean_dy,
            mean_dy_x: &mean_dy_x,
        };
        let (mut dx, mut d_residual) = (vec![f32::NAN; 2 * block], vec![f32::NAN; 2 * block]);
        for (b, active) in [(0..block, LANES), (block..2 * block, active)] {
            batch_backward(
                isa,
                &grad,
                &x[b.clone()],
                &dy[b.clone()],
                Some(&y[b.clone()]),
                active,
                &mut dx[b.clone()],
                Some(&mut d_residual[b]),
            );
        }
        same.check(isa, &[&y, &dx, &d_residual, &grad_beta, &grad_gamma]);
        let objective = |x: &[f64]| -> f64 {
            forward(x).iter().zip(&dy).map(|(y, dy)| y * f64::from(*dy)).sum()
        };
        for i in (0..2 * block).step_by(7) {
            if is_active(i) {
                let slope = reference::slope(objective, &wide_x, i, 1e-6);
                assert!(Tolerance::Slope.holds(f64::from(dx[i]), slope, 10.0), "{} {slope}", dx[i]);
                let alive = if y[i] > 0.0 { dy[i] } else { 0.0 };
                assert_eq!(d_residual[i], alive);
            } else {
                assert_eq!((dx[i], d_residual[i]), (0.0, 0.0));
            }
        }
    }
}

#[test]
fn groups_and_gradients() {
    for (pixels, channels, groups) in [(4, 6, 3), (1, 9, 1), (5, 4, 4)] {
        let n = pixels * channels * LANES;
        let mut noise = Noise::new(31);
        let (x, dy) = (noise.vec(n), noise.vec(n));
        let (gamma, beta) = (noise.vec(channels), noise.vec(channels));
        let size = channels / groups;
        let sets: Vec<Vec<usize>> =
            (0..groups).map(|g| (g * size * pixels..(g + 1) * size * pixels).collect()).collect();
        let geometry = GroupGeometry { pixels, channels, groups, eps: EPS as f32 };
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let mut statistics = vec![f32::NAN; geometry.statistics_len()];
            let (mut y, mut dx) = (vec![f32::NAN; n], vec![f32::NAN; n]);
            group_forward(isa, &geometry, &x, Some((&gamma, &beta)), &mut statistics, &mut y);
            let mut sums = vec![0.0; 2 * channels * LANES];
            group_backward(isa, &geometry, &x, Some(&gamma), &statistics, &dy, &mut dx, &mut sums);
            let (mut grad_beta, mut grad_gamma) = (vec![0.0; channels], vec![0.0; channels]);
            finish_grad_sums(&sums, &mut grad_beta, &mut grad_gamma);
            same.check(isa, &[&y, &dx, &grad_beta, &grad_gamma]);
            let (mut expected_beta, mut expected_gamma) =
                (vec![0.0; channels], vec![0.0; channels]);
            for lane in 0..LANES {
                let (x, dy) = (sample(&x, channels, lane), sample(&dy, channels, lane));
                let affine = |x: &[f64]| -> Vec<f64> {
                    let y = normalized(x, &sets);
                    (0..x.len())
                        .map(|i| y[i] * f64::from(gamma[i / pixels]) + f64::from(beta[i / pixels]))
                        .collect()
                };
                let scales = vec![8.0; x.len()];
                assert_close(
                    "y",
                    Tolerance::Sum,
                    &sample(&y, channels, lane),
                    &affine(&x),
                    &scales,
                );
                let found = sample(&dx, channels, lane);
                for (i, &found) in found.iter().enumerate() {
                    let objective =
                        |x: &[f64]| affine(x).iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>();
                    let slope = reference::slope(objective, &x, i, 1e-6);
                    assert!(Tolerance::Slope.holds(found, slope, 10.0), "{found} {slope}");
                }
                for (i, normal) in normalized(&x, &sets).iter().enumerate() {
                    expected_beta[i / pixels] += dy[i];
                    expected_gamma[i / pixels] += dy[i] * normal;
                }
            }
            let scales = vec![n as f64; channels];
            assert_close("beta", Tolerance::Sum, &wide(&grad_beta), &expected_beta, &scales);
            assert_close("gamma", Tolerance::Sum, &wide(&grad_gamma), &expected_gamma, &scales);
        }
    }
}
