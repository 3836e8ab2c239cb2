//! The fused CPU path: a [`CpuPlan`] on one arena and a pool of threads of its own.
//!
//! In: a plan, a state, batches. Out: steps, logits, the state. Invariant: results depend neither on the number of threads
//! nor on the choice between AVX-512 and AVX2; nothing is allocated inside a step once the arena fits the batch.

mod blocks;
mod bound;
mod plain;
mod scalars;
mod timed;
mod watch;
mod whole;

use std::collections::BTreeMap;

use num_traits::ToPrimitive;

pub use self::watch::{Clock, PhaseTimes, Times};

use self::bound::{BoundPhase, bind};
use self::watch::{Unwatched, Watch};
use crate::ir::{Shape, Target};
use crate::kernels::LANES;
use crate::kernels::arena::Arena;
use crate::kernels::memory::{Buffer, words32};
use crate::kernels::threads::ThreadPool;
use crate::kernels::turn::block_to_rows;
use crate::lower::cpu::{CpuKernel, CpuPhase, CpuPlan, CpuStep, Place, StageKind, ValueId};
use crate::lower::{
    Batch, ExecError, HostTensor, HyperValues, Program, State, StateEntry, StepOutput,
};

/// Which phase runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Train(usize),
    Eval,
    Size,
}

/// A plan with its memory.
#[derive(Debug)]
pub struct CpuProgram {
    plan: CpuPlan,
    pool: ThreadPool,
    arena: Arena,
    /// Training phases, then evaluation, then size.
    bound: Vec<BoundPhase>,
    scalars: Vec<f64>,
    workspaces: Vec<Vec<f32>>,
    labels: Vec<u32>,
    /// Blocks that fit the arena.
    capacity: usize,
    poison: bool,
}

impl CpuProgram {
    /// Binds a plan to a state, with `threads` threads (at least 1).
    ///
    /// # Errors
    /// [`ExecError::Shape`] when a tensor of the plan is missing from the state or has another shape,
    /// [`ExecError::Device`] when the plan does not fit memory.
    pub fn new(plan: CpuPlan, state: &State, threads: usize) -> Result<Self, ExecError> {
        let pool = ThreadPool::new(threads.max(1));
        let scratch = |phase: &CpuPhase| {
            let of_step = |step: &CpuStep| {
                if let CpuKernel::Map(program) = &step.kernel { program.scratch_len() } else { 0 }
            };
            phase.steps.iter().map(of_step).max().unwrap_or(0)
        };
        let phases = || plan.train.iter().chain([&plan.eval]).chain(&plan.size);
        let scratch = phases().map(scratch).max().unwrap_or(0);
        let n_scalars = phases().map(|phase| phase.n_scalars).max().unwrap_or(0);
        let mut program = Self {
            workspaces: vec![vec![0.0; scratch]; pool.n_threads()],
            scalars: vec![0.0; n_scalars],
            arena: Arena::zeros(plan.kept_len),
            bound: vec![],
            labels: vec![],
            capacity: 0,
            poison: false,
            pool,
            plan,
        };
        program.load(state)?;
        program.reserve(program.plan.options.batch)?;
        Ok(program)
    }

    /// The plan.
    pub fn plan(&self) -> &CpuPlan {
        &self.plan
    }

    /// Fills all memory but parameters and kept tensors with NaN before each phase, so that a value that is read
    /// before it is written shows. For tests.
    pub fn poison(&mut self) {
        self.poison = true;
    }

    /// Bytes of the arena.
    pub fn memory_bytes(&self) -> usize {
        self.arena.len() * size_of::<f32>()
    }

    /// Makes room for batches of `n` samples.
    fn reserve(&mut self, n: usize) -> Result<(), ExecError> {
        let n_blocks = n.div_ceil(LANES).max(1);
        if n_blocks <= self.capacity {
            return Ok(());
        }
        let workers = self.pool.n_threads();
        let plan = &self.plan;
        let phases = plan.train.iter().chain([&plan.eval]).chain(&plan.size);
        let bound: Result<Vec<_>, _> =
            phases.map(|phase| bind(plan, phase, n_blocks, workers)).collect();
        let bound = bound?;
        let len = bound.iter().map(|phase| phase.frame.total()).max().unwrap_or(0);
        let mut arena = Arena::try_zeros(len).ok_or_else(|| ExecError::Device {
            message: format!("a batch of {n} samples does not fit memory"),
        })?;
        let kept = self.plan.kept_len;
        arena[..kept].copy_from_slice(&self.arena[..kept]);
        self.arena = arena;
        self.bound = bound;
        self.labels = vec![0; n_blocks * LANES];
        self.capacity = n_blocks;
        Ok(())
    }

