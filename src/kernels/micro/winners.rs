//! The tile `sum[o][tap] += grad[window][o] · image[winner of the window and o][tap]`, taps along the vector.
//!
//! In: one sample's image, and for each pooling window and output which position won and what gradient it got. Out: one
//! accumulator per weight. Invariant: every weight is summed window by window, one fused multiply-add each.

use super::pieces;
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Outputs that a tile may have, largest first.
const OUTPUTS: [usize; 4] = [6, 3, 2, 1];
/// Kernel rows that a tile may have.
const ROWS: [usize; 4] = [5, 3, 2, 1];
/// Vectors of taps in a kernel row that a tile may have.
const VECTORS: [usize; 5] = [6, 4, 3, 2, 1];

/// A rectangle of windows and one tile of weights; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// Taps of the first position of the first window.
    pub(crate) image: *const f32,
    /// From a window's first position to its winner, for the first window and the first output; outputs follow.
    pub(crate) shift: *const u32,
    /// Gradients in the same order.
    pub(crate) grad: *const f32,
    /// Accumulators of the first output.
    pub(crate) sum: *mut f32,
    /// Rows of windows.
    pub(crate) n_rows: usize,
    /// Windows in a row.
    pub(crate) n_columns: usize,
    /// Distances between rows of windows and between windows, in the image.
    pub(crate) image_step: (usize, usize),
    /// The same in the lists of winners.
    pub(crate) list_step: (usize, usize),
    /// Distance between kernel rows in the image.
    pub(crate) image_tap_row: usize,
    /// Distance between kernel rows in the accumulators.
    pub(crate) sum_tap_row: usize,
    /// Distance between outputs in the accumulators.
    pub(crate) sum_output: usize,
}

/// Sides of a tile: outputs, kernel rows, vectors of taps in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) outputs: usize,
    pub(crate) rows: usize,
    pub(crate) vectors: usize,
}

impl Sides {
    /// The tile for so many outputs, kernel rows and vectors: as many taps as fit, since each output costs two more
    /// reads whatever its taps, then as many outputs.
    pub(crate) fn choose(isa: Isa, outputs: usize, rows: usize, vectors: usize) -> Self {
        let room = isa.registers() - 2;
        let mut best = Self { outputs: 1, rows: 1, vectors: 1 };
        for v in VECTORS.into_iter().filter(|v| *v <= vectors) {
            for r in ROWS.into_iter().filter(|r| *r <= rows && r * v <= room) {
                if r * v > best.rows * best.vectors {
                    best = Self { outputs: 1, rows: r, vectors: v };
                }
            }
        }
        let taps = best.rows * best.vectors;
        let fits = |o: &usize| *o <= outputs && o * taps <= room;
        best.outputs = OUTPUTS.into_iter().find(fits).unwrap_or(1);
        best
    }

    /// `outputs` cut into parts that tiles exist for.
    pub(crate) fn output_parts(self, n: usize) -> impl Iterator<Item = (usize, usize)> {
        pieces(n, &OUTPUTS, self.outputs)
    }

    /// Kernel rows cut into parts that tiles exist for.
    pub(crate) fn row_parts(self, n: usize) -> impl Iterator<Item = (usize, usize)> {
        pieces(n, &ROWS, self.rows)
    }

    /// Vectors of taps cut into parts that tiles exist for.
    pub(crate) fn vector_parts(self, n: usize) -> impl Iterator<Item = (usize, usize)> {
        pieces(n, &VECTORS, self.vectors)
    }
}

/// Adds one tile over the rectangle of windows.
///
/// # Safety
/// Everything that the counts, distances and shifts reach must be valid, and accumulators must not overlap what is read.
/// The sides must be those of a tile that fits `isa`.
pub(crate) unsafe fn run(isa: Isa, sides: Sides, windows: &Windows) {
    macro_rules! tiles {
        ($(($o:literal, $r:literal, $v:literal))+) => {
            match (sides.outputs, sides.rows, sides.vectors) {
                // SAFETY: forwarded from the caller.
                $(($o, $r, $v) => unsafe { windows_on::<$o, $r, $v>(isa, windows) },)+
                _ => unreachable!("tiles are chosen within the limits of the table"),
            }
        };
    }
    tiles! {
        (1, 1, 1) (1, 1, 2) (1, 1, 3) (1, 1, 4) (1, 1, 6)
        (1, 2, 1) (1, 2, 2) (1, 2, 3) (1, 2, 4) (1, 2, 6)
        (1, 3, 1) (1, 3, 2) (1, 3, 3) (1, 3, 4) (1, 3, 6)
        (1, 5, 1) (1, 5, 2) (1, 5, 3) (1, 5, 4) (1, 5, 6)
        (2, 1, 1) (2, 1, 2) (2, 1, 3) (2, 1, 4) (2, 1, 6)
        (2, 2, 1) (2, 2, 2) (2, 2, 3) (2, 2, 4) (2, 2, 6)
        (2, 3, 1) (2, 3, 2) (2, 3, 3) (2, 3, 4)
        (2, 5, 1) (2, 5, 2) (2, 5, 3)
        (3, 1, 1) (3, 1, 2) (3, 1, 3) (3, 1, 4) (3, 1, 6)
        (3, 2, 1) (3, 2, 2) (3, 2, 3) (3, 2, 4)
        (3, 3, 1) (3, 3, 2) (3, 3, 3)
        (3, 5, 1) (3, 5, 2)
        (6, 1, 1) (6, 1, 2) (6, 1, 3) (6, 1, 4)
        (6, 2, 1) (6, 2, 2)
        (6, 3, 1)
        (6, 5, 1)
    }
}

