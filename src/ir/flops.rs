//! How many floating-point operations an operation of the graph stands for, however it is computed.

use super::{Graph, NodeId, Op, Shape};

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

#[expect(clippy::match_same_arms, reason = "one group per kind of operation")]
fn count(op: &Op, shape: &Shape, inputs: &[&Shape]) -> u64 {
    let elements = shape.elements() as u64;
    let input = |port: usize| inputs.get(port).map_or(0, |shape| shape.elements() as u64);
    let product = |dims: &[usize]| {
        dims.iter().fold(1_u64, |product, dim| product.saturating_mul(*dim as u64))
    };
    let weight = |axes: std::ops::RangeFrom<usize>| {
        product(inputs.get(1).and_then(|shape| shape.dims.get(axes)).unwrap_or(&[]))
    };
    let window = |kernel: [usize; 2]| product(&kernel);
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
        | Op::Unslice { .. }
        | Op::Gather
        | Op::Scatter { .. }
        | Op::Select
        | Op::DropoutMask { .. } => 0,
        Op::Unary(_) | Op::Binary(_) | Op::Dropout { .. } => elements,
        Op::Prelu | Op::PreluGradInput => times(2),
        Op::PreluGradSlope => input(0).saturating_mul(2),
        Op::Sum { .. } | Op::ArgMax | Op::ArgMaxExcept => input(0),
        Op::SumSquares => input(0).saturating_mul(2),
        Op::Linear | Op::Conv(_) => times(2).saturating_mul(weight(1..)),
        Op::LinearGradInput => times(2).saturating_mul(input(0)),
        Op::ConvGradInput { .. } => {
            // As many multiply-adds as forward: each output meets the weights of its channel.
            input(0).saturating_mul(2).saturating_mul(weight(1..))
        }
        Op::LinearGradWeight => times(2),
        Op::ConvGradWeight { .. } => {
            let pixels = inputs.first().and_then(|shape| shape.dims.get(1..)).unwrap_or(&[]);
            times(2).saturating_mul(product(pixels))
        }
        Op::MaxPool(pool) | Op::AvgPool(pool) => times(window(pool.kernel)),
        Op::MaxPoolGrad(pool) => input(1).saturating_mul(window(pool.kernel)),
        Op::AvgPoolGrad { pool, .. } => input(0).saturating_mul(window(pool.kernel)),
        Op::BatchNorm { .. } | Op::Normalize { .. } => times(5),
        Op::NormalizeGrad { .. } => times(8),
        Op::NormalizeRunning { .. } | Op::NormalizeRunningGrad { .. } => times(2),
        Op::BatchMean => input(0),
        Op::BatchVar => input(0).saturating_mul(2),
        Op::Softmax | Op::LogSoftmax | Op::LogNotLabel | Op::SoftmaxExcept => times(5),
        Op::SparsemaxThreshold | Op::SparsemaxSupport => times(5),
        Op::SpectralNorm | Op::SpectralNormGrad => 0,
    }
}
