//! The reference executor: a plan with its tensors, walked step by step.
//!
//! In: a plan, a state, batches. Out: steps, logits, the state. Invariant: a step that leaves something that is not finite
//! changes nothing.

use std::sync::Arc;

use candle_core::Tensor;

use super::blame;
use super::device::OnDevice;
use super::exchange::{bind, entry, load_batch, motion, report, size_with};
use super::ops::Context;
use super::profile::{Clock, PhaseTimes, Profiled, Times, Unwatched, Watch};
use super::tensor::{Real, View, cast, is_finite, to_host};
use super::walk::{Results, walk};
use crate::ir;
use crate::kernels::isa::Isa;
use crate::lower::reference::{ReferencePhase, ReferencePlan};
use crate::lower::{
    Batch, DType, ExecError, HostTensor, HyperValues, Motion, Program, State, StepOutput,
};

/// What a program is told beside its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Precision of parameters and activations.
    pub dtype: DType,
    /// Seed of the run, for dropout masks.
    pub seed: u64,
    /// Threads of the program's own pool, at least 1. Results do not depend on it.
    pub threads: usize,
    /// Samples of a full batch: fused plans cut it into groups.
    pub batch: usize,
    /// The instruction set of fused kernels.
    pub isa: Isa,
}

/// A plan with its tensors.
pub struct ReferenceProgram {
    plan: ReferencePlan,
    options: Options,
    pool: Arc<rayon::ThreadPool>,
    /// What computes, where it is not the processor.
    device: Option<OnDevice>,
    params: Vec<Tensor>,
    buffers: Vec<Tensor>,
}

impl std::fmt::Debug for ReferenceProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReferenceProgram").field("options", &self.options).finish_non_exhaustive()
    }
}

impl ReferenceProgram {
    /// Binds a plan to the tensors of `state`, rounded to the dtype of `options`.
    ///
    /// # Errors
    /// [`ExecError::Shape`] when a tensor of the plan is missing from the state or has another shape,
    /// [`ExecError::Device`] when no threads can be had.
    pub fn new(plan: ReferencePlan, state: &State, options: Options) -> Result<Self, ExecError> {
        Self::bound(plan, state, options, None)
    }

    /// The same where `device` computes.
    pub(super) fn bound(
        plan: ReferencePlan,
        state: &State,
        options: Options,
        device: Option<OnDevice>,
    ) -> Result<Self, ExecError> {
        if device.is_some() && options.dtype != DType::F32 {
            let message = "kernels of a GPU are in single precision".to_owned();
            return Err(ExecError::Device { message });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads.max(1))
            .build()
            .map_err(|error| ExecError::Device { message: error.to_string() })?;
        let mut program =
            Self { plan, options, pool: Arc::new(pool), device, params: vec![], buffers: vec![] };
        program.load(state)?;
        Ok(program)
    }

    /// The plan that the program walks.
    pub fn plan(&self) -> &ReferencePlan {
        &self.plan
    }

    fn step_watched(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        watches: &[impl Watch],
    ) -> Result<Vec<StepOutput>, ExecError> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| match self.options.dtype {
            DType::F32 => self.step_as::<f32>(batch, hyper, watches),
            DType::F64 => self.step_as::<f64>(batch, hyper, watches),
        })
    }

    fn eval_watched(
        &self,
        batch: &Batch<'_>,
        watch: &impl Watch,
    ) -> Result<(HostTensor, StepOutput), ExecError> {
        self.pool.install(|| match self.options.dtype {
            DType::F32 => self.eval_as::<f32>(batch, watch),
            DType::F64 => self.eval_as::<f64>(batch, watch),
        })
    }

    /// All phases on one batch, each under its watch.
    fn step_as<T: Real>(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        watches: &[impl Watch],
    ) -> Result<Vec<StepOutput>, ExecError> {
        let mut loaded = None;
        let mut outputs = vec![];
        for (number, watch) in watches.iter().enumerate() {
            let begun = watch.now();
            let (input, labels) = match loaded.take() {
                Some(loaded) => loaded,
                None => self.placed(load_batch::<T>(batch)?)?,
            };
            let since = if number == 0 { watch.loaded(begun) } else { begun };
            let phase = &self.plan.phases.train[number];
            let ctx = self.context(batch, hyper, &input, &labels);
            let results = walk_watched::<T>(phase, &ctx, watch, since)?;
            let mut written = vec![];
            for write in &phase.writes {
                written.push((*write, cast::<T>(results.get(write.value))?));
            }
            let output = report(&phase.outputs, &results)?;
            let mut broken = vec![];
            if !output.loss.is_finite() {
                broken.extend(phase.outputs.loss);
            }
            for (write, value) in &written {
                if !is_finite(value)? {
                    broken.push(write.value);
                }
            }
            if !broken.is_empty() {
                return Err(blame::find::<T>(&self.plan, phase, &ctx, &broken)?);
            }
            for (write, value) in written {
                match write.target {
                    ir::Written::Param(id) => self.params[id.0 as usize] = value,
                    ir::Written::Buffer(id) => {
                        let least = self.plan.tables.buffers[id.0 as usize].min_samples;
                        if batch.indices.len() >= least {
                            self.buffers[id.0 as usize] = value;
                        }
                    }
                }
            }
            loaded = Some((input, labels));
            outputs.push(output);
            watch.end(begun);
        }
        Ok(outputs)
    }

    fn eval_as<T: Real>(
        &self,
        batch: &Batch<'_>,
        watch: &impl Watch,
    ) -> Result<(HostTensor, StepOutput), ExecError> {
        let begun = watch.now();
        let (input, labels) = self.placed(load_batch::<T>(batch)?)?;
        let since = watch.loaded(begun);
        let ctx = self.context(batch, &HyperValues { lr: 0.0, step: 0 }, &input, &labels);
        let phase = &self.plan.phases.eval;
        let results = walk_watched::<T>(phase, &ctx, watch, since)?;
        let logits = phase.outputs.logits.expect("graphs of evaluation give logits");
        let rows = T::to_host(View::<T>::new(&to_host(results.get(logits))?)?.to_vec());
        let output = report(&phase.outputs, &results)?;
        watch.end(begun);
        Ok((rows, output))
    }

    fn context<'a>(
        &'a self,
        batch: &'a Batch<'_>,
        hyper: &HyperValues,
        input: &'a Tensor,
        labels: &'a Tensor,
    ) -> Context<'a> {
        Context {
            seed: self.options.seed,
            hyper: *hyper,
            indices: batch.indices,
            input: Some(input),
            labels: Some(labels),
            params: &self.params,
            buffers: &self.buffers,
            device: self.device.as_ref(),
        }
    }

    /// Samples and labels where the program computes.
    fn placed(&self, (input, labels): (Tensor, Tensor)) -> Result<(Tensor, Tensor), ExecError> {
        let Some(device) = &self.device else { return Ok((input, labels)) };
        Ok((input.to_device(device.device())?, labels.to_device(device.device())?))
    }

    /// Tensors of the host where the program computes.
    fn all_placed(&self, tensors: Vec<Tensor>) -> Result<Vec<Tensor>, ExecError> {
        let Some(device) = &self.device else { return Ok(tensors) };
        let placed = tensors.into_iter().map(|tensor| tensor.to_device(device.device()));
        Ok(placed.collect::<Result<_, _>>()?)
    }

    /// One watch for each phase of a step; nobody looks through it.
    fn unwatched(&self) -> Vec<Unwatched> {
        vec![Unwatched; self.plan.phases.train.len()]
    }
}

