//! The run of one seed: its directory, its start or continuation, its end.

use std::path::{Path, PathBuf};

use super::log::{Logged, RunLog, STYLE};
use super::{Experiment, ExperimentError, Options, environment};
use crate::check::numeric::Trial;
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, ToDiagnostic, render};
use crate::lower::Program;
use crate::store::{Opened, RunDir, StoreError};
use crate::train::{Beginning, Ended, Entry, Observer, Session, StopSignal, Summary};

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
    let path = experiment.dir(seed);
    let moved = prepare_dir(experiment, &path, existing)?;
    let (dir, checkpoint) = match RunDir::open(&path, &experiment.identity(seed, dataset))? {
        Opened::Fresh(dir) => (dir, None),
        Opened::Existing(dir, checkpoint) => (dir, Some(*checkpoint)),
    };
    let trial = experiment.options().numeric;
    let trial = trial.then(|| Trial::new(experiment.checked(), TRIAL_BUDGET));
    let plan = experiment.plan(dataset, trial.as_ref());
    let done = checkpoint.as_ref().map(|checkpoint| checkpoint.position.step);
    if done.is_some_and(|done| done >= plan.target()) && dir.has("DONE") {
        return Ok(Ended::Finished(Box::new(finished(&path)?)));
    }
    if done.is_none() && existing == Existing::Require {
        return Err(ExperimentError::NothingToResume(path));
    }
    let compiled = experiment.compiled();
    let mut log = RunLog::open(&dir)?;
    let mut observer = Logged { log: &mut log, sources: &compiled.sources, next: observer };
    observer.begins(&Beginning {
        dir: &path,
        hash: experiment.hash(),
        seed,
        from: done,
        steps: plan.target(),
        threads: plan.threads,
        moved: moved.as_deref(),
    });
    for diagnostic in &compiled.diagnostics {
        observer.log.diagnostic(diagnostic, &compiled.sources);
    }
    let ended = start(experiment, seed, &dir, &mut observer).and_then(|program| {
        let entry = Entry { seed, dir: &dir, from: checkpoint };
        let session = Session::open(&plan, Box::new(vec![program]), vec![entry])?;
        let ended = session.run(stop, &mut observer).pop();
        Ok(ended.expect("a session of one run ends in one way")?)
    });
    conclude(ended, experiment, &dir, &mut log)
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

/// The program in its starting state; a checkpoint replaces that state later.
fn start(
    experiment: &Experiment<'_>,
    seed: u64,
    dir: &RunDir,
    observer: &mut dyn Observer,
) -> Result<Box<dyn Program>, ExperimentError> {
    let start = experiment.start(seed)?;
    if !start.extra.is_empty() {
        observer.warning(&UnusedTensors { names: &start.extra }.to_diagnostic());
    }
    let program = experiment.program(seed, &start.state)?;
    let Options { machine, spec_folder, .. } = experiment.options();
    let machine = environment(&program.isa(), experiment.target(), machine.threads, spec_folder);
    let files: [(&str, &str); 4] = [
        ("spec.net", experiment.compiled().text()),
        ("resolved.net", &experiment.resolved(seed)),
        ("graph.json", &crate::ir::json(experiment.checked().graph())),
        ("env.json", &machine),
    ];
    for (name, text) in files {
        // A run keeps the spec it was started with.
        if name != "spec.net" || !dir.has(name) {
            dir.write(name, text.as_bytes())?;
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
