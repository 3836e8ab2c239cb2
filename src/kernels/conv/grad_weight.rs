//! Weight gradient, in two direct ways that are chosen by shape, where Winograd's algorithm does not pay.
//!
//! - *Lanes*: one accumulator of 16 lanes per weight; no data is moved. For few channels.
//! - *Channels*: the input is turned so that channels lie along the vector; one accumulator per weight. For many channels.
//!
//! In: input and output gradient of one block. Out: accumulators in a form of their own, added to; then
//! [`Conv::collapse_grad_weight`] makes a gradient in PyTorch's layout of them. Invariant: each weight is summed in the order
//! of output rows and columns (and lanes).

use super::{Conv, ConvGeometry};
use crate::kernels::LANES;
use crate::kernels::geometry::{Axis, Class};
use crate::kernels::isa::Isa;
use crate::kernels::lanes::lane_sums;
use crate::kernels::micro::outer::{self, Line, PANEL};
use crate::kernels::micro::{choose_tile, dot, parts};
use crate::kernels::turn::turn_pixel;
use crate::kernels::winograd::{self, Gradient};

/// Input channels of a group from which on channels lie along the vector.
const MIN_VECTOR_CHANNELS: usize = 12;

/// Bytes of output gradient that stay in the first-level cache while all taps pass over them.
const CACHED_GRAD: usize = 24 << 10;

/// Bytes of turned input that stay in the first-level cache while all outputs pass over them.
const CACHED_TURNED: usize = 24 << 10;

#[derive(Clone, Debug)]
pub(super) struct GradWeight {
    by_channels: bool,
    rows: Axis,
    columns: Axis,
    column_classes: Vec<Class>,
}

impl GradWeight {
    pub(super) fn new(_isa: Isa, geometry: &ConvGeometry) -> Self {
        let axis = |source: usize, n_targets: usize| Axis {
            n_taps: geometry.kernel,
            step: geometry.stride,
            offset: -(geometry.pad as isize),
            source,
            n_targets,
        };
        let columns = axis(geometry.in_width, geometry.out_width());
        Self {
            by_channels: geometry.group_in() >= MIN_VECTOR_CHANNELS,
            rows: axis(geometry.in_height, geometry.out_height()),
            columns,
            column_classes: columns.classes(),
        }
    }
}

impl Conv {
    /// Floats of the accumulators of the weight gradient.
    pub fn grad_weight_len(&self) -> usize {
        if let Some(plan) = &self.winograd.grad_weight {
            plan.sums_len()
        } else if self.grad_weight.by_channels {
            let taps = self.geometry.kernel * self.geometry.kernel;
            self.geometry.out_channels * taps * self.padded_channels()
        } else {
            self.geometry.weight_len() * LANES
        }
    }

    /// Floats of scratch for [`Conv::grad_weight`].
    pub fn grad_weight_scratch_len(&self) -> usize {
        let winograd = self.winograd.grad_weight.as_ref().map(winograd::GradWeight::scratch_len);
        if let Some(len) = winograd {
            len
        } else if self.grad_weight.by_channels {
            let panel = PANEL.min(self.padded_channels());
            self.geometry.kernel * self.geometry.in_width * LANES * panel
        } else {
            0
        }
    }

