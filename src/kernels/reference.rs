//! Naive double-precision versions of the kernels, for one sample in PyTorch's layout: what tests compare with.
//!
//! In: `[channel][height][width]`. Out: the same. Invariant: written from the definition, with no shared code beyond the sizes.

use super::geometry::ConvGeometry;
use super::pool2d::PoolGeometry;

/// Calls `visit(output, input, weight)` with the indices of every multiply-add of a convolution.
pub fn conv_terms(geometry: &ConvGeometry, mut visit: impl FnMut(usize, usize, usize)) {
    let g = geometry;
    let (group_in, group_out) = (g.in_channels / g.groups, g.out_channels / g.groups);
    for out in 0..g.out_channels {
        for row in 0..g.out_height() {
            for column in 0..g.out_width() {
                let output = (out * g.out_height() + row) * g.out_width() + column;
                for channel in 0..group_in {
                    for i in 0..g.kernel {
                        for j in 0..g.kernel {
                            let in_row = (row * g.stride + i).wrapping_sub(g.pad);
                            let in_column = (column * g.stride + j).wrapping_sub(g.pad);
                            if in_row >= g.in_height || in_column >= g.in_width {
                                continue;
                            }
                            let in_channel = out / group_out * group_in + channel;
                            let input =
                                (in_channel * g.in_height + in_row) * g.in_width + in_column;
                            let weight = ((out * group_in + channel) * g.kernel + i) * g.kernel + j;
                            visit(output, input, weight);
                        }
                    }
                }
            }
        }
    }
}

/// `y = conv(x)`
pub fn conv_forward(geometry: &ConvGeometry, x: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; geometry.out_channels * geometry.out_height() * geometry.out_width()];
    conv_terms(geometry, |o, i, w| y[o] += x[i] * weight[w]);
    y
}

/// `dx = convᵀ(dy)`
pub fn conv_grad_input(geometry: &ConvGeometry, dy: &[f64], weight: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; geometry.in_channels * geometry.in_height * geometry.in_width];
    conv_terms(geometry, |o, i, w| dx[i] += dy[o] * weight[w]);
    dx
}

/// `dW` of one sample.
pub fn conv_grad_weight(geometry: &ConvGeometry, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut grad = vec![0.0; geometry.weight_len()];
    conv_terms(geometry, |o, i, w| grad[w] += dy[o] * x[i]);
    grad
}

/// Calls `visit(output, input)` for every input position of every window, in order.
pub fn window_terms(geometry: &PoolGeometry, mut visit: impl FnMut(usize, usize)) {
    let g = geometry;
    for channel in 0..g.channels {
        for row in 0..g.out_height() {
            for column in 0..g.out_width() {
                let output = (channel * g.out_height() + row) * g.out_width() + column;
                for i in 0..g.kernel {
                    for j in 0..g.kernel {
                        let in_row = (row * g.stride + i).wrapping_sub(g.pad);
                        let in_column = (column * g.stride + j).wrapping_sub(g.pad);
                        if in_row < g.in_height && in_column < g.in_width {
                            visit(
                                output,
                                (channel * g.in_height + in_row) * g.in_width + in_column,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Maxima of windows and the input index of the first maximum of each.
pub fn max_pool(geometry: &PoolGeometry, x: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let n = geometry.channels * geometry.out_height() * geometry.out_width();
    let (mut y, mut winner) = (vec![f64::NEG_INFINITY; n], vec![usize::MAX; n]);
    window_terms(geometry, |o, i| {
        if x[i] > y[o] || winner[o] == usize::MAX {
            (y[o], winner[o]) = (x[i], i);
        }
    });
    (y, winner)
}

/// `y = W x + bias`
pub fn linear(weight: &[f64], x: &[f64], bias: &[f64]) -> Vec<f64> {
    let rows = weight.chunks_exact(x.len()).zip(bias);
    rows.map(|(row, bias)| bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
}

/// Slope of `f` at `x` along coordinate `idx`, by central differences of width `step`.
pub fn slope(f: impl Fn(&[f64]) -> f64, x: &[f64], idx: usize, step: f64) -> f64 {
    let at = |shift: f64| {
        let mut moved = x.to_vec();
        moved[idx] += shift;
        f(&moved)
    };
    (at(step) - at(-step)) / (2.0 * step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    #[test]
    fn conv_gradients_are_slopes() {
        let geometry = ConvGeometry {
            in_channels: 2,
            out_channels: 4,
            in_height: 5,
            in_width: 4,
            kernel: 3,
            stride: 2,
            pad: 1,
            groups: 2,
        };
        let wave =
            |n: usize, k: f64| -> Vec<f64> { (0..n).map(|i| (i as f64 * k).sin()).collect() };
        let x = wave(40, 1.3);
        let w = wave(geometry.weight_len(), 0.7);
        let dy = wave(4 * 3 * 2, 2.1);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let dx = conv_grad_input(&geometry, &dy, &w);
        for (i, &dx) in dx.iter().enumerate() {
            let slope = slope(|x| dot(&conv_forward(&geometry, x, &w), &dy), &x, i, 1e-3);
            assert!(Tolerance::Slope.holds(dx, slope, 1.0));
        }
        let dw = conv_grad_weight(&geometry, &x, &dy);
        for (i, &dw) in dw.iter().enumerate() {
            let slope = slope(|w| dot(&conv_forward(&geometry, &x, w), &dy), &w, i, 1e-3);
            assert!(Tolerance::Slope.holds(dw, slope, 1.0));
        }
    }
}
