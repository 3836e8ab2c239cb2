//! Weight gradient behind a max pool, winner by winner: only the winner of each window counts.
//!
//! Of `size²` output positions at most one has a gradient, but which one differs from sample to sample; so here samples
//! come one after the other and the taps of a kernel row lie along the vector. In: the gradient of the *pooled* output
//! with the masks of the winners, and the input. Out: accumulators, added to; then
//! [`Winners::collapse`]. Invariant: each weight is summed sample by sample, window by window.

use std::ops::Range;

use super::behind_pool::{BehindPool, MAX_AREA};
use crate::kernels::LANES;
use crate::kernels::isa::{Simd, per_isa};
use crate::kernels::micro::winners::{self, Sides, Windows};

/// Bytes of an image that stay in the first-level cache while all outputs pass over them.
const CACHED_IMAGE: usize = 24 << 10;

/// The plan of a weight gradient from winners, for one instruction set.
#[derive(Clone, Debug)]
pub(super) struct Winners {
    shape: BehindPool,
    /// Whether taps are copied so that they start at whole vectors; images of 16, 32, … channels have them there.
    is_gathered: bool,
    /// Distance between rows of what tiles read, and between convolution outputs in a row.
    row: usize,
    column: usize,
    /// Rows of windows that pass over the image at once.
    strip: usize,
    sides: Sides,
}

impl Winners {
    /// Plans the gradient; `None` where taps waste more than they save.
    pub(super) fn new(shape: &BehindPool) -> Option<Self> {
        // Each multiply-add here also reads a vector of the image, which costs about half as much again.
        if 3 * shape.taps > 2 * shape.area() * shape.used_taps() {
            return None;
        }
        let (isa, geometry) = (shape.isa, shape.geometry);
        let is_gathered = !geometry.in_channels.is_multiple_of(LANES);
        let (row, column) = if is_gathered {
            (geometry.out_width() * shape.taps, shape.taps)
        } else {
            (shape.pitch(), geometry.stride * geometry.in_channels)
        };
        let sides = Sides::choose(isa, geometry.out_channels, geometry.kernel, shape.taps / LANES);
        let mut plan = Self { shape: shape.clone(), is_gathered, row, column, strip: 1, sides };
        plan.strip = (1..=plan.shape.pool.out_height())
            .rev()
            .find(|strip| plan.strip_rows(*strip) * row * size_of::<f32>() <= CACHED_IMAGE)
            .unwrap_or(1);
        Some(plan)
    }

    /// What it costs, in multiply-adds of a block: one position a window, and what loads and lists add. Fitted as the costs of
    /// Winograd's algorithm, which are compared with it.
    pub(super) fn cost(&self) -> u64 {
        let waste = self.shape.taps as f64 / self.shape.used_taps() as f64;
        let products = self.shape.geometry.multiply_adds() as f64;
        (2.5 * waste * products / self.shape.area() as f64) as u64
    }

    /// Floats of the accumulators `[out][kernel row][taps]`.
    pub(super) fn sums_len(&self) -> usize {
        self.shape.geometry.out_channels * self.shape.geometry.kernel * self.shape.taps
    }

    /// Floats of scratch: 16 images, gathered taps, and the lists of winners.
    pub(super) fn scratch_len(&self) -> usize {
        LANES * (self.shape.image_len() + 2 * self.shape.list_len()) + self.gathered_len()
    }

    /// Adds the gradient of one block, whose lengths were checked.
    pub(super) fn add(
        &self,
        x: &[f32],
        dy: &[f32],
        masks: &[u16],
        sums: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (images, rest) = scratch.split_at_mut(LANES * self.shape.image_len());
        let (gathered, rest) = rest.split_at_mut(self.gathered_len());
        let (shifts, grads) = rest.split_at_mut(LANES * self.shape.list_len());
        self.shape.unfold(x, images);
        self.list_winners(dy, masks, shifts, &mut grads[..LANES * self.shape.list_len()]);
        for lane in 0..LANES {
            let image = &images[lane * self.shape.image_len()..][..self.shape.image_len()];
            let list = lane * self.shape.list_len()..(lane + 1) * self.shape.list_len();
            self.add_sample(image, &shifts[list.clone()], &grads[list], sums, gathered);
        }
    }

