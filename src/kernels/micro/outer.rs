//! The tile `sum[o][c] += Σ_(pixel, lane) dy[pixel][o][lane] · xt[pixel][lane][c]`, channels along the vector.
//!
//! In: an output gradient in block layout and an input turned so that channels lie together. Out: one accumulator
//! per weight. Invariant: every weight is summed pixel by pixel and lane by lane, one fused multiply-add each.

use super::{MAX_ROWS, parts, tile_fits, with_tile};
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Channels that one panel of turned input holds at most.
pub(crate) const PANEL: usize = 64;

/// A line of pixels and one tile of weights; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Output gradient of the first pixel and the first output; outputs follow at `LANES`.
    pub(crate) dy: *const f32,
    /// Turned input of the first pixel: 16 lanes of `panel` channels.
    pub(crate) xt: *const f32,
    /// Accumulator of the first weight; channels follow one another.
    pub(crate) sum: *mut f32,
    /// Channels of the panel, a multiple of 16.
    pub(crate) panel: usize,
    /// Distance between outputs in the accumulators.
    pub(crate) sum_row: usize,
    /// Pixels.
    pub(crate) n_pixels: usize,
    /// Distance between pixels in the output gradient.
    pub(crate) dy_pixel: usize,
    /// Distance between pixels in the turned input.
    pub(crate) xt_pixel: usize,
}

/// Outputs in one tile that is `panel` channels wide.
pub(crate) fn tile_rows(isa: Isa, panel: usize) -> usize {
    let vectors = vectors(isa, panel);
    (1..=MAX_ROWS).rev().find(|&rows| tile_fits(isa.registers(), rows, vectors)).unwrap_or(1)
}

/// Vectors along the channels of one tile.
fn vectors(isa: Isa, panel: usize) -> usize {
    use crate::kernels::isa::IsaKind;
    match isa.kind() {
        IsaKind::Avx512 => panel / LANES,
        IsaKind::Avx2 | IsaKind::Portable => 2,
    }
}

/// Adds `n_outputs × line.panel` weights over the line.
///
/// # Safety
/// All floats that the counts and distances reach must be valid; accumulators must not overlap what is read;
/// the panel must be a multiple of 16 and at most [`PANEL`].
pub(crate) unsafe fn run(isa: Isa, n_outputs: usize, line: &Line) {
    let vectors = vectors(isa, line.panel);
    for (start, rows) in parts(n_outputs, tile_rows(isa, line.panel)) {
        macro_rules! tile {
            ($r:literal, $c:literal) => {
                // SAFETY: forwarded from the caller; the tile covers outputs `start .. start + rows`.
                unsafe {
                    let dy = line.dy.add(start * LANES);
                    let sum = line.sum.add(start * line.sum_row);
                    line_on::<$r, $c>(isa, &Line { dy, sum, ..*line });
                }
            };
        }
        with_tile!(rows, vectors, tile);
    }
}

per_isa!(unsafe fn line_on[R: usize, C: usize](line: &Line) = line_body);

#[inline(always)]
unsafe fn line_body<S: Simd, const R: usize, const C: usize>(line: &Line) {
    if !tile_fits(S::REGISTERS, R, C) {
        unreachable!("tiles are chosen to fit the registers");
    }
    for first in (0..line.panel).step_by(C * S::N) {
        // SAFETY: the caller vouches for all pixels, lanes and channels of the panel.
        unsafe {
            let sum = line.sum.add(first);
            let mut acc = [[S::splat(0.0); C]; R];
            for (r, row) in acc.iter_mut().enumerate() {
                for (c, a) in row.iter_mut().enumerate() {
                    *a = S::load(sum.add(r * line.sum_row + c * S::N));
                }
            }
            for pixel in 0..line.n_pixels {
                let dy = line.dy.add(pixel * line.dy_pixel);
                let mut xt = line.xt.add(pixel * line.xt_pixel + first);
                for lane in 0..LANES {
                    let mut channels = [S::splat(0.0); C];
                    for (c, channel) in channels.iter_mut().enumerate() {
                        *channel = S::load(xt.add(c * S::N));
                    }
                    for (r, row) in acc.iter_mut().enumerate() {
                        let grad = S::splat(*dy.add(r * LANES + lane));
                        for (a, &channel) in row.iter_mut().zip(&channels) {
                            *a = S::fma(grad, channel, *a);
                        }
                    }
                    xt = xt.wrapping_add(line.panel);
                }
            }
            for (r, row) in acc.iter().enumerate() {
                for (c, &a) in row.iter().enumerate() {
                    S::store(sum.add(r * line.sum_row + c * S::N), a);
                }
            }
        }
    }
}
