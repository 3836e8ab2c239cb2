//! A place in parameter space with a batch of inputs, drawn from a seed.

use super::super::Cost;
use crate::ir::{BufferRole, Graph, NodeId, Op, ParamRole};

/// Values of all parameters, buffers and inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// By parameter.
    pub params: Vec<Vec<f64>>,
    /// By buffer.
    pub buffers: Vec<Vec<f64>>,
    /// The batch, row-major.
    pub input: Vec<f64>,
    /// Samples in the batch.
    pub n: usize,
}

impl Point {
    /// Draws a point: weights normal with deviation √(2/fan-in), biases and shifts normal, gains and slopes positive,
    /// running variances positive, inputs standard normal. What `root` does not depend on stays empty. Equal seeds give
    /// equal points.
    pub fn draw(graph: &Graph, root: NodeId, n: usize, seed: u64) -> Self {
        let nodes = super::super::layerwise::ancestors(graph, root);
        let (mut reads_param, mut reads_buffer) =
            (vec![false; graph.params.len()], vec![false; graph.buffers.len()]);
        for id in &nodes {
            if let Op::Param(param) = graph[*id].op {
                reads_param[param.0 as usize] = true;
            } else if let Op::Buffer(buffer) = graph[*id].op {
                reads_buffer[buffer.0 as usize] = true;
            }
        }
        let mut random = Random(seed);
        let params = graph
            .params
            .iter()
            .zip(reads_param)
            .map(|(param, is_read)| {
                if !is_read {
                    return vec![];
                }
                let elements = param.shape.elements();
                let fan_in = elements / param.shape.dims.first().copied().unwrap_or(1).max(1);
                let deviation = (2.0 / fan_in.max(1) as f64).sqrt();
                (0..elements)
                    .map(|_| match param.role {
                        ParamRole::Weight => deviation * random.normal(),
                        ParamRole::Bias | ParamRole::Shift => 0.5 * random.normal(),
                        ParamRole::Gain | ParamRole::Scale => 0.5 + random.uniform(),
                        ParamRole::Slope => 0.1 + 0.4 * random.uniform(),
                    })
                    .collect()
            })
            .collect();
        let buffers = graph
            .buffers
            .iter()
            .zip(reads_buffer)
            .map(|(buffer, is_read)| {
                if !is_read {
                    return vec![];
                }
                (0..buffer.shape.elements())
                    .map(|_| match buffer.role {
                        BufferRole::RunningVar | BufferRole::ClassWeights => 0.5 + random.uniform(),
                        BufferRole::RunningMean
                        | BufferRole::Optimizer(_)
                        | BufferRole::Saved(_)
                        | BufferRole::InitialSize
                        | BufferRole::Average(_)
                        | BufferRole::AverageOf(_) => 0.5 * random.normal(),
                    })
                    .collect()
            })
            .collect();
        let elements = nodes
            .iter()
            .find(|id| matches!(graph[**id].op, Op::Input))
            .map_or(0, |id| graph[*id].shape.elements());
        let input = (0..n.saturating_mul(elements)).map(|_| random.normal()).collect();
        Self { params, buffers, input, n }
    }

    /// Whether a point of this size and `evaluations` forward passes of it stay within `budget` operations.
    pub fn affordable(total: &Cost, n: usize, evaluations: usize, budget: u64) -> bool {
        Self::operations(total, n, evaluations) <= budget
    }

    /// Operations of `evaluations` forward passes of a batch of `n`.
    pub fn operations(total: &Cost, n: usize, evaluations: usize) -> u64 {
        let operations = total.flops.saturating_add(total.params).saturating_add(1);
        operations.saturating_mul(n as u64).saturating_mul(evaluations as u64)
    }
}

/// `SplitMix64` with a Box-Muller transform.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In (0, 1).
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }
}
