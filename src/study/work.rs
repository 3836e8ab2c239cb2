//! Runs in one process: workers that take one group of them after the other.
//!
//! In: tasks by number, in groups that step together, and how a group becomes an experiment on data. Out: events, in the order in
//! which they happen. A task that fails is told and stepped over; a run that another process has is left to it. Invariant: which
//! worker makes a run, with which others, and how many there are, changes no bit of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Sender, channel};

use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, SourceMap};
use crate::experiment::{self, Ended, Existing, ExperimentError, Member};
use crate::store::StoreError;
use crate::train::{
    Beginning, EpochRecord, Observer, Progress, StopReason, StopSignal, Stopwatch, Summary,
};

/// Makes the experiments of tasks that step together and hands their runs on, with their data.
pub type Prepare<'a> = dyn Fn(&[usize], &mut dyn FnMut(&[Member<'_, '_>], &Dataset)) -> Result<(), Unprepared>
    + Sync
    + 'a;

/// Why a task cannot even begin.
#[derive(Debug)]
pub struct Unprepared {
    /// What is wrong.
    pub error: ExperimentError,
    /// What its messages point into.
    pub sources: SourceMap,
}

/// How tasks are worked on.
#[derive(Clone, Copy, Debug)]
pub struct Team {
    /// Workers, at least 1.
    pub jobs: usize,
    /// What becomes of runs that are there already.
    pub existing: Existing,
    /// Whether the first failure ends it.
    pub fail_fast: bool,
}

/// How a task ended.
#[derive(Debug)]
pub enum RunEnd {
    /// The run is done.
    Done(Box<Summary>),
    /// It stopped at a checkpoint, after this step.
    Stopped(StopReason, u64),
    /// Another process has it.
    Held,
    /// It failed.
    Failed(Box<Unprepared>),
}

/// What a task tells while it is worked on.
#[derive(Debug)]
pub enum Event {
    /// It begins.
    Begins {
        /// The run directory.
        dir: PathBuf,
        /// Steps done when it was left, for a run that goes on.
        from: Option<u64>,
        /// Steps that there will be in all.
        steps: u64,
        /// Where a run that was in the way lies now.
        moved: Option<PathBuf>,
    },
    /// A step.
    Step(Progress),
    /// The end of an epoch, with its training time.
    Epoch(EpochRecord, f64),
    /// Something that a user should hear of.
    Warning(Box<(Diagnostic, SourceMap)>),
    /// It ended, after so many seconds.
    Ended(RunEnd, f64),
}

/// Works on all tasks, which the groups number from 0 on; `tell` hears of each event with the number of its task, on the thread of
/// the caller.
pub fn work(
    groups: &[Vec<usize>],
    team: Team,
    prepare: &Prepare<'_>,
    stop: &(dyn StopSignal + Sync),
    tell: &mut dyn FnMut(usize, Event),
) {
    let queue = Queue { next: Mutex::new(State::default()), groups, team };
    let (sender, events) = channel();
    std::thread::scope(|scope| {
        for _ in 0..team.jobs.clamp(1, groups.len().max(1)) {
            let (queue, sender) = (&queue, sender.clone());
            scope.spawn(move || {
                while let Some(group) = queue.take(stop) {
                    let clock = Stopwatch::start();
                    let made = make(&group, team.existing, prepare, stop, &sender);
                    let seconds = clock.seconds() / group.len() as f64;
                    for (task, made) in group.into_iter().zip(made) {
                        if queue.note(task, &made) {
                            continue;
                        }
                        // Whoever listens is there until all workers are done.
                        let _ = sender.send((task, Event::Ended(made, seconds)));
                    }
                }
            });
        }
        drop(sender);
        for (task, event) in events {
            tell(task, event);
        }
    });
}

/// Which tasks are left.
struct Queue<'a> {
    next: Mutex<State>,
    groups: &'a [Vec<usize>],
    team: Team,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Tasks that another process had, to be looked at once more at the end.
    held: Vec<usize>,
    /// Those that were.
    again: BTreeSet<usize>,
    is_over: bool,
    /// Whether a task succeeded.
    any_done: bool,
    /// The code of each failure so far.
    failures: Vec<Option<Code>>,
}

impl Queue<'_> {
    fn take(&self, stop: &dyn StopSignal) -> Option<Vec<usize>> {
        let mut state = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_over || stop.reason().is_some() {
            return None;
        }
        let Some(group) = self.groups.get(state.taken) else {
            let task = state.held.pop()?;
            state.again.insert(task);
            return Some(vec![task]);
        };
        state.taken += 1;
        Some(group.clone())
    }

    /// After as many failures of one kind as there are workers, and no success, the others would fail alike.
    /// Whether the task comes again: the process that has it may be gone before all others are done.
    fn note(&self, task: usize, made: &RunEnd) -> bool {
        let mut state = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        match made {
            RunEnd::Held if !state.again.contains(&task) => {
                state.any_done = true;
                state.held.push(task);
                return true;
            }
            RunEnd::Done(_) | RunEnd::Held => state.any_done = true,
            RunEnd::Stopped(..) => state.is_over = true,
            RunEnd::Failed(failed) => {
                let code = failed.error.diagnostics().first().map(|diagnostic| diagnostic.code);
                state.failures.push(code);
                let alike = state.failures.iter().all(|other| *other == code);
                let many = state.failures.len() >= self.team.jobs.max(2);
                state.is_over |= self.team.fail_fast || (!state.any_done && alike && many);
            }
        }
        false
    }
}

