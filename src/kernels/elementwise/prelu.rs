//! Relu with a trained slope per channel for negative numbers.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// **What** `y = x` for x > 0, otherwise `slope[channel] · x`.
///
/// **Shapes** `x`, `y: [pixel][channel][16]`, `slope: [channel]`, or one slope for all channels.
///
/// # Panics
/// When lengths do not fit.
pub fn prelu_forward(isa: Isa, slope: &[f32], channels: usize, x: &[f32], y: &mut [f32]) {
    check(slope, channels, x.len());
    assert_eq!(y.len(), x.len(), "length of the output");
    // SAFETY: lengths were checked.
    unsafe { forward(isa, slope, channels, x.len() / LANES, x.as_ptr(), y.as_mut_ptr()) };
}

/// **What** `dx = dy` for x > 0, otherwise `slope[channel] · dy`; adds `dy · min(x, 0)` to the lane sums of the slope.
///
/// **Shapes** `sums: [slope][16]`; [`crate::kernels::lanes::sum_lanes`] makes the slope's gradient of it.
///
/// # Panics
/// When lengths do not fit.
pub fn prelu_backward(
    isa: Isa,
    slope: &[f32],
    channels: usize,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    sums: &mut [f32],
) {
    check(slope, channels, x.len());
    assert!(dy.len() == x.len() && dx.len() == x.len(), "length of a gradient");
    assert_eq!(sums.len(), slope.len() * LANES, "16 lanes for each slope");
    let vectors = x.len() / LANES;
    let (sources, targets) = ([x.as_ptr(), dy.as_ptr()], [dx.as_mut_ptr(), sums.as_mut_ptr()]);
    // SAFETY: lengths were checked.
    unsafe { backward(isa, slope, channels, vectors, sources, targets) };
}

fn check(slope: &[f32], channels: usize, len: usize) {
    assert!(channels > 0 && (slope.len() == channels || slope.len() == 1), "one slope per channel");
    assert!(len.is_multiple_of(channels * LANES), "whole pixels");
}

per_isa!(unsafe fn forward(
    slope: &[f32], channels: usize, vectors: usize, x: *const f32, y: *mut f32
) = forward_body);
per_isa!(unsafe fn backward(
    slope: &[f32], channels: usize, vectors: usize, sources: [*const f32; 2], targets: [*mut f32; 2]
) = backward_body);

#[inline(always)]
unsafe fn forward_body<S: Simd>(
    slope: &[f32],
    channels: usize,
    vectors: usize,
    x: *const f32,
    y: *mut f32,
) {
    for i in 0..vectors {
        let slope = if slope.len() == 1 { slope[0] } else { slope[i % channels] };
        for at in (i * LANES..(i + 1) * LANES).step_by(S::N) {
            // SAFETY: the caller passes that many vectors.
            unsafe {
                let x = S::load(x.add(at));
                let scaled = S::mul(S::splat(slope), x);
                S::store(y.add(at), S::select(S::gt(x, S::splat(0.0)), x, scaled));
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_body<S: Simd>(
    slope: &[f32],
    channels: usize,
    vectors: usize,
    [x, dy]: [*const f32; 2],
    [dx, sums]: [*mut f32; 2],
) {
    for i in 0..vectors {
        let idx = if slope.len() == 1 { 0 } else { i % channels };
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller passes that many vectors and 16 sums for each slope.
            unsafe {
                let at = i * LANES + part;
                let (x, dy) = (S::load(x.add(at)), S::load(dy.add(at)));
                let is_positive = S::gt(x, S::splat(0.0));
                let scaled = S::mul(S::splat(slope[idx]), dy);
                S::store(dx.add(at), S::select(is_positive, dy, scaled));
                let sum = sums.add(idx * LANES + part);
                let negative = S::select(is_positive, S::splat(0.0), x);
                S::store(sum, S::fma(dy, negative, S::load(sum)));
            }
        }
    }
}
