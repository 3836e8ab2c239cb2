//! Fully connected layers over a whole batch of blocks.
//!
//! In and out: blocks `[feature][16]` one after another, weights `[out][in]` as PyTorch has them. The input may be an image
//! `[pixel][channel][16]` whose features PyTorch would number channel by channel: a [`Linear`] knows, so that `flatten` moves
//! nothing. Invariant: results depend on neither tiles nor the rows computed in one call.

mod grad_weight;

use std::ops::Range;

use super::LANES;
use super::geometry::{GeometryError, fits};
use super::isa::Isa;
use super::micro::fma::{self, Start, Strip, TapLoop};
use super::micro::{choose_tile, parts, split};
use super::threads::SharedSlice;

/// Rows of a weight matrix that one task of a parallel call computes at least.
const ROWS_PER_TASK: usize = 24;

/// The plan of a fully connected layer for one instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    isa: Isa,
    in_channels: usize,
    in_pixels: usize,
    out_features: usize,
}

impl Linear {
    /// Plans a layer from images `[in_pixels][in_channels]` to `out_features`; `in_pixels` is 1 for flat features.
    ///
    /// # Errors
    /// A zero size, or tensors of more than 2^40 floats.
    pub fn new(
        isa: Isa,
        in_channels: usize,
        in_pixels: usize,
        out_features: usize,
    ) -> Result<Self, GeometryError> {
        if [in_channels, in_pixels, out_features].contains(&0) {
            return Err(GeometryError::Zero);
        }
        fits(&[in_channels, in_pixels, out_features, LANES])?;
        Ok(Self { isa, in_channels, in_pixels, out_features })
    }

    /// Input features.
    pub fn in_features(&self) -> usize {
        self.in_channels * self.in_pixels
    }

