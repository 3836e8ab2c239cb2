//! Runs to be made, as tasks with names.

use std::path::PathBuf;

use super::{Event, Prepare, RunEnd, Share, Team, work};
use crate::data::Dataset;
use crate::experiment::{Existing, Experiment, Member};
use crate::train::StopSignal;

/// A run to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What a user knows it by.
    pub name: String,
    /// Its directory.
    pub dir: PathBuf,
}

/// Tasks one by one, as groups.
pub fn singly(n_tasks: usize) -> Vec<Vec<usize>> {
    (0..n_tasks).map(|task| vec![task]).collect()
}

/// Works on the tasks of all groups; how each of `n_tasks` ended, `None` where it was not begun. `tell` hears of events as in
/// [`work`].
pub fn make_all(
    n_tasks: usize,
    groups: &[Vec<usize>],
    team: Team,
    prepare: &Prepare<'_>,
    stop: &(dyn StopSignal + Sync),
    tell: &mut dyn FnMut(usize, &Event),
) -> Vec<Option<RunEnd>> {
    let mut ends: Vec<Option<RunEnd>> = (0..n_tasks).map(|_| None).collect();
    work(groups, team, prepare, stop, &mut |task, event| {
        tell(task, &event);
        if let Event::Ended(end, _) = event {
            ends[task] = Some(end);
        }
    });
    ends
}

/// The runs of the seeds of an experiment.
pub fn seed_tasks(experiment: &Experiment<'_>) -> Vec<Task> {
    let task = |seed: &u64| Task { name: format!("seed {seed}"), dir: experiment.dir(*seed) };
    experiment.seeds().iter().map(task).collect()
}

/// Makes the runs of the seeds of an experiment, one a worker; how each ended, as in [`make_all`].
pub fn make_seeds(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    share: Share,
    existing: Existing,
    stop: &(dyn StopSignal + Sync),
    tell: &mut dyn FnMut(usize, &Event),
) -> Vec<Option<RunEnd>> {
    let seeds = experiment.seeds();
    let shared = experiment.on_threads(share.threads);
    let prepare = |group: &[usize], go: &mut dyn FnMut(&[Member<'_, '_>], &Dataset)| {
        let of_group: Vec<u64> = group.iter().map(|task| seeds[*task]).collect();
        go(&Member::of(&shared, &of_group), dataset);
        Ok(())
    };
    let team = Team { jobs: share.jobs, existing, fail_fast: false };
    make_all(seeds.len(), &singly(seeds.len()), team, &prepare, stop, tell)
}