    /// The gradient `[out][in][kernel][kernel]` from the accumulators, whose lengths were checked.
    pub(super) fn collapse(&self, sums: &[f32], grad: &mut [f32]) {
        let (kernel, channels) = (self.shape.geometry.kernel, self.shape.geometry.in_channels);
        let outputs = grad.chunks_exact_mut(channels * kernel * kernel);
        for (grad, sums) in outputs.zip(sums.chunks_exact(kernel * self.shape.taps)) {
            for (channel, grad) in grad.chunks_exact_mut(kernel * kernel).enumerate() {
                for (tap, grad) in grad.iter_mut().enumerate() {
                    let (i, j) = (tap / kernel, tap % kernel);
                    *grad = sums[i * self.shape.taps + j * channels + channel];
                }
            }
        }
    }

    fn gathered_len(&self) -> usize {
        if self.is_gathered { self.strip_rows(self.shape.pool.out_height()) * self.row } else { 0 }
    }

    /// Input rows under `strip` rows of windows.
    fn strip_rows(&self, strip: usize) -> usize {
        (strip * self.shape.pool.kernel - 1) * self.shape.geometry.stride
            + self.shape.geometry.kernel
    }

    /// For each sample, window and output: how far the winner is from the window's first position, and its gradient.
    fn list_winners(&self, dy: &[f32], masks: &[u16], shifts: &mut [f32], grads: &mut [f32]) {
        let size = self.shape.pool.kernel;
        let mut at = [0; MAX_AREA];
        for (position, at) in at.iter_mut().enumerate() {
            let (i, j) = (position / size, position % size);
            *at = (i * self.shape.geometry.stride * self.row + j * self.column) as u32;
        }
        // SAFETY: the lengths are those that `add` checked; lists have room for whole squares.
        unsafe {
            list(
                self.shape.isa,
                dy.len() / LANES,
                &at[..size * size],
                (dy.as_ptr(), masks.as_ptr()),
                (shifts.as_mut_ptr(), grads.as_mut_ptr()),
                self.shape.list_len(),
            );
        }
    }

    /// One sample.
    fn add_sample(
        &self,
        image: &[f32],
        shifts: &[f32],
        grads: &[f32],
        sums: &mut [f32],
        gathered: &mut [f32],
    ) {
        let (outputs, size) = (self.shape.geometry.out_channels, self.shape.pool.kernel);
        let (n_rows, n_columns) = (self.shape.pool.out_height(), self.shape.pool.out_width());
        let window_row = size * self.shape.geometry.stride * self.row;
        let mut n_gathered = 0;
        for first in (0..n_rows).step_by(self.strip) {
            let strip = self.strip.min(n_rows - first);
            let taps = if self.is_gathered {
                let end = first * size * self.shape.geometry.stride + self.strip_rows(strip);
                self.gather(image, n_gathered..end, gathered);
                n_gathered = end;
                gathered[first * window_row..].as_ptr()
            } else {
                image[first * window_row..].as_ptr()
            };
            let list = first * n_columns * outputs;
            for (output, n_outputs) in self.sides.output_parts(outputs) {
                for (tap_row, n_tap_rows) in self.sides.row_parts(self.shape.geometry.kernel) {
                    for (vector, n_vectors) in self.sides.vector_parts(self.shape.taps / LANES) {
                        let tile =
                            Sides { outputs: n_outputs, rows: n_tap_rows, vectors: n_vectors };
                        let tap = tap_row * self.shape.taps + vector * LANES;
                        // SAFETY: windows, taps and outputs lie inside the image, the lists and the accumulators; a
                        // shift leads from a window's first position to another one of the same window.
                        unsafe {
                            let windows = Windows {
                                image: taps.add(tap_row * self.row + vector * LANES),
                                shift: shifts.as_ptr().cast::<u32>().add(list + output),
                                grad: grads.as_ptr().add(list + output),
                                sum: sums.as_mut_ptr().add(
                                    output * self.shape.geometry.kernel * self.shape.taps + tap,
                                ),
                                n_rows: strip,
                                n_columns,
                                image_step: (window_row, size * self.column),
                                list_step: (n_columns * outputs, outputs),
                                image_tap_row: self.row,
                                sum_tap_row: self.shape.taps,
                                sum_output: self.shape.geometry.kernel * self.shape.taps,
                            };
                            winners::run(self.shape.isa, tile, &windows);
                        }
                    }
                }
            }
        }
    }

