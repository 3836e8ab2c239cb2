//! Planning for the fused CPU path: from joint graphs to kernel calls on one arena.
//!
//! In: a [`Joint`] and the instruction set. Out: a [`CpuPlan`] whose phases alternate between *whole* stages (parameters,
//! scalars, what is summed over the batch) and *block* stages (all kernels for a group of blocks of 16 samples, groups in
//! parallel). Invariant: neither the order of any sum nor any buffer depends on the number of threads.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "patterns look for a few operations; the exhaustive choice of kernels is in `select`"
)]

mod chains;
mod covers;
pub(in crate::lower) mod decompose;
mod facts;
mod kernels;
mod moves;
mod nodes;
mod place;
mod pooled;
mod select;
mod text;
mod traffic;
mod types;
mod units;

pub use kernels::{
    BlockKernel, CpuKernel, PlainConv, PlainPoolKind, ScalarOp, Signature, VectorRun, WholeKernel,
};
pub use text::kernel_name;
pub use traffic::Traffic;
pub use types::{
    AreaSizes, CpuPhase, CpuPlan, CpuStage, CpuStep, CpuValue, Place, PlanOptions, StageKind,
};

use self::facts::Facts;
use crate::grad::Joint;
use crate::ir::Graph;
use crate::kernels::LANES;
use crate::kernels::memory::{Area, Buffer};
use crate::lower::{Phases, Tables};

/// Groups that a full batch is cut into at least, where it has as many blocks.
const MIN_GROUPS: usize = 4;

/// Most blocks of a group: what one register tile of a linear layer covers.
const MAX_GROUP_BLOCKS: usize = 4;

/// Plans a run.
pub fn plan(joint: &Joint, options: &PlanOptions) -> CpuPlan {
    let n_blocks = options.batch.div_ceil(LANES).max(1);
    let group_blocks = (n_blocks / MIN_GROUPS).clamp(1, MAX_GROUP_BLOCKS);
    let (mut kept, mut kept_len) = (vec![], 0);
    let params = joint.eval.params.iter().map(|param| &param.shape);
    let buffers = joint.eval.buffers.iter().map(|buffer| &buffer.shape);
    for shape in params.chain(buffers) {
        let len = shape.elements().next_multiple_of(LANES);
        kept.push(Buffer { area: Area::Fixed, offset: kept_len, len });
        kept_len += len;
    }
    let lower =
        |name: &str, graph: &Graph| phase(name, graph, options, group_blocks, &kept, kept_len);
    CpuPlan {
        tables: Tables::of(&joint.eval),
        phases: Phases::of(joint, lower),
        options: *options,
        group_blocks,
        kept: kept.clone(),
        kept_len,
    }
}

fn phase(
    name: &str,
    graph: &Graph,
    options: &PlanOptions,
    group_blocks: usize,
    kept: &[Buffer],
    kept_len: usize,
) -> CpuPhase {
    let graph = decompose::decompose(graph);
    let facts = Facts::new(&graph);
    let selection = select::select(&facts, options, group_blocks);
    place::place(name, &graph, &facts, &selection, kept, kept_len)
}