    /// Output features.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// **What** `y = W x + bias`, then relu if asked, for all blocks. A NaN passes through the relu.
    ///
    /// **Shapes** `weight: [out][in]`, `x: [block][in][16]`, `y: [block][out][16]`, `bias: [out]`.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn forward(
        &self,
        weight: &[f32],
        x: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &mut [f32],
    ) {
        let n_blocks = self.check(weight, x, y);
        let y = SharedSlice::new(y);
        // SAFETY: lengths were checked; nothing else writes.
        unsafe { self.forward_rows(weight, x, bias, relu, &y, n_blocks, 0..self.out_features) };
    }

    /// **What** `dx = Wᵀ dy`, or `dx += Wᵀ dy`, for all blocks.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn grad_input(&self, weight: &[f32], dy: &[f32], dx: &mut [f32], accumulate: bool) {
        let n_blocks = self.check(weight, dx, dy);
        let dx = SharedSlice::new(dx);
        // SAFETY: lengths were checked; nothing else writes.
        unsafe {
            self.grad_input_columns(weight, dy, &dx, accumulate, n_blocks, 0..self.in_channels);
        }
    }

    /// Number of blocks in slices that must fit each other.
    fn check(&self, weight: &[f32], inner: &[f32], outer: &[f32]) -> usize {
        let (block_in, block_out) = (self.in_features() * LANES, self.out_features * LANES);
        assert_eq!(weight.len(), self.in_features() * self.out_features, "length of the weights");
        let n_blocks = inner.len() / block_in;
        assert_eq!(inner.len(), n_blocks * block_in, "whole blocks of input features");
        assert_eq!(outer.len(), n_blocks * block_out, "whole blocks of output features");
        n_blocks
    }

    /// Output rows `rows` of all blocks.
    ///
    /// # Safety
    /// Lengths as [`Linear::check`] demands; nobody else touches these rows of `y`.
    #[expect(clippy::too_many_arguments, reason = "operands of one fused operation")]
    unsafe fn forward_rows(
        &self,
        weight: &[f32],
        x: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &SharedSlice<'_, f32>,
        n_blocks: usize,
        rows: Range<usize>,
    ) {
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.out_features, "length of the bias");
        }
        let (inputs, outputs) = (self.in_features(), self.out_features);
        let (tile_rows, width) = choose_tile(self.isa.registers(), rows.len(), n_blocks);
        let inner = TapLoop { count: self.in_channels, x: LANES, w: self.in_pixels };
        let pixels = TapLoop { count: self.in_pixels, x: self.in_channels * LANES, w: 1 };
        for (first, n_rows) in parts(rows.len(), tile_rows) {
            let row = rows.start + first;
            for (block, n_columns, repeat) in split(n_blocks, width) {
                // SAFETY: rows and blocks lie inside the checked slices.
                unsafe {
                    let strip = Strip {
                        x: x.as_ptr().add(block * inputs * LANES),
                        w: weight.as_ptr().add(row * inputs),
                        y: y.as_mut_ptr().add((block * outputs + row) * LANES),
                        bias: bias.map_or(std::ptr::null(), |bias| bias.as_ptr().add(row)),
                        taps: [pixels, TapLoop::ONCE, inner],
                        w_row: inputs,
                        y_row: LANES,
                        x_column: inputs * LANES,
                        y_column: outputs * LANES,
                        repeat,
                        start: Start::Zero,
                        relu,
                    };
                    fma::run(self.isa, n_rows, n_columns, &strip);
                }
            }
        }
    }

    /// Input channels `channels` of all pixels and blocks.
    ///
    /// # Safety
    /// Lengths as [`Linear::check`] demands; nobody else touches these channels of `dx`.
    unsafe fn grad_input_columns(
        &self,
        weight: &[f32],
        dy: &[f32],
        dx: &SharedSlice<'_, f32>,
        accumulate: bool,
        n_blocks: usize,
        channels: Range<usize>,
    ) {
        let (inputs, outputs) = (self.in_features(), self.out_features);
        let (tile_rows, width) = choose_tile(self.isa.registers(), channels.len(), n_blocks);
        let inner = TapLoop { count: outputs, x: LANES, w: inputs };
        for pixel in 0..self.in_pixels {
            for (first, n_rows) in parts(channels.len(), tile_rows) {
                let channel = channels.start + first;
                for (block, n_columns, repeat) in split(n_blocks, width) {
                    // SAFETY: channels and blocks lie inside the checked slices.
                    unsafe {
                        let position = pixel * self.in_channels + channel;
                        let strip = Strip {
                            x: dy.as_ptr().add(block * outputs * LANES),
                            w: weight.as_ptr().add(channel * self.in_pixels + pixel),
                            y: dx.as_mut_ptr().add((block * inputs + position) * LANES),
                            bias: std::ptr::null(),
                            taps: [TapLoop::ONCE, TapLoop::ONCE, inner],
                            w_row: self.in_pixels,
                            y_row: LANES,
                            x_column: outputs * LANES,
                            y_column: inputs * LANES,
                            repeat,
                            start: if accumulate { Start::Output } else { Start::Zero },
                            relu: false,
                        };
                        fma::run(self.isa, n_rows, n_columns, &strip);
                    }
                }
            }
        }
    }
}

/// Rows cut into tasks for a number of threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowRanges {
    n_rows: usize,
    n_tasks: usize,
}

/// About two tasks for each thread, none smaller than [`ROWS_PER_TASK`].
pub(super) fn row_ranges(n_rows: usize, n_threads: usize) -> RowRanges {
    let n_tasks = (n_rows / ROWS_PER_TASK).clamp(1, 2 * n_threads.max(1));
    RowRanges { n_rows, n_tasks }
}

impl RowRanges {
    pub(super) fn len(&self) -> usize {
        self.n_tasks
    }

    pub(super) fn get(&self, task: usize) -> Range<usize> {
        self.n_rows * task / self.n_tasks..self.n_rows * (task + 1) / self.n_tasks
    }
}
