//! One pass of the multiply-add tile over a target image: a forward convolution, or one stride phase of its input gradient.
//!
//! In: an image in block layout and packed weights. Out: each target pixel of the sweep's rows, written once. Invariant:
//! taps outside the source are left out, never read, and the rest are summed in the order rows, columns, channels.

use std::ops::Range;

use crate::kernels::LANES;
use crate::kernels::geometry::{Axis, Class};
use crate::kernels::isa::Isa;
use crate::kernels::micro::fma::{self, Start, Strip, TapLoop};
use crate::kernels::micro::{choose_columns, choose_tile, cover_cost, parts, split};

/// Bytes of input under a row of tiles that should stay in the second-level cache.
const CACHED_INPUT: usize = 384 << 10;

/// How a sweep finds and packs its weights in the tensor `[out, in / groups, kernel, kernel]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct WeightView {
    /// Distance between groups.
    pub(super) group: usize,
    /// Distance between outputs of the sweep.
    pub(super) output: usize,
    /// Distance between summed channels.
    pub(super) channel: usize,
    /// Kernel index of the first tap, rows and columns.
    pub(super) first: (usize, usize),
    /// Kernel indices between taps; negative when the kernel is turned.
    pub(super) step: isize,
    /// Columns of the kernel.
    pub(super) kernel: usize,
}

/// A sweep with everything precomputed that does not depend on data.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    /// Vertical taps.
    pub(super) rows: Axis,
    /// Horizontal taps.
    pub(super) columns: Axis,
    /// Target positions of the first sweep position and the distance between them, rows then columns.
    pub(super) place: ((usize, usize), usize),
    /// Columns of the target image.
    pub(super) target_width: usize,
    /// Channels summed in each group.
    pub(super) group_channels: usize,
    /// Outputs of each group.
    pub(super) group_outputs: usize,
    /// Number of groups.
    pub(super) groups: usize,
    /// Where weights come from.
    pub(super) view: WeightView,
    /// First packed weight.
    pub(super) packed: usize,
    row_classes: Vec<Class>,
    column_classes: Vec<Class>,
    tile_rows: usize,
    isa: Isa,
}

/// Data of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// Source image of the block.
    pub(super) x: *const f32,
    /// All packed weights of the layer.
    pub(super) packed: *const f32,
    /// Where target row 0 is or would be.
    pub(super) y: *mut f32,
    /// Bias per output, or null.
    pub(super) bias: *const f32,
    /// What sums start from.
    pub(super) start: Start,
    /// Whether to clip at zero.
    pub(super) relu: bool,
}

impl Sweep {
    #[expect(clippy::too_many_arguments, reason = "a plain record of sizes; its callers name each")]
    pub(super) fn new(
        isa: Isa,
        rows: Axis,
        columns: Axis,
        place: ((usize, usize), usize),
        target_width: usize,
        (group_channels, group_outputs, groups): (usize, usize, usize),
        view: WeightView,
        packed: usize,
    ) -> Self {
        let (row_classes, column_classes) = (rows.classes(), columns.classes());
        let widest = column_classes.iter().map(|class| class.count).max().unwrap_or(1);
        let (tile_rows, _) = choose_tile(isa.registers(), group_outputs, widest);
        Self {
            rows,
            columns,
            place,
            target_width,
            group_channels,
            group_outputs,
            groups,
            view,
            packed,
            row_classes,
            column_classes,
            tile_rows,
            isa,
        }
    }

    /// Taps of one output.
    fn n_taps(&self) -> usize {
        self.rows.n_taps * self.columns.n_taps * self.group_channels
    }

    /// Floats of the packed weights.
    pub(super) fn packed_len(&self) -> usize {
        self.n_taps() * self.group_outputs * self.groups
    }

