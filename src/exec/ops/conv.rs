//! Convolutions as matrix products over unrolled windows, a few samples at a time.
//!
//! The columns of a chunk are `[c/g · kh · kw, samples · oh · ow]`, so that products read and write whole rows.
//! Chunks have a size that depends on the shape alone and are added in order: the result does not depend on threads.

use candle_core::{Result, Tensor};

use crate::exec::parallel::rows;
use crate::exec::tensor::{Real, View, tensor};
use crate::ir::Conv;

/// Elements of the columns of one chunk: about what a second-level cache and its neighbour hold.
const CHUNK: usize = 1 << 19;

/// [`crate::ir::Op::Conv`].
pub(super) fn forward<T: Real>(x: &Tensor, w: &Tensor, conv: &Conv) -> Result<Tensor> {
    let (n, c, h, width) = x.dims4()?;
    let (o, _, kh, kw) = w.dims4()?;
    let geometry = Geometry::new(conv, c, o, [h, width], [kh, kw]);
    let view = View::<T>::new(x)?;
    let mut out = vec![T::default(); n * o * geometry.positions];
    for chunk in geometry.chunks(n) {
        for group in 0..conv.groups {
            let columns = geometry.unroll(&view, &chunk, group)?;
            let product = geometry.weight(w, group)?.matmul(&columns)?;
            geometry.scatter(&View::<T>::new(&product)?, &mut out, &chunk, group);
        }
    }
    tensor(out, &[n, o, geometry.output[0], geometry.output[1]])
}

/// [`crate::ir::GradOp::ConvWeight`].
pub(super) fn grad_weight<T: Real>(
    dy: &Tensor,
    x: &Tensor,
    conv: &Conv,
    kernel: [usize; 2],
) -> Result<Tensor> {
    let (n, c, h, width) = x.dims4()?;
    let (_, o, ..) = dy.dims4()?;
    let geometry = Geometry::new(conv, c, o, [h, width], kernel);
    let (x_values, dy_values) = (View::<T>::new(x)?, View::<T>::new(dy)?);
    let per_group = geometry.group_outputs * geometry.taps;
    let mut totals = vec![0.0; per_group * conv.groups];
    for chunk in geometry.chunks(n) {
        for group in 0..conv.groups {
            let columns = geometry.unroll(&x_values, &chunk, group)?;
            let gathered = geometry.gather(&dy_values, &chunk, group)?;
            let product = gathered.matmul(&columns.t()?)?;
            let part = &mut totals[group * per_group..][..per_group];
            for (total, value) in part.iter_mut().zip(View::<T>::new(&product)?.iter()) {
                *total += value.double();
            }
        }
    }
    let values: Vec<T> = totals.into_iter().map(T::real).collect();
    tensor(values, &[o, geometry.group_inputs, kernel[0], kernel[1]])
}

/// [`crate::ir::GradOp::ConvInput`].
pub(super) fn grad_input<T: Real>(
    dy: &Tensor,
    w: &Tensor,
    conv: &Conv,
    input: [usize; 2],
) -> Result<Tensor> {
    let (n, o, ..) = dy.dims4()?;
    let (_, per_group, kh, kw) = w.dims4()?;
    let c = per_group * conv.groups;
    let geometry = Geometry::new(conv, c, o, input, [kh, kw]);
    let view = View::<T>::new(dy)?;
    let mut out = vec![T::default(); n * c * input[0] * input[1]];
    for chunk in geometry.chunks(n) {
        for group in 0..conv.groups {
            let gathered = geometry.gather(&view, &chunk, group)?;
            let columns = geometry.weight(w, group)?.t()?.matmul(&gathered)?;
            geometry.roll(&View::<T>::new(&columns)?, &mut out, &chunk, group);
        }
    }
    tensor(out, &[n, c, input[0], input[1]])
}

/// Samples `start .. start + len`.
struct Chunk {
    start: usize,
    len: usize,
}

struct Geometry {
    conv: Conv,
    inputs: usize,
    outputs: usize,
    group_inputs: usize,
    group_outputs: usize,
    input: [usize; 2],
    kernel: [usize; 2],
    output: [usize; 2],
    /// c/g · kh · kw.
    taps: usize,
    /// oh · ow.
    positions: usize,
}

impl Geometry {
    fn new(conv: &Conv, c: usize, o: usize, input: [usize; 2], kernel: [usize; 2]) -> Self {
        let output = [0, 1].map(|i| (input[i] + 2 * conv.pad[i] - kernel[i]) / conv.stride[i] + 1);
        Self {
            conv: *conv,
            inputs: c,
            outputs: o,
            group_inputs: c / conv.groups,
            group_outputs: o / conv.groups,
            input,
            kernel,
            output,
            taps: c / conv.groups * kernel[0] * kernel[1],
            positions: output[0] * output[1],
        }
    }

    fn chunks(&self, n: usize) -> Vec<Chunk> {
        let len = (CHUNK / (self.taps * self.positions).max(1)).clamp(1, n.max(1));
        (0..n).step_by(len).map(|start| Chunk { start, len: len.min(n - start) }).collect()
    }

    /// The weights of a group as a matrix `[outputs, taps]`.
    fn weight(&self, w: &Tensor, group: usize) -> Result<Tensor> {
        w.narrow(0, group * self.group_outputs, self.group_outputs)?
            .reshape((self.group_outputs, self.taps))
    }

