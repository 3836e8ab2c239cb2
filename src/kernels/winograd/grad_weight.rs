//! Weight gradient: at each point an outer product of output gradients and inputs, channels along the vector.
//!
//! In: input and output gradient of one block. Out: accumulators `[point][out][padded channel]`, added to; then
//! [`GradWeight::collapse`] transforms them back once. Invariant: each accumulator is summed tile by tile, lane by lane.

use std::ops::Range;

use super::output::POOL;
use super::transform::{self, POINTS, Targets, Window};
use super::{PATCH, TILE, cost};
use crate::kernels::LANES;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::isa::Isa;
use crate::kernels::micro::outer::{self, Line, PANEL};
use crate::kernels::micro::parts;
use crate::kernels::turn::turn_pixel;

/// Bytes of transformed patches of a strip, which should stay in the second-level cache.
const CACHED_PATCHES: usize = 448 << 10;

/// Most tiles of a strip.
const MAX_STRIP: usize = 8;

/// The output gradient of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gradient<'a> {
    /// At every position.
    Whole(&'a [f32]),
    /// Behind a max pool over windows of [`POOL`]: that of the pooled output, and who won.
    Pooled {
        /// `[out_height / 2][out_width / 2][out][16]`
        dy: &'a [f32],
        /// Four words for each of these vectors.
        masks: &'a [u16],
    },
}

/// Everything about the gradient that does not depend on data.
#[derive(Clone, Debug)]
pub(crate) struct GradWeight {
    isa: Isa,
    geometry: ConvGeometry,
    cost: u64,
    /// Tiles whose patches are transformed at a time.
    strip: usize,
}

impl GradWeight {
    /// The weight gradient, where it pays.
    pub(crate) fn new(isa: Isa, geometry: &ConvGeometry) -> Option<Self> {
        let [rows, columns] = tiles(geometry);
        let (inputs, outputs) = (geometry.in_channels, geometry.out_channels);
        let cost = cost(geometry, inputs, outputs, rows * columns)?;
        let panel = PANEL.min(geometry.in_channels.next_multiple_of(LANES));
        let tile_bytes = POINTS * LANES * panel * size_of::<f32>();
        let strip = (CACHED_PATCHES / tile_bytes).clamp(1, MAX_STRIP).min(columns);
        Some(Self { isa, geometry: *geometry, cost, strip })
    }

    /// What it costs, in multiply-adds.
    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    /// Floats of the accumulators.
    pub(crate) fn sums_len(&self) -> usize {
        POINTS * self.geometry.out_channels * self.padded()
    }

    /// Floats of scratch.
    pub(crate) fn scratch_len(&self) -> usize {
        self.zeros_len() + self.ring_len() + POINTS * (self.patch_point() + self.grad_point())
    }

    /// Input channels, rounded up to whole vectors.
    fn padded(&self) -> usize {
        self.geometry.in_channels.next_multiple_of(LANES)
    }

    /// Channels that are turned at a time.
    fn panel(&self) -> usize {
        PANEL.min(self.padded())
    }

    /// Zeros in place of pixels outside either image.
    fn zeros_len(&self) -> usize {
        LANES * self.panel().max(self.geometry.out_channels)
    }

    /// Turned pixels of the rows under a row of tiles.
    fn ring_len(&self) -> usize {
        PATCH * self.geometry.in_width * LANES * self.panel()
    }

    /// Distance between points of the transformed patches; one vector more, for a cache line of another set.
    fn patch_point(&self) -> usize {
        self.strip * LANES * self.panel() + LANES
    }

    /// Distance between points of the transformed output gradients.
    fn grad_point(&self) -> usize {
        self.strip * self.geometry.out_channels * LANES + LANES
    }

