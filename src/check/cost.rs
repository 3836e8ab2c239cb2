//! What a graph costs: parameters, floating-point operations per sample, memory as a line in the batch size.

use crate::ir::{Graph, LayerId, NodeId, Op, flops};

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

/// What it takes to evaluate `nodes` alone: their operations, and the parameters among them.
pub(super) fn cost_of(graph: &Graph, nodes: &[NodeId]) -> Cost {
    let mut cost = Cost::default();
    for id in nodes {
        let node = &graph[*id];
        let params = if let Op::Param(_) = node.op { node.shape.elements() as u64 } else { 0 };
        cost.add(&Cost { params, flops: flops(graph, *id).per_sample, memory: Memory::default() });
    }
    cost
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
        let elements = node.shape.elements() as u64;
        let mut memory = Memory::default();
        if matches!(node.op, Op::Buffer(_)) {
            memory.fixed = elements.saturating_mul(bytes);
        } else if node.shape.batched && !matches!(node.op, Op::Reshape(_) | Op::Expand { .. }) {
            memory.per_sample = elements.saturating_mul(bytes);
        }
        let flops = flops(graph, *id).per_sample;
        book(node.layer, Cost { params: 0, flops, memory });
    }
    (layers, total)
}
