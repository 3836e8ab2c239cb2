//! Runs to be made, as tasks with names.

use std::path::PathBuf;

use super::{Event, Prepare, RunEnd, Team, work};
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
