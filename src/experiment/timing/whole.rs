//! Programs whose steps are one piece of work: timed as a whole.

use super::timer::{PhaseCosts, Timer};
use crate::lower::{Batch, ExecError, HyperValues, Replicas};
use crate::train::nanoseconds;

/// A program with the times of its steps.
pub(super) struct Whole {
    program: Box<dyn Replicas>,
    /// Runs and nanoseconds of training steps, then of evaluations.
    spent: [(u64, u64); 2],
}

impl Whole {
    pub(super) fn new(program: Box<dyn Replicas>) -> Self {
        Self { program, spent: [(0, 0); 2] }
    }

    fn add(&mut self, what: usize, begun: u64, n: usize) {
        let (runs, spent) = &mut self.spent[what];
        *runs += n as u64;
        *spent += nanoseconds().saturating_sub(begun);
    }
}

impl Timer for Whole {
    fn stride(&self) -> usize {
        self.program.stride()
    }

    fn replicas(&self) -> usize {
        self.program.count()
    }

    fn step(&mut self, batch: &Batch<'_>, hyper: &HyperValues) -> Result<(), ExecError> {
        let (count, stride) = (self.program.count(), self.stride());
        let batches = vec![vec![*batch; count]; stride];
        let begun = nanoseconds();
        let steps = self.program.steps(&batches, &vec![vec![*hyper; self.program.count()]; stride]);
        steps.into_iter().flatten().try_for_each(|step| step.map(drop))?;
        self.add(0, begun, stride);
        Ok(())
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Result<(), ExecError> {
        let begun = nanoseconds();
        self.program.eval(batch).into_iter().try_for_each(|part| part.map(drop))?;
        self.add(1, begun, 1);
        Ok(())
    }

    fn reset(&mut self) {
        self.spent = [(0, 0); 2];
    }

    fn phases(&self, _: usize) -> Vec<PhaseCosts> {
        let phase = |(name, (runs, spent)): (&str, &(u64, u64))| PhaseCosts {
            name: name.to_owned(),
            ms: *spent as f64 / 1e6 / (*runs).max(1) as f64,
            calls: vec![],
            waiting: 0.0,
        };
        ["step", "eval"].into_iter().zip(&self.spent).map(phase).collect()
    }

    fn isa(&self) -> String {
        self.program.isa()
    }
}
