//! Windows of pictures and groups that share statistics, as positions of elements.

use specc::ir::{Conv, Norm, Pool};

use super::Tensor;

/// Calls `visit` with the positions in input, weight and output of every product of a convolution.
pub(super) fn windows(
    conv: &Conv,
    x: &[usize],
    w: &[usize],
    y: &[usize],
    mut visit: impl FnMut(usize, usize, usize),
) {
    let [n, channels, height, width] = [x[0], x[1], x[2], x[3]];
    let [outputs, per_group, kh, kw] = [w[0], w[1], w[2], w[3]];
    for sample in 0..n {
        for out in 0..outputs {
            let group = out / (outputs / conv.groups);
            for (oy, ox) in (0..y[2]).flat_map(|oy| (0..y[3]).map(move |ox| (oy, ox))) {
                let o = ((sample * outputs + out) * y[2] + oy) * y[3] + ox;
                for c in 0..per_group {
                    let channel = group * per_group + c;
                    for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                        let (iy, ix) = (oy * conv.stride[0] + ky, ox * conv.stride[1] + kx);
                        let inside = iy >= conv.pad[0]
                            && ix >= conv.pad[1]
                            && iy < height + conv.pad[0]
                            && ix < width + conv.pad[1];
                        if inside {
                            let (iy, ix) = (iy - conv.pad[0], ix - conv.pad[1]);
                            let i = ((sample * channels + channel) * height + iy) * width + ix;
                            visit(i, ((out * per_group + c) * kh + ky) * kw + kx, o);
                        }
                    }
                }
            }
        }
    }
}

/// Positions in the input of each window, padding left out, in row-major order.
pub(super) fn pooled(pool: &Pool, x: &[usize]) -> Vec<Vec<usize>> {
    let [height, width] = [x[2], x[3]];
    let count = |axis: usize| {
        (x[2 + axis] + 2 * pool.pad[axis] - pool.kernel[axis]) / pool.stride[axis] + 1
    };
    let mut all = vec![];
    for plane in 0..x[0] * x[1] {
        for (oy, ox) in (0..count(0)).flat_map(|oy| (0..count(1)).map(move |ox| (oy, ox))) {
            let mut window = vec![];
            for ky in 0..pool.kernel[0] {
                for kx in 0..pool.kernel[1] {
                    let (iy, ix) = (oy * pool.stride[0] + ky, ox * pool.stride[1] + kx);
                    let inside = iy >= pool.pad[0]
                        && ix >= pool.pad[1]
                        && iy < height + pool.pad[0]
                        && ix < width + pool.pad[1];
                    if inside {
                        window.push((plane * height + iy - pool.pad[0]) * width + ix - pool.pad[1]);
                    }
                }
            }
            all.push(window);
        }
    }
    all
}

pub(super) fn first_maximum(x: &Tensor, window: &[usize]) -> usize {
    let mut best = window[0];
    for i in window {
        if x.data[*i] > x.data[best] {
            best = *i;
        }
    }
    best
}

/// Positions of the elements that share a mean and a variance.
pub(super) fn groups(norm: Norm, sizes: &[usize]) -> Vec<Vec<usize>> {
    let inner: usize = sizes[2..].iter().product();
    let (n, channels) = (sizes[0], sizes[1]);
    let parts = match norm {
        Norm::Batch => {
            return (0..channels)
                .map(|c| {
                    let plane = |s| (0..inner).map(move |i| (s * channels + c) * inner + i);
                    (0..n).flat_map(plane).collect()
                })
                .collect();
        }
        Norm::Layer => 1,
        Norm::Group(parts) => parts,
    };
    let len = channels / parts * inner;
    (0..n * parts).map(|group| (group * len..(group + 1) * len).collect()).collect()
}

/// Mean, and 1 / sqrt(variance + eps).
pub(super) fn statistics(x: &Tensor, group: &[usize], eps: f64) -> (f64, f64) {
    let count = group.len() as f64;
    let mean = group.iter().map(|i| x.data[*i]).sum::<f64>() / count;
    let variance = group.iter().map(|i| (x.data[*i] - mean).powi(2)).sum::<f64>() / count;
    (mean, 1.0 / (variance + eps).sqrt())
}
