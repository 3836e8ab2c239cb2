//! The fused CPU path: a [`CpuPlan`] on one arena and a pool of threads of its own.
//!
//! In: a plan, a state, batches. Out: steps, logits, the state. Invariant: results depend neither on the number of threads
//! nor on the choice between AVX-512 and AVX2; nothing is allocated inside a step once the arena fits the batch.

mod blocks;
mod bound;
mod plain;
mod scalars;
mod timed;
mod whole;

use num_traits::ToPrimitive;

use self::bound::{BoundPhase, BoundStage, bind};
use super::profile::{Unwatched, Watch};
use crate::ir::{BufferId, Shape, Written};
use crate::kernels::LANES;
use crate::kernels::arena::Arena;
use crate::kernels::memory::{Buffer, words32};
use crate::kernels::threads::ThreadPool;
use crate::kernels::turn::block_to_rows;
use crate::lower::cpu::{CpuKernel, CpuPhase, CpuPlan, CpuStep, Place, WholeKernel};
use crate::lower::{
    Batch, ExecError, HostTensor, HyperValues, Motion, PhaseId, Phases, Program, State, StateEntry,
    StepOutput, ValueId,
};

/// A plan with its memory.
#[derive(Debug)]
pub struct CpuProgram {
    plan: CpuPlan,
    /// Seed of the run, for dropout masks.
    seed: u64,
    pool: ThreadPool,
    arena: Arena,
    bound: Phases<BoundPhase>,
    scalars: Vec<f64>,
    workspaces: Vec<Vec<f32>>,
    labels: Vec<u32>,
    /// Parameters before a step that is measured.
    marked: Vec<f32>,
    /// Blocks that fit the arena.
    capacity: usize,
    poison: bool,
}

impl CpuProgram {
    /// Binds a plan to the state and seed of a run, with `threads` threads (at least 1).
    ///
    /// # Errors
    /// [`ExecError::Shape`] when a tensor of the plan is missing from the state or has another shape,
    /// [`ExecError::Device`] when the plan does not fit memory.
    pub fn new(plan: CpuPlan, state: &State, seed: u64, threads: usize) -> Result<Self, ExecError> {
        let pool = ThreadPool::new(threads.max(1));
        let scratch = |phase: &CpuPhase| {
            let of_step = |step: &CpuStep| match &step.kernel {
                CpuKernel::Whole(WholeKernel::Chain(chain)) => chain.scratch_len(),
                CpuKernel::Whole(_) | CpuKernel::Block(_) => 0,
            };
            phase.steps.iter().map(of_step).max().unwrap_or(0)
        };
        let scratch = plan.phases.iter().map(scratch).max().unwrap_or(0);
        let n_scalars = plan.phases.iter().map(|phase| phase.n_scalars).max().unwrap_or(0);
        let n_blocks = plan.options.batch.div_ceil(LANES).max(1);
        let (bound, arena) = room(&plan, plan.options.batch, pool.n_threads())?;
        let mut program = Self {
            workspaces: vec![vec![0.0; scratch]; pool.n_threads()],
            scalars: vec![0.0; n_scalars],
            labels: vec![0; n_blocks * LANES],
            marked: vec![],
            capacity: n_blocks,
            poison: false,
            arena,
            bound,
            pool,
            seed,
            plan,
        };
        program.load(state)?;
        Ok(program)
    }

    /// The plan.
    pub fn plan(&self) -> &CpuPlan {
        &self.plan
    }

    /// Whether all parameters and kept tensors are finite.
    #[cfg(feature = "exec")]
    pub(super) fn is_finite(&self) -> bool {
        self.arena[..self.plan.kept_len].iter().all(|value| value.is_finite())
    }

    /// Fills all memory but parameters and kept tensors with NaN before each phase, so that a value that is read
    /// before it is written shows. For tests.
    pub fn poison(&mut self) {
        self.poison = true;
    }