per_isa!(unsafe fn windows_on[O: usize, R: usize, V: usize](windows: &Windows) = windows_body);

#[inline(always)]
unsafe fn windows_body<S: Simd, const O: usize, const R: usize, const V: usize>(windows: &Windows) {
    if O * R * V + 2 > S::REGISTERS {
        unreachable!("tiles are chosen to fit the registers");
    }
    let Windows { image_step, list_step, image_tap_row, sum_tap_row, sum_output, .. } = *windows;
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller vouches for all that the loops reach; `part` selects taps inside each vector.
        unsafe {
            let sum = windows.sum.add(part);
            let mut acc = [[[S::splat(0.0); V]; R]; O];
            for (o, acc) in acc.iter_mut().enumerate() {
                for (r, acc) in acc.iter_mut().enumerate() {
                    for (v, a) in acc.iter_mut().enumerate() {
                        *a = S::load(sum.add(o * sum_output + r * sum_tap_row + v * LANES));
                    }
                }
            }
            for row in 0..windows.n_rows {
                let mut image = windows.image.add(row * image_step.0 + part);
                let mut shift = windows.shift.add(row * list_step.0);
                let mut grad = windows.grad.add(row * list_step.0);
                for _ in 0..windows.n_columns {
                    for (o, acc) in acc.iter_mut().enumerate() {
                        let taps = image.add(*shift.add(o) as usize);
                        let grad = S::splat(*grad.add(o));
                        for (r, acc) in acc.iter_mut().enumerate() {
                            for (v, a) in acc.iter_mut().enumerate() {
                                let tap = S::load(taps.add(r * image_tap_row + v * LANES));
                                *a = S::fma(grad, tap, *a);
                            }
                        }
                    }
                    image = image.wrapping_add(image_step.1);
                    shift = shift.wrapping_add(list_step.1);
                    grad = grad.wrapping_add(list_step.1);
                }
            }
            for (o, acc) in acc.iter().enumerate() {
                for (r, acc) in acc.iter().enumerate() {
                    for (v, &a) in acc.iter().enumerate() {
                        S::store(sum.add(o * sum_output + r * sum_tap_row + v * LANES), a);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_exist_for_every_shape() {
        let mut sums = vec![0.0; 6 * 30 * LANES];
        for isa in Isa::available() {
            for (outputs, rows, vectors) in
                (1..9).flat_map(|o| (1..8).flat_map(move |r| (1..14).map(move |v| (o, r, v))))
            {
                let sides = Sides::choose(isa, outputs, rows, vectors);
                let taps = |parts: Vec<(usize, usize)>| parts.iter().map(|p| p.1).sum::<usize>();
                assert_eq!(taps(sides.output_parts(outputs).collect()), outputs);
                assert_eq!(taps(sides.row_parts(rows).collect()), rows);
                assert_eq!(taps(sides.vector_parts(vectors).collect()), vectors);
                for (_, o) in sides.output_parts(outputs) {
                    for (_, r) in sides.row_parts(rows) {
                        for (_, v) in sides.vector_parts(vectors) {
                            let empty = Windows {
                                image: std::ptr::null(),
                                shift: std::ptr::null(),
                                grad: std::ptr::null(),
                                sum: sums.as_mut_ptr(),
                                n_rows: 0,
                                n_columns: 0,
                                image_step: (0, 0),
                                list_step: (0, 0),
                                image_tap_row: 0,
                                sum_tap_row: 6 * LANES,
                                sum_output: 30 * LANES,
                            };
                            // SAFETY: no window is read; the accumulators hold the largest tile.
                            unsafe {
                                run(isa, Sides { outputs: o, rows: r, vectors: v }, &empty);
                            }
                        }
                    }
                }
            }
        }
    }
}
