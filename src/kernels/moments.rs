//! Means and variances: per channel over the batch ([`add_moments`], [`reduce_moments`]), and per sample over groups of
//! channels ([`normalize`], [`normalize_grad`]).
//!
//! In: blocks `[pixel][channel][16]`. Invariant: variances are sums of squared differences from a mean, never differences of
//! large sums; parts are put together in a fixed order.

use super::LANES;

/// Floats of partial moments for each channel: per lane the number of values, their mean, and Σ (x − mean)².
pub const MOMENTS: usize = 3 * LANES;

/// **What** takes the block `x` into partial moments `[channel][3][16]`; `is_first` starts them. Lanes whose `lanes` is 0
/// hold no sample.
///
/// # Panics
/// When a length does not fit.
pub fn add_moments(x: &[f32], lanes: &[f32], channels: usize, is_first: bool, moments: &mut [f32]) {
    assert_eq!(moments.len(), channels * MOMENTS, "length of the moments");
    let pixel = channels * LANES;
    let pixels = x.len() / pixel.max(1);
    if is_first {
        moments.fill(0.0);
    }
    let n = pixels as f32;
    for (channel, moments) in moments.chunks_exact_mut(MOMENTS).enumerate() {
        let vectors = || x[channel * LANES..].chunks(pixel).map(|part| &part[..LANES]);
        let mut mean = [0.0; LANES];
        for vector in vectors() {
            for (mean, x) in mean.iter_mut().zip(vector) {
                *mean += x;
            }
        }
        for mean in &mut mean {
            *mean /= n;
        }
        let mut squares = [0.0; LANES];
        for vector in vectors() {
            for ((square, x), mean) in squares.iter_mut().zip(vector).zip(&mean) {
                let difference = x - mean;
                *square += difference * difference;
            }
        }
        let (counts, rest) = moments.split_at_mut(LANES);
        let (means, sums) = rest.split_at_mut(LANES);
        for lane in 0..LANES {
            if lanes[lane] == 0.0 {
                continue;
            }
            let total = counts[lane] + n;
            let difference = mean[lane] - means[lane];
            means[lane] += difference * (n / total);
            sums[lane] += squares[lane] + difference * difference * (counts[lane] * n / total);
            counts[lane] = total;
        }
    }
}

/// **What** mean and unbiased variance (divisor max(n − 1, 1)) of each channel, from partial moments of all groups in
/// order.
///
/// # Panics
/// When a length does not fit.
pub fn reduce_moments(parts: &[f32], channels: usize, mean: &mut [f32], variance: &mut [f32]) {
    for channel in 0..channels {
        let (mut count, mut centre, mut squares) = (0.0f64, 0.0f64, 0.0f64);
        for group in parts.chunks_exact(channels * MOMENTS) {
            let part = &group[channel * MOMENTS..(channel + 1) * MOMENTS];
            for lane in 0..LANES {
                let n = f64::from(part[lane]);
                if n == 0.0 {
                    continue;
                }
                let total = count + n;
                let difference = f64::from(part[LANES + lane]) - centre;
                centre += difference * (n / total);
                squares += f64::from(part[2 * LANES + lane])
                    + difference * difference * (count * n / total);
                count = total;
            }
        }
        mean[channel] = centre as f32;
        variance[channel] = (squares / (count - 1.0).max(1.0)) as f32;
    }
}

/// Mean and 1 / sqrt(variance + eps) of one group of channels, per lane.
fn statistics(
    x: &[f32],
    pixel: usize,
    range: &std::ops::Range<usize>,
    eps: f32,
) -> ([f32; LANES], [f32; LANES]) {
    let vectors = || x.chunks_exact(pixel).flat_map(|part| part[range.clone()].chunks_exact(LANES));
    let n = (x.len() / pixel * range.len() / LANES) as f64;
    let mut mean = [0.0f64; LANES];
    for vector in vectors() {
        for (mean, x) in mean.iter_mut().zip(vector) {
            *mean += f64::from(*x);
        }
    }
    let mean = mean.map(|sum| (sum / n) as f32);
    let mut squares = [0.0f64; LANES];
    for vector in vectors() {
        for ((square, x), mean) in squares.iter_mut().zip(vector).zip(&mean) {
            let difference = f64::from(x - mean);
            *square += difference * difference;
        }
    }
    (mean, squares.map(|sum| (1.0 / (sum / n + f64::from(eps)).sqrt()) as f32))
}

