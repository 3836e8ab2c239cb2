//! The runs of seeds: their directories, their start or continuation, their end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::log::{Logged, RunLog, STYLE};
use super::{Experiment, ExperimentError, Options, environment};
use crate::check::numeric::Trial;
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, ToDiagnostic, render};
use crate::lower::{Replicas, State};
use crate::store::{Checkpoint, Opened, RunDir, StoreError};
use crate::train::{Beginning, Ended, Entry, Observer, RunPlan, Session, StopSignal, Summary};

/// Operations that the scaling claims may cost at a checkpoint.
const TRIAL_BUDGET: u64 = 3_000_000_000;

/// What becomes of a run that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It goes on; where there is none, a new one starts.
    #[default]
    Continue,
    /// It goes on, and must be there.
    Require,
    /// It is moved aside, and a new one starts.
    MoveAside,
}

/// Runs, continues or just reports one seed of an experiment on `dataset`.
///
/// # Errors
/// [`ExperimentError`]; where the run had begun, its directory says so in `FAILED`, and its last checkpoint stays usable.
pub fn run(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    seed: u64,
    existing: Existing,
    stop: &dyn StopSignal,
    observer: &mut dyn Observer,
) -> Result<Ended, ExperimentError> {
    let ended = run_together(experiment, dataset, &[seed], existing, stop, observer);
    ended.into_iter().next().expect("a run ends in one way")
}

/// Runs seeds in one session each, as far as they stand at the same step; how each ended, in their order.
pub fn run_together(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    seeds: &[u64],
    existing: Existing,
    stop: &dyn StopSignal,
    observer: &mut dyn Observer,
) -> Vec<Result<Ended, ExperimentError>> {
    let trial = experiment.options().numeric;
    let trial = trial.then(|| Trial::new(experiment.checked(), TRIAL_BUDGET));
    let plan = experiment.plan(dataset, trial.as_ref());
    let mut ends: Vec<Option<Result<Ended, ExperimentError>>> =
        seeds.iter().map(|_| None).collect();
    let mut by_step: BTreeMap<Option<u64>, Vec<(usize, Place)>> = BTreeMap::new();
    for (at, seed) in seeds.iter().enumerate() {
        match open(experiment, dataset, *seed, existing, &plan) {
            Ok(Open::Run(place)) => {
                let step = place.checkpoint.as_ref().map(|checkpoint| checkpoint.position.step);
                by_step.entry(step).or_default().push((at, *place));
            }
            Ok(Open::Done(summary)) => ends[at] = Some(Ok(Ended::Finished(summary))),
            Err(error) => ends[at] = Some(Err(error)),
        }
    }
    for places in by_step.into_values() {
        let (numbers, places): (Vec<usize>, Vec<Place>) = places.into_iter().unzip();
        let ended = session(experiment, &plan, places, &numbers, stop, observer);
        for (at, ended) in numbers.into_iter().zip(ended) {
            ends[at] = Some(ended);
        }
    }
    ends.into_iter().map(|end| end.expect("every seed is opened, and every run ends")).collect()
}

/// The directory of a run that is to be made.
struct Place {
    seed: u64,
    dir: RunDir,
    checkpoint: Option<Checkpoint>,
    moved: Option<PathBuf>,
}

/// What is found in a directory.
enum Open {
    Run(Box<Place>),
    Done(Box<Summary>),
}

fn open(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    seed: u64,
    existing: Existing,
    plan: &RunPlan<'_>,
) -> Result<Open, ExperimentError> {
    let path = experiment.dir(seed);
    let moved = prepare_dir(experiment, &path, existing)?;
    let (dir, checkpoint) = match RunDir::open(&path, &experiment.identity(seed, dataset))? {
        Opened::Fresh(dir) => (dir, None),
        Opened::Existing(dir, checkpoint) => (dir, Some(*checkpoint)),
    };
    let is_over = |checkpoint: &Checkpoint| plan.is_over(&checkpoint.position);
    if checkpoint.as_ref().is_some_and(is_over) && dir.has("DONE") {
        return Ok(Open::Done(Box::new(finished(&path)?)));
    }
    if checkpoint.is_none() && existing == Existing::Require {
        return Err(ExperimentError::NothingToResume(path));
    }
    Ok(Open::Run(Box::new(Place { seed, dir, checkpoint, moved })))
}

/// Runs that stand at the same step.
fn session(
    experiment: &Experiment<'_>,
    plan: &RunPlan<'_>,
    places: Vec<Place>,
    positions: &[usize],
    stop: &dyn StopSignal,
    observer: &mut dyn Observer,
) -> Vec<Result<Ended, ExperimentError>> {
    let logs: Result<Vec<RunLog>, _> =
        places.iter().map(|place| RunLog::open(&place.dir)).collect();
    let mut logs = match logs {
        Ok(logs) => logs,
        Err(error) => return failed(places.len(), ExperimentError::from(error)),
    };
    let compiled = experiment.compiled();
    let mut observer = Logged {
        logs: &mut logs,
        run: 0,
        numbers: positions,
        sources: &compiled.sources,
        next: observer,
    };
    for (at, place) in places.iter().enumerate() {
        observer.of_run(at);
        observer.begins(&Beginning {
            dir: place.dir.path(),
            hash: experiment.hash(),
            seed: place.seed,
            from: place.checkpoint.as_ref().map(|checkpoint| checkpoint.position.step),
            steps: plan.target(),
            threads: plan.threads,
            moved: place.moved.as_deref(),
        });
        for diagnostic in &compiled.diagnostics {
            observer.logs[at].diagnostic(diagnostic, &compiled.sources);
        }
    }
    let (seeds, dirs): (Vec<(u64, Option<Checkpoint>)>, Vec<RunDir>) =
        places.into_iter().map(|place| ((place.seed, place.checkpoint), place.dir)).unzip();
    let numbers: Vec<u64> = seeds.iter().map(|(seed, _)| *seed).collect();
    let session = start(experiment, &numbers, &dirs, &mut observer).and_then(|program| {
        let entry = |((seed, from), dir)| Entry { seed, dir, from };
        let entries = seeds.into_iter().zip(&dirs).map(entry).collect();
        Ok(Session::open(plan, program, entries)?)
    });
    let ended = match session {
        Ok(session) => {
            let ended = session.run(stop, &mut observer).into_iter();
            ended.map(|ended| ended.map_err(ExperimentError::from)).collect()
        }
        Err(error) => failed(dirs.len(), error),
    };
    let runs = ended.into_iter().zip(&dirs).zip(&mut logs);
    runs.map(|((ended, dir), log)| conclude(ended, experiment, dir, log)).collect()
}

