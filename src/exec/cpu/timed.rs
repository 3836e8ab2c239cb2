//! Steps under the watch of a clock.

use super::CpuProgram;
use super::watch::{Clock, PhaseTimes, Times, Watch};
use crate::lower::{Batch, ExecError, HostTensor, HyperValues, PhaseId, StepOutput};

impl CpuProgram {
    /// Times to be filled by [`CpuProgram::step_timed`] and [`CpuProgram::eval_timed`].
    pub fn times(&self, clock: Clock) -> Times {
        let n_threads = self.pool.n_threads();
        let new = |phase| PhaseTimes::new(phase, n_threads, clock);
        let phases = &self.plan.phases;
        Times { train: phases.train.iter().map(new).collect(), eval: new(&phases.eval) }
    }

    /// Does what [`crate::lower::Program::step`] does and adds the times that it takes.
    ///
    /// # Errors
    /// As for the step.
    pub fn step_timed(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
        times: &mut Times,
    ) -> Result<Vec<StepOutput>, ExecError> {
        self.steps(batch, |program, number| {
            let times = &mut times.train[number];
            let since = times.now();
            let output = program.run(PhaseId::Train(number), batch, hyper, &*times)?;
            times.end_run(since);
            Ok(output)
        })
    }

    /// Does what [`crate::lower::Program::eval`] does and adds the times that it takes.
    ///
    /// # Errors
    /// As for the evaluation.
    pub fn eval_timed(
        &mut self,
        batch: &Batch<'_>,
        times: &mut Times,
    ) -> Result<(HostTensor, StepOutput), ExecError> {
        let since = times.eval.now();
        let result = self.eval_watched(batch, &times.eval)?;
        times.eval.end_run(since);
        Ok(result)
    }
}