    /// Makes room for batches of `n` samples.
    fn reserve(&mut self, n: usize) -> Result<(), ExecError> {
        let n_blocks = n.div_ceil(LANES).max(1);
        if n_blocks <= self.capacity {
            return Ok(());
        }
        let (bound, mut arena) = room(&self.plan, n, self.pool.n_threads())?;
        let kept = self.plan.kept_len;
        arena[..kept].copy_from_slice(&self.arena[..kept]);
        self.arena = arena;
        self.bound = bound;
        self.labels = vec![0; n_blocks * LANES];
        self.capacity = n_blocks;
        Ok(())
    }

    /// Runs a phase on a batch, updates included.
    fn run(
        &mut self,
        id: PhaseId,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        watch: &impl Watch,
    ) -> Result<StepOutput, ExecError> {
        let n_samples = batch.indices.len();
        self.reserve(n_samples)?;
        let n_blocks = n_samples.div_ceil(LANES);
        if self.poison {
            let kept = self.plan.kept_len;
            self.arena[kept..].fill(f32::NAN);
        }
        let phase = self.plan.phases.get(id).expect("callers ask for phases of the plan");
        let bound = self.bound.get(id).expect("every phase of the plan is bound");
        fill_labels(bound, batch, n_blocks, &mut self.labels, &mut self.arena);
        let isa = self.plan.options.isa;
        let mut is_checked = false;
        let mut since = watch.now();
        for (stage_idx, stage) in phase.stages.iter().enumerate() {
            let BoundStage::Blocks(region) = &bound.stages[stage_idx] else {
                for at in stage.steps.clone() {
                    if bound.steps[at].writes_kept && !is_checked {
                        is_checked = true;
                        check_loss(id, phase, &self.scalars)?;
                    }
                    let mut ctx = whole::Context {
                        isa,
                        pool: &self.pool,
                        phase,
                        bound,
                        hyper: *hyper,
                        n_samples,
                        n_blocks,
                        scalars: &mut self.scalars,
                        workspaces: &mut self.workspaces,
                    };
                    whole::run(&mut ctx, &mut self.arena, &phase.steps[at], &bound.steps[at]);
                    since = watch.step(0, at, since);
                }
                continue;
            };
            let ctx = blocks::Context {
                isa,
                seed: self.seed,
                phase,
                batch,
                hyper: *hyper,
                scalars: &self.scalars,
            };
            region.run(&self.pool, &mut self.arena, n_blocks, |task| {
                let (worker, mut since) = (task.worker(), watch.now());
                for (by_block, steps) in &stage.segments {
                    let of_group = 0..usize::from(!by_block);
                    for at in of_group.flat_map(|_| steps.clone()) {
                        blocks::run(task, &ctx, &phase.steps[at], &bound.steps[at], None);
                        since = watch.step(worker, at, since);
                    }
                    let n = if *by_block { task.n_blocks() } else { 0 };
                    for block in 0..n {
                        for at in steps.clone() {
                            blocks::run(
                                task,
                                &ctx,
                                &phase.steps[at],
                                &bound.steps[at],
                                Some(block),
                            );
                            since = watch.step(worker, at, since);
                        }
                    }
                }
            });
            since = watch.stage(stage_idx, since);
        }
        check_loss(id, phase, &self.scalars)?;
        for copy in &phase.copies {
            let to = self.plan.kept(copy.target);
            match phase.value(copy.value).place {
                Place::Scalar(scalar) => self.arena[to.offset] = self.scalars[scalar] as f32,
                Place::Buffer(from) => {
                    let range = bound.frame.whole(&from, n_blocks);
                    self.arena.copy_within(range, to.offset);
                }
            }
        }
        Ok(report(phase, &self.scalars))
    }

    /// All phases of a training step, each under its watch.
    fn step_watched(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        watches: &[impl Watch],
    ) -> Result<Vec<StepOutput>, ExecError> {
        has_samples(batch)?;
        let kept = self.untouched(batch.indices.len());
        let mut outputs = vec![];
        for (at, watch) in watches.iter().enumerate() {
            let begun = watch.now();
            outputs.push(self.run(PhaseId::Train(at), batch, hyper, watch)?);
            watch.end(begun);
        }
        for (offset, values) in kept {
            self.arena[offset..][..values.len()].copy_from_slice(&values);
        }
        Ok(outputs)
    }