    /// **What** adds the weight gradient of one block to the accumulators.
    ///
    /// **Shapes** `x`, `dy` as `x`, `y` of [`Conv::forward`]; `sums: [grad_weight_len]`, zero before the first block of a
    /// group of blocks; `scratch` at least `[grad_weight_scratch_len]`, any content.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn grad_weight(&self, x: &[f32], dy: &[f32], sums: &mut [f32], scratch: &mut [f32]) {
        assert_eq!(x.len(), self.geometry.in_len(), "length of the input");
        assert_eq!(dy.len(), self.geometry.out_len(), "length of the output gradient");
        assert_eq!(sums.len(), self.grad_weight_len(), "length of the accumulators");
        assert!(scratch.len() >= self.grad_weight_scratch_len(), "length of the scratch");
        if let Some(plan) = &self.winograd.grad_weight {
            plan.add(x, Gradient::Whole(dy), sums, scratch);
            return;
        }
        for group in 0..self.geometry.groups {
            // SAFETY: the slices have the lengths of the geometry.
            unsafe {
                if self.grad_weight.by_channels {
                    self.group_by_channels(group, x, dy, sums, scratch);
                } else {
                    self.group_by_lanes(group, x, dy, sums);
                }
            }
        }
    }

    /// **What** turns accumulators into a gradient `[out][in / groups][kernel][kernel]`, which is overwritten.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn collapse_grad_weight(&self, sums: &[f32], grad: &mut [f32]) {
        assert_eq!(sums.len(), self.grad_weight_len(), "length of the accumulators");
        assert_eq!(grad.len(), self.geometry.weight_len(), "length of the gradient");
        if let Some(plan) = &self.winograd.grad_weight {
            plan.collapse(sums, grad);
            return;
        }
        let taps = self.geometry.kernel * self.geometry.kernel;
        let channels = self.geometry.group_in();
        if self.grad_weight.by_channels {
            let padded = self.padded_channels();
            let outputs = grad.chunks_exact_mut(channels * taps);
            for (grad, sums) in outputs.zip(sums.chunks_exact(taps * padded)) {
                for (tap, sums) in sums.chunks_exact(padded).enumerate() {
                    for (channel, &sum) in sums[..channels].iter().enumerate() {
                        grad[channel * taps + tap] = sum;
                    }
                }
            }
        } else {
            let outputs = grad.chunks_exact_mut(channels * taps);
            for (grad, sums) in outputs.zip(sums.chunks_exact(taps * channels * LANES)) {
                let (mut tap, mut channel) = (0, 0);
                for sums in sums.chunks(LANES * LANES) {
                    for &sum in &lane_sums(self.isa, sums)[..sums.len() / LANES] {
                        grad[channel * taps + tap] = sum;
                        channel += 1;
                        if channel == channels {
                            (tap, channel) = (tap + 1, 0);
                        }
                    }
                }
            }
        }
    }

    /// Channels of a group, rounded up to whole vectors.
    fn padded_channels(&self) -> usize {
        self.geometry.group_in().next_multiple_of(LANES)
    }

    /// Accumulators `[out][row][column][channel][16]`.
    unsafe fn group_by_lanes(&self, group: usize, x: &[f32], dy: &[f32], sums: &mut [f32]) {
        let geometry = &self.geometry;
        let (inputs, outputs) = (geometry.group_in(), geometry.group_out());
        let (x_pixel, y_pixel) = (geometry.in_channels * LANES, geometry.out_channels * LANES);
        let (x_row, y_row) = (geometry.in_width * x_pixel, geometry.out_width() * y_pixel);
        let kernel = geometry.kernel;
        // Neighbouring taps in the input: all channels of all kernel columns, if nothing lies between them.
        let (n_runs, run, x_tap) = match (geometry.groups, inputs) {
            (1, _) => (1, inputs, LANES),
            (_, 1) => (1, 1, x_pixel),
            (_, _) => (kernel, inputs, LANES),
        };
        let widest = if n_runs == 1 { kernel * run } else { run };
        let (tile_outputs, tile_taps) = choose_tile(self.isa.registers(), outputs, widest);
        let strip = (CACHED_GRAD / 4 / (geometry.out_width() * outputs * LANES)).max(1);
        let sum_row = kernel * kernel * inputs * LANES;
        let mut strip_start = 0;
        while strip_start < geometry.out_height() {
            let strip_end = (strip_start + strip).min(geometry.out_height());
            for (first_output, n_outputs) in parts(outputs, tile_outputs) {
                let output = group * outputs + first_output;
                for kernel_row in 0..kernel {
                    let (first, end) = self.grad_weight.rows.targets(kernel_row);
                    let (first, end) = (first.max(strip_start), end.min(strip_end));
                    if first >= end {
                        continue;
                    }
                    let in_row = self.grad_weight.rows.position(first, kernel_row);
                    for class in &self.grad_weight.column_classes {
                        let in_column = self.grad_weight.columns.position(class.start, class.tap);
                        let corner = in_row * x_row + in_column * x_pixel + group * inputs * LANES;
                        let n_taps = class.n_taps * inputs;
                        for (first_tap, n_taps) in
                            runs(n_taps, n_runs == 1, run).flat_map(|(start, n)| {
                                parts(n, tile_taps).map(move |(at, n)| (start + at, n))
                            })
                        {
                            let offset = if n_runs == 1 {
                                first_tap * x_tap
                            } else {
                                first_tap / run * x_pixel + first_tap % run * LANES
                            };
                            let tap = (kernel_row * kernel + class.tap) * inputs + first_tap;
                            let sum = output * sum_row + tap * LANES;
                            // SAFETY: the rectangle lies inside both images, the weights inside the accumulators.
                            unsafe {
                                let start = first * y_row + class.start * y_pixel + output * LANES;
                                let rectangle = dot::Rectangle {
                                    dy: dy.as_ptr().add(start),
                                    x: x.as_ptr().add(corner + offset),
                                    sum: sums.as_mut_ptr().add(sum),
                                    x_tap,
                                    sum_row,
                                    n_rows: end - first,
                                    n_columns: class.count,
                                    dy_step: (y_row, y_pixel),
                                    x_step: (geometry.stride * x_row, geometry.stride * x_pixel),
                                };
                                dot::run(self.isa, n_outputs, n_taps, &rectangle);
                            }
                        }
                    }
                }
            }
            strip_start = strip_end;
        }
    }

    /// Accumulators `[out][row][column][padded channel]`.
    unsafe fn group_by_channels(
        &self,
        group: usize,
        x: &[f32],
        dy: &[f32],
        sums: &mut [f32],
        ring: &mut [f32],
    ) {
        let geometry = &self.geometry;
        let (inputs, outputs) = (geometry.group_in(), geometry.group_out());
        let (x_pixel, y_pixel) = (geometry.in_channels * LANES, geometry.out_channels * LANES);
        let padded = self.padded_channels();
        let (kernel, width) = (geometry.kernel, geometry.in_width);
        for (first, n_vectors) in parts(padded / LANES, PANEL / LANES) {
            let (first, panel) = (first * LANES, n_vectors * LANES);
            let (xt_pixel, xt_row) = (LANES * panel, width * LANES * panel);
            let channels = panel.min(inputs - first);
            let chunk = (CACHED_TURNED / 4 / xt_pixel).max(1);
            let mut next_row = 0;
            for row in 0..geometry.out_height() {
                let (tap, n_taps) = self.grad_weight.rows.taps(row);
                let first_row = self.grad_weight.rows.position(row, tap);
                for in_row in next_row.max(first_row)..first_row + n_taps {
                    for column in 0..width {
                        let from = (in_row * width + column) * x_pixel;
                        let from = from + (group * inputs + first) * LANES;
                        let to = in_row % kernel * xt_row + column * xt_pixel;
                        let from = &x[from..from + channels * LANES];
                        turn_pixel(self.isa, from, &mut ring[to..to + xt_pixel], panel);
                    }
                }
                next_row = next_row.max(first_row + n_taps);
                for kernel_row in tap..tap + n_taps {
                    let in_row = self.grad_weight.rows.position(row, kernel_row);
                    for kernel_column in 0..kernel {
                        let (start, end) = self.grad_weight.columns.targets(kernel_column);
                        let weight = kernel_row * kernel + kernel_column;
                        let weight = (group * outputs * kernel * kernel + weight) * padded + first;
                        for (at, n_pixels) in parts(end - start, chunk) {
                            let column = start + at;
                            let in_column =
                                self.grad_weight.columns.position(column, kernel_column);
                            // SAFETY: pixels lie inside the image and the ring, weights inside the accumulators.
                            unsafe {
                                let grad = (row * geometry.out_width() + column) * y_pixel;
                                let turned = in_row % kernel * xt_row + in_column * xt_pixel;
                                let line = Line {
                                    dy: dy.as_ptr().add(grad + group * outputs * LANES),
                                    xt: ring.as_ptr().add(turned),
                                    sum: sums.as_mut_ptr().add(weight),
                                    panel,
                                    sum_row: kernel * kernel * padded,
                                    n_pixels,
                                    dy_pixel: y_pixel,
                                    xt_pixel: geometry.stride * xt_pixel,
                                };
                                outer::run(self.isa, outputs, &line);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `n` taps as one run, or cut into runs of `run`: first tap and length of each.
fn runs(n: usize, whole: bool, run: usize) -> impl Iterator<Item = (usize, usize)> {
    let run = if whole { n.max(1) } else { run };
    (0..n / run).map(move |i| (i * run, run))
}
