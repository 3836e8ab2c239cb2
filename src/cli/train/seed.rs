//! The run of one seed: its directory, its start or continuation, its end.

use std::path::{Path, PathBuf};

use super::super::environment;
use super::super::outcome::Outcome;
use super::super::progress::RunProgress;
use super::super::signals::Signals;
use super::super::terminal::Terminal;
use super::log::{LoggedProgress, RunLog};
use super::plan::Experiment;
use crate::check::numeric::Trial;
use crate::compile::Compiled;
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, RenderStyle, SourceMap, ToDiagnostic, render};
use crate::exec;
use crate::lower::{ExecError, Program};
use crate::store::{Checkpoint, Opened, RunDir, StoreError};
use crate::train::{self, Ended, RunError, RunPlan, StopReason, Summary};

/// Operations that the scaling claims may cost at a checkpoint.
const TRIAL_BUDGET: u64 = 3_000_000_000;

/// How the run of one seed ended.
#[derive(Debug)]
pub(crate) enum SeedEnd {
    /// Finished, now or earlier.
    Finished {
        /// The run directory.
        dir: PathBuf,
        /// `summary.json`.
        summary: Box<Summary>,
    },
    /// Asked to stop: the command ends, and the same command goes on.
    Stopped {
        /// The exit code.
        outcome: Outcome,
        /// The run directory.
        dir: PathBuf,
        /// Steps done.
        step: u64,
    },
    /// Not to be finished as it is.
    Failed(Outcome),
}

/// Runs, continues or just reports one seed.
pub(crate) fn run_seed(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    seed: u64,
    compiled: &Compiled,
    spec_folder: &Path,
    signals: &Signals,
    terminal: &mut Terminal,
) -> SeedEnd {
    let path = experiment.dir(seed);
    if experiment.args.resume.is_some() && !RunDir::is_run(&path) {
        terminal.report_error(&NothingToResume { path });
        return SeedEnd::Failed(Outcome::Failed);
    }
    let (dir, checkpoint) = match open(experiment, &path, seed, terminal) {
        Ok(opened) => opened,
        Err(error) => {
            terminal.report_error(&error);
            return SeedEnd::Failed(Outcome::Failed);
        }
    };
    let args = experiment.args;
    let asked = compiled.checked.as_ref().filter(|_| args.numeric);
    let trial = asked.map(|checked| Trial::new(checked, TRIAL_BUDGET));
    let plan = RunPlan {
        train: &experiment.spec.train,
        dataset,
        seed,
        max_steps: args.max_steps,
        shuffle: experiment.spec.data.shuffle,
        log_every: args.log_every,
        spec_hash: experiment.hash.clone(),
        device: "cpu".to_owned(),
        threads: args.machine.threads(),
        dtype: experiment.dtype.to_string(),
        n_params: experiment.n_params,
        conserved: experiment.conserved.as_deref(),
        trial: trial.as_ref(),
    };
    let done = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.position.step);
    if done >= plan.target() && dir.has("DONE") {
        return match dir.summary() {
            Ok(summary) => SeedEnd::Finished { dir: path, summary: Box::new(summary) },
            Err(error) => {
                terminal.report_error(&error);
                SeedEnd::Failed(Outcome::Failed)
            }
        };
    }
    if checkpoint.is_none() && args.resume.is_some() {
        terminal.report_error(&NothingToResume { path });
        return SeedEnd::Failed(Outcome::Failed);
    }
    let mut log = match RunLog::open(&dir) {
        Ok(log) => log,
        Err(error) => {
            terminal.report_error(&error);
            return SeedEnd::Failed(Outcome::Failed);
        }
    };
    let whole = format!("{}, seed {seed}", experiment.hash);
    log.line(&format!(
        "specc {}: {whole}, steps {done}..{}",
        env!("CARGO_PKG_VERSION"),
        plan.target()
    ));
    if args.verbose {
        terminal.tell(format!("run {} ({whole}, {} threads)", path.display(), plan.threads));
    }
    if checkpoint.is_some() {
        terminal.tell(format!("continuing {} from step {done}", path.display()));
    }
    for diagnostic in &compiled.diagnostics {
        log.diagnostic(diagnostic, &compiled.sources);
    }
    let place = Place { dir: &dir, spec_folder, compiled };
    let result = start(experiment, seed, &place, &mut log, terminal).and_then(|mut program| {
        let screen = RunProgress::new(plan.target(), done, args.quiet);
        let mut progress = LoggedProgress { screen, log: &mut log };
        let ended = train::train(&plan, &mut *program, &dir, checkpoint, signals, &mut progress);
        progress.screen.finish();
        Ok(ended?)
    });
    conclude(result, &place, &mut log, terminal)
}

fn open(
    experiment: &Experiment<'_>,
    path: &Path,
    seed: u64,
    terminal: &mut Terminal,
) -> Result<(RunDir, Option<Checkpoint>), StoreError> {
    if experiment.args.force
        && let Some(aside) = RunDir::move_aside(path)?
    {
        terminal.tell(format!("moved the old run to {}", aside.display()));
    }
    if experiment.seeds.len() > 1
        && let Some(parent) = path.parent()
        && RunDir::is_run(parent)
        && experiment.args.output.is_some()
    {
        let found = "a run of one seed".to_owned();
        return Err(StoreError::Foreign { path: parent.to_owned(), found });
    }
    Ok(match RunDir::open(path, &experiment.identity(seed))? {
        Opened::Fresh(dir) => (dir, None),
        Opened::Existing(dir, checkpoint) => (dir, Some(*checkpoint)),
    })
}

