//! The two executors under one clock: what each of their steps takes, in the words of the graph.

use crate::diag::Span;
use crate::exec::cpu::CpuProgram;
use crate::exec::profile::{PhaseTimes, Profiled, Times};
use crate::exec::{Options, ReferenceProgram};
use crate::grad::Joint;
use crate::ir::{Graph, Op};
use crate::kernels::LANES;
use crate::lower::cpu::{BlockKernel, CpuKernel, CpuPhase, PlanOptions, kernel_name};
use crate::lower::reference::ReferencePhase;
use crate::lower::{
    self, Batch, DType, ExecError, HyperValues, Program, State, Target, ValueId, Work,
};
use crate::train::nanoseconds;

/// One step of a phase: means over all timed runs.
#[derive(Clone, Debug)]
pub struct Call {
    /// The kernel in words.
    pub kernel: String,
    /// What it does of the graph.
    pub work: Work,
    /// Its place in the spec.
    pub origin: Span,
    /// Whether it gathers samples.
    pub is_input: bool,
    /// Calls of the kernel.
    pub calls: usize,
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
    /// Milliseconds of each thread, in the mean.
    pub ms: f64,
    /// Floating-point operations.
    pub flops: u64,
    /// Why no faster kernel was taken.
    pub fallback: Option<&'static str>,
}

/// A phase: means over all timed runs.
#[derive(Clone, Debug)]
pub struct PhaseCosts {
    /// Its name.
    pub name: String,
    /// Milliseconds from call to return.
    pub ms: f64,
    /// Its steps in order.
    pub calls: Vec<Call>,
    /// Milliseconds that threads had no work in stages they share, in the mean.
    pub waiting: f64,
}

/// A program whose steps are timed.
pub(super) trait Timer {
    /// Steps of one call, taken as one piece of work.
    fn stride(&self) -> usize {
        1
    }

    /// Runs that step together.
    fn replicas(&self) -> usize {
        1
    }

    /// [`Timer::stride`] training steps.
    fn step(&mut self, batch: &Batch<'_>, hyper: &HyperValues) -> Result<(), ExecError>;

    /// One batch in evaluation mode.
    fn eval(&mut self, batch: &Batch<'_>) -> Result<(), ExecError>;

    /// Forgets all times.
    fn reset(&mut self);

    /// The times of batches of `batch` samples since the last reset.
    fn phases(&self, batch: usize) -> Vec<PhaseCosts>;

    /// Instruction set.
    fn isa(&self) -> String;
}

/// Binds `joint` to `target` under a clock.
pub(super) fn timer<'a>(
    joint: &'a Joint,
    target: Target,
    state: &State,
    options: Options,
) -> Result<Box<dyn Timer + 'a>, ExecError> {
    if target == Target::Cpu {
        let plan = lower::cpu::plan(joint, &PlanOptions { isa: options.isa, batch: options.batch });
        let program = CpuProgram::new(plan, state, options.seed, options.threads)?;
        let times = program.times(nanoseconds);
        return Ok(Box::new(Fused { program, times }));
    }
    let program = ReferenceProgram::new(lower::reference::plan(joint), state, options)?;
    let times = program.times(nanoseconds);
    Ok(Box::new(OpByOp { program, joint, dtype: options.dtype, times }))
}

/// The fused kernels.
struct Fused {
    program: CpuProgram,
    times: Times,
}

