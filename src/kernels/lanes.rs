//! Sums over the 16 lanes of vectors, and over partial results, in one fixed order.
//!
//! Invariant: 16 lanes are added as a tree, `i` with `i + 8`, then 4, 2, 1; partial results are added in block order.

use super::LANES;
use super::isa::{Isa, Simd, per_isa};

/// The lane sums of up to 16 vectors; positions without a vector are zero.
///
/// # Panics
/// When `vectors` is not whole vectors or more than 16.
pub fn lane_sums(isa: Isa, vectors: &[f32]) -> [f32; LANES] {
    assert!(vectors.len().is_multiple_of(LANES) && vectors.len() <= LANES * LANES, "16 vectors");
    let mut sums = [0.0; LANES];
    if vectors.len() == LANES * LANES {
        // SAFETY: 16 vectors of 16 lanes.
        unsafe { square_sums(isa, vectors.as_ptr(), sums.as_mut_ptr()) };
    } else {
        for (sum, vector) in sums.iter_mut().zip(vectors.chunks_exact(LANES)) {
            *sum = tree(vector);
        }
    }
    sums
}

/// The sum of 16 floats as a tree.
pub(crate) fn tree(vector: &[f32]) -> f32 {
    let at = |i: usize| vector[i];
    let four = |i: usize| (at(i) + at(i + 8)) + (at(i + 4) + at(i + 12));
    (four(0) + four(2)) + (four(1) + four(3))
}

#[inline(always)]
unsafe fn square_sums_body<S: Simd>(vectors: *const f32, sums: *mut f32) {
    let mut turned = [0.0f32; LANES * LANES];
    // SAFETY: the caller passes 16 vectors and room for 16 sums.
    unsafe {
        S::transpose16(vectors, LANES, turned.as_mut_ptr(), LANES);
        for part in (0..LANES).step_by(S::N) {
            let at = |i: usize| S::load(turned.as_ptr().add(i * LANES + part));
            let mut row = [S::splat(0.0); LANES];
            for (i, row) in row.iter_mut().enumerate() {
                *row = at(i);
            }
            let four =
                |i: usize| S::add(S::add(row[i], row[i + 8]), S::add(row[i + 4], row[i + 12]));
            let sum = S::add(S::add(four(0), four(2)), S::add(four(1), four(3)));
            S::store(sums.add(part), sum);
        }
    }
}

per_isa!(unsafe fn square_sums(vectors: *const f32, sums: *mut f32) = square_sums_body);

/// `to[i] = Σ_lane from[i][lane]`
///
/// # Panics
/// When `from` does not hold 16 floats for each of `to`.
pub fn sum_lanes(isa: Isa, from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len() * LANES, "16 lanes for each sum");
    for (from, to) in from.chunks(LANES * LANES).zip(to.chunks_mut(LANES)) {
        let sums = lane_sums(isa, from);
        to.copy_from_slice(&sums[..to.len()]);
    }
}

/// `to = Σ_part parts[part]`, added in order; zero without parts.
///
/// # Panics
/// When a part has another length than `to`.
pub fn reduce_partials<'a>(to: &mut [f32], parts: impl IntoIterator<Item = &'a [f32]>) {
    let mut parts = parts.into_iter();
    match parts.next() {
        Some(first) => to.copy_from_slice(first),
        None => to.fill(0.0),
    }
    for part in parts {
        assert_eq!(part.len(), to.len(), "length of a part");
        for (to, part) in to.iter_mut().zip(part) {
            *to += part;
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_summing_agree() {
        let vectors: Vec<f32> = (0..256).map(|i| ((i * 37 % 101) as f32).sqrt()).collect();
        for isa in Isa::available() {
            let sums = lane_sums(isa, &vectors);
            for (i, vector) in vectors.chunks(LANES).enumerate() {
                assert_eq!(sums[i].to_bits(), tree(vector).to_bits());
            }
            let mut few = [f32::NAN; 3];
            sum_lanes(isa, &vectors[..48], &mut few);
            assert_eq!(few[..], sums[..3]);
        }
    }

    #[test]
    fn partials_are_added_in_order() {
        let mut to = [f32::NAN; 2];
        reduce_partials(&mut to, [&[1.0, 2.0][..], &[10.0, 20.0]]);
        assert_eq!(to, [11.0, 22.0]);
        reduce_partials(&mut to, []);
        assert_eq!(to, [0.0, 0.0]);
    }
}
