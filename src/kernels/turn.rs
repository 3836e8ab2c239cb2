//! Turning `[feature][16]` into `[16][feature]` and back.
//!
//! In and out: slices of whole 16×16 squares, with a last square that may be short. Invariant: only moves data.

use super::LANES;
use super::isa::{Isa, Simd, per_isa};

/// Floats of one square.
const SQUARE: usize = LANES * LANES;

#[inline(always)]
unsafe fn square_body<S: Simd>(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
    // SAFETY: forwarded from the caller.
    unsafe { S::transpose16(from, from_row, to, to_row) }
}

per_isa!(pub(crate) unsafe fn square(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) = square_body);

/// `to[lane][feature] = from[feature][lane]`, rows of `to` being `to_row` floats apart and filled with zeros up to `to_row`.
///
/// # Panics
/// When `from` is not whole vectors, `to` is shorter than 16 rows, or a row is shorter than the features.
pub(crate) fn turn_pixel(isa: Isa, from: &[f32], to: &mut [f32], to_row: usize) {
    let n = from.len() / LANES;
    assert!(from.len().is_multiple_of(LANES) && n <= to_row, "a row holds the features");
    assert!(to.len() >= LANES * to_row, "16 rows");
    let whole = n / LANES * LANES;
    for first in (0..whole).step_by(LANES) {
        // SAFETY: 16 vectors from `first` on are inside `from`, 16 floats of each row inside `to`.
        unsafe {
            let from = from.as_ptr().add(first * LANES);
            square(isa, from, LANES, to.as_mut_ptr().add(first), to_row);
        }
    }
    if whole < to_row {
        for (lane, row) in to.chunks_mut(to_row).take(LANES).enumerate() {
            for (feature, to) in row.iter_mut().enumerate().skip(whole) {
                *to = from.get(feature * LANES + lane).copied().unwrap_or(0.0);
            }
        }
    }
}

/// `to[feature][lane] = from[lane][feature]` for the given rows; lanes without a row become zero.
///
/// # Panics
/// When there are more than 16 rows or a row's length is not the number of features.
pub fn rows_to_block(isa: Isa, rows: &[&[f32]], to: &mut [f32]) {
    let n = to.len() / LANES;
    assert!(to.len().is_multiple_of(LANES) && rows.len() <= LANES, "one block");
    assert!(rows.iter().all(|row| row.len() == n), "length of a row");
    let mut buffer = [0.0; SQUARE];
    for (first, to) in (0..n).step_by(LANES).zip(to.chunks_mut(SQUARE)) {
        let width = LANES.min(n - first);
        for (lane, row) in rows.iter().enumerate() {
            buffer[lane * LANES..lane * LANES + width].copy_from_slice(&row[first..first + width]);
        }
        if width == LANES {
            // SAFETY: both sides are one whole square.
            unsafe { square(isa, buffer.as_ptr(), LANES, to.as_mut_ptr(), LANES) };
        } else {
            for (feature, to) in to.chunks_exact_mut(LANES).enumerate() {
                for (lane, to) in to.iter_mut().enumerate() {
                    *to = buffer[lane * LANES + feature];
                }
            }
        }
    }
}

/// `to[lane][feature] = from[feature][lane]` for the first lanes, as many as `to` has rows of `from.len() / 16` floats.
///
/// # Panics
/// When `to` is not whole rows or has more than 16 of them.
pub fn block_to_rows(isa: Isa, from: &[f32], to: &mut [f32]) {
    let n = from.len() / LANES;
    if n == 0 {
        return;
    }
    assert!(from.len().is_multiple_of(LANES) && to.len().is_multiple_of(n), "whole rows");
    assert!(to.len() / n <= LANES, "at most 16 rows");
    let mut buffer = [0.0; SQUARE];
    for (first, from) in (0..n).step_by(LANES).zip(from.chunks(SQUARE)) {
        turn_pixel(isa, from, &mut buffer, LANES);
        let width = from.len() / LANES;
        for (row, turned) in to.chunks_exact_mut(n).zip(buffer.chunks_exact(LANES)) {
            row[first..first + width].copy_from_slice(&turned[..width]);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn block_and_rows_are_inverse() {
        for isa in Isa::available() {
            for (n_rows, n) in [(16, 37), (3, 16), (1, 1), (16, 5)] {
                let rows: Vec<Vec<f32>> = (0..n_rows)
                    .map(|lane| (0..n).map(|i| (lane * 100 + i) as f32 + 1.0).collect())
                    .collect();
                let views: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
                let mut block = vec![f32::NAN; n * LANES];
                rows_to_block(isa, &views, &mut block);
                for (i, vector) in block.chunks(LANES).enumerate() {
                    for (lane, &value) in vector.iter().enumerate() {
                        let expected = rows.get(lane).map_or(0.0, |row| row[i]);
                        assert_eq!(value.to_bits(), expected.to_bits());
                    }
                }
                let mut back = vec![f32::NAN; n_rows * n];
                block_to_rows(isa, &block, &mut back);
                assert_eq!(back, rows.concat());
            }
        }
    }

    #[test]
    fn turned_pixels_are_padded_with_zeros() {
        let from: Vec<f32> = (0..5 * LANES).map(|i| i as f32 + 1.0).collect();
        let mut to = vec![f32::NAN; LANES * LANES];
        turn_pixel(Isa::detect(), &from, &mut to, LANES);
        assert_eq!(to[0], 1.0);
        assert_eq!(to[LANES + 4], 4.0 * 16.0 + 2.0);
        assert!(to.chunks(LANES).all(|row| row[5..].iter().all(|&x| x == 0.0)));
    }
}
