//! Whole splits in evaluation mode, and their measures.

use std::collections::BTreeMap;

use super::run::RunError;
use super::{Means, SplitSamples};
use crate::data::Dataset;
use crate::lower::{Batch, ExecError, HostTensor, Program, State};
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

/// Evaluates and measures both splits, in batches of `batch` samples.
///
/// # Errors
/// [`RunError`] when the program fails or the logits are not finite.
pub fn evaluate_splits(
    program: &mut dyn Program,
    dataset: &Dataset,
    batch: usize,
    seed: u64,
) -> Result<Evaluated, RunError> {
    let scales = named_scales(&program.state()?);
    let scalars = Scalars {
        size: program.size()?,
        r1: scales.get("r1").copied(),
        r2: scales.get("r2").copied(),
        lambda: scales.get("lambda").copied(),
    };
    let mut split = |samples: SplitSamples<'_>| {
        let evaluation = evaluate(program, &samples, batch)?;
        let logits = Logits {
            logits: evaluation.logits,
            classes: dataset.classes,
            labels: samples.all_labels().to_vec(),
            coarse: dataset.coarse_of_class.clone(),
            scalars: scalars_by_name(&scalars),
        };
        let summary = summarize(&logits, evaluation.means.loss, scalars)?;
        Ok::<_, RunError>(Measured { logits, summary })
    };
    let train = split(SplitSamples::train(dataset, seed))?;
    let test = split(SplitSamples::test(dataset))?;
    Ok(Evaluated { scales, scalars, train, test })
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

/// Evaluates `samples` in file order, in batches of `batch` samples.
///
/// # Errors
/// [`ExecError`] of the program.
pub fn evaluate(
    program: &mut dyn Program,
    samples: &SplitSamples<'_>,
    batch: usize,
) -> Result<Evaluation, ExecError> {
    let n = samples.all_labels().len();
    let order: Vec<u32> = (0..n as u32).collect();
    let mut logits: Option<HostTensor> = None;
    let (mut loss, mut correct) = (0.0, 0);
    for indices in order.chunks(batch.max(1)) {
        let (part, output) = program.eval(&Batch { samples, indices, epoch: 0 })?;
        loss += output.loss * indices.len() as f64;
        correct += output.correct;
        logits = Some(match (logits, part) {
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
    let means = Means { loss: loss / n.max(1) as f64, accuracy: correct as f64 / n.max(1) as f64 };
    Ok(Evaluation { logits: logits.unwrap_or(HostTensor::F32(vec![])), means })
}
