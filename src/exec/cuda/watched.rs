//! The CUDA path under the watch of the reference: when a step breaks, the reference takes it again and says where.
//!
//! In: what [`CudaProgram`] takes. Out: the same results; a NaN or an infinity names its layer and line as it does there.

use std::sync::Arc;

use super::driver::Driver;
use super::program::CudaProgram;
use crate::exec::{Options, ReferenceProgram};
use crate::grad::Joint;
use crate::lower::cuda::CudaPlan;
use crate::lower::{
    Batch, DType, ExecError, HostTensor, HyperValues, MeasuredStep, Program, Replicas, State,
    StateEntry, StepOutput, Tables, reference,
};

/// What a replica is told in a step.
type Told<'a, 'b> = (&'a Batch<'b>, &'a HyperValues);

/// Kernels on a device, with the graph that they came from.
#[expect(missing_debug_implementations, reason = "a program holds a device")]
pub struct Watched<D: Driver> {
    program: CudaProgram<D>,
    /// The graph of each replica.
    joints: Vec<Arc<Joint>>,
    options: Options,
}

impl<D: Driver> Watched<D> {
    /// Watches over a program; `joints` are those of its replicas, or one for all. The seed of `options` is not looked at.
    pub fn new(program: CudaProgram<D>, joints: Vec<Arc<Joint>>, options: Options) -> Self {
        Self { program, joints, options }
    }

    /// The plan.
    pub fn plan(&self) -> &CudaPlan {
        self.program.plan()
    }

    /// The device.
    pub fn driver_mut(&mut self) -> &mut D {
        self.program.driver_mut()
    }

    /// What the reference says of a step that broke; `error` where it sees nothing wrong.
    fn explain(
        &self,
        replica: usize,
        error: ExecError,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> ExecError {
        let ExecError::NotFinite { .. } = error else { return error };
        let found = (|| {
            let plan = reference::plan(&self.joints[replica % self.joints.len()]);
            let seed = self.program.seed(replica);
            let options = Options { dtype: DType::F32, seed, ..self.options };
            ReferenceProgram::new(plan, &self.program.state(replica)?, options)?.step(batch, hyper)
        })();
        match found {
            Err(better @ ExecError::NotFinite { .. }) => better,
            Err(ExecError::Device { .. } | ExecError::Memory { .. } | ExecError::Shape { .. })
            | Ok(_) => error,
        }
    }

    fn explained<T>(
        &self,
        results: Vec<Result<T, ExecError>>,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<T, ExecError>> {
        let replicas = results.into_iter().zip(batches.iter().zip(hyper)).enumerate();
        replicas
            .map(|(replica, (result, (batch, hyper)))| {
                result.map_err(|error| self.explain(replica, error, batch, hyper))
            })
            .collect()
    }

    /// Updates are looked at here, not in every step: nothing that is not finite reaches a file.
    fn sound(&self, replica: usize) -> Result<State, ExecError> {
        let state = self.program.state(replica)?;
        let broken = |entry: &&StateEntry| !entry.values.is_finite();
        let Some(entry) = state.params.iter().chain(&state.buffers).find(broken) else {
            return Ok(state);
        };
        let tables: &Tables = &self.program.plan().tables;
        let param = tables.params.iter().find(|param| param.name == entry.name);
        Err(ExecError::NotFinite {
            what: format!("`{}` after the update", entry.name),
            layer: param.and_then(|param| param.layer).map(|id| tables.layer(id).to_owned()),
            origin: param.map(|param| param.origin),
        })
    }
}

impl<D: Driver> Replicas for Watched<D> {
    fn count(&self) -> usize {
        self.program.count()
    }

    fn step(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<Vec<StepOutput>, ExecError>> {
        let results = self.program.step(batches, hyper);
        self.explained(results, batches, hyper)
    }

    fn stride(&self) -> usize {
        self.program.stride()
    }

    fn steps(
        &mut self,
        batches: &[Vec<Batch<'_>>],
        hyper: &[Vec<HyperValues>],
    ) -> Vec<Vec<Result<Vec<StepOutput>, ExecError>>> {
        let results = self.program.steps(batches, hyper);
        let mut explained: Vec<Option<ExecError>> = vec![None; self.count()];
        let steps = results.into_iter().zip(batches.iter().zip(hyper));
        let of_step =
            |(results, (batches, hyper)): (Vec<_>, (&Vec<Batch<'_>>, &Vec<HyperValues>))| {
                let replicas = results.into_iter().zip(batches.iter().zip(hyper)).enumerate();
                let of_replica =
                    |(replica, (result, (batch, hyper))): (usize, (Result<_, _>, Told<'_, '_>))| {
                        let of = &mut explained[replica];
                        // The first step that broke is the one to explain.
                        result.map_err(|error| {
                            of.get_or_insert_with(|| self.explain(replica, error, batch, hyper))
                                .clone()
                        })
                    };
                replicas.map(of_replica).collect()
            };
        steps.map(of_step).collect()
    }

    fn evals(&mut self, batches: &[Batch<'_>]) -> Vec<Vec<Result<StepOutput, ExecError>>> {
        self.program.evals(batches)
    }

    fn step_measured(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<MeasuredStep, ExecError>> {
        let results = self.program.step_measured(batches, hyper);
        let results = self.explained(results, batches, hyper).into_iter().enumerate();
        let is_finite = |measured: &MeasuredStep| {
            measured.1.iter().all(|motion| (motion.after + motion.change).is_finite())
        };
        results
            .map(|(replica, result)| match result {
                Ok(measured) if !is_finite(&measured) => self.sound(replica).map(|_| measured),
                result => result,
            })
            .collect()
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Vec<Result<(HostTensor, StepOutput), ExecError>> {
        self.program.eval(batch)
    }

    fn size(&mut self) -> Vec<Result<Option<f64>, ExecError>> {
        self.program.size()
    }

    fn state(&self) -> Vec<Result<State, ExecError>> {
        (0..self.count()).map(|replica| self.sound(replica)).collect()
    }

    fn load(&mut self, replica: usize, state: &State) -> Result<(), ExecError> {
        self.program.load(replica, state)
    }

    fn isa(&self) -> String {
        self.program.name()
    }
}

/// The only replica of a program.
#[expect(missing_debug_implementations, reason = "a program holds a device")]
pub struct Single<D: Driver>(pub Watched<D>);

fn only<T>(results: Vec<Result<T, ExecError>>) -> Result<T, ExecError> {
    results.into_iter().next().expect("a program has at least one replica")
}

impl<D: Driver> Program for Single<D> {
    fn step(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<Vec<StepOutput>, ExecError> {
        only(self.0.step(&[*batch], &[*hyper]))
    }

    fn step_measured(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<MeasuredStep, ExecError> {
        only(self.0.step_measured(&[*batch], &[*hyper]))
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(HostTensor, StepOutput), ExecError> {
        only(self.0.eval(batch))
    }

    fn size(&mut self) -> Result<Option<f64>, ExecError> {
        only(self.0.size())
    }

    fn state(&self) -> Result<State, ExecError> {
        only(self.0.state())
    }

    fn load(&mut self, state: &State) -> Result<(), ExecError> {
        self.0.load(0, state)
    }

    fn isa(&self) -> String {
        self.0.isa()
    }
}