/// Where a run lies and what it comes from.
struct Place<'a> {
    dir: &'a RunDir,
    spec_folder: &'a Path,
    compiled: &'a Compiled,
}

/// The program in its starting state; a checkpoint replaces that state later.
fn start(
    experiment: &Experiment<'_>,
    seed: u64,
    place: &Place<'_>,
    log: &mut RunLog,
    terminal: &mut Terminal,
) -> Result<Box<dyn Program>, StartFailure> {
    let (joint, dtype) = (&experiment.joint, experiment.dtype);
    let init = experiment.init.as_ref().map(|file| file.tensors.as_slice());
    let start = exec::initial_state(joint, &experiment.spec.loss, seed, dtype, init)?;
    if !start.extra.is_empty() {
        let unused = UnusedTensors { names: &start.extra };
        log.diagnostic(&unused.to_diagnostic(), &SourceMap::new());
        terminal.report_error(&unused);
    }
    let threads = experiment.args.machine.threads();
    let options = exec::Options {
        dtype,
        seed,
        threads,
        batch: experiment.spec.train.batch,
        isa: experiment.isa,
    };
    let program = exec::instantiate(joint, experiment.target, &start.state, options)
        .map_err(RunError::from)?;
    let machine =
        environment::describe(&program.isa(), experiment.target, threads, place.spec_folder);
    let resolved = experiment.resolved(seed);
    let files: [(&str, &str); 4] = [
        ("spec.net", place.compiled.text()),
        ("resolved.net", &resolved),
        ("graph.json", &experiment.graph),
        ("env.json", &machine),
    ];
    for (name, text) in files {
        // A run keeps the spec it was started with.
        if name != "spec.net" || !place.dir.has(name) {
            place.dir.write(name, text.as_bytes()).map_err(RunError::from)?;
        }
    }
    Ok(program)
}

/// A run that could not begin, or not go on.
enum StartFailure {
    /// `--init` or the scales of the loss.
    Start(exec::StartError),
    /// Anything later.
    Run(RunError),
}

impl From<exec::StartError> for StartFailure {
    fn from(error: exec::StartError) -> Self {
        Self::Start(error)
    }
}

impl From<RunError> for StartFailure {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

fn conclude(
    result: Result<Ended, StartFailure>,
    place: &Place<'_>,
    log: &mut RunLog,
    terminal: &mut Terminal,
) -> SeedEnd {
    let dir = place.dir.path();
    match result {
        Ok(Ended::Finished(summary)) => {
            log.line("finished");
            SeedEnd::Finished { dir: dir.to_owned(), summary }
        }
        Ok(Ended::Stopped(reason, step)) => {
            log.line(&format!("stopped after step {step}"));
            terminal.tell(format!(
                "stopped after step {step}; the same command goes on from there ({})",
                dir.display()
            ));
            let outcome = match reason {
                StopReason::Interrupt => Outcome::Interrupted,
                StopReason::Preempt => Outcome::Preempted,
            };
            SeedEnd::Stopped { outcome, dir: dir.to_owned(), step }
        }
        Err(error) => {
            let (diagnostic, outcome) = match &error {
                StartFailure::Start(error) => (error.to_diagnostic(), Outcome::of_error(error)),
                StartFailure::Run(error) => tell(error),
            };
            log.diagnostic(&diagnostic, &place.compiled.sources);
            let style = RenderStyle { color: false, width: 100 };
            let text = format!("{}\n", render(&diagnostic, &place.compiled.sources, style));
            // Where files of the run cannot be written, this one cannot either; the error itself is shown.
            let _ = place.dir.write("FAILED", text.as_bytes());
            terminal.report(&[diagnostic], &place.compiled.sources);
            SeedEnd::Failed(outcome)
        }
    }
}

fn tell(error: &RunError) -> (Diagnostic, Outcome) {
    let of = |source: &ExecError| match source {
        ExecError::NotFinite { .. } => Outcome::Diverged,
        ExecError::Device { .. } | ExecError::Shape { .. } => Outcome::Failed,
    };
    match error {
        RunError::Store(error) => (error.to_diagnostic(), Outcome::Failed),
        RunError::Measure(error) => (error.to_diagnostic(), Outcome::Diverged),
        RunError::Evaluation(source) => (source.to_diagnostic(), of(source)),
        RunError::Step { step, epoch, batch, source } => {
            let place = format!("at step {step} (epoch {epoch}, batch {batch})");
            (source.to_diagnostic().note(place), of(source))
        }
    }
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

struct NothingToResume {
    path: PathBuf,
}

impl ToDiagnostic for NothingToResume {
    fn to_diagnostic(&self) -> Diagnostic {
        Diagnostic::new(Code::E0709, "there is no run to resume")
            .note(format!("directory: {}", self.path.display()))
            .expected("a run with a checkpoint")
            .help("leave `--resume` out to start the run")
    }
}
