//! Linear maps and pools of the interpreter, as plain loops.

use crate::ir::{Conv, Pool};

/// x `[n, i]` times the transpose of w `[o, i]`.
pub(super) fn linear(x: &[f64], w: &[f64], inputs: usize) -> Vec<f64> {
    if inputs == 0 {
        return vec![];
    }
    let rows = x.chunks_exact(inputs);
    rows.flat_map(|row| {
        w.chunks_exact(inputs).map(move |weights| row.iter().zip(weights).map(|(a, b)| a * b).sum())
    })
    .collect()
}

/// Sizes of a picture: channels, height, width.
pub(super) type Picture = [usize; 3];

/// Cross-correlation with zero padding; x `[n, c, h, w]`, w `[o, c/g, kh, kw]`.
pub(super) fn conv(
    conv: &Conv,
    x: &[f64],
    from: Picture,
    w: &[f64],
    kernel: [usize; 2],
    to: Picture,
) -> Vec<f64> {
    let [channels, height, width] = from;
    let [outputs, out_height, out_width] = to;
    let (per_group_in, per_group_out) = (channels / conv.groups, outputs / conv.groups);
    let taps = kernel[0] * kernel[1];
    let mut y = vec![];
    for sample in x.chunks_exact(channels * height * width) {
        for output in 0..outputs {
            let group = output / per_group_out;
            let mut plane = vec![0.0; out_height * out_width];
            // Taps outside and columns inside: each sum keeps the order of the taps, and rows are added whole.
            for inner in 0..per_group_in {
                let picture = &sample[(group * per_group_in + inner) * height * width..];
                let weights = &w[(output * per_group_in + inner) * taps..][..taps];
                for (tap, weight) in weights.iter().enumerate() {
                    let (ky, kx) = (tap / kernel[1], tap % kernel[1]);
                    let inside = |column: &usize| {
                        place(*column, conv.stride[1], kx, conv.pad[1], width).is_some()
                    };
                    let first = (0..out_width).find(inside).unwrap_or(out_width);
                    let end = (first..out_width).rfind(inside).map_or(first, |last| last + 1);
                    let Some(start) = place(first, conv.stride[1], kx, conv.pad[1], width) else {
                        continue;
                    };
                    for (row, sums) in plane.chunks_exact_mut(out_width).enumerate() {
                        let Some(at) = place(row, conv.stride[0], ky, conv.pad[0], height) else {
                            continue;
                        };
                        let values = &picture[at * width + start..(at + 1) * width];
                        add_multiple(&mut sums[first..end], *weight, values, conv.stride[1]);
                    }
                }
            }
            y.extend(plane);
        }
    }
    y
}

/// Adds `weight` times every `stride`-th value to the sums.
fn add_multiple(sums: &mut [f64], weight: f64, values: &[f64], stride: usize) {
    if stride == 1 {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value * weight;
        }
    } else {
        for (sum, value) in sums.iter_mut().zip(values.iter().step_by(stride)) {
            *sum += value * weight;
        }
    }
}

/// Applies `reduce` to the elements of each window (padding left out).
pub(super) fn pool(
    pool: &Pool,
    x: &[f64],
    from: Picture,
    to: Picture,
    reduce: impl Fn(&[f64]) -> f64,
) -> Vec<f64> {
    let [_, height, width] = from;
    let mut y = vec![];
    let mut window = vec![];
    for picture in x.chunks_exact(height * width) {
        for row in 0..to[1] {
            for column in 0..to[2] {
                window.clear();
                for ky in 0..pool.kernel[0] {
                    for kx in 0..pool.kernel[1] {
                        let at_row = place(row, pool.stride[0], ky, pool.pad[0], height);
                        let at_column = place(column, pool.stride[1], kx, pool.pad[1], width);
                        if let (Some(at_row), Some(at_column)) = (at_row, at_column) {
                            window.push(picture[at_row * width + at_column]);
                        }
                    }
                }
                y.push(reduce(&window));
            }
        }
    }
    y
}

/// The place in the picture that a tap of a window reads; `None` in the padding.
fn place(window: usize, stride: usize, tap: usize, pad: usize, size: usize) -> Option<usize> {
    (window * stride + tap).checked_sub(pad).filter(|at| *at < size)
}
