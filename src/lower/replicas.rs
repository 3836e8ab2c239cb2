//! Programs of several runs that step together: what a training session asks.

use super::{Batch, ExecError, HostTensor, HyperValues, Motion, Program, State, StepOutput};

/// The outputs of a step, and how far it moved each tensor.
pub type MeasuredStep = (Vec<StepOutput>, Vec<Motion>);

/// Runs of one joint graph, each with parameters, buffers, batches and rates of its own.
///
/// Results come in the order of the replicas. No replica feels another: each gives the bits it would give alone.
pub trait Replicas: Send {
    /// How many there are, at least 1.
    fn count(&self) -> usize;

    /// One training step, on one batch and with numbers of its own for each replica; outputs as in [`Program::step`].
    fn step(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<Vec<StepOutput>, ExecError>>;

    /// Steps that are best asked for at once.
    fn stride(&self) -> usize {
        1
    }

    /// Some steps, one after the other: for each what [`Replicas::step`] gives. A replica that broke in one of them is not
    /// stepped further, and gives its error from there on.
    fn steps(
        &mut self,
        batches: &[Vec<Batch<'_>>],
        hyper: &[Vec<HyperValues>],
    ) -> Vec<Vec<Result<Vec<StepOutput>, ExecError>>> {
        batches.iter().zip(hyper).map(|(batches, hyper)| self.step(batches, hyper)).collect()
    }

    /// As [`Program::step_measured`], on one batch and with numbers of its own for each replica.
    fn step_measured(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<MeasuredStep, ExecError>>;

    /// The same batch in every replica, as [`Program::eval`].
    fn eval(&mut self, batch: &Batch<'_>) -> Vec<Result<(HostTensor, StepOutput), ExecError>>;

    /// The results of several batches in evaluation mode, without their logits: for each batch those of every replica.
    fn evals(&mut self, batches: &[Batch<'_>]) -> Vec<Vec<Result<StepOutput, ExecError>>> {
        let outputs = |batch| {
            let results = self.eval(batch).into_iter();
            results.map(|result| result.map(|(_, output)| output)).collect()
        };
        batches.iter().map(outputs).collect()
    }

    /// As [`Program::size`].
    fn size(&mut self) -> Vec<Result<Option<f64>, ExecError>>;

    /// As [`Program::state`].
    fn state(&self) -> Vec<Result<State, ExecError>>;

    /// As [`Program::load`], of one replica.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails or a shape differs.
    fn load(&mut self, replica: usize, state: &State) -> Result<(), ExecError>;

    /// As [`Program::isa`].
    fn isa(&self) -> String;
}

/// Programs of one run each, one after the other; at least one.
impl Replicas for Vec<Box<dyn Program>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn step(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<Vec<StepOutput>, ExecError>> {
        let steps = self.iter_mut().zip(batches).zip(hyper);
        steps.map(|((program, batch), hyper)| program.step(batch, hyper)).collect()
    }

    fn step_measured(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<MeasuredStep, ExecError>> {
        let steps = self.iter_mut().zip(batches).zip(hyper);
        steps.map(|((program, batch), hyper)| program.step_measured(batch, hyper)).collect()
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Vec<Result<(HostTensor, StepOutput), ExecError>> {
        self.iter_mut().map(|program| program.eval(batch)).collect()
    }

    fn size(&mut self) -> Vec<Result<Option<f64>, ExecError>> {
        self.iter_mut().map(|program| program.size()).collect()
    }

    fn state(&self) -> Vec<Result<State, ExecError>> {
        self.iter().map(|program| program.state()).collect()
    }

    fn load(&mut self, replica: usize, state: &State) -> Result<(), ExecError> {
        self[replica].load(state)
    }

    fn isa(&self) -> String {
        self[0].isa()
    }
}
