//! Rewrites operations that the fused path has no kernel for into element-wise ones and sums, which fuse.
//!
//! Batch norm becomes statistics per channel and a chain over elements; so do its gradient, running statistics and
//! `prelu`. The results are equal up to rounding. A concatenation of many parts becomes one of few.

use std::collections::BTreeMap;

use crate::ir::{Binary, Emit, GradOp, Graph, Node, NodeId, Norm, Op, Shape, Unary, copy, rebuild};
use crate::kernels::memory::MAX_OPERANDS;
use crate::passes::clean;

/// The graph without batch-wise normalisation, normalisation by given statistics and `prelu`, and without
/// concatenations of more than [`MAX_OPERANDS`] parts.
pub(in crate::lower) fn decompose(graph: &Graph) -> Graph {
    let mut statistics = Statistics::default();
    let decomposed =
        rebuild(graph, |emit, node, inputs| rewrite(emit, node, inputs, &mut statistics));
    clean(&decomposed)
}

/// What is known per channel of a tensor, so that it is computed once.
#[derive(Default)]
struct Statistics {
    mean: BTreeMap<NodeId, NodeId>,
    variance: BTreeMap<NodeId, NodeId>,
    /// 1 / sqrt(variance + eps), by tensor and bits of eps.
    inverse: BTreeMap<(NodeId, u64), NodeId>,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other operations stay as they are")]
fn rewrite(
    emit: &mut Emit<'_>,
    node: &Node,
    inputs: &[NodeId],
    statistics: &mut Statistics,
) -> NodeId {
    match &node.op {
        Op::SumSquares if emit.graph[inputs[0]].shape.batched => {
            let square = emit.unary(Unary::Square, inputs[0]);
            emit.sum_except(square, &[])
        }
        Op::Concat { axis } if inputs.len() > MAX_OPERANDS => joined(emit, *axis, inputs),
        Op::BatchMean => statistics.mean(emit, inputs[0]),
        Op::BatchVar => statistics.variance(emit, inputs[0]),
        Op::Normalize { norm: Norm::Batch, eps } => normalized(emit, inputs[0], *eps, statistics),
        Op::Grad(GradOp::Normalize { norm: Norm::Batch, eps }) => {
            let (x, dy) = (inputs[0], inputs[1]);
            let count = emit.channel_count(x);
            let unit = normalized(emit, x, *eps, statistics);
            let weighted = emit.mul(dy, unit);
            let mean = |emit: &mut Emit<'_>, values: NodeId| {
                let total = emit.sum_except(values, &[1]);
                emit.scale_inverse(count, total)
            };
            let mean_dy = mean(emit, dy);
            let mean_weighted = mean(emit, weighted);
            let mean_dy = emit.spread_channels(mean_dy, x);
            let mean_weighted = emit.spread_channels(mean_weighted, x);
            let centred = emit.sub(dy, mean_dy);
            let along = emit.mul(unit, mean_weighted);
            let difference = emit.sub(centred, along);
            let inverse = statistics.inverse(emit, x, *eps);
            let inverse = emit.spread_channels(inverse, x);
            emit.mul(difference, inverse)
        }
        Op::NormalizeRunning { eps } => {
            let mean = emit.spread_channels(inputs[1], inputs[0]);
            let centred = emit.sub(inputs[0], mean);
            let inverse = inverse_root(emit, inputs[2], *eps);
            let inverse = emit.spread_channels(inverse, inputs[0]);
            emit.mul(centred, inverse)
        }
        Op::Grad(GradOp::NormalizeRunning { eps }) => {
            let inverse = inverse_root(emit, inputs[1], *eps);
            let inverse = emit.spread_channels(inverse, inputs[0]);
            emit.mul(inputs[0], inverse)
        }
        Op::Prelu => {
            let slope = slope(emit, inputs[1], inputs[0]);
            let step = emit.unary(Unary::Step, inputs[0]);
            let scaled = emit.mul(slope, inputs[0]);
            emit.select(step, inputs[0], scaled)
        }
        Op::Grad(GradOp::PreluInput) => {
            let slope = slope(emit, inputs[1], inputs[0]);
            let step = emit.unary(Unary::Step, inputs[0]);
            let scaled = emit.mul(slope, inputs[2]);
            emit.select(step, inputs[2], scaled)
        }
        Op::Grad(GradOp::PreluSlope) => {
            let step = emit.unary(Unary::Step, inputs[0]);
            let product = emit.mul(inputs[0], inputs[2]);
            let zero = emit.number_like(0.0, product);
            let below = emit.select(step, zero, product);
            let shape = emit.shape(inputs[1]);
            let is_single = shape.elements() == 1;
            let total = emit.sum_except(below, if is_single { &[] } else { &[1] });
            emit.reshape(total, shape)
        }
        _ => copy(emit, node, inputs),
    }
}

impl Statistics {
    fn mean(&mut self, emit: &mut Emit<'_>, x: NodeId) -> NodeId {
        *self.mean.entry(x).or_insert_with(|| emit.op(Op::BatchMean, &[x]))
    }

    fn variance(&mut self, emit: &mut Emit<'_>, x: NodeId) -> NodeId {
        *self.variance.entry(x).or_insert_with(|| emit.op(Op::BatchVar, &[x]))
    }

    fn inverse(&mut self, emit: &mut Emit<'_>, x: NodeId, eps: f64) -> NodeId {
        if let Some(known) = self.inverse.get(&(x, eps.to_bits())) {
            return *known;
        }
        // From the divisor count − 1 to the divisor count.
        let count = emit.channel_count(x);
        let one = emit.number(1.0);
        let less = emit.sub(count, one);
        let less = emit.binary(Binary::Max, less, one);
        let share = emit.div(less, count);
        let variance = self.variance(emit, x);
        let biased = emit.scale(share, variance);
        let inverse = inverse_root(emit, biased, eps);
        self.inverse.insert((x, eps.to_bits()), inverse);
        inverse
    }
}

/// Parts joined by few at a time.
fn joined(emit: &mut Emit<'_>, axis: usize, parts: &[NodeId]) -> NodeId {
    let mut parts = parts.to_vec();
    while parts.len() > 1 {
        parts = parts
            .chunks(MAX_OPERANDS)
            .map(|few| match few {
                [part] => *part,
                few => emit.op(Op::Concat { axis }, few),
            })
            .collect();
    }
    parts[0]
}

fn normalized(emit: &mut Emit<'_>, x: NodeId, eps: f64, statistics: &mut Statistics) -> NodeId {
    let mean = statistics.mean(emit, x);
    let mean = emit.spread_channels(mean, x);
    let centred = emit.sub(x, mean);
    let inverse = statistics.inverse(emit, x, eps);
    let inverse = emit.spread_channels(inverse, x);
    emit.mul(centred, inverse)
}

/// 1 / sqrt(variance + eps).
fn inverse_root(emit: &mut Emit<'_>, variance: NodeId, eps: f64) -> NodeId {
    let eps = emit.number_like(eps, variance);
    let spread = emit.add(variance, eps);
    let root = emit.unary(Unary::Sqrt, spread);
    let one = emit.number_like(1.0, root);
    emit.div(one, root)
}

fn slope(emit: &mut Emit<'_>, slope: NodeId, x: NodeId) -> NodeId {
    let channels = emit.graph[x].shape.dims.first().copied();
    if emit.graph[slope].shape.elements() == 1 && channels != Some(1) {
        let single = emit.reshape(slope, Shape::scalar());
        return emit.spread_like(single, x);
    }
    emit.spread_channels(slope, x)
}
