//! Evaluates the forward operations of a graph in f64, one node at a time.

use super::super::Mode;
use super::super::layerwise::ancestors;
use super::super::rules::Judgement;
use super::Point;
use super::linear::{Picture, conv, linear, pool};
use super::norm::{normalize, running};
use crate::ir::{ClassOp, Graph, ModalOp, NodeId, Norm, Op, Shape};

/// The nodes behind one result, ready to be evaluated at many points.
#[derive(Debug)]
pub struct Interpreter<'a> {
    graph: &'a Graph,
    nodes: Vec<NodeId>,
    root: NodeId,
    judgement: Judgement,
}

impl<'a> Interpreter<'a> {
    /// For the node `root`. In the limit eps is 0.
    pub fn new(graph: &'a Graph, root: NodeId, judgement: Judgement) -> Self {
        Self { graph, nodes: ancestors(graph, root), root, judgement }
    }

    /// The value of the root, `[n, …]` row-major; `None` where an operation of a loss or of a gradient stands in the way.
    pub fn evaluate(&self, point: &Point) -> Option<Vec<f64>> {
        self.visit(point, &mut |_, _| {})
    }

    /// As [`Interpreter::evaluate`], and shows every value on the way.
    pub fn visit(&self, point: &Point, visit: &mut dyn FnMut(NodeId, &[f64])) -> Option<Vec<f64>> {
        let mut values: Vec<Option<Vec<f64>>> = vec![None; self.graph.len()];
        let mut last_use = vec![0_usize; self.graph.len()];
        for (step, id) in self.nodes.iter().enumerate() {
            for input in self.graph.inputs(*id) {
                last_use[input.0 as usize] = step;
            }
        }
        for (step, id) in self.nodes.iter().enumerate() {
            let inputs = self.graph.inputs(*id);
            let mut operands = vec![];
            for input in &inputs {
                operands.push((values[input.0 as usize].as_deref()?, &self.graph[*input].shape));
            }
            let value = self.apply(*id, &operands, point)?;
            visit(*id, &value);
            values[id.0 as usize] = Some(value);
            for input in inputs {
                if last_use[input.0 as usize] == step && input != self.root {
                    values[input.0 as usize] = None;
                }
            }
        }
        values[self.root.0 as usize].take()
    }

    fn eps(&self, eps: f64) -> f64 {
        if self.judgement.limit { 0.0 } else { eps }
    }

