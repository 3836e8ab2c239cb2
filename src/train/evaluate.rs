//! Whole splits in evaluation mode, and their measures.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Means, RunError, SplitSamples};
use crate::data::{Dataset, Split};
use crate::lower::{Batch, ExecError, HostTensor, Replicas, State, StepOutput};
use crate::measure::{self, Request, Scalars, SplitSummary};
use crate::store::Logits;

/// Both splits of a data set under one state of a program.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// Scales of the loss: `r1`, `r2`, `lambda`.
    pub scales: BTreeMap<String, f64>,
    /// R and the scales, where they are defined.
    pub scalars: Scalars,
    /// Training samples, without augmentation.
    pub train: Measured,
    /// Samples that are held out to choose by, where there are any.
    pub val: Option<Measured>,
    /// Test samples.
    pub test: Measured,
}

/// One split with its measures.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What is stored of it.
    pub logits: Logits,
    /// Its measures.
    pub summary: SplitSummary,
}

/// Evaluates and measures both splits in every replica, in batches of `batch` samples.
///
/// [`RunError`] stands in for a replica whose program fails or whose logits are not finite.
pub fn evaluate_splits(
    program: &mut dyn Replicas,
    dataset: &Dataset,
    batch: usize,
) -> Vec<Result<Evaluated, RunError>> {
    let states = program.state().into_iter().zip(program.size());
    // Without augmentation the seed of the samples does not matter.
    let train = evaluate(program, &SplitSamples::train(dataset, 0), batch);
    let val = on_held_out(dataset, train.len(), |val| evaluate(program, val, batch));
    let test = evaluate(program, &SplitSamples::test(dataset), batch);
    let replicas = states.zip(train.into_iter().zip(val).zip(test));
    let replicas: Vec<_> = replicas.collect();
    let measured = replicas.into_par_iter().map(|((state, size), ((train, val), test))| {
        let scales = named_scales(&state?.measured());
        let scalars = Scalars {
            size: size?,
            r1: scales.get("r1").copied(),
            r2: scales.get("r2").copied(),
            lambda: scales.get("lambda").copied(),
        };
        let measure = |split, evaluation| measure_split(dataset, split, evaluation, scalars);
        let train = measure(&dataset.train, train?)?;
        let val = match dataset.val.as_ref().zip(val) {
            Some((split, val)) => Some(measure(split, val?)?),
            None => None,
        };
        let test = measure(&dataset.test, test?)?;
        Ok(Evaluated { scales, scalars, train, val, test })
    });
    measured.collect()
}

/// What each of so many replicas gives on the samples that are held out, where there are any.
pub(super) fn on_held_out<T>(
    dataset: &Dataset,
    replicas: usize,
    of: impl FnOnce(&SplitSamples<'_>) -> Vec<T>,
) -> Vec<Option<T>> {
    match SplitSamples::val(dataset) {
        Some(val) => of(&val).into_iter().map(Some).collect(),
        None => (0..replicas).map(|_| None).collect(),
    }
}

fn measure_split(
    dataset: &Dataset,
    split: &Split,
    evaluation: Evaluation,
    scalars: Scalars,
) -> Result<Measured, measure::LogitsError> {
    let logits = Logits {
        logits: evaluation.logits,
        classes: dataset.classes,
        labels: split.labels().to_vec(),
        clean_labels: split.clean_labels().map(<[u32]>::to_vec),
        coarse: dataset.coarse_of_class.clone(),
        scalars: scalars_by_name(&scalars),
    };
    let summary = summarize(&logits, evaluation.means.loss, scalars)?;
    Ok(Measured { logits, summary })
}

/// The scales of the loss in a state, by their short names.
pub(super) fn named_scales(state: &State) -> BTreeMap<String, f64> {
    let scales = state.params.iter().filter_map(|entry| {
        let name = entry.name.strip_prefix("loss.")?;
        Some((name.to_owned(), entry.values.first()?))
    });
    scales.collect()
}

fn scalars_by_name(scalars: &Scalars) -> BTreeMap<String, f64> {
    let named =
        [("R", scalars.size), ("r1", scalars.r1), ("r2", scalars.r2), ("lambda", scalars.lambda)];
    let defined = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    defined.collect()
}

fn summarize(
    stored: &Logits,
    loss: f64,
    scalars: Scalars,
) -> Result<SplitSummary, measure::LogitsError> {
    let values = match &stored.logits {
        HostTensor::F32(values) => values.iter().copied().map(f64::from).collect(),
        HostTensor::F64(values) => values.clone(),
    };
    let labels: Vec<i64> = stored.labels.iter().copied().map(i64::from).collect();
    let mut logits =
        measure::Logits::new(values, stored.classes, &labels)?.with_scalars(scalars)?;
    if let Some(coarse) = &stored.coarse {
        let coarse: Vec<i64> = coarse.iter().copied().map(i64::from).collect();
        logits = logits.with_coarse(&coarse)?;
    }
    let scale = measure::probability_scale(scalars);
    Ok(measure::summarize(&logits, Some(loss), scale, &Request::standard(stored.classes)))
}

/// Logits and means of one split.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Row-major `[n, k]`, in file order, in the dtype of the run.
    pub logits: HostTensor,
    /// Loss as trained, and accuracy.
    pub means: Means,
}

