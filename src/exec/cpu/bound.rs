//! A phase bound to memory: frames, regions, and the operands of each step as buffers.
//!
//! Invariant: the operands of every step are as many, and of the sorts, that the signature of its kernel asks for, and
//! stages hold kernels of their kind. A plan that breaks it stops here, before anything runs.

use crate::kernels::LANES;
use crate::kernels::memory::{Area, Buffer, Frame, MAX_OPERANDS, MAX_OUTPUTS, Region};
use crate::kernels::pointwise;
use crate::lower::cpu::{
    BlockKernel, CpuKernel, CpuPhase, CpuPlan, CpuStage, CpuStep, Place, Signature, StageKind,
    WholeKernel, kernel_name,
};
use crate::lower::{ExecError, ValueId};

/// What a chain reads at one position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Feed {
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
    /// Values that are read, in the order of the inputs; of a chain each once.
    pub(super) reads: Vec<usize>,
    /// Outputs that lie in buffers, then scratch; of a chain over everything the outputs alone, since each thread has a
    /// workspace for it.
    pub(super) writes: Vec<usize>,
    /// For chains, one for each input.
    pub(super) feeds: Vec<Feed>,
    /// Scalars among the inputs, in order.
    pub(super) scalars: Vec<usize>,
    /// The scalar that is written.
    pub(super) scalar_output: Option<usize>,
    /// Whether a kept tensor is written.
    pub(super) writes_kept: bool,
}

impl BoundStep {
    /// The scalar that the step gives.
    pub(super) fn scalar_output(&self) -> usize {
        self.scalar_output.expect("broken invariant: bind counts the scalars of every step")
    }

    /// What the chain of the step reads, given its reads and the table of scalars; as many as it has inputs.
    pub(super) fn sources<'a>(
        &self,
        reads: &[&'a [f32]],
        scalars: &[f64],
    ) -> [pointwise::Source<'a>; MAX_OPERANDS] {
        let mut sources = [pointwise::Source::Number(0.0); MAX_OPERANDS];
        for (to, feed) in sources.iter_mut().zip(&self.feeds) {
            *to = match *feed {
                Feed::Read(read) => pointwise::Source::Slice(reads[read]),
                Feed::Scalar(scalar) => pointwise::Source::Number(scalars[scalar] as f32),
                Feed::Output(output) => pointwise::Source::Output(output),
            };
        }
        sources
    }
}

/// All that a step writes, as many as its kernel has.
pub(super) fn all<'a, 'b, const N: usize>(
    writes: &'a mut [&'b mut [f32]],
) -> &'a mut [&'b mut [f32]; N] {
    writes.try_into().expect("broken invariant: bind counts what every step writes")
}

/// How a stage runs.
#[derive(Debug)]
pub(super) enum BoundStage {
    /// Step after step.
    Whole,
    /// By groups of blocks that share this memory.
    Blocks(Region),
}

/// A phase with its regions.
#[derive(Debug)]
pub(super) struct BoundPhase {
    pub(super) frame: Frame,
    pub(super) steps: Vec<BoundStep>,
    /// One for each stage of the phase.
    pub(super) stages: Vec<BoundStage>,
    pub(super) buffers: Vec<Option<Buffer>>,
    /// Labels, and the mask of lanes.
    pub(super) labels: Option<Buffer>,
    pub(super) lanes: Option<Buffer>,
}

impl BoundPhase {
    /// Where a tensor lies.
    pub(super) fn buffer(&self, value: usize) -> Buffer {
        self.buffers[value].expect("broken invariant: bind lists tensors as reads and writes")
    }
}

/// Binds a phase for at most `n_blocks` blocks and `n_workers` threads.
///
/// # Panics
/// When the plan breaks an invariant of plans: a step with operands that its kernel does not have, or a kernel in a stage of
/// the other kind.
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
    let of_value = |id: Option<ValueId>| id.and_then(|id| phase.value(id).place.buffer());
    Ok(BoundPhase {
        frame,
        steps: phase.steps.iter().map(|step| bind_step(plan, phase, step)).collect(),
        stages: phase
            .stages
            .iter()
            .map(|stage| bind_stage(phase, stage, frame, &buffers))
            .collect::<Result<_, _>>()?,
        labels: of_value(phase.labels),
        lanes: of_value(phase.lanes),
        buffers,
    })
}