    /// The tap of a row of columns: channel within the group, row and column in the kernel.
    fn tap(&self, row: usize) -> [usize; 3] {
        let [kh, kw] = self.kernel;
        [row / (kh * kw), row / kw % kh, row % kw]
    }

    /// Positions `from .. to` along an axis whose window element `k` lies inside the picture.
    fn inside(&self, axis: usize, k: usize) -> (usize, usize) {
        let (stride, pad) = (self.conv.stride[axis], self.conv.pad[axis]);
        let from = pad.saturating_sub(k).div_ceil(stride);
        let to = (self.input[axis] + pad).saturating_sub(k).div_ceil(stride).min(self.output[axis]);
        (from.min(to), to)
    }

    fn unroll<T: Real>(&self, x: &[T], chunk: &Chunk, group: usize) -> Result<Tensor> {
        let width = chunk.len * self.positions;
        let mut columns = vec![T::default(); self.taps * width];
        rows(&mut columns, width, |row, out| {
            let [channel, i, j] = self.tap(row);
            let (top, bottom) = self.inside(0, i);
            let (left, right) = self.inside(1, j);
            if left == right {
                return;
            }
            for (sample, out) in out.chunks_mut(self.positions).enumerate() {
                let plane = self.plane(chunk.start + sample, group, channel);
                let x = &x[plane..];
                for y in top..bottom {
                    let out = &mut out[y * self.output[1] + left..y * self.output[1] + right];
                    let source = self.source(y, i, left, j);
                    if self.conv.stride[1] == 1 {
                        out.copy_from_slice(&x[source..source + out.len()]);
                    } else {
                        let picked = x[source..].iter().step_by(self.conv.stride[1]);
                        out.iter_mut().zip(picked).for_each(|(out, x)| *out = *x);
                    }
                }
            }
        });
        tensor(columns, &[self.taps, width])
    }

    /// Adds columns to the pixels they came from.
    fn roll<T: Real>(&self, columns: &[T], out: &mut [T], chunk: &Chunk, group: usize) {
        let width = chunk.len * self.positions;
        let pixels = self.input[0] * self.input[1];
        let sample_len = self.inputs * pixels;
        let part = &mut out[chunk.start * sample_len..][..chunk.len * sample_len];
        let group_start = group * self.group_inputs * pixels;
        rows(part, sample_len, |sample, out| {
            let out = &mut out[group_start..][..self.group_inputs * pixels];
            for row in 0..self.taps {
                let [channel, i, j] = self.tap(row);
                let (top, bottom) = self.inside(0, i);
                let (left, right) = self.inside(1, j);
                if left == right {
                    continue;
                }
                let columns = &columns[row * width + sample * self.positions..];
                let out = &mut out[channel * pixels..][..pixels];
                for y in top..bottom {
                    let columns = &columns[y * self.output[1] + left..y * self.output[1] + right];
                    let source = self.source(y, i, left, j);
                    if self.conv.stride[1] == 1 {
                        let out = &mut out[source..source + columns.len()];
                        out.iter_mut().zip(columns).for_each(|(out, value)| *out += *value);
                    } else {
                        let picked = out[source..].iter_mut().step_by(self.conv.stride[1]);
                        picked.zip(columns).for_each(|(out, value)| *out += *value);
                    }
                }
            }
        });
    }

    /// The outputs of a group over a chunk as a matrix `[outputs, samples · positions]`.
    fn gather<T: Real>(&self, dy: &[T], chunk: &Chunk, group: usize) -> Result<Tensor> {
        let width = chunk.len * self.positions;
        let mut out = vec![T::default(); self.group_outputs * width];
        rows(&mut out, width, |row, out| {
            for (sample, out) in out.chunks_mut(self.positions).enumerate() {
                let from = self.output_plane(chunk.start + sample, group, row);
                out.copy_from_slice(&dy[from..from + self.positions]);
            }
        });
        tensor(out, &[self.group_outputs, width])
    }

    /// The reverse of `gather`.
    fn scatter<T: Real>(&self, product: &[T], out: &mut [T], chunk: &Chunk, group: usize) {
        let width = chunk.len * self.positions;
        let sample_len = self.outputs * self.positions;
        let part = &mut out[chunk.start * sample_len..][..chunk.len * sample_len];
        rows(part, sample_len, |sample, out| {
            let out = &mut out[group * self.group_outputs * self.positions..];
            for (row, out) in out.chunks_mut(self.positions).take(self.group_outputs).enumerate() {
                let from = row * width + sample * self.positions;
                out.copy_from_slice(&product[from..from + self.positions]);
            }
        });
    }

    /// First pixel of a channel of a group of a sample.
    fn plane(&self, sample: usize, group: usize, channel: usize) -> usize {
        let channel = group * self.group_inputs + channel;
        (sample * self.inputs + channel) * self.input[0] * self.input[1]
    }

    fn output_plane(&self, sample: usize, group: usize, output: usize) -> usize {
        (sample * self.outputs + group * self.group_outputs + output) * self.positions
    }

    /// The pixel under window element (i, j) of the window at (y, x); the caller has made sure that it is inside.
    fn source(&self, y: usize, i: usize, x: usize, j: usize) -> usize {
        let row = y * self.conv.stride[0] + i - self.conv.pad[0];
        let column = (x * self.conv.stride[1] + j).saturating_sub(self.conv.pad[1]);
        row * self.input[1] + column
    }
}
