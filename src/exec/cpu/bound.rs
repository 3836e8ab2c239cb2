//! A phase bound to memory: frames, regions, and the operands of each step as buffers.

use crate::kernels::LANES;
use crate::kernels::memory::{Area, Buffer, Frame, Region};
use crate::lower::cpu::{CpuPhase, CpuPlan, CpuStep, Place, StageKind};
use crate::lower::{ExecError, ValueId};

/// What a chain reads at one position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The buffer at this place among the step's reads.
    Read(usize),
    /// A scalar.
    Scalar(usize),
    /// The old content of this output.
    Output(usize),
}

/// The operands of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct BoundStep {
    /// Values that lie in buffers, in the order of the inputs.
    pub(super) reads: Vec<usize>,
    /// Outputs that lie in buffers, then scratch.
    pub(super) writes: Vec<usize>,
    /// One for each input.
    pub(super) sources: Vec<Source>,
    /// Scalars among the inputs, in order.
    pub(super) scalars: Vec<usize>,
    /// The scalar that is written.
    pub(super) scalar_output: Option<usize>,
    /// Whether a kept tensor is written.
    pub(super) writes_kept: bool,
}

/// A phase with its regions.
#[derive(Debug)]
pub(super) struct BoundPhase {
    pub(super) frame: Frame,
    pub(super) steps: Vec<BoundStep>,
    /// For block stages.
    pub(super) regions: Vec<Option<Region>>,
    pub(super) buffers: Vec<Option<Buffer>>,
    /// Labels by value, and the mask of lanes.
    pub(super) labels: Option<usize>,
    pub(super) lanes: Option<usize>,
}

/// Binds a phase for at most `n_blocks` blocks and `n_workers` threads.
pub(super) fn bind(
    plan: &CpuPlan,
    phase: &CpuPhase,
    n_blocks: usize,
    n_workers: usize,
) -> Result<BoundPhase, ExecError> {
    let sizes = &phase.sizes;
    let frame = Frame {
        fixed: sizes.fixed,
        batch: sizes.batch,
        partial: sizes.partial,
        group: sizes.group,
        worker: sizes.worker.next_multiple_of(LANES),
        n_blocks,
        group_blocks: plan.group_blocks,
        n_workers,
    };
    let buffers: Vec<Option<Buffer>> =
        phase.values.iter().map(|value| value.place.buffer()).collect();
    let steps = phase.steps.iter().map(|step| bind_step(plan, phase, step)).collect();
    let mut regions = vec![];
    for stage in &phase.stages {
        if stage.kind == StageKind::Whole {
            regions.push(None);
            continue;
        }
        let mut reached = vec![None; buffers.len()];
        for step in &phase.steps[stage.steps.clone()] {
            for id in step.inputs.iter().chain(&step.outputs).chain(&step.scratch) {
                reached[id.0 as usize] = buffers[id.0 as usize];
            }
        }
        let region = Region::new(frame, reached).ok_or_else(|| ExecError::Device {
            message: format!("the plan of the phase {} overlaps its own buffers", phase.name),
        })?;
        regions.push(Some(region));
    }
    Ok(BoundPhase {
        frame,
        steps,
        regions,
        buffers,
        labels: phase.labels.map(|id| id.0 as usize),
        lanes: phase.lanes.map(|id| id.0 as usize),
    })
}

fn bind_step(plan: &CpuPlan, phase: &CpuPhase, step: &CpuStep) -> BoundStep {
    let place = |id: &ValueId| phase.value(*id).place;
    let mut bound = BoundStep::default();
    for id in step.outputs.iter().chain(&step.scratch) {
        match place(id) {
            Place::Scalar(scalar) => bound.scalar_output = Some(scalar),
            Place::Buffer(buffer) => {
                bound.writes.push(id.0 as usize);
                bound.writes_kept |= buffer.area == Area::Fixed && buffer.offset < plan.kept_len;
            }
        }
    }
    for id in &step.inputs {
        match place(id) {
            Place::Scalar(scalar) => {
                bound.sources.push(Source::Scalar(scalar));
                bound.scalars.push(scalar);
            }
            Place::Buffer(buffer) => {
                let output = step
                    .outputs
                    .iter()
                    .position(|out| buffer.len > 0 && place(out) == Place::Buffer(buffer));
                if let Some(output) = output {
                    bound.sources.push(Source::Output(output));
                    continue;
                }
                let value = id.0 as usize;
                let known = bound.reads.iter().position(|read| *read == value);
                let at = known.unwrap_or_else(|| {
                    bound.reads.push(value);
                    bound.reads.len() - 1
                });
                bound.sources.push(Source::Read(at));
            }
        }
    }
    bound
}
