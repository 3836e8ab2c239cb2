//! The tile `image[winner of the window and o][tap] += Σ_o grad[window][o] · weight[o][tap]`, taps along the vector.
//!
//! In: for each pooling window of one sample and each of its positions, the outputs that won there. Out: one sample's image,
//! added to. Invariant: windows come one after the other, in them positions, in these outputs, one fused multiply-add each,
//! whatever the instruction set.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Kernel rows that a tile may have, largest first.
const ROWS: [usize; 4] = [5, 3, 2, 1];
/// Vectors of taps in a kernel row that a tile may have.
const VECTORS: [usize; 5] = [6, 4, 3, 2, 1];

/// All windows of one sample and one tile of taps; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// Image under the first tap of the first position of the first window.
    pub(crate) image: *mut f32,
    /// First tap of the first output.
    pub(crate) weight: *const f32,
    /// Gradients `[window][output]`.
    pub(crate) grad: *const f32,
    /// Outputs that won, 16 to a word, lowest bit first: `[window][position][word]`.
    pub(crate) won: *const u16,
    /// From a window's first position to each of its positions.
    pub(crate) shift: *const usize,
    /// Positions of a window.
    pub(crate) n_positions: usize,
    /// Outputs.
    pub(crate) n_outputs: usize,
    /// Rows of windows and windows in a row.
    pub(crate) windows: (usize, usize),
    /// Distances between rows of windows and between windows, in the image.
    pub(crate) image_step: (usize, usize),
    /// Distance between kernel rows in the image.
    pub(crate) image_tap_row: usize,
    /// Distance between kernel rows in the weights.
    pub(crate) weight_tap_row: usize,
    /// Distance between outputs in the weights.
    pub(crate) weight_output: usize,
}

/// Sums in the largest tile: what the smallest register file holds. A tile that depended on the instruction set would
/// change the order in which neighbouring windows are added up.
const ROOM: usize = 12;

/// Rows and vectors of the largest tile for so many kernel rows and vectors.
pub(crate) fn tile(rows: usize, vectors: usize) -> (usize, usize) {
    let mut best = (1, 1);
    for v in VECTORS.into_iter().filter(|v| *v <= vectors) {
        for r in ROWS.into_iter().filter(|r| *r <= rows && r * v <= ROOM) {
            if r * v > best.0 * best.1 {
                best = (r, v);
            }
        }
    }
    best
}

/// Kernel rows cut into parts that tiles exist for: start and length.
pub(crate) fn row_parts(n: usize, max: usize) -> impl Iterator<Item = (usize, usize)> {
    super::pieces(n, &ROWS, max)
}

/// Vectors of taps cut into parts that tiles exist for.
pub(crate) fn vector_parts(n: usize, max: usize) -> impl Iterator<Item = (usize, usize)> {
    super::pieces(n, &VECTORS, max)
}

/// Adds one tile of taps of all windows.
///
/// # Safety
/// Everything that the counts, distances, shifts and bits reach must be valid; the image must not overlap what is read.
/// `rows × vectors` must be a part of a tile of [`tile`].
pub(crate) unsafe fn run(isa: Isa, rows: usize, vectors: usize, spread: &Spread) {
    macro_rules! tiles {
        ($(($r:literal, $v:literal))+) => {
            match (rows, vectors) {
                // SAFETY: forwarded from the caller.
                $(($r, $v) => unsafe { spread_on::<$r, $v>(isa, spread) },)+
                _ => unreachable!("tiles are chosen within the limits of the table"),
            }
        };
    }
    tiles! {
        (1, 1) (1, 2) (1, 3) (1, 4) (1, 6)
        (2, 1) (2, 2) (2, 3) (2, 4) (2, 6)
        (3, 1) (3, 2) (3, 3) (3, 4)
        (5, 1) (5, 2)
    }
}

per_isa!(unsafe fn spread_on[R: usize, V: usize](spread: &Spread) = spread_body);

#[inline(always)]
unsafe fn spread_body<S: Simd, const R: usize, const V: usize>(spread: &Spread) {
    if R * V + 2 > S::REGISTERS {
        unreachable!("tiles are chosen to fit the registers");
    }
    let Spread { image_step, image_tap_row, weight_tap_row, weight_output, .. } = *spread;
    let n_words = spread.n_outputs.div_ceil(LANES);
    // SAFETY: the caller vouches for all that the loops reach; `part` selects taps inside each vector.
    unsafe {
        let (mut grad, mut won) = (spread.grad, spread.won);
        for row in 0..spread.windows.0 {
            let mut image = spread.image.add(row * image_step.0);
            for _ in 0..spread.windows.1 {
                for position in 0..spread.n_positions {
                    let to = image.add(*spread.shift.add(position));
                    // Innermost: parts of neighbouring windows meet in the image.
                    for part in (0..LANES).step_by(S::N) {
                        let (weight, to) = (spread.weight.add(part), to.add(part));
                        let mut acc = [[S::splat(0.0); V]; R];
                        let mut any = 0;
                        for word in 0..n_words {
                            let mut open = *won.add(word);
                            any |= open;
                            while open != 0 {
                                let o = word * LANES + open.trailing_zeros() as usize;
                                open &= open - 1;
                                let grad = S::splat(*grad.add(o));
                                let taps = weight.add(o * weight_output);
                                for (r, acc) in acc.iter_mut().enumerate() {
                                    for (v, a) in acc.iter_mut().enumerate() {
                                        let tap = S::load(taps.add(r * weight_tap_row + v * LANES));
                                        *a = S::fma(grad, tap, *a);
                                    }
                                }
                            }
                        }
                        if any == 0 {
                            continue;
                        }
                        for (r, acc) in acc.iter().enumerate() {
                            for (v, &a) in acc.iter().enumerate() {
                                let to = to.add(r * image_tap_row + v * LANES);
                                S::store(to, S::add(S::load(to), a));
                            }
                        }
                    }
                    won = won.add(n_words);
                }
                image = image.wrapping_add(image_step.1);
                grad = grad.wrapping_add(spread.n_outputs);
            }
        }
    }
}