fn failed(count: usize, error: ExperimentError) -> Vec<Result<Ended, ExperimentError>> {
    everywhere(count, error).into_iter().map(Err).collect()
}

/// One error for `count` runs, at least one: told by the first, since errors of files cannot be copied.
pub fn everywhere(count: usize, error: ExperimentError) -> Vec<ExperimentError> {
    let told = error.diagnostics();
    let others = (1..count).map(|_| ExperimentError::Together(told.clone()));
    let mut errors: Vec<_> = others.collect();
    errors.insert(0, error);
    errors
}

/// What a run that is done amounts to.
fn finished(path: &Path) -> Result<Summary, StoreError> {
    let missing = || StoreError::damaged(path, "a finished run without `summary.json`");
    Summary::of_run(path)?.ok_or_else(missing)
}

/// Looks at what is there before the run is opened; the path of a run that was moved aside.
fn prepare_dir(
    experiment: &Experiment<'_>,
    path: &Path,
    existing: Existing,
) -> Result<Option<PathBuf>, ExperimentError> {
    let moved = match existing {
        Existing::Continue => None,
        Existing::Require if RunDir::is_run(path) => None,
        Existing::Require => return Err(ExperimentError::NothingToResume(path.to_owned())),
        Existing::MoveAside => RunDir::move_aside(path)?,
    };
    let folder = experiment.options().output.as_ref().filter(|_| experiment.seeds().len() > 1);
    match folder.filter(|folder| RunDir::is_run(folder)) {
        Some(folder) => {
            let found = "a run of one seed".to_owned();
            Err(StoreError::Foreign { path: folder.clone(), found }.into())
        }
        None => Ok(moved),
    }
}

/// The programs in their starting states; checkpoints replace these later.
fn start(
    experiment: &Experiment<'_>,
    seeds: &[u64],
    dirs: &[RunDir],
    observer: &mut Logged<'_>,
) -> Result<Box<dyn Replicas>, ExperimentError> {
    let mut states = vec![];
    for (at, seed) in seeds.iter().enumerate() {
        let start = experiment.start(*seed)?;
        if !start.extra.is_empty() {
            observer.of_run(at);
            observer.warning(&UnusedTensors { names: &start.extra }.to_diagnostic());
        }
        states.push(start.state);
    }
    let runs: Vec<(u64, &State)> = seeds.iter().copied().zip(&states).collect();
    let program = experiment.programs(&runs)?;
    let Options { machine, spec_folder, .. } = experiment.options();
    let machine = environment(&program.isa(), experiment.target(), machine.threads, spec_folder);
    for (seed, dir) in seeds.iter().zip(dirs) {
        let files: [(&str, &str); 4] = [
            ("spec.net", experiment.compiled().text()),
            ("resolved.net", &experiment.resolved(*seed)),
            ("graph.json", &crate::ir::json(experiment.checked().graph())),
            ("env.json", &machine),
        ];
        for (name, text) in files {
            // A run keeps the spec it was started with.
            if name != "spec.net" || !dir.has(name) {
                dir.write(name, text.as_bytes())?;
            }
        }
    }
    Ok(program)
}

fn conclude(
    ended: Result<Ended, ExperimentError>,
    experiment: &Experiment<'_>,
    dir: &RunDir,
    log: &mut RunLog,
) -> Result<Ended, ExperimentError> {
    match &ended {
        Ok(Ended::Finished(_)) => log.line("finished"),
        Ok(Ended::Stopped(_, step)) => log.line(&format!("stopped after step {step}")),
        Err(error) => {
            let mut text = String::new();
            for diagnostic in error.diagnostics() {
                log.diagnostic(&diagnostic, &experiment.compiled().sources);
                text += &render(&diagnostic, &experiment.compiled().sources, STYLE);
                text.push('\n');
            }
            // Where files of the run cannot be written, this one cannot either; the error itself is shown.
            let _ = dir.write("FAILED", text.as_bytes());
        }
    }
    ended
}

struct UnusedTensors<'a> {
    names: &'a [String],
}

impl ToDiagnostic for UnusedTensors<'_> {
    fn to_diagnostic(&self) -> Diagnostic {
        Diagnostic::new(Code::W0701, "tensors of the `--init` file are not used")
            .note(format!("found: {}", self.names.join(", ")))
            .expected("names of parameters or running statistics of the net")
    }
}
