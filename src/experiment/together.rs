//! Runs that step together: of one experiment, or of several that differ in numbers only.

use super::{Device, Experiment, ExperimentError, gpu};
use crate::exec;
use crate::lower::{ExecError, Program, Replicas, Shared, State};
use crate::model::Train;

/// A run of an experiment.
#[derive(Clone, Copy, Debug)]
pub struct Member<'e, 'c> {
    /// The experiment.
    pub experiment: &'e Experiment<'c>,
    /// Its seed.
    pub seed: u64,
}

impl<'e, 'c> Member<'e, 'c> {
    /// The runs of these seeds.
    pub fn of(experiment: &'e Experiment<'c>, seeds: &[u64]) -> Vec<Self> {
        seeds.iter().map(|seed| Self { experiment, seed: *seed }).collect()
    }
}

/// Whether the runs of two experiments on one data set may step together: the same graph but for constants, the same batches
/// and the same length. Rates, decays, deltas and starts may differ.
pub fn may_step_together(a: &Experiment<'_>, b: &Experiment<'_>) -> bool {
    let steps = |train: &Train| (train.batch, train.length, train.last_batch);
    let (spec_a, spec_b) = (a.spec(), b.spec());
    spec_a.data == spec_b.data
        && steps(&spec_a.train) == steps(&spec_b.train)
        && a.options().log_every == b.options().log_every
        && Shared::is_there(&[a.joint(), b.joint()])
}

/// Programs of runs in their states, which step together.
///
/// # Errors
/// [`ExperimentError`] when a state does not fit its graph or the device cannot be had.
pub fn programs(
    members: &[Member<'_, '_>],
    states: &[&State],
) -> Result<Box<dyn Replicas>, ExperimentError> {
    let device = members.first().map(|member| member.experiment.options().machine.device);
    if let Some(Device::Cuda(number)) = device {
        return gpu::programs(members, states, number);
    }
    let program = |(member, state): (&Member<'_, '_>, &&State)| {
        let Member { experiment, seed } = member;
        let (joint, target) = (experiment.joint(), experiment.target());
        exec::instantiate(joint, target, state, experiment.binding(*seed))
    };
    let programs = members.iter().zip(states).map(program);
    let programs: Vec<Box<dyn Program>> = programs.collect::<Result<_, ExecError>>()?;
    Ok(Box::new(programs))
}

/// The experiments of some runs, each once, and for each run the position of its own.
pub(super) fn distinct<'e, 'c>(
    members: &[Member<'e, 'c>],
) -> (Vec<&'e Experiment<'c>>, Vec<usize>) {
    let mut all: Vec<&Experiment<'c>> = vec![];
    let mut positions = vec![];
    for Member { experiment, .. } in members {
        let known = all.iter().position(|known| std::ptr::eq(*known, *experiment));
        positions.push(known.unwrap_or_else(|| {
            all.push(experiment);
            all.len() - 1
        }));
    }
    (all, positions)
}
