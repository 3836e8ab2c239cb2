//! Convolutions and pools of any sizes on one block, plainly: for windows that are not square.
//!
//! In and out: blocks `[height][width][channel][16]`, weights as PyTorch has them. Sums run over windows in row-major order.

use crate::ir::Pool;
use crate::kernels::LANES;
use crate::kernels::isa::Isa;
use crate::kernels::lanes::sum_lanes;
use crate::lower::cpu::PlainConv;

/// Calls `visit(output vector, input vector, weight)` for every product of a convolution.
fn products(conv: &PlainConv, mut visit: impl FnMut(usize, usize, usize)) {
    let [inputs, height, width] = conv.input;
    let [outputs, out_height, out_width] = conv.output;
    let [kernel_height, kernel_width] = conv.kernel;
    let groups = conv.conv.groups.max(1);
    let (group_in, group_out) = (inputs / groups, outputs / groups);
    for output in 0..outputs {
        let group = output / group_out.max(1);
        for row in 0..out_height {
            for column in 0..out_width {
                let y = (row * out_width + column) * outputs + output;
                for channel in 0..group_in {
                    for i in 0..kernel_height {
                        let at = (row * conv.conv.stride[0] + i).wrapping_sub(conv.conv.pad[0]);
                        for j in 0..kernel_width {
                            let along =
                                (column * conv.conv.stride[1] + j).wrapping_sub(conv.conv.pad[1]);
                            if at < height && along < width {
                                let x = (at * width + along) * inputs + group * group_in + channel;
                                let w = ((output * group_in + channel) * kernel_height + i)
                                    * kernel_width
                                    + j;
                                visit(y, x, w);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn accumulate(to: &mut [f32], x: &[f32], factor: f32) {
    for (to, x) in to.iter_mut().zip(x) {
        *to = x.mul_add(factor, *to);
    }
}

pub(super) fn conv(conv: &PlainConv, x: &[f32], w: &[f32], y: &mut [f32]) {
    y.fill(0.0);
    products(conv, |out, input, weight| {
        accumulate(&mut y[out * LANES..][..LANES], &x[input * LANES..][..LANES], w[weight]);
    });
}

pub(super) fn conv_grad_input(conv: &PlainConv, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    products(conv, |out, input, weight| {
        accumulate(&mut dx[input * LANES..][..LANES], &dy[out * LANES..][..LANES], w[weight]);
    });
}

pub(super) fn conv_grad_weight(
    conv: &PlainConv,
    dy: &[f32],
    x: &[f32],
    is_first: bool,
    grad: &mut [f32],
) {
    if is_first {
        grad.fill(0.0);
    }
    products(conv, |out, input, weight| {
        let mut product = [0.0; LANES];
        let (dy, x) = (&dy[out * LANES..][..LANES], &x[input * LANES..][..LANES]);
        for (product, (dy, x)) in product.iter_mut().zip(dy.iter().zip(x)) {
            *product = dy * x;
        }
        let mut sum = [0.0];
        sum_lanes(Isa::portable(), &product, &mut sum);
        grad[weight] += sum[0];
    });
}

/// Calls `visit(output vector, window)` with the input vectors of each window.
fn windows(
    pool: &Pool,
    [channels, height, width]: [usize; 3],
    mut visit: impl FnMut(usize, &[usize]),
) {
    let count = |size: usize, axis: usize| {
        (size + 2 * pool.pad[axis] - pool.kernel[axis]) / pool.stride[axis] + 1
    };
    let (out_height, out_width) = (count(height, 0), count(width, 1));
    let mut window = Vec::with_capacity(pool.kernel[0] * pool.kernel[1]);
    for row in 0..out_height {
        for column in 0..out_width {
            for channel in 0..channels {
                window.clear();
                for i in 0..pool.kernel[0] {
                    let at = (row * pool.stride[0] + i).wrapping_sub(pool.pad[0]);
                    for j in 0..pool.kernel[1] {
                        let along = (column * pool.stride[1] + j).wrapping_sub(pool.pad[1]);
                        if at < height && along < width {
                            window.push((at * width + along) * channels + channel);
                        }
                    }
                }
                visit((row * out_width + column) * channels + channel, &window);
            }
        }
    }
}

/// Position of the first maximum of a lane; the first NaN wins.
fn winner(x: &[f32], window: &[usize], lane: usize) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for position in window {
        let value = x[position * LANES + lane];
        if best.is_none_or(|(_, max)| value > max || value.is_nan() && !max.is_nan()) {
            best = Some((*position, value));
        }
    }
    best.map(|(position, _)| position)
}

pub(super) fn max_pool(pool: &Pool, sizes: [usize; 3], x: &[f32], y: &mut [f32]) {
    windows(pool, sizes, |out, window| {
        for lane in 0..LANES {
            if let Some(position) = winner(x, window, lane) {
                y[out * LANES + lane] = x[position * LANES + lane];
            }
        }
    });
}

pub(super) fn max_pool_grad(pool: &Pool, sizes: [usize; 3], x: &[f32], dy: &[f32], dx: &mut [f32]) {
    dx.fill(0.0);
    windows(pool, sizes, |out, window| {
        for lane in 0..LANES {
            if let Some(position) = winner(x, window, lane) {
                dx[position * LANES + lane] += dy[out * LANES + lane];
            }
        }
    });
}

pub(super) fn average_pool(pool: &Pool, sizes: [usize; 3], x: &[f32], y: &mut [f32]) {
    let scale = 1.0 / (pool.kernel[0] * pool.kernel[1]) as f32;
    y.fill(0.0);
    windows(pool, sizes, |out, window| {
        for position in window {
            accumulate(&mut y[out * LANES..][..LANES], &x[position * LANES..][..LANES], scale);
        }
    });
}

pub(super) fn average_pool_grad(pool: &Pool, sizes: [usize; 3], dy: &[f32], dx: &mut [f32]) {
    let scale = 1.0 / (pool.kernel[0] * pool.kernel[1]) as f32;
    dx.fill(0.0);
    windows(pool, sizes, |out, window| {
        for position in window {
            accumulate(&mut dx[position * LANES..][..LANES], &dy[out * LANES..][..LANES], scale);
        }
    });
}
