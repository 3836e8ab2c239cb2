//! Steps under the watch of a clock.

use super::CpuProgram;
use crate::exec::profile::{Clock, PhaseTimes, Profiled, Times};
use crate::lower::cpu::{CpuKernel, CpuPhase};
use crate::lower::{Batch, ExecError, HostTensor, HyperValues, StepOutput};

impl Profiled for CpuProgram {
    fn times(&self, clock: Clock) -> Times {
        let n_threads = self.pool.n_threads();
        let new = |phase: &CpuPhase| {
            let is_shared = phase.steps.iter().map(|s| matches!(s.kernel, CpuKernel::Block(_)));
            PhaseTimes::new(is_shared.collect(), phase.stages.len(), n_threads, clock)
        };
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