fn bind_stage(
    phase: &CpuPhase,
    stage: &CpuStage,
    frame: Frame,
    buffers: &[Option<Buffer>],
) -> Result<BoundStage, ExecError> {
    let steps = &phase.steps[stage.steps.clone()];
    for step in steps {
        let kind = match step.kernel {
            CpuKernel::Block(_) => StageKind::Blocks,
            CpuKernel::Whole(_) => StageKind::Whole,
        };
        assert!(
            kind == stage.kind,
            "broken invariant: `{}` is in a stage of the other kind",
            kernel_name(&step.kernel)
        );
    }
    if stage.kind == StageKind::Whole {
        return Ok(BoundStage::Whole);
    }
    let mut reached = vec![None; buffers.len()];
    for step in steps {
        for id in step.inputs.iter().chain(&step.outputs).chain(&step.scratch) {
            reached[id.0 as usize] = buffers[id.0 as usize];
        }
    }
    let region = Region::new(frame, reached).ok_or_else(|| ExecError::Device {
        message: format!("the plan of the phase {} overlaps its own buffers", phase.name),
    })?;
    Ok(BoundStage::Blocks(region))
}

fn bind_step(plan: &CpuPlan, phase: &CpuPhase, step: &CpuStep) -> BoundStep {
    let mut bound = BoundStep::default();
    for id in &step.outputs {
        match phase.value(*id).place {
            Place::Scalar(scalar) => bound.scalar_output = Some(scalar),
            Place::Buffer(buffer) => {
                bound.writes.push(id.0 as usize);
                bound.writes_kept |= buffer.area == Area::Fixed && buffer.offset < plan.kept_len;
            }
        }
    }
    if !matches!(step.kernel, CpuKernel::Whole(WholeKernel::Chain(_))) {
        bound.writes.extend(step.scratch.iter().map(|id| id.0 as usize));
    }
    if let CpuKernel::Block(BlockKernel::Chain(_)) | CpuKernel::Whole(WholeKernel::Chain(_)) =
        step.kernel
    {
        bound.feeds =
            step.inputs.iter().map(|id| feed(phase, step, *id, &mut bound.reads)).collect();
    } else {
        for id in &step.inputs {
            match phase.value(*id).place {
                Place::Scalar(scalar) => bound.scalars.push(scalar),
                Place::Buffer(_) => bound.reads.push(id.0 as usize),
            }
        }
    }
    check(phase, step, &bound);
    bound
}

/// Where a chain finds an input; new reads are added.
fn feed(phase: &CpuPhase, step: &CpuStep, id: ValueId, reads: &mut Vec<usize>) -> Feed {
    let place = phase.value(id).place;
    let buffer = match place {
        Place::Scalar(scalar) => return Feed::Scalar(scalar),
        Place::Buffer(buffer) => buffer,
    };
    let is_place = |out: &ValueId| buffer.len > 0 && phase.value(*out).place == place;
    if let Some(output) = step.outputs.iter().position(is_place) {
        return Feed::Output(output);
    }
    let value = id.0 as usize;
    Feed::Read(reads.iter().position(|read| *read == value).unwrap_or_else(|| {
        reads.push(value);
        reads.len() - 1
    }))
}

/// Compares the operands of a step with the signature of its kernel.
fn check(phase: &CpuPhase, step: &CpuStep, bound: &BoundStep) {
    let is_tensor = |id: &&ValueId| phase.value(**id).place.buffer().is_some();
    let expected = step.kernel.signature();
    let found = Signature {
        // Chains count whatever they read as a tensor.
        reads: expected.reads.map(|_| bound.reads.len().max(bound.feeds.len())),
        scalars: bound.scalars.len(),
        writes: step.outputs.iter().filter(is_tensor).count(),
        scratch: step.scratch.iter().filter(is_tensor).count(),
        gives_scalar: bound.scalar_output.is_some(),
    };
    assert!(
        found == expected,
        "broken invariant: `{}` has the operands {expected:?}, the plan gives {found:?}",
        kernel_name(&step.kernel)
    );
    assert!(
        bound.reads.len().max(bound.feeds.len()) <= MAX_OPERANDS
            && bound.writes.len() <= MAX_OUTPUTS,
        "broken invariant: `{}` has more operands than steps may have",
        kernel_name(&step.kernel)
    );
}
