//! How often each step of a phase calls its kernel, and how much the kernel reads and writes.

use super::types::{CpuPhase, Place, StageKind};
use crate::kernels::memory::Area;
use crate::lower::ValueId;

/// What one step asks of memory on one batch.
///
/// Operands count in full with every call, also where they are in a cache; scratch does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls of the kernel.
    pub calls: usize,
    /// Bytes of the operands that are read.
    pub read: u64,
    /// Bytes of the results.
    pub written: u64,
}

impl CpuPhase {
    /// The traffic of each step on `n_blocks` blocks, `group_blocks` in a group.
    pub fn traffic(&self, n_blocks: usize, group_blocks: usize) -> Vec<Traffic> {
        let n_groups = n_blocks.div_ceil(group_blocks.max(1));
        let mut calls = vec![1; self.steps.len()];
        for stage in self.stages.iter().filter(|stage| stage.kind == StageKind::Blocks) {
            for (by_block, steps) in &stage.segments {
                calls[steps.clone()].fill(if *by_block { n_blocks } else { n_groups });
            }
        }
        let bytes = |ids: &[ValueId], calls: usize| -> u64 {
            let of_value = |id: &ValueId| match self.value(*id).place {
                Place::Scalar(_) => size_of::<f64>() * calls,
                Place::Buffer(buffer) => {
                    let parts = match buffer.area {
                        Area::Fixed => calls,
                        Area::Batch | Area::Group | Area::Worker => n_blocks,
                        Area::Partial => n_groups,
                    };
                    buffer.len.saturating_mul(parts).saturating_mul(size_of::<f32>())
                }
            };
            ids.iter().fold(0, |sum: u64, id| sum.saturating_add(of_value(id) as u64))
        };
        let steps = self.steps.iter().zip(calls);
        steps
            .map(|(step, calls)| Traffic {
                calls,
                read: bytes(&step.inputs, calls),
                written: bytes(&step.outputs, calls),
            })
            .collect()
    }
}
