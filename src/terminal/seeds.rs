//! The runs of the seeds of a spec on the screen, and what there is to say of them.

use std::path::PathBuf;

use serde_json::Value;

use super::board::Board;
use super::environment;
use super::outcome::Outcome;
use super::screen::Screen;
use super::signals::Signals;
use super::streams::Terminal;
use crate::data::Dataset;
use crate::diag::SourceMap;
use crate::experiment::{self, Ended, Existing, Experiment, ExperimentError, Member, timing};
use crate::lower::Target;
use crate::report::training::{Trained, stopped_line};
use crate::study::{self, Event, RunEnd};

/// How the runs of seeds are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeedOrders {
    /// What becomes of runs that are there already.
    pub(crate) existing: Existing,
    /// Threads of each run; shared out where nothing is said.
    pub(crate) threads: Option<usize>,
    /// Runs at once; by a short measurement where nothing is said.
    pub(crate) jobs: Option<usize>,
    /// More is told of what is done.
    pub(crate) verbose: bool,
}

/// What there is to say at the end.
pub(crate) struct Report {
    /// How the command ends.
    pub(crate) outcome: Outcome,
    /// What `--dry-run` would do.
    pub(crate) planned: Option<(String, Value)>,
    /// What became of the runs.
    pub(crate) trained: Trained,
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, planned: None, trained: Trained::default() }
    }
}

/// Makes the runs: one with its epochs, several at once on a GPU, or several by workers.
pub(crate) fn run_seeds(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    orders: SeedOrders,
    signals: &Signals,
    terminal: &mut Terminal,
) -> Report {
    let run = if experiment.seeds().len() == 1 || experiment.target() == Target::Cuda {
        together
    } else {
        several
    };
    run(experiment, dataset, orders, signals, terminal)
}

impl Report {
    /// Takes note of how a run ended, and says so where it did not finish.
    fn ends(
        &mut self,
        dir: PathBuf,
        ended: Result<Ended, ExperimentError>,
        sources: &SourceMap,
        terminal: &mut Terminal,
    ) {
        match ended {
            Ok(Ended::Finished(summary)) => self.trained.finished.push((dir, *summary)),
            Ok(Ended::Stopped(reason, step)) => {
                self.outcome = reason.into();
                self.stops(dir, step, terminal);
            }
            // The run that its session failed with tells of it.
            Err(ExperimentError::Together(_)) => {}
            Err(error) => self.outcome = terminal.refuse(&error, sources),
        }
    }

    fn stops(&mut self, dir: PathBuf, step: u64, terminal: &mut Terminal) {
        terminal.tell(stopped_line(step, &dir));
        self.trained.stopped.get_or_insert((dir, step));
    }
}

/// The run of a single seed, or those of several at once on one GPU, `--jobs` of them together.
fn together(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    orders: SeedOrders,
    signals: &Signals,
    terminal: &mut Terminal,
) -> Report {
    let mut report = Report::from(Outcome::Ok);
    let sources = &experiment.compiled().sources;
    let jobs = orders.jobs.unwrap_or(experiment.seeds().len());
    for seeds in experiment.seeds().chunks(jobs.max(1)) {
        let mut screen = Screen::new(terminal, sources, orders.verbose);
        let members = Member::of(experiment, seeds);
        let ends =
            experiment::run_together(&members, dataset, orders.existing, signals, &mut screen);
        screen.finish();
        for (seed, ended) in seeds.iter().zip(ends) {
            report.ends(experiment.dir(*seed), ended, sources, terminal);
        }
        if report.trained.stopped.is_some() {
            break;
        }
    }
    report
}

/// The runs of several seeds, made by the workers of sweeps.
fn several(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    orders: SeedOrders,
    signals: &Signals,
    terminal: &mut Terminal,
) -> Report {
    let seeds = experiment.seeds();
    let seconds = |threads: usize| timing::step_seconds(experiment, dataset, threads).ok();
    let share =
        study::share(environment::processors(), seeds.len(), orders.jobs, orders.threads, seconds);
    let tasks = study::seed_tasks(experiment);
    let mut board = Board::new(&tasks, share.jobs, terminal);
    let tell = &mut |task: usize, event: &Event| board.show(task, event);
    let ends = study::make_seeds(experiment, dataset, share, orders.existing, signals, tell);
    let all_done = ends.iter().all(|end| matches!(end, Some(RunEnd::Done(_))));
    let outcome = board.finish(all_done, signals);
    let mut report = Report::from(outcome);
    for (task, end) in tasks.into_iter().zip(ends) {
        match end {
            Some(RunEnd::Done(summary)) => report.trained.finished.push((task.dir, *summary)),
            Some(RunEnd::Stopped(_, step)) => report.stops(task.dir, step, terminal),
            Some(RunEnd::Held | RunEnd::Failed(_)) | None => {}
        }
    }
    report
}