    /// Places and values of the buffers that a step of `n` samples leaves as they are.
    fn untouched(&self, n: usize) -> Vec<(usize, Vec<f32>)> {
        let ids = (0_u32..).map(BufferId);
        let buffers = ids.zip(&self.plan.tables.buffers);
        buffers
            .filter(|(_, buffer)| n < buffer.min_samples)
            .map(|(id, _)| {
                let place = self.plan.kept(Written::Buffer(id));
                (place.offset, self.arena[place.offset..][..place.len].to_vec())
            })
            .collect()
    }

    fn eval_watched(
        &mut self,
        batch: &Batch<'_>,
        watch: &impl Watch,
    ) -> Result<(HostTensor, StepOutput), ExecError> {
        has_samples(batch)?;
        let begun = watch.now();
        let output = self.run(PhaseId::Eval, batch, &HyperValues { lr: 0.0, step: 0 }, watch)?;
        let rows = self.logits(batch.indices.len());
        watch.end(begun);
        Ok((HostTensor::F32(rows), output))
    }

    fn logits(&self, n: usize) -> Vec<f32> {
        let phase = &self.plan.phases.eval;
        let id = phase.outputs.logits.expect("graphs of evaluation give logits");
        let value = phase.value(id);
        let buffer = value.place.buffer().expect("broken invariant: logits are a tensor");
        let range = self.bound.eval.frame.whole(&buffer, n.div_ceil(LANES));
        let classes = value.shape.elements();
        let mut rows = vec![0.0; n * classes];
        let blocks = self.arena[range].chunks_exact(classes * LANES);
        for (block, rows) in blocks.zip(rows.chunks_mut(classes * LANES)) {
            block_to_rows(self.plan.options.isa, block, rows);
        }
        rows
    }
}

/// The phases bound for batches of `n` samples, and an arena for any of them.
fn room(
    plan: &CpuPlan,
    n: usize,
    n_workers: usize,
) -> Result<(Phases<BoundPhase>, Arena), ExecError> {
    let n_blocks = n.div_ceil(LANES).max(1);
    let bound = plan.phases.try_map(|phase| bind(plan, phase, n_blocks, n_workers))?;
    let len = bound.iter().map(|phase| phase.frame.total()).max().unwrap_or(0);
    let arena = Arena::try_zeros(len).ok_or_else(|| ExecError::Device {
        message: format!("a batch of {n} samples does not fit memory"),
    })?;
    Ok((bound, arena))
}

/// Labels and the mask of lanes with a sample, where the phase reads them.
fn fill_labels(
    bound: &BoundPhase,
    batch: &Batch<'_>,
    n_blocks: usize,
    labels: &mut [u32],
    arena: &mut [f32],
) {
    let n = batch.indices.len();
    if let Some(buffer) = bound.labels {
        let all = &mut labels[..n_blocks * LANES];
        batch.samples.labels(batch, &mut all[..n]);
        // Lanes without a sample repeat the first one of their block.
        for lane in n..n_blocks * LANES {
            all[lane] = all[lane / LANES * LANES];
        }
        let range = bound.frame.whole(&buffer, n_blocks);
        words32(&mut arena[range]).copy_from_slice(all);
    }
    if let Some(buffer) = bound.lanes {
        let range = bound.frame.whole(&buffer, n_blocks);
        let lanes = &mut arena[range];
        lanes[..n].fill(1.0);
        lanes[n..].fill(0.0);
    }
}

fn has_samples(batch: &Batch<'_>) -> Result<(), ExecError> {
    if batch.indices.is_empty() {
        return Err(ExecError::Device { message: "a batch without samples".to_owned() });
    }
    Ok(())
}

/// The scalar behind a result, where the phase has it.
fn scalar(phase: &CpuPhase, scalars: &[f64], id: Option<ValueId>) -> Option<f64> {
    match phase.value(id?).place {
        Place::Scalar(scalar) => Some(scalars[scalar]),
        Place::Buffer(_) => panic!("broken invariant: results but logits are scalars"),
    }
}

