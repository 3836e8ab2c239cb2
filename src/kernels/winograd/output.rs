//! The last transform of a pass, with what follows a convolution: bias, relu, 2×2 max pooling.
//!
//! In: the products of a tile at its points. Out: the pixels of the target, those outside the image left out, or the pixels of
//! the pooled target with their masks. Invariant: the same bits as without what follows, then what follows.

use std::ops::Range;

use super::TILE;
use super::transform::gather;
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Side of the windows that a pass pools.
pub(crate) const POOL: usize = 2;

/// Windows along each side of a tile.
const SIDE: usize = TILE / POOL;

/// Windows of a tile.
pub(super) const WINDOWS: usize = SIDE * SIDE;

/// What becomes of the sums of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Written.
    Write,
    /// Added to what the target holds.
    Add,
    /// Written where positive.
    Relu,
    /// The largest of each 2×2 window is written, and who it is; with relu first if asked.
    Pool {
        /// Whether relu comes first.
        relu: bool,
    },
}

/// Where a pass writes.
#[derive(Debug)]
pub(crate) struct Images<'a> {
    /// Target image; the pooled one when pooling.
    pub(crate) y: &'a mut [f32],
    /// Four words for each vector of the pooled target; empty without pooling.
    pub(crate) masks: &'a mut [u16],
    /// One float per output.
    pub(crate) bias: Option<&'a [f32]>,
    /// What is written.
    pub(crate) then: Then,
}

impl Images<'_> {
    /// # Panics
    /// When a slice has the wrong length for a target of so many rows and columns.
    pub(super) fn check(&self, [rows, columns]: [usize; 2], outputs: usize) {
        let n_vectors = if matches!(self.then, Then::Pool { .. }) {
            let n = rows / POOL * (columns / POOL) * outputs;
            assert_eq!(self.masks.len(), n * POOL * POOL, "length of the masks");
            n
        } else {
            rows * columns * outputs
        };
        assert_eq!(self.y.len(), n_vectors * LANES, "length of the target");
        assert!(self.bias.is_none_or(|bias| bias.len() == outputs), "length of the bias");
    }
}

/// One tile and some of its outputs; distances in floats.
#[derive(Clone, Debug)]
pub(super) struct Finish {
    /// Product of the first point and the first output.
    pub(super) sums: *const f32,
    /// Distance between points.
    pub(super) point: usize,
    /// Distance between outputs.
    pub(super) vector: usize,
    /// Which outputs.
    pub(super) outputs: Range<usize>,
    /// Outputs of a pixel of the target.
    pub(super) n_channels: usize,
    /// Rows and columns of the target, before pooling.
    pub(super) target: [usize; 2],
    /// Row and column of the tile.
    pub(super) tile: [usize; 2],
}

/// Finishes a tile; `outside` takes what lies outside the image.
///
/// # Safety
/// The products must be readable, `images` must have been checked against the target, and `outside` must have a vector for
/// each output.
pub(super) unsafe fn finish(
    isa: Isa,
    finish: &Finish,
    images: &mut Images<'_>,
    outside: &mut [f32],
) {
    let Finish { n_channels, target: [rows, columns], tile, .. } = *finish;
    let first = finish.outputs.start;
    let bias = images.bias.map_or(std::ptr::null(), |bias| bias[first..].as_ptr());
    if let Then::Pool { relu } = images.then {
        let (width, height) = (columns / POOL, rows / POOL);
        let windows = std::array::from_fn(|i| {
            let (row, column) = (SIDE * tile[0] + i / SIDE, SIDE * tile[1] + i % SIDE);
            if row >= height || column >= width {
                return None;
            }
            let vector = (row * width + column) * n_channels + first;
            let masks = images.masks[vector * POOL * POOL..].as_mut_ptr();
            Some(Window { y: images.y[vector * LANES..].as_mut_ptr(), masks })
        });
        // SAFETY: forwarded from the caller; the windows lie inside the pooled image.
        unsafe { pool(isa, finish, bias, relu, &windows) };
        return;
    }
    let pixels = std::array::from_fn(|i| {
        let (row, column) = (TILE * tile[0] + i / TILE, TILE * tile[1] + i % TILE);
        if row < rows && column < columns {
            images.y[((row * columns + column) * n_channels + first) * LANES..].as_mut_ptr()
        } else {
            outside.as_mut_ptr()
        }
    });
    // SAFETY: forwarded from the caller; each pixel has a vector for each output.
    unsafe { write(isa, finish, bias, images.then, &pixels) };
}

