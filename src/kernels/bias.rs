//! Bias gradients: sums of an output gradient over pixels, then blocks, then lanes.

use super::LANES;
use super::isa::{Isa, Simd, per_isa};

/// **What** adds `Σ over pixels of dy[pixel][channel]` to `sums[channel]`, lane by lane; [`super::lanes::sum_lanes`] makes
/// the bias gradient of it.
///
/// **Shapes** `dy: [pixel][channel][16]` (or the blocks of a linear layer, one after another), `sums: [channel][16]`.
///
/// # Panics
/// When `dy` is not whole pixels.
pub fn add_channel_sums(isa: Isa, dy: &[f32], sums: &mut [f32]) {
    if sums.is_empty() {
        return;
    }
    assert!(
        sums.len().is_multiple_of(LANES) && dy.len().is_multiple_of(sums.len()),
        "whole pixels"
    );
    // SAFETY: the lengths were checked.
    unsafe { add(isa, dy.len() / sums.len(), sums.len(), dy.as_ptr(), sums.as_mut_ptr()) };
}

per_isa!(unsafe fn add(n_pixels: usize, pixel: usize, dy: *const f32, sums: *mut f32) = add_body);

#[inline(always)]
unsafe fn add_body<S: Simd>(n_pixels: usize, pixel: usize, dy: *const f32, sums: *mut f32) {
    const TILE: usize = 8;
    for first in (0..pixel).step_by(TILE * S::N) {
        let n = TILE.min((pixel - first) / S::N);
        // SAFETY: the caller passes whole pixels; the tile is cut at their end.
        unsafe {
            let mut acc = [S::splat(0.0); TILE];
            for (i, a) in acc.iter_mut().enumerate().take(n) {
                *a = S::load(sums.add(first + i * S::N));
            }
            for p in 0..n_pixels {
                let dy = dy.add(p * pixel + first);
                if n == TILE {
                    for (i, a) in acc.iter_mut().enumerate() {
                        *a = S::add(*a, S::load(dy.add(i * S::N)));
                    }
                } else {
                    for (i, a) in acc.iter_mut().enumerate().take(n) {
                        *a = S::add(*a, S::load(dy.add(i * S::N)));
                    }
                }
            }
            for (i, &a) in acc.iter().enumerate().take(n) {
                S::store(sums.add(first + i * S::N), a);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_pixels_to_what_is_there() {
        for isa in Isa::available() {
            for channels in [1, 3, 8, 11] {
                let dy: Vec<f32> = (0..5 * channels * LANES).map(|i| i as f32).collect();
                let mut sums = vec![1.0; channels * LANES];
                add_channel_sums(isa, &dy, &mut sums);
                for (i, &sum) in sums.iter().enumerate() {
                    let expected = 1.0 + (0..5).map(|p| dy[p * sums.len() + i]).sum::<f32>();
                    assert_eq!(sum.to_bits(), expected.to_bits());
                }
            }
        }
    }
}
