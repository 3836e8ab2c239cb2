//! What a graph costs: parameters, floating-point operations per sample, memory as a line in the batch size.

use crate::ir::{Graph, LayerId, NodeId, Op, Shape};

/// Costs of one layer or of a whole net.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Trainable numbers.
    pub params: u64,
    /// Floating-point operations of a forward pass per sample; a multiply-add counts as 2.
    pub flops: u64,
    /// Memory.
    pub memory: Memory,
}

/// bytes = `fixed` + `per_sample` · n for a batch of n.
///
/// `fixed` are parameters and running statistics; `per_sample` the results of all operations kept for the backward pass
/// (views such as `flatten` are free). Gradients and optimiser state come on top: one or more times `fixed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes independent of the batch.
    pub fixed: u64,
    /// Bytes per sample.
    pub per_sample: u64,
}

impl Cost {
    /// Adds another cost; sums saturate.
    pub fn add(&mut self, other: &Self) {
        self.params = self.params.saturating_add(other.params);
        self.flops = self.flops.saturating_add(other.flops);
        self.memory.fixed = self.memory.fixed.saturating_add(other.memory.fixed);
        self.memory.per_sample = self.memory.per_sample.saturating_add(other.memory.per_sample);
    }
}

/// Costs per layer (by [`LayerId`]) and in total, of the nodes in `live`; `bytes` is the size of one number.
pub(super) fn costs(graph: &Graph, live: &[NodeId], bytes: u64) -> (Vec<Cost>, Cost) {
    let mut layers = vec![Cost::default(); graph.layers.len()];
    let mut total = Cost::default();
    let mut book = |layer: Option<LayerId>, cost: Cost| {
        if let Some(layer) = layer {
            layers[layer.0 as usize].add(&cost);
        }
        total.add(&cost);
    };
    for param in &graph.params {
        let params = param.shape.elements() as u64;
        let memory = Memory { fixed: params.saturating_mul(bytes), per_sample: 0 };
        book(param.layer, Cost { params, flops: 0, memory });
    }
    for id in live {
        let node = &graph[*id];
        let inputs: Vec<_> = graph.inputs(*id).iter().map(|id| &graph[*id].shape).collect();
        let elements = node.shape.elements() as u64;
        let mut memory = Memory::default();
        if matches!(node.op, Op::Buffer(_)) {
            memory.fixed = elements.saturating_mul(bytes);
        } else if node.shape.batched && !matches!(node.op, Op::Reshape(_) | Op::Expand { .. }) {
            memory.per_sample = elements.saturating_mul(bytes);
        }
        let flops = if node.shape.batched { flops(&node.op, elements, &inputs) } else { 0 };
        book(node.layer, Cost { params: 0, flops, memory });
    }
    (layers, total)
}

/// Operations per sample: 2 per multiply-add of linear maps, 1 per element of element-wise functions, one per window element of
/// pools, 5 per element of normalisations with their own statistics (two means, centring, scaling) and 2 with given ones,
/// 5 per element of softmax; 0 for leaves and moves.
#[expect(clippy::match_same_arms, reason = "one group per kind of operation")]
fn flops(op: &Op, elements: u64, inputs: &[&Shape]) -> u64 {
    let input = |port: usize| inputs.get(port).map_or(0, |shape| shape.elements() as u64);
    let weight = |axes: std::ops::RangeFrom<usize>| {
        let dims = inputs.get(1).and_then(|shape| shape.dims.get(axes)).unwrap_or(&[]);
        dims.iter().fold(1_u64, |product, dim| product.saturating_mul(*dim as u64))
    };
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
        | Op::Scatter { .. } => 0,
        Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Prelu | Op::DropoutMask { .. } => elements,
        Op::Dropout { .. } => elements,
        Op::PreluGradInput | Op::PreluGradSlope => times(2),
        Op::Sum { .. } | Op::ArgMax | Op::ArgMaxExcept => input(0),
        Op::SumSquares => input(0).saturating_mul(2),
        Op::Linear | Op::Conv(_) => times(2).saturating_mul(weight(1..)),
        Op::LinearGradInput => times(2).saturating_mul(input(0)),
        Op::ConvGradInput { .. } => {
            let taps = weight(2..);
            let outputs =
                inputs.get(1).and_then(|shape| shape.dims.first()).map_or(1, |o| *o as u64);
            times(2).saturating_mul(taps).saturating_mul(outputs)
        }
        // Summed over the batch: not per sample, so they never reach here as batched results.
        Op::LinearGradWeight | Op::ConvGradWeight { .. } => times(2),
        Op::MaxPool(pool) | Op::AvgPool(pool) | Op::MaxPoolGrad(pool) => {
            times((pool.kernel[0] as u64).saturating_mul(pool.kernel[1] as u64))
        }
        Op::AvgPoolGrad { pool, .. } => {
            input(0).saturating_mul((pool.kernel[0] as u64).saturating_mul(pool.kernel[1] as u64))
        }
        Op::BatchNorm { .. } => times(5),
        Op::Normalize { .. } => times(5),
        Op::NormalizeGrad { .. } => times(8),
        Op::NormalizeRunning { .. } | Op::NormalizeRunningGrad { .. } => times(2),
        Op::BatchMean | Op::BatchVar => input(0).saturating_mul(2),
        Op::Softmax | Op::LogSoftmax | Op::LogNotLabel | Op::SoftmaxExcept => times(5),
        Op::SparsemaxThreshold | Op::SparsemaxSupport => times(5),
        Op::SpectralNorm | Op::SpectralNormGrad => 0,
    }
}
