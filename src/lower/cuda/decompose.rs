//! Rewrites operations that the CUDA target has no kernel for into sums and element-wise operations, which fuse.
//!
//! Statistics per channel, per sample and per group become sums; what a sum gives to more than its own elements is marked by
//! a [`Op::StopGradient`] behind it, so that partial sums are added up once and not by every reader.

use crate::ir::{Binary, Emit, GradOp, Graph, Node, NodeId, Norm, Op, Shape, Unary, copy, rebuild};
use crate::lower::cpu::decompose::decompose as decompose_batch;
use crate::passes::clean;

/// The graph with [`Op::Sum`] and [`Op::SumSquares`] as its only reductions beside rows of classes and singular values.
pub(super) fn decompose(graph: &Graph) -> Graph {
    clean(&rebuild(&decompose_batch(graph), rewrite))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other operations stay as they are")]
fn rewrite(emit: &mut Emit<'_>, node: &Node, inputs: &[NodeId]) -> NodeId {
    match &node.op {
        Op::BatchMean => mean(emit, inputs[0]),
        Op::BatchVar => {
            let x = inputs[0];
            let mean = mean(emit, x);
            let mean = emit.spread_channels(mean, x);
            let centred = emit.sub(x, mean);
            let square = emit.unary(Unary::Square, centred);
            let sum = emit.sum_except(square, &[1]);
            let count = emit.channel_count(x);
            let one = emit.number(1.0);
            let less = emit.sub(count, one);
            let less = emit.binary(Binary::Max, less, one);
            let variance = emit.scale_inverse(less, sum);
            emit.op(Op::StopGradient, &[variance])
        }
        Op::Normalize { norm: Norm::Layer, eps } => groups(emit, inputs[0], 1, *eps).unit(emit),
        Op::Normalize { norm: Norm::Group(groups), eps } => {
            self::groups(emit, inputs[0], *groups, *eps).unit(emit)
        }
        Op::Grad(GradOp::Normalize { norm: Norm::Layer, eps }) => {
            groups(emit, inputs[0], 1, *eps).gradient(emit, inputs[1])
        }
        Op::Grad(GradOp::Normalize { norm: Norm::Group(groups), eps }) => {
            self::groups(emit, inputs[0], *groups, *eps).gradient(emit, inputs[1])
        }
        // A mean per channel that a gradient spreads over its pixels.
        Op::Sum { .. } if node.shape.rank() > 0 => {
            let sum = copy(emit, node, inputs);
            emit.op(Op::StopGradient, &[sum])
        }
        _ => copy(emit, node, inputs),
    }
}

/// Mean per channel.
fn mean(emit: &mut Emit<'_>, x: NodeId) -> NodeId {
    let sum = emit.sum_except(x, &[1]);
    let count = emit.channel_count(x);
    let mean = emit.scale_inverse(count, sum);
    emit.op(Op::StopGradient, &[mean])
}

/// A tensor as `[n, groups, rest]`, with its statistics of each group.
struct Groups {
    shape: Shape,
    grouped: Shape,
    /// (x − mean), grouped.
    centred: NodeId,
    /// 1 / sqrt(variance + eps), grouped.
    inverse: NodeId,
}

fn groups(emit: &mut Emit<'_>, x: NodeId, groups: usize, eps: f64) -> Groups {
    let shape = emit.shape(x);
    let rest = shape.elements() / groups.max(1);
    let grouped = Shape::per_sample([groups, rest]);
    let x = emit.reshape(x, grouped.clone());
    let mean = group_mean(emit, x);
    let mean = spread(emit, mean, &grouped);
    let centred = emit.sub(x, mean);
    let square = emit.unary(Unary::Square, centred);
    let variance = group_mean(emit, square);
    let eps = emit.number_like(eps, variance);
    let sum = emit.add(variance, eps);
    let root = emit.unary(Unary::Sqrt, sum);
    let one = emit.number_like(1.0, root);
    let inverse = emit.div(one, root);
    let inverse = emit.op(Op::StopGradient, &[inverse]);
    let inverse = spread(emit, inverse, &grouped);
    Groups { shape, grouped, centred, inverse }
}

fn group_mean(emit: &mut Emit<'_>, x: NodeId) -> NodeId {
    let rest = emit.graph[x].shape.dims[1];
    let sum = emit.sum(x, [2]);
    let mean = emit.times(sum, 1.0 / rest as f64);
    emit.op(Op::StopGradient, &[mean])
}

fn spread(emit: &mut Emit<'_>, values: NodeId, grouped: &Shape) -> NodeId {
    emit.op(Op::Expand { shape: grouped.clone(), axes: vec![0, 1] }, &[values])
}

impl Groups {
    fn unit(&self, emit: &mut Emit<'_>) -> NodeId {
        let unit = emit.mul(self.centred, self.inverse);
        emit.reshape(unit, self.shape.clone())
    }

    fn gradient(&self, emit: &mut Emit<'_>, dy: NodeId) -> NodeId {
        let dy = emit.reshape(dy, self.grouped.clone());
        let unit = emit.mul(self.centred, self.inverse);
        let weighted = emit.mul(dy, unit);
        let mean_dy = group_mean(emit, dy);
        let mean_dy = spread(emit, mean_dy, &self.grouped);
        let mean_weighted = group_mean(emit, weighted);
        let mean_weighted = spread(emit, mean_weighted, &self.grouped);
        let less = emit.sub(dy, mean_dy);
        let along = emit.mul(unit, mean_weighted);
        let difference = emit.sub(less, along);
        let gradient = emit.mul(difference, self.inverse);
        emit.reshape(gradient, self.shape.clone())
    }
}
