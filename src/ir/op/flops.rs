//! How many floating-point operations an operation of the graph stands for, however it is computed.

use super::Op;
use crate::ir::{Graph, NodeId, Shape};

/// Operations as a line in the batch size: `fixed + per_sample · n`; a multiply-add counts as 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flops {
    /// Whatever the batch.
    pub fixed: u64,
    /// For each sample.
    pub per_sample: u64,
}

impl Flops {
    /// Adds other operations; saturates.
    pub fn add(&mut self, other: Self) {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.per_sample = self.per_sample.saturating_add(other.per_sample);
    }

    /// Operations for a batch of `n`; saturates.
    pub fn of_batch(self, n: usize) -> u64 {
        self.per_sample.saturating_mul(n as u64).saturating_add(self.fixed)
    }
}

/// The operations of one node.
///
/// 2 per multiply-add of linear maps and of their gradients, 1 per element of element-wise functions (2 of `prelu`, which
/// compares and multiplies), 1 per term of sums, one per window element of pools, 5 per element of normalisations with their
/// own statistics (mean, variance, centring, scaling) and 2 with given ones, 5 per element of softmax; 0 for leaves, moves,
/// choices, random masks and singular values. A rewrite into smaller operations keeps the count per sample of forward passes.
pub fn flops(graph: &Graph, id: NodeId) -> Flops {
    let node = &graph[id];
    let inputs: Vec<_> = graph.inputs(id).iter().map(|id| &graph[*id].shape).collect();
    let count = count(&node.op, &node.shape, &inputs);
    if node.shape.batched || inputs.iter().any(|shape| shape.batched) {
        Flops { fixed: 0, per_sample: count }
    } else {
        Flops { fixed: count, per_sample: 0 }
    }
}

fn count(op: &Op, shape: &Shape, inputs: &[&Shape]) -> u64 {
    let elements = shape.elements() as u64;
    let input = |port: usize| inputs.get(port).map_or(0, |shape| shape.elements() as u64);
    let times = |factor: u64| elements.saturating_mul(factor);
    match op {
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::StopGradient
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Concat { .. }
        | Op::Slice { .. }
        | Op::Select
        | Op::DropoutMask { .. }
        | Op::SpectralNorm => 0,
        Op::Unary(_) | Op::Binary(_) => elements,
        Op::Prelu | Op::NormalizeRunning { .. } => times(2),
        Op::Sum { .. } | Op::BatchMean => input(0),
        Op::SumSquares | Op::BatchVar => input(0).saturating_mul(2),
        Op::Linear | Op::Conv(_) => {
            let weight = inputs.get(1).and_then(|shape| shape.dims.get(1..)).unwrap_or(&[]);
            times(2).saturating_mul(product(weight))
        }
        Op::MaxPool(pool) | Op::AvgPool(pool) => times(product(&pool.kernel)),
        Op::Normalize { .. } => times(5),
        Op::Class(op) => op.flops(elements, input(0)),
        Op::Modal(op) => op.flops(elements),
        Op::Grad(op) => op.flops(shape, inputs),
    }
}

/// The product of sizes; saturates.
pub(super) fn product(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1, |product: u64, size| product.saturating_mul(*size as u64))
}