per_isa!(unsafe fn write(
    finish: &Finish, bias: *const f32, then: Then, pixels: &[*mut f32; TILE * TILE]
) = write_body);

#[inline(always)]
unsafe fn write_body<S: Simd>(
    finish: &Finish,
    bias: *const f32,
    then: Then,
    pixels: &[*mut f32; TILE * TILE],
) {
    for output in 0..finish.outputs.len() {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for the products, the bias and the pixels of all outputs.
            unsafe {
                let values = biased::<S>(finish, bias, output, part);
                for (pixel, &value) in pixels.iter().zip(values.as_flattened()) {
                    let to = pixel.add(output * LANES + part);
                    let value = match then {
                        Then::Write | Then::Pool { .. } => value,
                        Then::Add => S::add(S::load(to), value),
                        // `max(0, a)` keeps a NaN.
                        Then::Relu => S::max(S::splat(0.0), value),
                    };
                    S::store(to, value);
                }
            }
        }
    }
}

/// Where a pooled pixel goes.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Its vector of the first output.
    y: *mut f32,
    /// Four words for each output.
    masks: *mut u16,
}

per_isa!(unsafe fn pool(
    finish: &Finish, bias: *const f32, relu: bool, windows: &[Option<Window>; WINDOWS]
) = pool_body);

/// As `pool2d::max` does it: the first maximum of a window wins, and a NaN before all.
#[inline(always)]
unsafe fn pool_body<S: Simd>(
    finish: &Finish,
    bias: *const f32,
    relu: bool,
    windows: &[Option<Window>; WINDOWS],
) {
    for output in 0..finish.outputs.len() {
        let mut words = [[0u16; POOL * POOL]; WINDOWS];
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for the products, the bias, and the windows of all outputs.
            unsafe {
                let values = biased::<S>(finish, bias, output, part);
                for (i, (window, words)) in windows.iter().zip(&mut words).enumerate() {
                    let Some(window) = window else { continue };
                    let (row, column) = (POOL * (i / SIDE), POOL * (i % SIDE));
                    let [upper, lower] = [values[row], values[row + 1]];
                    let values =
                        [upper[column], upper[column + 1], lower[column], lower[column + 1]];
                    let mut best = values[0];
                    for value in values {
                        let larger = S::or(S::gt(value, best), S::is_nan(value));
                        best = S::select(larger, value, best);
                    }
                    let zero = S::splat(0.0);
                    let result = if relu { S::max(zero, best) } else { best };
                    S::store(window.y.add(output * LANES + part), result);
                    let alive = if relu { S::gt(best, zero) } else { S::eq(best, best) };
                    let mut open = S::bits(S::or(alive, S::is_nan(best)));
                    for (word, value) in words.iter_mut().zip(values) {
                        let is_best = S::or(S::eq(value, best), S::is_nan(value));
                        let won = S::bits(is_best) & open;
                        open &= !won;
                        *word |= won << part;
                    }
                }
            }
        }
        for (window, words) in windows.iter().zip(words) {
            let Some(window) = window else { continue };
            // SAFETY: four words for each output.
            unsafe {
                window.masks.cast::<[u16; POOL * POOL]>().add(output).write_unaligned(words);
            }
        }
    }
}

/// The sums of a tile with their bias.
#[inline(always)]
unsafe fn biased<S: Simd>(
    finish: &Finish,
    bias: *const f32,
    output: usize,
    part: usize,
) -> [[S::V; TILE]; TILE] {
    // SAFETY: forwarded from the caller.
    unsafe {
        let from = finish.sums.add(output * finish.vector + part);
        let mut sums = gather::<S>(from, finish.point);
        if !bias.is_null() {
            let bias = S::splat(*bias.add(output));
            for sum in sums.as_flattened_mut() {
                *sum = S::add(*sum, bias);
            }
        }
        sums
    }
}
