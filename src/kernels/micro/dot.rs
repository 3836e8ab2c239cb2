//! The tile `sum[o][t] += Σ_pixels dy[pixel][o] · x[pixel][t]`, lane by lane.
//!
//! In: a rectangle of pixels of an output gradient and of the input under a run of taps. Out: lane accumulators,
//! 16 floats per weight. Invariant: pixels are summed row by row, one fused multiply-add each.

use super::{tile_fits, with_tile};
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// A rectangle of pixels and one tile of weights; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rectangle {
    /// Output gradient of the first pixel and the first output; outputs follow at `LANES`.
    pub(crate) dy: *const f32,
    /// Input of the first pixel under the first tap.
    pub(crate) x: *const f32,
    /// Accumulator of the first weight; taps follow at `LANES`.
    pub(crate) sum: *mut f32,
    /// Distance between taps in the input.
    pub(crate) x_tap: usize,
    /// Distance between outputs in the accumulators.
    pub(crate) sum_row: usize,
    /// Pixel rows.
    pub(crate) n_rows: usize,
    /// Pixels in a row.
    pub(crate) n_columns: usize,
    /// Distances between pixel rows and between pixels, in the output gradient.
    pub(crate) dy_step: (usize, usize),
    /// Distances between pixel rows and between pixels, in the input.
    pub(crate) x_step: (usize, usize),
}

/// Runs one tile of `outputs × taps` weights over the rectangle.
///
/// # Safety
/// All vectors that the counts and distances reach must be valid; accumulators must not overlap what is read.
/// `outputs × taps` must be a tile of the table that fits `isa`.
pub(crate) unsafe fn run(isa: Isa, outputs: usize, taps: usize, rectangle: &Rectangle) {
    macro_rules! tile {
        ($r:literal, $c:literal) => {
            // SAFETY: forwarded from the caller.
            unsafe { rectangle_on::<$r, $c>(isa, rectangle) }
        };
    }
    with_tile!(outputs, taps, tile);
}

per_isa!(unsafe fn rectangle_on[R: usize, C: usize](rectangle: &Rectangle) = rectangle_body);

#[inline(always)]
unsafe fn rectangle_body<S: Simd, const R: usize, const C: usize>(rectangle: &Rectangle) {
    if !tile_fits(S::REGISTERS, R, C) {
        unreachable!("tiles are chosen to fit the registers");
    }
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller vouches for every vector that the loops reach; `part` selects lanes inside each.
        unsafe {
            let sum = rectangle.sum.add(part);
            let mut acc = [[S::splat(0.0); C]; R];
            for (r, row) in acc.iter_mut().enumerate() {
                for (c, a) in row.iter_mut().enumerate() {
                    *a = S::load(sum.add(r * rectangle.sum_row + c * LANES));
                }
            }
            for i in 0..rectangle.n_rows {
                let mut dy = rectangle.dy.add(part + i * rectangle.dy_step.0);
                let mut x = rectangle.x.add(part + i * rectangle.x_step.0);
                for _ in 0..rectangle.n_columns {
                    let mut taps = [S::splat(0.0); C];
                    for (c, tap) in taps.iter_mut().enumerate() {
                        *tap = S::load(x.add(c * rectangle.x_tap));
                    }
                    for (r, row) in acc.iter_mut().enumerate() {
                        let grad = S::load(dy.add(r * LANES));
                        for (a, &tap) in row.iter_mut().zip(&taps) {
                            *a = S::fma(grad, tap, *a);
                        }
                    }
                    dy = dy.wrapping_add(rectangle.dy_step.1);
                    x = x.wrapping_add(rectangle.x_step.1);
                }
            }
            for (r, row) in acc.iter().enumerate() {
                for (c, &a) in row.iter().enumerate() {
                    S::store(sum.add(r * rectangle.sum_row + c * LANES), a);
                }
            }
        }
    }
}