    /// Adds the gradient of one block to the accumulators.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say.
    pub(crate) fn add(&self, x: &[f32], dy: Gradient<'_>, sums: &mut [f32], scratch: &mut [f32]) {
        assert_eq!(x.len(), self.geometry.in_len(), "length of the input");
        let (height, width) = (self.geometry.out_height(), self.geometry.out_width());
        match dy {
            Gradient::Whole(dy) => {
                assert_eq!(dy.len(), self.geometry.out_len(), "length of the output gradient");
            }
            Gradient::Pooled { dy, masks } => {
                let n = height / POOL * (width / POOL) * self.geometry.out_channels;
                assert_eq!(dy.len(), n * LANES, "length of the pooled gradient");
                assert_eq!(masks.len(), n * POOL * POOL, "length of the masks");
            }
        }
        assert_eq!(sums.len(), self.sums_len(), "length of the accumulators");
        let (zeros, rest) = scratch.split_at_mut(self.zeros_len());
        let (ring, rest) = rest.split_at_mut(self.ring_len());
        let (patches, rest) = rest.split_at_mut(POINTS * self.patch_point());
        let grads = &mut rest[..POINTS * self.grad_point()];
        zeros.fill(0.0);
        let [n_rows, n_columns] = tiles(&self.geometry);
        for (first, n_vectors) in parts(self.padded() / LANES, PANEL / LANES) {
            let channels = first * LANES..(first + n_vectors) * LANES;
            let mut next_row = 0;
            for row in 0..n_rows {
                let end = (TILE * row + PATCH).saturating_sub(self.geometry.pad);
                let end = end.min(self.geometry.in_height);
                for in_row in next_row.max(end.saturating_sub(PATCH))..end {
                    self.turn_row(x, in_row, &channels, ring);
                }
                next_row = next_row.max(end);
                for (column, count) in parts(n_columns, self.strip) {
                    for number in 0..count {
                        let tile = [row, column + number];
                        self.transform_patch(tile, number, channels.len(), (ring, zeros), patches);
                        self.transform_grads(tile, number, (dy, zeros), grads);
                    }
                    self.products(&channels, count, patches, grads, sums);
                }
            }
        }
    }

    /// The gradient `[out][in][3][3]` from the accumulators.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say.
    pub(crate) fn collapse(&self, sums: &[f32], grad: &mut [f32]) {
        assert_eq!(sums.len(), self.sums_len(), "length of the accumulators");
        assert_eq!(grad.len(), self.geometry.weight_len(), "length of the gradient");
        let (inputs, padded) = (self.geometry.in_channels, self.padded());
        let point = self.geometry.out_channels * padded;
        for (output, grad) in grad.chunks_exact_mut(9 * inputs).enumerate() {
            for (vector, grad) in grad.chunks_mut(9 * LANES).enumerate() {
                let mut taps = [[0.0; LANES]; 9];
                let from = sums[output * padded + vector * LANES..].as_ptr();
                // SAFETY: accumulators of an output are whole vectors, at each of the points.
                unsafe { transform::kernel_grads(self.isa, from, point, &mut taps) };
                for (input, grad) in grad.chunks_exact_mut(9).enumerate() {
                    for (grad, tap) in grad.iter_mut().zip(&taps) {
                        *grad = tap[input];
                    }
                }
            }
        }
    }

    /// Turns one input row of some channels into its place in the ring.
    fn turn_row(&self, x: &[f32], row: usize, channels: &Range<usize>, ring: &mut [f32]) {
        let ConvGeometry { in_width, in_channels, .. } = self.geometry;
        let panel = channels.len();
        let len = channels.end.min(in_channels) - channels.start;
        let ring = &mut ring[row % PATCH * in_width * LANES * panel..];
        for (column, to) in ring.chunks_exact_mut(LANES * panel).take(in_width).enumerate() {
            let from = ((row * in_width + column) * in_channels + channels.start) * LANES;
            turn_pixel(self.isa, &x[from..from + len * LANES], to, panel);
        }
    }