impl Fused {
    fn costs(&self, phase: &CpuPhase, times: &PhaseTimes, batch: usize) -> PhaseCosts {
        let mean = |ns: f64| ns / 1e6 / times.runs().max(1) as f64;
        let traffic = phase.traffic(batch.div_ceil(LANES), self.program.plan().group_blocks);
        let sample: usize = phase.input_dims.iter().product();
        let calls: Vec<Call> = phase
            .steps
            .iter()
            .zip(&traffic)
            .enumerate()
            .map(|(at, (step, traffic))| {
                let is_input = matches!(step.kernel, CpuKernel::Block(BlockKernel::Input));
                Call {
                    kernel: kernel_name(&step.kernel),
                    work: step.work.clone(),
                    origin: step.origin,
                    is_input,
                    calls: traffic.calls,
                    // Samples come from outside the plan, a byte or a float for each number; bytes are the rule.
                    read: traffic.read + if is_input { (batch * sample) as u64 } else { 0 },
                    written: traffic.written,
                    ms: mean(times.step(at)),
                    flops: step.work.flops().of_batch(batch),
                    fallback: step.fallback,
                }
            })
            .collect();
        let shared = phase.stages.iter().enumerate().map(|(number, stage)| {
            let busy: f64 = match times.stage(number) {
                0 => 0.0,
                _ => stage.steps.clone().map(|at| times.step(at)).sum(),
            };
            (times.stage(number) as f64 - busy).max(0.0)
        });
        let waiting = mean(shared.sum());
        PhaseCosts { name: phase.name.clone(), ms: mean(times.total() as f64), calls, waiting }
    }
}

impl Timer for Fused {
    fn step(&mut self, batch: &Batch<'_>, hyper: &HyperValues) -> Result<(), ExecError> {
        self.program.step_timed(batch, hyper, &self.times).map(|_| ())
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(), ExecError> {
        self.program.eval_timed(batch, &self.times).map(|_| ())
    }

    fn reset(&mut self) {
        self.times = self.program.times(nanoseconds);
    }

    fn phases(&self, batch: usize) -> Vec<PhaseCosts> {
        let phases = &self.program.plan().phases;
        let train = phases.train.iter().zip(&self.times.train);
        train
            .chain([(&phases.eval, &self.times.eval)])
            .map(|(phase, times)| self.costs(phase, times, batch))
            .collect()
    }

    fn isa(&self) -> String {
        self.program.isa()
    }
}

/// The reference executor; every step is one operation.
struct OpByOp<'a> {
    program: ReferenceProgram,
    joint: &'a Joint,
    dtype: DType,
    times: Times,
}

impl OpByOp<'_> {
    fn costs(
        &self,
        phase: &ReferencePhase,
        graph: &Graph,
        times: &PhaseTimes,
        batch: usize,
    ) -> PhaseCosts {
        let mean = |ns: f64| ns / 1e6 / times.runs().max(1) as f64;
        let bytes = |id: &ValueId| {
            let shape = &phase.value(*id).shape;
            let samples = if shape.batched { batch } else { 1 };
            (shape.elements() * samples * self.dtype.bytes()) as u64
        };
        let calls = phase
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| {
                let op = &step.op;
                let is_input = *op == Op::Input;
                let work = Work::of(graph, &[step.node], step.node);
                let is_view =
                    matches!(op, Op::Reshape(_) | Op::StopGradient | Op::Param(_) | Op::Buffer(_));
                Call {
                    kernel: op.to_string(),
                    flops: work.flops().of_batch(batch),
                    work,
                    origin: step.origin,
                    is_input,
                    calls: 1,
                    read: if is_view { 0 } else { step.inputs.iter().map(bytes).sum() },
                    written: if is_view { 0 } else { bytes(&step.output) },
                    ms: mean(times.step(at) + if is_input { times.loading() as f64 } else { 0.0 }),
                    fallback: None,
                }
            })
            .collect();
        PhaseCosts { name: phase.name.clone(), ms: mean(times.total() as f64), calls, waiting: 0.0 }
    }
}

impl Timer for OpByOp<'_> {
    fn step(&mut self, batch: &Batch<'_>, hyper: &HyperValues) -> Result<(), ExecError> {
        self.program.step_timed(batch, hyper, &self.times).map(|_| ())
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(), ExecError> {
        self.program.eval_timed(batch, &self.times).map(|_| ())
    }

    fn reset(&mut self) {
        self.times = self.program.times(nanoseconds);
    }

    fn phases(&self, batch: usize) -> Vec<PhaseCosts> {
        let phases = &self.program.plan().phases;
        let times = self.times.train.iter().chain([&self.times.eval]);
        let phases = phases.train.iter().chain([&phases.eval]).zip(self.joint.graphs()).zip(times);
        phases.map(|((phase, graph), times)| self.costs(phase, graph, times, batch)).collect()
    }

    fn isa(&self) -> String {
        self.program.isa()
    }
}
