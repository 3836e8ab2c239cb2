//! The plan of the fused CPU path: which kernel runs when, on which buffer, in whose memory.

use std::ops::Range;

use super::kernels::CpuKernel;
use crate::diag::Span;
use crate::ir::{self, Kind, LayerId, NodeId, Shape};
use crate::kernels::isa::Isa;
use crate::kernels::memory::{Area, Buffer};
use crate::lower::{PhaseOutputs, Phases, Tables, ValueId, Work, Write};

/// What a plan is made for.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// The instruction set that kernels are planned for.
    pub isa: Isa,
    /// Samples of a full batch; decides how many blocks make a group, never a bit of the result beyond that.
    pub batch: usize,
}

/// The work of a run.
#[derive(Clone, Debug)]
pub struct CpuPlan {
    /// What ids point into.
    pub tables: Tables,
    /// The work.
    pub phases: Phases<CpuPhase>,
    /// What it was made for.
    pub options: PlanOptions,
    /// Blocks of 16 samples that one task takes.
    pub group_blocks: usize,
    /// Where parameters lie in the fixed area, then buffers.
    pub kept: Vec<Buffer>,
    /// Floats of the fixed area that `kept` takes.
    pub kept_len: usize,
}

/// Steps that run one after the other on one batch.
#[derive(Clone, Debug, Default)]
pub struct CpuPhase {
    /// `step`, `perturb`, `descend`, `eval` or `size`.
    pub name: String,
    /// The calls in order.
    pub steps: Vec<CpuStep>,
    /// Runs of steps that are done together.
    pub stages: Vec<CpuStage>,
    /// Values by their id.
    pub values: Vec<CpuValue>,
    /// Results.
    pub outputs: PhaseOutputs,
    /// Values to copy to a kept tensor at the end, all at once.
    pub copies: Vec<Write>,
    /// Every write of the phase with its value, copied or made in place.
    pub writes: Vec<Write>,
    /// Floats of the fixed area, of a block, of a group's partial results, of a worker's block and of a worker.
    pub sizes: AreaSizes,
    /// Scalars.
    pub n_scalars: usize,
    /// Shape of one sample as the net sees it.
    pub input_dims: Vec<usize>,
    /// The labels, one index per lane.
    pub labels: Option<ValueId>,
    /// 1 on lanes with a sample, 0 elsewhere.
    pub lanes: Option<ValueId>,
}

/// Floats of each area in its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreaSizes {
    /// Once, kept tensors included.
    pub fixed: usize,
    /// For each block of the batch.
    pub batch: usize,
    /// For each group.
    pub partial: usize,
    /// For each block of a group, in each worker.
    pub group: usize,
    /// In each worker.
    pub worker: usize,
}

/// How a stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// Step after step, each over all samples or all parameters.
    Whole,
    /// All steps for one group of blocks, groups in parallel.
    Blocks,
}

/// A run of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuStage {
    /// How it runs.
    pub kind: StageKind,
    /// Its steps.
    pub steps: Range<usize>,
    /// For [`StageKind::Blocks`]: runs of steps done block by block (`true`) or for the group at once.
    pub segments: Vec<(bool, Range<usize>)>,
}

/// A value and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuValue {
    /// Shape with the symbolic batch.
    pub shape: Shape,
    /// Reals or indices.
    pub kind: Kind,
    /// Channels and pixels of the layout `[pixel][channel][16]`.
    pub layout: [usize; 2],
    /// Where.
    pub place: Place,
    /// The node it is the result of.
    pub node: Option<NodeId>,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the table of scalars, in double precision.
    Scalar(usize),
    /// In the arena.
    Buffer(Buffer),
}

impl Place {
    /// The buffer, for values that are not scalars.
    pub fn buffer(&self) -> Option<Buffer> {
        match self {
            Self::Scalar(_) => None,
            Self::Buffer(buffer) => Some(*buffer),
        }
    }

    /// The area, for values that are not scalars.
    pub fn area(&self) -> Option<Area> {
        self.buffer().map(|buffer| buffer.area)
    }
}

/// One call of a kernel.
#[derive(Clone, Debug)]
pub struct CpuStep {
    /// What runs.
    pub kernel: CpuKernel,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it writes.
    pub outputs: Vec<ValueId>,
    /// Memory it needs meanwhile.
    pub scratch: Vec<ValueId>,
    /// The node it comes from; the last one where several are fused.
    pub node: NodeId,
    /// The place in the source.
    pub origin: Span,
    /// The layer it belongs to.
    pub layer: Option<LayerId>,
    /// Why no faster kernel was taken.
    pub fallback: Option<&'static str>,
    /// What it does of the graph.
    pub work: Work,
}

impl CpuPlan {
    /// Where a kept tensor lies.
    pub fn kept(&self, target: ir::Written) -> Buffer {
        match target {
            ir::Written::Param(id) => self.kept[id.0 as usize],
            ir::Written::Buffer(id) => self.kept[self.tables.params.len() + id.0 as usize],
        }
    }
}

impl CpuPhase {
    /// A value by its id.
    pub fn value(&self, id: ValueId) -> &CpuValue {
        &self.values[id.0 as usize]
    }
}
