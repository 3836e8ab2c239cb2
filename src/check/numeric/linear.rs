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
            for row in 0..out_height {
                for column in 0..out_width {
                    let mut sum = 0.0;
                    for inner in 0..per_group_in {
                        let channel = group * per_group_in + inner;
                        let weights = &w[(output * per_group_in + inner) * taps..][..taps];
                        for ky in 0..kernel[0] {
                            let Some(at_row) = place(row, conv.stride[0], ky, conv.pad[0], height)
                            else {
                                continue;
                            };
                            for kx in 0..kernel[1] {
                                let Some(at) =
                                    place(column, conv.stride[1], kx, conv.pad[1], width)
                                else {
                                    continue;
                                };
                                let value = sample[(channel * height + at_row) * width + at];
                                sum += value * weights[ky * kernel[1] + kx];
                            }
                        }
                    }
                    y.push(sum);
                }
            }
        }
    }
    y
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
