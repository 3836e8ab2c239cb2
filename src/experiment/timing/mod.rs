//! Where the steps of an experiment go: each kernel under a clock, against what the processor can do at most.
//!
//! Steps run on real batches where the data is there; the learning rate is 0, so that every step is the same work.

mod measure;
mod peak;
mod random;
mod timer;
mod whole;

pub use measure::{Timed, Walls};
pub use peak::{Peak, peak};
pub use timer::{Call, PhaseCosts};

use super::{Device, Experiment, ExperimentError};
use crate::data::Dataset;
use crate::exec;
use crate::lower::Samples;
use crate::train::SplitSamples;

use measure::{Batches, fastest_step, measure};
use random::RandomSamples;
use timer::timer;
use whole::Whole;

/// Seconds of a training step on `threads` threads: the fastest of a few that take about a tenth of a second together.
///
/// # Errors
/// [`ExperimentError`] when the run cannot start or a step fails.
pub fn step_seconds(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    threads: usize,
) -> Result<f64, ExperimentError> {
    let seed = experiment.seeds().first().copied().unwrap_or(0);
    let start = experiment.start(seed)?;
    let samples = SplitSamples::train(dataset, seed);
    let batch = experiment.spec().train.batch;
    let batches = Batches::new(&samples, dataset.train.len(), batch, seed);
    let binding = exec::Options { threads, ..experiment.binding(seed) };
    let device = experiment.options().machine.device;
    if let Device::Cuda(_) = device {
        return Err(ExperimentError::Device(device));
    }
    let (joint, target) = (experiment.joint(), experiment.target());
    let mut program = exec::instantiate(joint, target, &start.state, binding)?;
    Ok(fastest_step(&mut *program, &batches)?)
}

/// Times `steps` steps of the first seed, or as many as take about two seconds, on batches of `dataset` or on random ones; on a GPU
/// of `replicas` seeds together.
///
/// # Errors
/// [`ExperimentError`] when the run cannot start or a step fails.
pub fn time(
    experiment: &Experiment<'_>,
    dataset: Option<&Dataset>,
    steps: Option<u64>,
    replicas: usize,
) -> Result<Timed, ExperimentError> {
    let seed = experiment.seeds().first().copied().unwrap_or(0);
    let start = experiment.start(seed)?;
    let batch = experiment.spec().train.batch;
    let random = RandomSamples::new(experiment.checked().graph(), batch, seed);
    let (samples, n): (Box<dyn Samples + '_>, usize) = match dataset {
        Some(dataset) => (Box::new(SplitSamples::train(dataset, seed)), dataset.train.len()),
        None => (Box::new(&random), batch),
    };
    let batches = Batches::new(&*samples, n, batch, seed);
    let (target, binding) = (experiment.target(), experiment.binding(seed));
    if let Device::Cuda(_) = experiment.options().machine.device {
        let runs: Vec<_> = (seed..).take(replicas).map(|seed| (seed, &start.state)).collect();
        let program = experiment.programs(&runs)?;
        return Ok(measure(&mut Whole::new(program), &batches, steps)?);
    }
    let mut timer = timer(experiment.joint(), target, &start.state, binding)?;
    Ok(measure(&mut *timer, &batches, steps)?)
}