    #[expect(clippy::too_many_lines, reason = "one arm per operation")]
    fn apply(&self, id: NodeId, operands: &[(&[f64], &Shape)], point: &Point) -> Option<Vec<f64>> {
        let node = &self.graph[id];
        let value = |port: usize| operands.get(port).map(|(value, _)| *value);
        let shape = |port: usize| operands.get(port).map(|(_, shape)| *shape);
        let result = match &node.op {
            Op::Input => point.input.clone(),
            Op::Param(param) => point.params.get(param.0 as usize)?.clone(),
            Op::Buffer(buffer) => point.buffers.get(buffer.0 as usize)?.clone(),
            Op::Const(number) => vec![*number],
            Op::BatchCount => vec![point.n as f64],
            Op::Unary(function) => value(0)?.iter().map(|x| function.eval(*x)).collect(),
            Op::Binary(function) => {
                let pairs = value(0)?.iter().zip(value(1)?);
                pairs.map(|(a, b)| function.eval(*a, *b)).collect()
            }
            Op::Select => {
                let pairs = value(0)?.iter().zip(value(1)?.iter().zip(value(2)?));
                pairs.map(|(mask, (a, b))| if *mask == 0.0 { *b } else { *a }).collect()
            }
            Op::Prelu => {
                let (slopes, inner) = (value(1)?, inner(shape(0)?));
                let slope = |i: usize| slopes[i / inner % slopes.len()];
                let x = value(0)?.iter().enumerate();
                x.map(|(i, x)| if *x > 0.0 { *x } else { slope(i) * x }).collect()
            }
            Op::StopGradient | Op::Reshape(_) => value(0)?.to_vec(),
            Op::Expand { shape: to, axes } => {
                expand(value(0)?, &shape(0)?.sizes(point.n), &to.sizes(point.n), axes)
            }
            Op::Sum { axes } => sum(value(0)?, &shape(0)?.sizes(point.n), axes),
            Op::SumSquares => vec![value(0)?.iter().map(|x| x * x).sum()],
            Op::Concat { axis } => {
                let sizes: Vec<_> = operands.iter().map(|(_, s)| s.sizes(point.n)).collect();
                let outer: usize = sizes.first()?[..*axis].iter().product();
                let blocks: Vec<usize> =
                    sizes.iter().map(|size| size[*axis..].iter().product()).collect();
                let mut joined = vec![];
                for row in 0..outer {
                    for ((value, _), block) in operands.iter().zip(&blocks) {
                        joined.extend_from_slice(&value[row * block..(row + 1) * block]);
                    }
                }
                joined
            }
            Op::Slice { axis, start, len } => {
                let sizes = shape(0)?.sizes(point.n);
                let inner: usize = sizes[axis + 1..].iter().product();
                let block = sizes[*axis] * inner;
                let rows = value(0)?.chunks_exact(block.max(1));
                rows.flat_map(|row| row[start * inner..(start + len) * inner].iter().copied())
                    .collect()
            }
            Op::Linear => linear(value(0)?, value(1)?, *shape(0)?.dims.first()?),
            Op::Conv(geometry) => {
                let kernel = [*shape(1)?.dims.get(2)?, *shape(1)?.dims.get(3)?];
                let (from, to) = (picture(shape(0)?)?, picture(&node.shape)?);
                conv(geometry, value(0)?, from, value(1)?, kernel, to)
            }
            Op::MaxPool(geometry) => {
                let (from, to) = (picture(shape(0)?)?, picture(&node.shape)?);
                let largest = |w: &[f64]| w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                pool(geometry, value(0)?, from, to, largest)
            }
            Op::AvgPool(geometry) => {
                let (from, to) = (picture(shape(0)?)?, picture(&node.shape)?);
                let count = (geometry.kernel[0] * geometry.kernel[1]) as f64;
                pool(geometry, value(0)?, from, to, |w| w.iter().sum::<f64>() / count)
            }
            Op::Modal(ModalOp::BatchNorm { eps, .. }) => {
                let (channels, inner) = (*shape(0)?.dims.first()?, inner(shape(0)?));
                match self.judgement.mode {
                    Mode::Train => {
                        normalize(Norm::Batch, self.eps(*eps), value(0)?, point.n, channels, inner)
                    }
                    Mode::Eval => running(self.eps(*eps), value(0)?, value(1)?, value(2)?, inner),
                }
            }
            Op::Normalize { norm, eps } => {
                let (channels, inner) = (*shape(0)?.dims.first()?, inner(shape(0)?));
                normalize(*norm, self.eps(*eps), value(0)?, point.n, channels, inner)
            }
            Op::NormalizeRunning { eps } => {
                running(self.eps(*eps), value(0)?, value(1)?, value(2)?, inner(shape(0)?))
            }
            Op::Modal(ModalOp::Dropout { p, stream }) => match self.judgement.mode {
                Mode::Train => {
                    let x = value(0)?.iter().enumerate();
                    x.map(|(i, x)| if kept(*stream, i, *p) { x / (1.0 - p) } else { 0.0 }).collect()
                }
                Mode::Eval => value(0)?.to_vec(),
            },
            Op::Class(ClassOp::Softmax) => rows(value(0)?, *node.shape.dims.first()?, false),
            Op::Class(ClassOp::LogSoftmax) => rows(value(0)?, *node.shape.dims.first()?, true),
            Op::Class(_)
            | Op::Grad(_)
            | Op::Labels
            | Op::Hyper(_)
            | Op::DropoutMask { .. }
            | Op::BatchMean
            | Op::BatchVar
            | Op::SpectralNorm => return None,
        };
        Some(result)
    }
}

/// Elements per channel of one sample.
fn inner(shape: &Shape) -> usize {
    shape.dims.iter().skip(1).product::<usize>().max(1)
}

fn picture(shape: &Shape) -> Option<Picture> {
    shape.dims.as_slice().try_into().ok()
}

fn strides(sizes: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; sizes.len()];
    for axis in (1..sizes.len()).rev() {
        strides[axis - 1] = strides[axis] * sizes[axis];
    }
    strides
}

fn expand(x: &[f64], from: &[usize], to: &[usize], axes: &[usize]) -> Vec<f64> {
    let (source, target) = (strides(from), strides(to));
    (0..to.iter().product::<usize>())
        .map(|i| {
            let offset: usize = axes
                .iter()
                .enumerate()
                .map(|(axis, out)| i / target[*out] % to[*out] * source[axis])
                .sum();
            x[offset]
        })
        .collect()
}

fn sum(x: &[f64], sizes: &[usize], axes: &[usize]) -> Vec<f64> {
    let source = strides(sizes);
    let kept: Vec<usize> = (0..sizes.len()).filter(|axis| !axes.contains(axis)).collect();
    let to: Vec<usize> = kept.iter().map(|axis| sizes[*axis]).collect();
    let target = strides(&to);
    let mut y = vec![0.0; to.iter().product()];
    for (i, value) in x.iter().enumerate() {
        let offset: usize = kept
            .iter()
            .zip(&target)
            .map(|(axis, stride)| i / source[*axis] % sizes[*axis] * stride)
            .sum();
        y[offset] += value;
    }
    y
}

fn rows(x: &[f64], classes: usize, log: bool) -> Vec<f64> {
    x.chunks_exact(classes.max(1))
        .flat_map(|row| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = row.iter().map(|x| libm::exp(x - largest)).sum();
            row.iter().map(move |x| {
                if log { x - largest - libm::log(total) } else { libm::exp(x - largest) / total }
            })
        })
        .collect()
}

/// Whether dropout keeps an element: drawn from its place, the same at every point.
fn kept(stream: u32, element: usize, p: f64) -> bool {
    let mut z = (u64::from(stream) << 32) ^ (element as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z >> 11) as f64 / (1_u64 << 53) as f64 >= p
}