/// Runs a phase; the time of each step is told.
fn walk_watched<T: Real>(
    phase: &ReferencePhase,
    ctx: &Context<'_>,
    watch: &impl Watch,
    mut since: u64,
) -> Result<Results, ExecError> {
    walk::<T>(phase, ctx, |step, _| {
        since = watch.step(0, step, since);
        Ok(())
    })
}

impl Profiled for ReferenceProgram {
    fn times(&self, clock: Clock) -> Times {
        // Threads meet inside operations, so that no step is shared.
        let new =
            |phase: &ReferencePhase| PhaseTimes::new(vec![false; phase.steps.len()], 0, 1, clock);
        let phases = &self.plan.phases;
        Times { train: phases.train.iter().map(new).collect(), eval: new(&phases.eval) }
    }

    fn step_timed(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        times: &Times,
    ) -> Result<Vec<StepOutput>, ExecError> {
        self.step_watched(batch, hyper, &times.train)
    }

    fn eval_timed(
        &mut self,
        batch: &Batch<'_>,
        times: &Times,
    ) -> Result<(HostTensor, StepOutput), ExecError> {
        self.eval_watched(batch, &times.eval)
    }
}

impl Program for ReferenceProgram {
    fn step(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<Vec<StepOutput>, ExecError> {
        let watches = self.unwatched();
        self.step_watched(batch, hyper, &watches)
    }

    fn step_measured(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<(Vec<StepOutput>, Vec<Motion>), ExecError> {
        // Tensors are shared, not copied; a step puts others in their place.
        let before = self.params.clone();
        let outputs = self.step(batch, hyper)?;
        let pairs = before.iter().zip(&self.params).zip(&self.plan.tables.params);
        let motions = pairs.map(|((before, after), param)| match self.options.dtype {
            DType::F32 => motion::<f32>(&param.name, before, after),
            DType::F64 => motion::<f64>(&param.name, before, after),
        });
        Ok((outputs, motions.collect::<Result<_, _>>()?))
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(HostTensor, StepOutput), ExecError> {
        self.eval_watched(batch, &Unwatched)
    }

    fn size(&mut self) -> Result<Option<f64>, ExecError> {
        let size = self.plan.phases.size.as_ref();
        size.map(|phase| self.pool.install(|| size_with(phase, &self.params, &self.buffers)))
            .transpose()
    }

    fn state(&self) -> Result<State, ExecError> {
        let params = self.plan.tables.params.iter().map(|p| p.name.as_str()).zip(&self.params);
        let buffers = self.plan.tables.buffers.iter().map(|b| b.name.as_str()).zip(&self.buffers);
        Ok(State {
            params: params.map(|(name, t)| entry(name, t)).collect::<Result<_, _>>()?,
            buffers: buffers.map(|(name, t)| entry(name, t)).collect::<Result<_, _>>()?,
        })
    }

    fn load(&mut self, state: &State) -> Result<(), ExecError> {
        let dtype = self.options.dtype;
        let params = self.plan.tables.params.iter().map(|p| (p.name.as_str(), &p.shape));
        let buffers = self.plan.tables.buffers.iter().map(|b| (b.name.as_str(), &b.shape));
        let params = bind(params, &state.params, dtype)?;
        let buffers = bind(buffers, &state.buffers, dtype)?;
        let (params, buffers) = (self.all_placed(params)?, self.all_placed(buffers)?);
        self.params = params;
        self.buffers = buffers;
        Ok(())
    }

    fn isa(&self) -> String {
        self.device.as_ref().map_or_else(|| isa().to_owned(), OnDevice::name)
    }
}

/// The instruction set that candle's matrix product picks on this machine.
fn isa() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "avx2";
        }
    }
    "portable"
}