    fn phase(&self, which: Which) -> (usize, &CpuPhase) {
        let n = self.plan.train.len();
        match which {
            Which::Train(number) => (number, &self.plan.train[number]),
            Which::Eval => (n, &self.plan.eval),
            Which::Size => {
                (n + 1, self.plan.size.as_ref().expect("asked for only where a size is defined"))
            }
        }
    }

    /// Runs a phase on a batch, updates included.
    fn run(
        &mut self,
        which: Which,
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
        self.fill_labels(which, batch, n_blocks);
        let (number, _) = self.phase(which);
        let phase = match which {
            Which::Train(number) => &self.plan.train[number],
            Which::Eval => &self.plan.eval,
            Which::Size => match &self.plan.size {
                Some(phase) => phase,
                None => return Ok(report(&self.plan.eval, &self.scalars)),
            },
        };
        let bound = &self.bound[number];
        let isa = self.plan.options.isa;
        let mut is_checked = false;
        let mut since = watch.now();
        for (stage_idx, stage) in phase.stages.iter().enumerate() {
            if stage.kind == StageKind::Whole {
                for at in stage.steps.clone() {
                    if bound.steps[at].writes_kept && !is_checked {
                        is_checked = true;
                        check_loss(phase, &self.scalars)?;
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
            }
            let Some(region) = &bound.regions[stage_idx] else { continue };
            let ctx = blocks::Context {
                isa,
                seed: self.plan.options.seed,
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
        check_loss(phase, &self.scalars)?;
        for (value, target) in &phase.copies {
            let to = kept_buffer(&self.plan, *target);
            match phase.value(*value).place {
                Place::Scalar(scalar) => self.arena[to.offset] = self.scalars[scalar] as f32,
                Place::Buffer(from) => {
                    let range = bound.frame.whole(&from, n_blocks);
                    self.arena.copy_within(range, to.offset);
                }
            }
        }
        Ok(report(phase, &self.scalars))
    }

    /// All phases of a training step.
    fn steps(
        &mut self,
        batch: &Batch<'_>,
        mut run: impl FnMut(&mut Self, usize) -> Result<StepOutput, ExecError>,
    ) -> Result<Vec<StepOutput>, ExecError> {
        has_samples(batch)?;
        (0..self.plan.train.len()).map(|number| run(self, number)).collect()
    }

    fn eval_watched(
        &mut self,
        batch: &Batch<'_>,
        watch: &impl Watch,
    ) -> Result<(HostTensor, StepOutput), ExecError> {
        has_samples(batch)?;
        let output = self.run(Which::Eval, batch, &HyperValues { lr: 0.0, step: 0 }, watch)?;
        let logits = self.plan.eval.outputs.get("logits").copied();
        let rows = logits.map(|id| self.logits(id, batch.indices.len())).unwrap_or_default();
        Ok((HostTensor::F32(rows), output))
    }

    fn fill_labels(&mut self, which: Which, batch: &Batch<'_>, n_blocks: usize) {
        let (number, _) = self.phase(which);
        let bound = &self.bound[number];
        let n = batch.indices.len();
        if let Some(labels) = bound.labels.and_then(|value| bound.buffers[value]) {
            let all = &mut self.labels[..n_blocks * LANES];
            batch.samples.labels(batch, &mut all[..n]);
            // Lanes without a sample repeat the first one of their block.
            for lane in n..n_blocks * LANES {
                all[lane] = all[lane / LANES * LANES];
            }
            let range = bound.frame.whole(&labels, n_blocks);
            words32(&mut self.arena[range]).copy_from_slice(all);
        }
        if let Some(lanes) = bound.lanes.and_then(|value| bound.buffers[value]) {
            let range = bound.frame.whole(&lanes, n_blocks);
            let lanes = &mut self.arena[range];
            lanes[..n].fill(1.0);
            lanes[n..].fill(0.0);
        }
    }

    fn logits(&self, id: ValueId, n: usize) -> Vec<f32> {
        let bound = &self.bound[self.plan.train.len()];
        let value = self.plan.eval.value(id);
        let Some(buffer) = value.place.buffer() else { return vec![] };
        let range = bound.frame.whole(&buffer, n.div_ceil(LANES));
        let classes = value.shape.elements();
        let mut rows = vec![0.0; n * classes];
        let blocks = self.arena[range].chunks_exact(classes * LANES);
        for (block, rows) in blocks.zip(rows.chunks_mut(classes * LANES)) {
            block_to_rows(self.plan.options.isa, block, rows);
        }
        rows
    }
}

fn has_samples(batch: &Batch<'_>) -> Result<(), ExecError> {
    if batch.indices.is_empty() {
        return Err(ExecError::Device { message: "a batch without samples".to_owned() });
    }
    Ok(())
}

fn kept_buffer(plan: &CpuPlan, target: Target) -> Buffer {
    match target {
        Target::Param(id) => plan.kept[id.0 as usize],
        Target::Buffer(id) => plan.kept[plan.params.len() + id.0 as usize],
    }
}

fn scalar(phase: &CpuPhase, scalars: &[f64], name: &str) -> Option<f64> {
    match phase.value(*phase.outputs.get(name)?).place {
        Place::Scalar(scalar) => Some(scalars[scalar]),
        Place::Buffer(_) => None,
    }
}

fn check_loss(phase: &CpuPhase, scalars: &[f64]) -> Result<(), ExecError> {
    match scalar(phase, scalars, "loss") {
        Some(loss) if !loss.is_finite() && phase.name != "eval" => Err(ExecError::NotFinite {
            what: "the loss".to_owned(),
            layer: None,
            origin: phase.outputs.get("loss").and_then(|id| {
                let writer = phase.steps.iter().find(|step| step.outputs.contains(id));
                writer.map(|step| step.origin)
            }),
        }),
        Some(_) | None => Ok(()),
    }
}

fn report(phase: &CpuPhase, scalars: &[f64]) -> StepOutput {
    let number = |name: &str| scalar(phase, scalars, name);
    let count = |value: f64| value.abs().round().to_u64().unwrap_or(0);
    StepOutput {
        loss: number("loss").unwrap_or(f64::NAN),
        correct: number("correct").map_or(0, count),
        well: number("well").map(count),
        size: number("R"),
    }
}

impl Program for CpuProgram {
    fn step(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<Vec<StepOutput>, ExecError> {
        self.steps(batch, |program, number| {
            program.run(Which::Train(number), batch, hyper, &Unwatched)
        })
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(HostTensor, StepOutput), ExecError> {
        self.eval_watched(batch, &Unwatched)
    }

    fn size(&mut self) -> Result<Option<f64>, ExecError> {
        if self.plan.size.is_none() {
            return Ok(None);
        }
        let batch = Batch { samples: &NoSamples, indices: &[], epoch: 0 };
        Ok(self.run(Which::Size, &batch, &HyperValues { lr: 0.0, step: 0 }, &Unwatched)?.size)
    }

    fn state(&self) -> Result<State, ExecError> {
        let entry = |name: &str, shape: &Shape, buffer: &Buffer| {
            let values = self.arena[buffer.offset..buffer.offset + shape.elements()].to_vec();
            let shape = shape.dims.clone();
            StateEntry { name: name.to_owned(), shape, values: HostTensor::F32(values) }
        };
        let (params, buffers) = self.plan.kept.split_at(self.plan.params.len());
        let params = self.plan.params.iter().zip(params);
        let buffers = self.plan.buffers.iter().zip(buffers);
        Ok(State {
            params: params.map(|(p, at)| entry(&p.name, &p.shape, at)).collect(),
            buffers: buffers.map(|(b, at)| entry(&b.name, &b.shape, at)).collect(),
        })
    }

    fn load(&mut self, state: &State) -> Result<(), ExecError> {
        let by_name = |entries: &[StateEntry]| -> BTreeMap<String, usize> {
            entries.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect()
        };
        let (params, buffers) = (by_name(&state.params), by_name(&state.buffers));
        let plan = &self.plan;
        let wanted = plan.params.iter().map(|p| (&p.name, &p.shape, &params, &state.params));
        let wanted = wanted
            .chain(plan.buffers.iter().map(|b| (&b.name, &b.shape, &buffers, &state.buffers)));
        let mut found = vec![];
        for ((name, shape, table, entries), buffer) in wanted.zip(&plan.kept) {
            let entry = table.get(name).map(|at| &entries[*at]);
            let values: Option<Vec<f32>> = entry.map(|entry| match &entry.values {
                HostTensor::F32(values) => values.clone(),
                HostTensor::F64(values) => values.iter().map(|v| *v as f32).collect(),
            });
            match (entry, values) {
                (Some(entry), Some(values))
                    if entry.shape == shape.dims && values.len() == shape.elements() =>
                {
                    found.push((buffer.offset, values));
                }
                (entry, _) => {
                    return Err(ExecError::Shape {
                        name: name.clone(),
                        found: entry.map(|entry| entry.shape.clone()).unwrap_or_default(),
                        expected: shape.dims.clone(),
                    });
                }
            }
        }
        for (offset, values) in found {
            self.arena[offset..offset + values.len()].copy_from_slice(&values);
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