/// Evaluates `samples` in every replica, in file order and batches of `batch` samples.
///
/// [`ExecError`] stands in for a replica whose program fails.
pub fn evaluate(
    program: &mut dyn Replicas,
    samples: &SplitSamples<'_>,
    batch: usize,
) -> Vec<Result<Evaluation, ExecError>> {
    let ask = |program: &mut dyn Replicas, batches: &[Batch<'_>]| {
        batches.iter().map(|batch| program.eval(batch)).collect()
    };
    let add = |sums: &mut Sums, (logits, output), n| sums.add(logits, &output, n);
    over_batches(program, samples, batch, ask, add)
}

/// The means of `samples` in every replica, as [`evaluate`] finds them.
pub fn means(
    program: &mut dyn Replicas,
    samples: &SplitSamples<'_>,
    batch: usize,
) -> Vec<Result<Means, ExecError>> {
    let ask = |program: &mut dyn Replicas, batches: &[Batch<'_>]| program.evals(batches);
    let add = |sums: &mut Sums, output, n| sums.count(&output, n);
    let evaluations = over_batches(program, samples, batch, ask, add);
    evaluations.into_iter().map(|found| Ok(found?.means)).collect()
}

/// Asks for the batches of `samples`, as many at once as the program likes, and adds what each replica gives; a replica that fails
/// is not looked at again.
fn over_batches<T>(
    program: &mut dyn Replicas,
    samples: &SplitSamples<'_>,
    batch: usize,
    ask: impl Fn(&mut dyn Replicas, &[Batch<'_>]) -> Vec<Vec<Result<T, ExecError>>>,
    add: impl Fn(&mut Sums, T, usize),
) -> Vec<Result<Evaluation, ExecError>> {
    let n = samples.all_labels().len();
    let order: Vec<u32> = (0..n as u32).collect();
    let chunks = order.chunks(batch.max(1));
    let batches: Vec<_> = chunks.map(|indices| Batch { samples, indices, epoch: 0 }).collect();
    let mut sums: Vec<Result<Sums, ExecError>> =
        (0..program.count()).map(|_| Ok(Sums::default())).collect();
    for batches in batches.chunks(program.stride()) {
        for (batch, parts) in batches.iter().zip(ask(program, batches)) {
            for (sums, part) in sums.iter_mut().zip(parts) {
                let Ok(all) = sums else { continue };
                match part {
                    Ok(part) => add(all, part, batch.indices.len()),
                    Err(error) => *sums = Err(error),
                }
            }
        }
    }
    sums.into_iter().map(|sums| Ok(sums?.evaluation(n))).collect()
}

/// What the batches so far amount to.
#[derive(Default)]
struct Sums {
    logits: Option<HostTensor>,
    loss: f64,
    correct: u64,
}

impl Sums {
    fn count(&mut self, output: &StepOutput, n: usize) {
        self.loss += output.loss * n as f64;
        self.correct += output.correct;
    }

    fn add(&mut self, logits: HostTensor, output: &StepOutput, n: usize) {
        self.count(output, n);
        self.logits = Some(match (self.logits.take(), logits) {
            (None, part) => part,
            (Some(HostTensor::F32(mut all)), HostTensor::F32(part)) => {
                all.extend(part);
                HostTensor::F32(all)
            }
            (Some(HostTensor::F64(mut all)), HostTensor::F64(part)) => {
                all.extend(part);
                HostTensor::F64(all)
            }
            (Some(HostTensor::F32(_)), HostTensor::F64(_))
            | (Some(HostTensor::F64(_)), HostTensor::F32(_)) => {
                unreachable!("a program keeps its dtype")
            }
        });
    }

    fn evaluation(self, n: usize) -> Evaluation {
        let count = n.max(1) as f64;
        let means = Means { loss: self.loss / count, accuracy: self.correct as f64 / count };
        Evaluation { logits: self.logits.unwrap_or(HostTensor::F32(vec![])), means }
    }
}
