//! Normalisation of each sample over groups of channels: values and gradients.

use specc::kernels::{LANES, Tolerance, moments, reference};

use super::sample::{assert_close, sample};
use crate::random::Random;

const EPS: f32 = 1e-3;

/// Each of `groups` equal runs of channels with mean 0 and variance 1 up to eps, in PyTorch's layout.
fn normalized(x: &[f64], groups: usize) -> Vec<f64> {
    let eps = f64::from(EPS);
    x.chunks(x.len() / groups)
        .flat_map(|group| {
            let n = group.len() as f64;
            let mean = group.iter().sum::<f64>() / n;
            let variance = group.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            group.iter().map(move |x| (x - mean) / (variance + eps).sqrt())
        })
        .collect()
}

#[test]
fn groups_and_their_gradients() {
    for (channels, groups, pixels) in [(4, 2, 6), (4, 4, 3), (6, 1, 1), (3, 1, 5)] {
        let mut random = Random::new(7);
        let n = channels * pixels * LANES;
        let x: Vec<f32> = random.singles(n).iter().map(|x| x * 2.0 + 3.0).collect();
        let dy = random.singles(n);
        let (mut y, mut dx) = (vec![f32::NAN; n], vec![f32::NAN; n]);
        moments::normalize(&x, channels, groups, EPS, &mut y);
        moments::normalize_grad(&x, &dy, channels, groups, EPS, &mut dx);
        for lane in 0..LANES {
            let of = |block: &[f32]| sample(block, channels, lane);
            let (x, dy, ones) = (of(&x), of(&dy), vec![1.0; channels * pixels]);
            let expected = normalized(&x, groups);
            // The deviation divides, so that roundings of x grow by its inverse.
            assert_close("y", Tolerance::Sum, &of(&y), &expected, &ones);
            let loss = |x: &[f64]| -> f64 {
                normalized(x, groups).iter().zip(&dy).map(|(y, dy)| y * dy).sum()
            };
            let slopes: Vec<f64> =
                (0..x.len()).map(|i| reference::slope(loss, &x, i, 1e-4)).collect();
            assert_close("dx", Tolerance::Slope, &of(&dx), &slopes, &ones);
        }
    }
}
