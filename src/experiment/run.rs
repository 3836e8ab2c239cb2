//! The runs of seeds: their directories, their start or continuation, their end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::log::{Logged, RunLog, STYLE};
use super::together::{Member, distinct, programs};
use super::{Experiment, ExperimentError, Options, environment};
use crate::check::numeric::Trial;
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, ToDiagnostic, render};
use crate::lower::Replicas;
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
    let member = Member { experiment, seed };
    let ended = run_together(&[member], dataset, existing, stop, observer);
    ended.into_iter().next().expect("a run ends in one way")
}

/// Makes runs in one session, as far as they stand at the same step; how each ended, in their order.
///
/// Their experiments are one, or may step together in pairs; see [`super::may_step_together`].
pub fn run_together(
    members: &[Member<'_, '_>],
    dataset: &Dataset,
    existing: Existing,
    stop: &dyn StopSignal,
    observer: &mut dyn Observer,
) -> Vec<Result<Ended, ExperimentError>> {
    let (experiments, numbers) = distinct(members);
    let mut trials: Vec<Option<Trial<'_>>> = vec![];
    for experiment in &experiments {
        let is_asked = experiment.options().numeric;
        trials.push(is_asked.then(|| Trial::new(experiment.checked(), TRIAL_BUDGET)));
    }
    let plans = experiments.iter().zip(&trials);
    let plans: Vec<RunPlan<'_>> =
        plans.map(|(experiment, trial)| experiment.plan(dataset, trial.as_ref())).collect();
    let mut ends: Vec<Option<Result<Ended, ExperimentError>>> =
        members.iter().map(|_| None).collect();
    let mut by_step: BTreeMap<Option<u64>, Vec<(usize, Place<'_>)>> = BTreeMap::new();
    for (at, (member, number)) in members.iter().zip(&numbers).enumerate() {
        match open(*member, dataset, existing, &plans[*number]) {
            Ok(Open::Run(place)) => {
                let step = place.checkpoint.as_ref().map(|checkpoint| checkpoint.position.step);
                by_step.entry(step).or_default().push((at, *place));
            }
            Ok(Open::Done(summary)) => ends[at] = Some(Ok(Ended::Finished(summary))),
            Err(error) => ends[at] = Some(Err(error)),
        }
    }
    for places in by_step.into_values() {
        let (numbers, places): (Vec<usize>, Vec<Place<'_>>) = places.into_iter().unzip();
        let ended = session(places, &numbers, stop, observer);
        for (at, ended) in numbers.into_iter().zip(ended) {
            ends[at] = Some(ended);
        }
    }
    ends.into_iter().map(|end| end.expect("every seed is opened, and every run ends")).collect()
}

/// The directory of a run that is to be made.
struct Place<'a> {
    member: Member<'a, 'a>,
    plan: &'a RunPlan<'a>,
    dir: RunDir,
    checkpoint: Option<Checkpoint>,
    moved: Option<PathBuf>,
}

/// What is found in a directory.
enum Open<'a> {
    Run(Box<Place<'a>>),
    Done(Box<Summary>),
}

fn open<'a>(
    member: Member<'a, 'a>,
    dataset: &Dataset,
    existing: Existing,
    plan: &'a RunPlan<'a>,
) -> Result<Open<'a>, ExperimentError> {
    let Member { experiment, seed } = member;
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
    Ok(Open::Run(Box::new(Place { member, plan, dir, checkpoint, moved })))
}

/// Runs that stand at the same step.
fn session(
    places: Vec<Place<'_>>,
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
    let sources = places.iter().map(|place| &place.member.experiment.compiled().sources);
    let sources = sources.collect();
    let mut observer =
        Logged { logs: &mut logs, run: 0, numbers: positions, sources, next: observer };
    for (at, place) in places.iter().enumerate() {
        let Member { experiment, seed } = place.member;
        let compiled = experiment.compiled();
        observer.of_run(at);
        observer.begins(&Beginning {
            dir: place.dir.path(),
            hash: experiment.hash(),
            seed,
            from: place.checkpoint.as_ref().map(|checkpoint| checkpoint.position.step),
            steps: place.plan.target(),
            threads: place.plan.threads,
            moved: place.moved.as_deref(),
        });
        for diagnostic in &compiled.diagnostics {
            observer.logs[at].diagnostic(diagnostic, &compiled.sources);
        }
    }
    let members: Vec<Member<'_, '_>> = places.iter().map(|place| place.member).collect();
    let (begun, dirs): (Vec<_>, Vec<RunDir>) =
        places.into_iter().map(|place| ((place.plan, place.checkpoint), place.dir)).unzip();
    let session = start(&members, &dirs, &mut observer).and_then(|program| {
        let seeds = members.iter().map(|member| member.seed);
        let entry = |(((plan, from), seed), dir)| Entry { plan, seed, dir, from };
        let entries = begun.into_iter().zip(seeds).zip(&dirs).map(entry).collect();
        Ok(Session::open(program, entries)?)
    });
    let ended = match session {
        Ok(session) => {
            let ended = session.run(stop, &mut observer).into_iter();
            ended.map(|ended| ended.map_err(ExperimentError::from)).collect()
        }
        Err(error) => failed(dirs.len(), error),
    };
    let runs = ended.into_iter().zip(&members).zip(&dirs).zip(&mut logs);
    let conclude = |(((ended, member), dir), log): (((_, &Member<'_, '_>), _), _)| {
        conclude(ended, member.experiment, dir, log)
    };
    runs.map(conclude).collect()
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
    members: &[Member<'_, '_>],
    dirs: &[RunDir],
    observer: &mut Logged<'_>,
) -> Result<Box<dyn Replicas>, ExperimentError> {
    let mut states = vec![];
    for (at, Member { experiment, seed }) in members.iter().enumerate() {
        let start = experiment.start(*seed)?;
        if !start.extra.is_empty() {
            observer.of_run(at);
            observer.warning(&UnusedTensors { names: &start.extra }.to_diagnostic());
        }
        states.push(start.state);
    }
    let program = programs(members, &states.iter().collect::<Vec<_>>())?;
    for (Member { experiment, seed }, dir) in members.iter().zip(dirs) {
        let Options { machine, spec_folder, .. } = experiment.options();
        let (isa, target) = (program.isa(), experiment.target());
        let machine = environment(&isa, target, machine.threads, spec_folder);
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