    /// The taps in some rows of the image, for every convolution output of a row, each from a whole vector on.
    fn gather(&self, image: &[f32], rows: Range<usize>, gathered: &mut [f32]) {
        let channels = self.shape.geometry.in_channels;
        let pitch = self.shape.pitch();
        let step = self.shape.geometry.stride * channels;
        let n_columns = self.shape.geometry.out_width();
        for row in rows {
            let (from, to) = (&image[row * pitch..], &mut gathered[row * self.row..][..self.row]);
            // Whole vectors: what lies behind the taps goes to accumulators that nobody reads.
            assert!(
                from.len() >= (n_columns - 1) * step + self.shape.taps,
                "taps inside the image"
            );
            // SAFETY: the taps of every column lie inside the row of the image and its slack.
            unsafe {
                copy(
                    self.shape.isa,
                    n_columns,
                    self.shape.taps,
                    from.as_ptr(),
                    step,
                    to.as_mut_ptr(),
                );
            }
        }
    }
}

per_isa!(unsafe fn copy(n: usize, taps: usize, from: *const f32, step: usize, to: *mut f32) = copy_body);

/// Copies `n` runs of `taps` floats that start `step` apart behind one another.
#[inline(always)]
unsafe fn copy_body<S: Simd>(n: usize, taps: usize, from: *const f32, step: usize, to: *mut f32) {
    for run in 0..n {
        for at in (0..taps).step_by(S::N) {
            // SAFETY: the caller vouches for all runs; `taps` is whole vectors.
            unsafe { S::store(to.add(run * taps + at), S::load(from.add(run * step + at))) };
        }
    }
}

per_isa!(unsafe fn list(
    n: usize, positions: &[u32], from: (*const f32, *const u16), to: (*mut f32, *mut f32), list_len: usize
) = list_body);

/// Lists the winners of `n` vectors of windows; `positions` tells how far each position of a window is from its first.
#[inline(always)]
unsafe fn list_body<S: Simd>(
    n: usize,
    positions: &[u32],
    (dy, masks): (*const f32, *const u16),
    (shifts, grads): (*mut f32, *mut f32),
    list_len: usize,
) {
    let mut square_of_shifts = [0.0; LANES * LANES];
    let mut square_of_grads = [0.0; LANES * LANES];
    for first in (0..n).step_by(LANES) {
        for vector in 0..LANES.min(n - first) {
            for part in (0..LANES).step_by(S::N) {
                // SAFETY: the caller vouches for `n` vectors and their masks; squares hold 16 vectors.
                unsafe {
                    let grad = S::load(dy.add((first + vector) * LANES + part));
                    let (mut kept, mut at) = (S::splat(0.0), S::splat(0.0));
                    let masks = masks.add((first + vector) * positions.len());
                    for (position, shift) in positions.iter().enumerate() {
                        let mask = *masks.add(position) >> part;
                        let won = S::from_bits(mask);
                        kept = S::select(won, grad, kept);
                        at = S::select(won, S::splat(f32::from_bits(*shift)), at);
                    }
                    S::store(square_of_grads.as_mut_ptr().add(vector * LANES + part), kept);
                    S::store(square_of_shifts.as_mut_ptr().add(vector * LANES + part), at);
                }
            }
        }
        // SAFETY: lists have room for whole squares from `first` on.
        unsafe {
            S::transpose16(square_of_shifts.as_ptr(), LANES, shifts.add(first), list_len);
            S::transpose16(square_of_grads.as_ptr(), LANES, grads.add(first), list_len);
        }
    }
}