    /// Packs weights as `[group][tile of outputs][row][column][channel][output of the tile]`.
    pub(super) fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        let view = &self.view;
        let mut to = packed[self.packed..self.packed + self.packed_len()].iter_mut();
        for group in 0..self.groups {
            for (first, width) in parts(self.group_outputs, self.tile_rows) {
                let base = group * view.group + first * view.output;
                for row in 0..self.rows.n_taps {
                    for column in 0..self.columns.n_taps {
                        let kernel_row = view.first.0 as isize + row as isize * view.step;
                        let kernel_column = view.first.1 as isize + column as isize * view.step;
                        let tap = kernel_row.cast_unsigned() * view.kernel
                            + kernel_column.cast_unsigned();
                        for channel in 0..self.group_channels {
                            let from = base + channel * view.channel + tap;
                            for (output, to) in to.by_ref().take(width).enumerate() {
                                *to = weight[from + output * view.output];
                            }
                        }
                    }
                }
            }
        }
    }

    /// Computes the sweep's rows `rows` (counted in sweep positions).
    ///
    /// # Safety
    /// `job.x` must hold the source image, `job.packed` the packed weights, `job.bias` one float per output when it is
    /// read, and the target rows must be writable at their distance from `job.y`.
    pub(super) unsafe fn run(&self, job: &Job, rows: Range<usize>) {
        for row_class in &self.row_classes {
            let start = row_class.start.max(rows.start);
            let end = (row_class.start + row_class.count).min(rows.end);
            if start >= end {
                continue;
            }
            let row_class = Class { start, count: end - start, ..*row_class };
            for column_class in &self.column_classes {
                // SAFETY: forwarded from the caller; the classes lie inside the image.
                unsafe { self.region(job, &row_class, column_class) };
            }
        }
    }

    /// Computes a rectangle of targets with equal taps, tiles lying along its better side.
    unsafe fn region(&self, job: &Job, rows: &Class, columns: &Class) {
        let registers = self.isa.registers();
        let cost = |n: usize| {
            let width = choose_columns(registers, self.tile_rows, n);
            (width, cover_cost(self.tile_rows, n, width))
        };
        let (width, along_row) = cost(columns.count);
        let (height, along_column) = cost(rows.count);
        if along_row * rows.count <= along_column * columns.count {
            let line = self.columns.step * self.group_channels * self.groups * LANES * 4;
            let chunk = (CACHED_INPUT / (line * rows.n_taps.max(1))).max(2 * width);
            for row in rows.start..rows.start + rows.count {
                for (first, count) in parts(columns.count, chunk) {
                    // SAFETY: the chunk lies inside the region.
                    unsafe {
                        let at = (row, columns.start + first);
                        self.outputs(job, (rows, columns), at, (count, width), false);
                    }
                }
            }
        } else {
            for column in columns.start..columns.start + columns.count {
                // SAFETY: the column lies inside the region.
                unsafe {
                    let at = (rows.start, column);
                    self.outputs(job, (rows, columns), at, (rows.count, height), true);
                }
            }
        }
    }

    /// Computes all outputs of `count` targets from `at` on, along a row or a column, in tiles of at most `width`.
    #[inline]
    unsafe fn outputs(
        &self,
        job: &Job,
        (rows, columns): (&Class, &Class),
        at: (usize, usize),
        (count, width): (usize, usize),
        is_vertical: bool,
    ) {
        let (channels, outputs) = (self.group_channels, self.group_outputs);
        let x_pixel = channels * self.groups * LANES;
        let y_pixel = outputs * self.groups * LANES;
        let x_row = self.columns.source * x_pixel;
        let y_row = self.target_width * y_pixel;
        let (origin, place_step) = self.place;
        let has_taps = rows.n_taps > 0 && columns.n_taps > 0;
        let source = if has_taps {
            let row = self.rows.position(at.0, rows.tap);
            row * x_row + self.columns.position(at.1, columns.tap) * x_pixel
        } else {
            0
        };
        let target =
            (origin.0 + at.0 * place_step) * y_row + (origin.1 + at.1 * place_step) * y_pixel;
        let (x_column, y_column) = if is_vertical {
            (self.rows.step * x_row, place_step * y_row)
        } else {
            (self.columns.step * x_pixel, place_step * y_pixel)
        };
        let n_rows = if has_taps { rows.n_taps } else { 0 };
        for group in 0..self.groups {
            for (first, tile_rows) in parts(outputs, self.tile_rows) {
                let tap = (rows.tap * self.columns.n_taps + columns.tap) * channels;
                let weight = self.packed
                    + self.n_taps() * (group * outputs + first)
                    + if has_taps { tap * tile_rows } else { 0 };
                let w_row = self.columns.n_taps * channels * tile_rows;
                let outer = TapLoop { count: n_rows, x: x_row, w: w_row };
                let taps = if self.groups == 1 {
                    let count = columns.n_taps * channels;
                    [outer, TapLoop::ONCE, TapLoop { count, x: LANES, w: tile_rows }]
                } else {
                    let w = channels * tile_rows;
                    [
                        outer,
                        TapLoop { count: columns.n_taps, x: x_pixel, w },
                        TapLoop { count: channels, x: LANES, w: tile_rows },
                    ]
                };
                let output = group * outputs + first;
                for (start, tile_columns, repeat) in split(count, width) {
                    // SAFETY: the offsets are those of pixels, channels and weights inside their buffers.
                    unsafe {
                        let strip = Strip {
                            x: job.x.add(
                                if has_taps { source + start * x_column } else { 0 }
                                    + group * channels * LANES,
                            ),
                            w: job.packed.add(weight),
                            y: job.y.wrapping_add(target + start * y_column + output * LANES),
                            bias: if job.bias.is_null() { job.bias } else { job.bias.add(output) },
                            taps,
                            w_row: 1,
                            y_row: LANES,
                            x_column: if has_taps { x_column } else { 0 },
                            y_column,
                            repeat,
                            start: job.start,
                            relu: job.relu,
                        };
                        fma::run(self.isa, tile_rows, tile_columns, &strip);
                    }
                }
            }
        }
    }
}
