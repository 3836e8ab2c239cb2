//! Normalisation of the interpreter.

use crate::ir::Norm;

/// A spread below this share of the largest element counts as none; values carry a few hundred roundings at most.
const ROUNDING: f64 = 1e-12;

/// (x − mean) / √(variance + eps) over the groups of `norm`; x `[n, c, inner]`. A group without variance gives 0 where eps is 0.
pub(super) fn normalize(
    norm: Norm,
    eps: f64,
    x: &[f64],
    n: usize,
    channels: usize,
    inner: usize,
) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    let at =
        |sample: usize, channel: usize, place: usize| (sample * channels + channel) * inner + place;
    match norm {
        Norm::Batch => {
            for channel in 0..channels {
                let places: Vec<usize> = (0..n)
                    .flat_map(|sample| (0..inner).map(move |place| at(sample, channel, place)))
                    .collect();
                group(x, &places, eps, &mut y);
            }
        }
        Norm::Layer => groups(x, 1, eps, (n, channels, inner), &mut y),
        Norm::Group(count) => groups(x, count, eps, (n, channels, inner), &mut y),
    }
    y
}

fn groups(
    x: &[f64],
    count: usize,
    eps: f64,
    (n, channels, inner): (usize, usize, usize),
    y: &mut [f64],
) {
    let size = channels / count.max(1) * inner;
    for start in 0..n * count {
        let places: Vec<usize> = (start * size..(start + 1) * size).collect();
        group(x, &places, eps, y);
    }
}

fn group(x: &[f64], places: &[usize], eps: f64, y: &mut [f64]) {
    let Some(first) = places.first().map(|at| x[*at]) else { return };
    let count = places.len() as f64;
    // Measured from the first element, so that equal elements have exactly no variance.
    let mean = first + places.iter().map(|at| x[*at] - first).sum::<f64>() / count;
    let variance = places.iter().map(|at| (x[*at] - mean) * (x[*at] - mean)).sum::<f64>() / count;
    let largest = places.iter().fold(0.0_f64, |a, at| a.max(x[*at].abs()));
    let deviation = (variance + eps).sqrt();
    // Without eps a spread that is only rounding would be blown up to order one.
    let constant = eps == 0.0 && deviation <= ROUNDING * largest;
    for at in places {
        y[*at] = if constant { 0.0 } else { (x[*at] - mean) / deviation };
    }
}

/// (x − mean) / √(variance + eps) per channel with given statistics; x `[n, c, inner]`.
pub(super) fn running(
    eps: f64,
    x: &[f64],
    mean: &[f64],
    variance: &[f64],
    inner: usize,
) -> Vec<f64> {
    let channels = mean.len().max(1);
    x.iter()
        .enumerate()
        .map(|(i, value)| {
            let channel = i / inner.max(1) % channels;
            (value - mean[channel]) / (variance[channel] + eps).sqrt()
        })
        .collect()
}