fn make(
    group: &[usize],
    existing: Existing,
    prepare: &Prepare<'_>,
    stop: &dyn StopSignal,
    sender: &Sender<(usize, Event)>,
) -> Vec<RunEnd> {
    let mut made = None;
    let prepared = prepare(group, &mut |members, dataset| {
        let sources = members.iter().map(|member| &member.experiment.compiled().sources);
        let sources: Vec<&SourceMap> = sources.collect();
        let mut relay = Relay { group, run: 0, sources: &sources, sender };
        let ended = experiment::run_together(members, dataset, existing, stop, &mut relay);
        let end = |(ended, sources): (_, &&SourceMap)| match ended {
            Ok(Ended::Finished(summary)) => RunEnd::Done(summary),
            Ok(Ended::Stopped(reason, step)) => RunEnd::Stopped(reason, step),
            Err(ExperimentError::Store(StoreError::Locked { .. })) => RunEnd::Held,
            Err(error) => {
                RunEnd::Failed(Box::new(Unprepared { error, sources: (*sources).clone() }))
            }
        };
        made = Some(ended.into_iter().zip(&sources).map(end).collect());
    });
    match (prepared, made) {
        (Err(Unprepared { error, sources }), _) => {
            let errors = experiment::everywhere(group.len(), error).into_iter();
            let failed =
                |error| RunEnd::Failed(Box::new(Unprepared { error, sources: sources.clone() }));
            errors.map(failed).collect()
        }
        (Ok(()), made) => made.expect("what is prepared is handed on"),
    }
}

/// Sends on what a run tells.
struct Relay<'a> {
    group: &'a [usize],
    /// Whose events come next, by its position in the group.
    run: usize,
    /// What the messages of each run point into.
    sources: &'a [&'a SourceMap],
    sender: &'a Sender<(usize, Event)>,
}

impl Relay<'_> {
    fn send(&self, event: Event) {
        let _ = self.sender.send((self.group[self.run], event));
    }
}

impl Observer for Relay<'_> {
    fn begins(&mut self, beginning: &Beginning<'_>) {
        self.send(Event::Begins {
            dir: beginning.dir.to_owned(),
            from: beginning.from,
            steps: beginning.steps,
            moved: beginning.moved.map(ToOwned::to_owned),
        });
    }

    fn of_run(&mut self, run: usize) {
        self.run = run;
    }

    fn step(&mut self, progress: &Progress) {
        self.send(Event::Step(*progress));
    }

    fn epoch(&mut self, record: &EpochRecord, seconds: f64) {
        self.send(Event::Epoch(record.clone(), seconds));
    }

    fn warning(&mut self, warning: &Diagnostic) {
        self.send(Event::Warning(Box::new((warning.clone(), self.sources[self.run].clone()))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Never;

    impl StopSignal for Never {
        fn reason(&self) -> Option<StopReason> {
            None
        }
    }

    /// How many tasks of 20 are begun where those fail for which `fails` holds.
    fn begun(team: Team, fails: fn(usize) -> bool) -> usize {
        let prepare = |group: &[usize], _: &mut dyn FnMut(&[Member<'_, '_>], &Dataset)| {
            let error = if fails(group[0]) {
                ExperimentError::NothingToResume(PathBuf::new())
            } else {
                ExperimentError::Store(StoreError::NotARun { path: PathBuf::new() })
            };
            Err(Unprepared { error, sources: SourceMap::new() })
        };
        let mut ended = 0;
        let groups: Vec<Vec<usize>> = (0..20).map(|task| vec![task]).collect();
        work(&groups, team, &prepare, &Never, &mut |_, event| {
            ended += usize::from(matches!(event, Event::Ended(..)));
        });
        ended
    }

    #[test]
    fn failures_are_stepped_over_unless_all_are_alike() {
        let team = Team { jobs: 1, existing: Existing::Continue, fail_fast: false };
        assert_eq!(begun(team, |task| task % 2 == 0), 20, "two kinds of failure");
        assert_eq!(begun(team, |_| true), 2, "all alike");
        assert_eq!(begun(Team { fail_fast: true, ..team }, |task| task % 2 == 0), 1);
        let many = begun(Team { jobs: 3, ..team }, |_| true);
        assert!((3..=5).contains(&many), "{many}");
    }

    #[test]
    fn a_group_that_cannot_begin_fails_as_a_whole_and_says_why_once() {
        let prepare = |_: &[usize], _: &mut dyn FnMut(&[Member<'_, '_>], &Dataset)| {
            let error = ExperimentError::NothingToResume(PathBuf::new());
            Err(Unprepared { error, sources: SourceMap::new() })
        };
        let team = Team { jobs: 1, existing: Existing::Continue, fail_fast: false };
        let mut ended = vec![];
        work(&[vec![2, 0, 1]], team, &prepare, &Never, &mut |task, event| {
            let Event::Ended(RunEnd::Failed(failed), _) = event else { return };
            ended.push((task, matches!(failed.error, ExperimentError::Together(_))));
        });
        assert_eq!(ended, [(2, false), (0, true), (1, true)]);
    }
}