/// **What** (x − mean) / sqrt(variance + eps) over each group of channels of each sample, biased variance.
///
/// # Panics
/// When a length does not fit.
pub fn normalize(x: &[f32], channels: usize, groups: usize, eps: f32, y: &mut [f32]) {
    let pixel = channels * LANES;
    let width = pixel / groups;
    for group in 0..groups {
        let range = group * width..(group + 1) * width;
        let (mean, inverse) = statistics(x, pixel, &range, eps);
        for (x, y) in x.chunks_exact(pixel).zip(y.chunks_exact_mut(pixel)) {
            let vectors =
                x[range.clone()].chunks_exact(LANES).zip(y[range.clone()].chunks_exact_mut(LANES));
            for (x, y) in vectors {
                for lane in 0..LANES {
                    y[lane] = (x[lane] - mean[lane]) * inverse[lane];
                }
            }
        }
    }
}

/// **What** the gradient of [`normalize`] in x, through the statistics.
///
/// # Panics
/// When a length does not fit.
pub fn normalize_grad(
    x: &[f32],
    dy: &[f32],
    channels: usize,
    groups: usize,
    eps: f32,
    dx: &mut [f32],
) {
    let pixel = channels * LANES;
    let width = pixel / groups;
    for group in 0..groups {
        let range = group * width..(group + 1) * width;
        let (mean, inverse) = statistics(x, pixel, &range, eps);
        let n = (x.len() / groups / LANES) as f64;
        let (mut total, mut weighted) = ([0.0f64; LANES], [0.0f64; LANES]);
        for (x, dy) in x.chunks_exact(pixel).zip(dy.chunks_exact(pixel)) {
            let vectors =
                x[range.clone()].chunks_exact(LANES).zip(dy[range.clone()].chunks_exact(LANES));
            for (x, dy) in vectors {
                for lane in 0..LANES {
                    total[lane] += f64::from(dy[lane]);
                    weighted[lane] +=
                        f64::from(dy[lane] * ((x[lane] - mean[lane]) * inverse[lane]));
                }
            }
        }
        let total = total.map(|sum| (sum / n) as f32);
        let weighted = weighted.map(|sum| (sum / n) as f32);
        for ((x, dy), dx) in
            x.chunks_exact(pixel).zip(dy.chunks_exact(pixel)).zip(dx.chunks_exact_mut(pixel))
        {
            for at in range.clone() {
                let lane = at % LANES;
                let unit = (x[at] - mean[lane]) * inverse[lane];
                dx[at] = inverse[lane] * (dy[at] - total[lane] - unit * weighted[lane]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    #[test]
    fn moments_of_parts_are_those_of_the_whole() {
        let (channels, pixels) = (3, 5);
        let blocks: Vec<Vec<f32>> = (0..3)
            .map(|b| {
                let n = channels * pixels * LANES;
                (0..n).map(|i| ((b * 1000 + i) as f32 * 0.31).sin() + 100.0).collect()
            })
            .collect();
        let mut lanes = [1.0; LANES];
        let mut parts = vec![f32::NAN; 2 * channels * MOMENTS];
        let (first, second) = parts.split_at_mut(channels * MOMENTS);
        add_moments(&blocks[0], &lanes, channels, true, first);
        add_moments(&blocks[1], &lanes, channels, false, first);
        lanes[4..].fill(0.0);
        add_moments(&blocks[2], &lanes, channels, true, second);
        let (mut mean, mut variance) = ([0.0; 3], [0.0; 3]);
        reduce_moments(&parts, channels, &mut mean, &mut variance);
        for channel in 0..channels {
            let mut values = vec![];
            for (b, block) in blocks.iter().enumerate() {
                for pixel in 0..pixels {
                    for lane in 0..if b == 2 { 4 } else { LANES } {
                        values.push(f64::from(block[(pixel * channels + channel) * LANES + lane]));
                    }
                }
            }
            let n = values.len() as f64;
            let expected = values.iter().sum::<f64>() / n;
            let spread = values.iter().map(|v| (v - expected).powi(2)).sum::<f64>() / (n - 1.0);
            assert!(Tolerance::Sum.holds(f64::from(mean[channel]), expected, 1.0));
            assert!(Tolerance::Sum.holds(f64::from(variance[channel]), spread, 1.0));
        }
    }
}
