//! The tile `y[o][p] = start + Σ_taps w[tap][o] · x[tap][p] + bias[o]` over the lanes of a block.
//!
//! In: pointers and strides of three nested tap loops. Out: `rows × columns` vectors of 16 lanes, `repeat` times
//! along the columns. Invariant: taps are summed in the order of the nest, one fused multiply-add each; the bias joins the
//! finished sum, as where an addition follows the product.

use super::{tile_fits, with_tile};
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// What an accumulator holds before the first tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Zero.
    Zero,
    /// What the output holds.
    Output,
}

/// One loop of the tap nest; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapLoop {
    /// Number of taps.
    pub(crate) count: usize,
    /// Distance between taps in the input.
    pub(crate) x: usize,
    /// Distance between taps in the weights.
    pub(crate) w: usize,
}

impl TapLoop {
    /// A loop of a single pass.
    pub(crate) const ONCE: Self = Self { count: 1, x: 0, w: 0 };
}

/// A strip of equal tiles; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip {
    /// First input vector, of the first tap and the first column.
    pub(crate) x: *const f32,
    /// Weight of the first tap and the first output.
    pub(crate) w: *const f32,
    /// First output vector.
    pub(crate) y: *mut f32,
    /// Bias of the first output, or null.
    pub(crate) bias: *const f32,
    /// Tap loops, outermost first.
    pub(crate) taps: [TapLoop; 3],
    /// Distance between outputs in the weights.
    pub(crate) w_row: usize,
    /// Distance between outputs in the output.
    pub(crate) y_row: usize,
    /// Distance between columns in the input.
    pub(crate) x_column: usize,
    /// Distance between columns in the output.
    pub(crate) y_column: usize,
    /// Number of tiles that follow one another along the columns.
    pub(crate) repeat: usize,
    /// What the sums start from.
    pub(crate) start: Start,
    /// Whether to replace negative results by zero.
    pub(crate) relu: bool,
}

/// Runs a strip of tiles of `rows × columns`.
///
/// # Safety
/// All vectors and weights that the strip's counts and distances reach must be valid, and the output must not overlap
/// what is read (except itself). `rows × columns` must be a tile of the table that fits `isa`.
pub(crate) unsafe fn run(isa: Isa, rows: usize, columns: usize, strip: &Strip) {
    macro_rules! tile {
        ($r:literal, $c:literal) => {
            // SAFETY: forwarded from the caller.
            unsafe { strip_on::<$r, $c>(isa, strip) }
        };
    }
    with_tile!(rows, columns, tile);
}

per_isa!(unsafe fn strip_on[R: usize, C: usize](strip: &Strip) = strip_body);

#[inline(always)]
unsafe fn strip_body<S: Simd, const R: usize, const C: usize>(strip: &Strip) {
    if !tile_fits(S::REGISTERS, R, C) {
        unreachable!("tiles are chosen to fit the registers");
    }
    for tile in 0..strip.repeat {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for all tiles of the strip; `part` selects lanes inside each vector.
            unsafe {
                let x = strip.x.add(tile * C * strip.x_column + part);
                let y = strip.y.add(tile * C * strip.y_column + part);
                tile_body::<S, R, C>(strip, x, y);
            }
        }
    }
}

#[inline(always)]
unsafe fn tile_body<S: Simd, const R: usize, const C: usize>(
    strip: &Strip,
    x: *const f32,
    y: *mut f32,
) {
    // SAFETY: the caller vouches for every vector and weight that the loops reach.
    unsafe {
        let mut acc = [[S::splat(0.0); C]; R];
        match strip.start {
            Start::Zero => {}
            Start::Output => {
                for (r, row) in acc.iter_mut().enumerate() {
                    for (c, a) in row.iter_mut().enumerate() {
                        *a = S::load(y.add(r * strip.y_row + c * strip.y_column));
                    }
                }
            }
        }
        let [outer, middle, inner] = strip.taps;
        for i in 0..outer.count {
            for j in 0..middle.count {
                let mut x = x.add(i * outer.x + j * middle.x);
                let mut w = strip.w.add(i * outer.w + j * middle.w);
                for _ in 0..inner.count {
                    let mut columns = [S::splat(0.0); C];
                    for (c, column) in columns.iter_mut().enumerate() {
                        *column = S::load(x.add(c * strip.x_column));
                    }
                    for (r, row) in acc.iter_mut().enumerate() {
                        let weight = S::splat(*w.add(r * strip.w_row));
                        for (a, &column) in row.iter_mut().zip(&columns) {
                            *a = S::fma(weight, column, *a);
                        }
                    }
                    x = x.wrapping_add(inner.x);
                    w = w.wrapping_add(inner.w);
                }
            }
        }
        if !strip.bias.is_null() {
            for (r, row) in acc.iter_mut().enumerate() {
                let bias = S::splat(*strip.bias.add(r));
                for a in row {
                    *a = S::add(*a, bias);
                }
            }
        }
        for (r, row) in acc.iter().enumerate() {
            for (c, &a) in row.iter().enumerate() {
                // `max(0, a)` keeps a NaN.
                let value = if strip.relu { S::max(S::splat(0.0), a) } else { a };
                S::store(y.add(r * strip.y_row + c * strip.y_column), value);
            }
        }
    }
}
