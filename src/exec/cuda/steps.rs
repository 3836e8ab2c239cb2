//! Steps, evaluations and R of all replicas, and what they report.

use super::driver::Driver;
use super::program::{CudaProgram, SLOTS};
use super::recorded::Recorded;
use crate::lower::cuda::{PHASE_RESULTS, REPORT_DOUBLES};
use crate::lower::{
    Batch, ExecError, HostTensor, HyperValues, MeasuredStep, Motion, PhaseId, StepOutput,
};

/// What evaluation is told in place of a rate and a step.
const UNTRAINED: HyperValues = HyperValues { lr: 0.0, step: 0 };

/// For each step what each replica reports of its phases.
type Reports = Vec<Vec<Vec<StepOutput>>>;

impl<D: Driver> CudaProgram<D> {
    /// Sends batches, runs their phases and reads what these report.
    fn run(
        &mut self,
        what: Recorded,
        batches: &[Vec<Batch<'_>>],
        hyper: &[Vec<HyperValues>],
    ) -> Result<Reports, ExecError> {
        let data = self.send(batches, hyper)?;
        self.start(what, batches.len(), data)?;
        self.reports(what, batches.len())
    }

    /// What the phases report of the first `n` slots.
    fn reports(&self, what: Recorded, n: usize) -> Result<Reports, ExecError> {
        let phases: Vec<PhaseId> = match what {
            Recorded::Train => (0..self.plan.phases.train.len()).map(PhaseId::Train).collect(),
            Recorded::Eval => vec![PhaseId::Eval],
            Recorded::Size => vec![PhaseId::Size],
        };
        let mut bytes = vec![0; REPORT_DOUBLES * 8 * self.count() * n];
        self.driver.download(self.reports, 0, &mut bytes)?;
        let doubles: Vec<f64> =
            bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let of_replica = |doubles: &[f64]| {
            let phases = phases.iter();
            phases.map(|id| self.output(*id, doubles)).collect()
        };
        let of_slot = |doubles: &[f64]| doubles.chunks(REPORT_DOUBLES).map(of_replica).collect();
        Ok(doubles.chunks(REPORT_DOUBLES * self.count()).map(of_slot).collect())
    }

    fn output(&self, id: PhaseId, doubles: &[f64]) -> StepOutput {
        let phase = self.plan.phases.get(id).expect("callers ask for phases of the plan");
        let results = &doubles[phase.position * PHASE_RESULTS..][..PHASE_RESULTS];
        let scalars = phase.scalars;
        let number = |place: Option<usize>, value: f64| place.map(|_| value);
        #[expect(clippy::cast_sign_loss, reason = "counts are not negative")]
        let count = |value: f64| value.abs().round() as u64;
        StepOutput {
            loss: number(scalars.loss, results[0]).unwrap_or(f64::NAN),
            correct: number(scalars.correct, results[1]).map_or(0, count),
            well: number(scalars.well, results[2]).map(count),
            size: number(scalars.size, results[3]),
        }
    }

    /// Steps that are sent, run and read at once.
    pub fn stride(&self) -> usize {
        SLOTS
    }

    /// One training step of every replica.
    pub fn step(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<Vec<StepOutput>, ExecError>> {
        self.steps(&[batches.to_vec()], &[hyper.to_vec()]).remove(0)
    }

    /// Some training steps of every replica, `batches[step][replica]`; the results of each.
    ///
    /// The host waits once for every [`CudaProgram::stride`] steps.
    pub fn steps(
        &mut self,
        batches: &[Vec<Batch<'_>>],
        hyper: &[Vec<HyperValues>],
    ) -> Vec<Vec<Result<Vec<StepOutput>, ExecError>>> {
        let first = batches.first().and_then(|batches| batches.first());
        let at_once = self.at_once(first);
        let mut results: Vec<Vec<Result<Vec<StepOutput>, ExecError>>> = vec![];
        for (batches, hyper) in batches.chunks(at_once).zip(hyper.chunks(at_once)) {
            results.extend(self.steps_at_once(batches, hyper));
        }
        results
    }

    fn steps_at_once(
        &mut self,
        batches: &[Vec<Batch<'_>>],
        hyper: &[Vec<HyperValues>],
    ) -> Vec<Vec<Result<Vec<StepOutput>, ExecError>>> {
        let steps = match self.run(Recorded::Train, batches, hyper) {
            Ok(reports) => reports,
            Err(error) => return batches.iter().map(|_| self.everywhere(&error)).collect(),
        };
        let mut broken: Vec<Option<ExecError>> = vec![None; self.count()];
        let mut results = vec![];
        for step in steps {
            let replicas = step.into_iter().zip(&mut broken).enumerate();
            let checked = |(replica, (outputs, broken)): (_, (_, &mut Option<ExecError>))| {
                // What comes behind a broken step changes nothing.
                if let Some(error) = broken {
                    return Err(error.clone());
                }
                let outputs = self.checked(replica, outputs);
                *broken = outputs.as_ref().err().cloned();
                outputs
            };
            results.push(replicas.map(checked).collect());
        }
        results
    }

    /// Refuses a loss that is not finite; the replica has not changed and may be stepped again.
    fn checked(
        &mut self,
        replica: usize,
        outputs: Vec<StepOutput>,
    ) -> Result<Vec<StepOutput>, ExecError> {
        let broken = outputs.iter().position(|output| !output.loss.is_finite());
        let Some(at) = broken else { return Ok(outputs) };
        self.driver.upload(self.memory, self.address(replica, 0), &[0; 8])?;
        Err(ExecError::NotFinite {
            what: "the loss".to_owned(),
            layer: None,
            origin: self.plan.phases.train[at].loss_origin,
        })
    }

    fn everywhere<T>(&self, error: &ExecError) -> Vec<Result<T, ExecError>> {
        (0..self.count()).map(|_| Err(error.clone())).collect()
    }

    /// As [`CudaProgram::step`], with how far each parameter moved.
    pub fn step_measured(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<MeasuredStep, ExecError>> {
        let n_params = self.plan.tables.params.len();
        let before: Result<Vec<_>, _> = (0..self.count()).map(|r| self.kept(r, n_params)).collect();
        let before = match before {
            Ok(before) => before,
            Err(error) => return self.everywhere(&error),
        };
        let outputs = self.step(batches, hyper);
        let params = self.plan.tables.params.iter().map(|param| param.name.clone());
        let names: Vec<String> = params.collect();
        let replicas = outputs.into_iter().zip(before).enumerate();
        let measured = replicas.map(|(replica, (outputs, before))| {
            let (outputs, after) = (outputs?, self.kept(replica, n_params)?);
            let pairs = names.iter().zip(before.iter().zip(&after));
            let motions = pairs.map(|(name, (before, after))| Motion::of(name, before, after));
            Ok((outputs, motions.collect()))
        });
        measured.collect()
    }

    /// Logits and results of a batch in evaluation mode, the same in every replica; batches of any size.
    pub fn eval(&mut self, batch: &Batch<'_>) -> Vec<Result<(HostTensor, StepOutput), ExecError>> {
        let mut all: Vec<Option<(Vec<f32>, StepOutput)>> = vec![None; self.count()];
        for indices in batch.indices.chunks(self.plan.options.batch) {
            let part = Batch { indices, ..*batch };
            let parts = match self.eval_part(&part) {
                Ok(parts) => parts,
                Err(error) => return self.everywhere(&error),
            };
            for (all, (logits, output)) in all.iter_mut().zip(parts) {
                let share = indices.len() as f64 / batch.indices.len() as f64;
                let (rows, sum) = all.get_or_insert_with(|| {
                    (vec![], StepOutput { loss: 0.0, correct: 0, ..output })
                });
                let seen = if rows.is_empty() { None } else { sum.well };
                rows.extend(logits);
                sum.loss += output.loss * share;
                sum.correct += output.correct;
                sum.well = output.well.map(|well| well + seen.unwrap_or(0));
            }
        }
        let empty = || ExecError::Device { message: "a batch without samples".to_owned() };
        let result = |all: Option<(Vec<f32>, StepOutput)>| {
            all.map(|(rows, output)| (HostTensor::F32(rows), output)).ok_or_else(empty)
        };
        all.into_iter().map(result).collect()
    }

    fn eval_part(&mut self, batch: &Batch<'_>) -> Result<Vec<(Vec<f32>, StepOutput)>, ExecError> {
        let batches = vec![*batch; self.count()];
        let reports =
            self.run(Recorded::Eval, &[batches], &[vec![UNTRAINED; self.count()]])?.remove(0);
        let logits = self.plan.phases.eval.logits.expect("graphs of evaluation give logits");
        let len = logits.len * batch.indices.len();
        let mut results = vec![];
        for (replica, mut outputs) in reports.into_iter().enumerate() {
            let rows = self.floats(self.address(replica, logits.offset), len)?;
            results.push((rows, outputs.remove(0)));
        }
        Ok(results)
    }

    /// The results of batches in evaluation mode, without their logits; batches of at most the size of the plan.
    pub fn evals(&mut self, batches: &[Batch<'_>]) -> Vec<Vec<Result<StepOutput, ExecError>>> {
        let mut results = vec![];
        for batches in batches.chunks(self.at_once(batches.first())) {
            let all: Vec<_> = batches.iter().map(|batch| vec![*batch; self.count()]).collect();
            match self.run(
                Recorded::Eval,
                &all,
                &vec![vec![UNTRAINED; self.count()]; batches.len()],
            ) {
                Ok(reports) => {
                    let of_replica = |mut outputs: Vec<StepOutput>| Ok(outputs.remove(0));
                    let of_batch = |outputs: Vec<Vec<StepOutput>>| {
                        outputs.into_iter().map(of_replica).collect()
                    };
                    results.extend(reports.into_iter().map(of_batch));
                }
                Err(error) => results.extend(batches.iter().map(|_| self.everywhere(&error))),
            }
        }
        results
    }

    /// R of every replica, where defined.
    pub fn size(&mut self) -> Vec<Result<Option<f64>, ExecError>> {
        if self.plan.phases.size.is_none() {
            return (0..self.count()).map(|_| Ok(None)).collect();
        }
        let reports = self.start(Recorded::Size, 1, self.no_data);
        match reports.and_then(|()| self.reports(Recorded::Size, 1)) {
            Ok(mut reports) => {
                reports.remove(0).into_iter().map(|outputs| Ok(outputs[0].size)).collect()
            }
            Err(error) => self.everywhere(&error),
        }
    }
}
