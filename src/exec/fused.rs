//! The fused CPU path under the watch of the reference: when a step breaks, the reference takes it again and says where.
//!
//! In: what [`CpuProgram`] takes. Out: the same results; a NaN or an infinity names its layer and line as it does there.

use super::cpu::CpuProgram;
use super::{Options, ReferenceProgram};
use crate::grad::Joint;
use crate::lower::cpu::{self, PlanOptions};
use crate::lower::{
    Batch, DType, ExecError, HostTensor, HyperValues, Motion, Program, State, StateEntry,
    StepOutput, reference,
};

/// Fused kernels, with the graph that they came from.
#[derive(Debug)]
pub(super) struct FusedProgram {
    program: CpuProgram,
    joint: Joint,
    options: Options,
}

impl FusedProgram {
    /// Plans and binds `joint`.
    ///
    /// # Errors
    /// As [`CpuProgram::new`].
    pub(super) fn new(joint: &Joint, state: &State, options: Options) -> Result<Self, ExecError> {
        let Options { isa, batch, seed, threads, .. } = options;
        let plan = cpu::plan(joint, &PlanOptions { isa, batch });
        let program = CpuProgram::new(plan, state, seed, threads)?;
        Ok(Self { program, joint: joint.clone(), options })
    }

    /// What the reference says of a step that broke; `error` where it sees nothing wrong.
    fn explain(&self, error: ExecError, batch: &Batch<'_>, hyper: &HyperValues) -> ExecError {
        let ExecError::NotFinite { .. } = error else { return error };
        let found = (|| {
            let plan = reference::plan(&self.joint);
            let options = Options { dtype: DType::F32, ..self.options };
            // Scales are taken as they are: the step starts from the state before it.
            ReferenceProgram::new(plan, &self.program.state()?, options)?.step(batch, hyper)
        })();
        match found {
            Err(better @ ExecError::NotFinite { .. }) => better,
            Err(ExecError::Device { .. } | ExecError::Memory { .. } | ExecError::Shape { .. })
            | Ok(_) => error,
        }
    }
}

impl Program for FusedProgram {
    fn step(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<Vec<StepOutput>, ExecError> {
        self.program.step(batch, hyper).map_err(|error| self.explain(error, batch, hyper))
    }

    fn step_measured(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<(Vec<StepOutput>, Vec<Motion>), ExecError> {
        let measured = self
            .program
            .step_measured(batch, hyper)
            .map_err(|error| self.explain(error, batch, hyper))?;
        if !self.program.is_finite() {
            self.state()?;
        }
        Ok(measured)
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(HostTensor, StepOutput), ExecError> {
        self.program.eval(batch)
    }

    fn size(&mut self) -> Result<Option<f64>, ExecError> {
        self.program.size()
    }

    /// Updates are looked at here, not in every step: nothing that is not finite reaches a file.
    fn state(&self) -> Result<State, ExecError> {
        let state = self.program.state()?;
        let broken = |entry: &&StateEntry| !entry.values.is_finite();
        let Some(entry) = state.params.iter().chain(&state.buffers).find(broken) else {
            return Ok(state);
        };
        let tables = &self.program.plan().tables;
        let param = tables.params.iter().find(|param| param.name == entry.name);
        Err(ExecError::NotFinite {
            what: format!("`{}` after the update", entry.name),
            layer: param.and_then(|param| param.layer).map(|id| tables.layer(id).to_owned()),
            origin: param.map(|param| param.origin),
        })
    }

    fn load(&mut self, state: &State) -> Result<(), ExecError> {
        self.program.load(state)
    }

    fn isa(&self) -> String {
        self.program.isa()
    }
}