fn report(phase: &CpuPhase, scalars: &[f64]) -> StepOutput {
    let number = |id: Option<ValueId>| scalar(phase, scalars, id);
    let count = |value: f64| value.abs().round().to_u64().unwrap_or(0);
    let outputs = &phase.outputs;
    StepOutput {
        loss: number(outputs.loss).unwrap_or(f64::NAN),
        correct: number(outputs.correct).map_or(0, count),
        well: number(outputs.well).map(count),
        size: number(outputs.size),
    }
}

/// Refuses a loss that is not finite, before anything is written; evaluation gives it as it is.
fn check_loss(id: PhaseId, phase: &CpuPhase, scalars: &[f64]) -> Result<(), ExecError> {
    let outputs = &phase.outputs;
    match scalar(phase, scalars, outputs.loss) {
        Some(loss) if !loss.is_finite() && id != PhaseId::Eval => Err(ExecError::NotFinite {
            what: "the loss".to_owned(),
            layer: None,
            origin: outputs.loss.and_then(|id| {
                let writer = phase.steps.iter().find(|step| step.outputs.contains(&id));
                writer.map(|step| step.origin)
            }),
        }),
        Some(_) | None => Ok(()),
    }
}

impl Program for CpuProgram {
    fn step(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<Vec<StepOutput>, ExecError> {
        // Takes no memory: there is nothing to an absent watch.
        let watches = vec![Unwatched; self.plan.phases.train.len()];
        self.step_watched(batch, hyper, &watches)
    }

    fn step_measured(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<(Vec<StepOutput>, Vec<Motion>), ExecError> {
        let params = &self.plan.kept[..self.plan.tables.params.len()];
        let end = params.last().map_or(0, |last| last.offset + last.len);
        self.marked.clear();
        self.marked.extend_from_slice(&self.arena[..end]);
        let outputs = self.step(batch, hyper)?;
        let params = self.plan.tables.params.iter().zip(&self.plan.kept);
        let motions = params.map(|(param, buffer)| {
            let range = buffer.offset..buffer.offset + param.shape.elements();
            Motion::of(&param.name, &self.marked[range.clone()], &self.arena[range])
        });
        Ok((outputs, motions.collect()))
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(HostTensor, StepOutput), ExecError> {
        self.eval_watched(batch, &Unwatched)
    }

    fn size(&mut self) -> Result<Option<f64>, ExecError> {
        if self.plan.phases.size.is_none() {
            return Ok(None);
        }
        let batch = Batch { samples: &NoSamples, indices: &[], epoch: 0 };
        Ok(self.run(PhaseId::Size, &batch, &HyperValues { lr: 0.0, step: 0 }, &Unwatched)?.size)
    }

    fn state(&self) -> Result<State, ExecError> {
        let entry = |name: &str, shape: &Shape, buffer: &Buffer| {
            let values = self.arena[buffer.offset..buffer.offset + shape.elements()].to_vec();
            let shape = shape.dims.clone();
            StateEntry { name: name.to_owned(), shape, values: HostTensor::F32(values) }
        };
        let tables = &self.plan.tables;
        let (params, buffers) = self.plan.kept.split_at(tables.params.len());
        let params = tables.params.iter().zip(params);
        let buffers = tables.buffers.iter().zip(buffers);
        Ok(State {
            params: params.map(|(p, at)| entry(&p.name, &p.shape, at)).collect(),
            buffers: buffers.map(|(b, at)| entry(&b.name, &b.shape, at)).collect(),
        })
    }

    fn load(&mut self, state: &State) -> Result<(), ExecError> {
        let found = self.plan.tables.floats_of(state)?;
        for (buffer, values) in self.plan.kept.iter().zip(found) {
            self.arena[buffer.offset..buffer.offset + values.len()].copy_from_slice(&values);
        }
        Ok(())
    }

    fn isa(&self) -> String {
        self.plan.options.isa.kind().name().to_owned()
    }
}

/// For phases that read no samples.
struct NoSamples;

impl crate::lower::Samples for NoSamples {
    fn sample_len(&self) -> usize {
        0
    }
    fn gather_f32(&self, _: &Batch<'_>, _: &mut [f32]) {}
    fn gather_f64(&self, _: &Batch<'_>, _: &mut [f64]) {}
    fn labels(&self, _: &Batch<'_>, _: &mut [u32]) {}
}