    /// Transforms the patch of one tile.
    fn transform_patch(
        &self,
        tile: [usize; 2],
        number: usize,
        panel: usize,
        (ring, zeros): (&[f32], &[f32]),
        patches: &mut [f32],
    ) {
        let ConvGeometry { in_height, in_width, pad, .. } = self.geometry;
        let inside = |at: usize, n: usize| at.checked_sub(pad).filter(|at| *at < n);
        let pixels = std::array::from_fn(|i| {
            let row = inside(TILE * tile[0] + i / PATCH, in_height);
            let column = inside(TILE * tile[1] + i % PATCH, in_width);
            match (row, column) {
                (Some(row), Some(column)) => {
                    ring[(row % PATCH * in_width + column) * LANES * panel..].as_ptr()
                }
                _ => zeros.as_ptr(),
            }
        });
        let targets = Targets {
            n_vectors: panel,
            to: patches[number * LANES * panel..].as_mut_ptr(),
            vector: LANES,
            point: self.patch_point(),
        };
        // SAFETY: a turned pixel is 16 lanes of `panel` channels, as many floats as `panel` vectors; patches have room for
        // `strip` such pixels at each point.
        unsafe { transform::patch(self.isa, &pixels, &targets) };
    }

    /// Transforms the output gradients of one tile.
    fn transform_grads(
        &self,
        tile: [usize; 2],
        number: usize,
        (dy, zeros): (Gradient<'_>, &[f32]),
        grads: &mut [f32],
    ) {
        let channels = self.geometry.out_channels;
        let (height, width) = (self.geometry.out_height(), self.geometry.out_width());
        let targets = Targets {
            n_vectors: channels,
            to: grads[number * channels * LANES..].as_mut_ptr(),
            vector: LANES,
            point: self.grad_point(),
        };
        match dy {
            Gradient::Whole(dy) => {
                let pixels = std::array::from_fn(|i| {
                    let (row, column) = (TILE * tile[0] + i / TILE, TILE * tile[1] + i % TILE);
                    if row < height && column < width {
                        dy[(row * width + column) * channels * LANES..].as_ptr()
                    } else {
                        zeros.as_ptr()
                    }
                });
                // SAFETY: each pixel has a vector for each output; gradients have room for `strip` pixels at each point.
                unsafe { transform::spread(self.isa, &pixels, &targets) };
            }
            Gradient::Pooled { dy, masks } => {
                const SIDE: usize = TILE / POOL;
                let (height, width) = (height / POOL, width / POOL);
                let windows = std::array::from_fn(|i| {
                    let (row, column) = (SIDE * tile[0] + i / SIDE, SIDE * tile[1] + i % SIDE);
                    if row < height && column < width {
                        let vector = (row * width + column) * channels;
                        let masks = masks[vector * POOL * POOL..].as_ptr();
                        Window { dy: dy[vector * LANES..].as_ptr(), masks }
                    } else {
                        // Whoever won there won nothing.
                        Window { dy: zeros.as_ptr(), masks: masks.as_ptr() }
                    }
                });
                // SAFETY: each window has a vector and its four words for each output; the rest as above.
                unsafe { transform::spread_pooled(self.isa, &windows, &targets) };
            }
        }
    }

    /// Adds the products of a strip of tiles.
    fn products(
        &self,
        channels: &Range<usize>,
        count: usize,
        patches: &[f32],
        grads: &[f32],
        sums: &mut [f32],
    ) {
        let (outputs, padded) = (self.geometry.out_channels, self.padded());
        for point in 0..POINTS {
            let line = Line {
                dy: grads[point * self.grad_point()..].as_ptr(),
                xt: patches[point * self.patch_point()..].as_ptr(),
                sum: sums[point * outputs * padded + channels.start..].as_mut_ptr(),
                panel: channels.len(),
                sum_row: padded,
                n_pixels: count,
                dy_pixel: outputs * LANES,
                xt_pixel: LANES * channels.len(),
            };
            // SAFETY: `count` pixels of each side lie at the point; the accumulators of the point have `outputs` rows.
            unsafe { outer::run(self.isa, outputs, &line) };
        }
    }
}

/// Rows and columns of tiles.
fn tiles(geometry: &ConvGeometry) -> [usize; 2] {
    [geometry.out_height().div_ceil(TILE), geometry.out_width().div_ceil(TILE)]
}
