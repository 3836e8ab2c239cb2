//! The run of one seed: its directory, its start or continuation, its end.

use std::path::PathBuf;

use super::super::compile::Compiled;
use super::super::environment;
use super::super::outcome::Outcome;
use super::super::progress::RunProgress;
use super::super::signals::Signals;
use super::super::terminal::Terminal;
use super::plan::Experiment;
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, ToDiagnostic};
use crate::exec;
use crate::lower::{ExecError, Program};
use crate::store::{Checkpoint, Identity, Opened, RunDir, StoreError};
use crate::train::{self, Ended, RunError, RunPlan, StopReason, Summary};

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
    /// Not finished: the command ends.
    Ended(Outcome),
}

/// Runs, continues or just reports one seed.
pub(crate) fn run_seed(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    seed: u64,
    compiled: &Compiled,
    signals: &Signals,
    terminal: &mut Terminal,
) -> SeedEnd {
    let path = experiment.dir(seed);
    let (dir, checkpoint) = match open(experiment, &path, seed, terminal) {
        Ok(opened) => opened,
        Err(error) => {
            terminal.report_error(&error);
            return SeedEnd::Ended(Outcome::Failed);
        }
    };
    let args = experiment.args;
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
    };
    let done = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.position.step);
    if done >= plan.target() && dir.has("DONE") {
        return match dir.summary() {
            Ok(summary) => SeedEnd::Finished { dir: path, summary: Box::new(summary) },
            Err(error) => {
                terminal.report_error(&error);
                SeedEnd::Ended(Outcome::Failed)
            }
        };
    }
    if checkpoint.is_none() && args.resume.is_some() {
        terminal.report_error(&NothingToResume { path });
        return SeedEnd::Ended(Outcome::Failed);
    }
    if checkpoint.is_some() && !args.quiet {
        terminal.note(format!("continuing {} from step {done}", path.display()));
    }
    let result = start(experiment, seed, &dir, compiled, terminal).and_then(|mut program| {
        let mut progress = RunProgress::new(plan.target(), done, args.quiet);
        let ended = train::train(&plan, &mut *program, &dir, checkpoint, signals, &mut progress);
        progress.finish();
        Ok(ended?)
    });
    conclude(result, &dir, compiled, terminal)
}

fn open(
    experiment: &Experiment<'_>,
    path: &std::path::Path,
    seed: u64,
    terminal: &mut Terminal,
) -> Result<(RunDir, Option<Checkpoint>), StoreError> {
    if experiment.args.force
        && let Some(aside) = RunDir::move_aside(path)?
    {
        terminal.note(format!("moved the old run to {}", aside.display()));
    }
    let identity = Identity { spec_hash: experiment.hash.clone(), seed };
    Ok(match RunDir::open(path, &identity)? {
        Opened::Fresh(dir) => (dir, None),
        Opened::Existing(dir, checkpoint) => (dir, Some(*checkpoint)),
    })
}

/// The program in its starting state; a checkpoint replaces that state later.
fn start(
    experiment: &Experiment<'_>,
    seed: u64,
    dir: &RunDir,
    compiled: &Compiled,
    terminal: &mut Terminal,
) -> Result<Box<dyn Program>, StartFailure> {
    let (joint, dtype) = (&experiment.joint, experiment.dtype);
    let init = experiment.init.as_ref().map(|file| file.tensors.as_slice());
    let start = exec::initial_state(joint, &experiment.spec.loss, seed, dtype, init)?;
    if !start.extra.is_empty() {
        terminal.report_error(&UnusedTensors { names: &start.extra });
    }
    let threads = experiment.args.machine.threads();
    let options = exec::Options { dtype, seed, threads };
    let program = exec::instantiate(joint, experiment.target, &start.state, options)
        .map_err(RunError::from)?;
    let machine = environment::describe(&program.isa(), experiment.target, threads);
    let files: [(&str, &str); 4] = [
        ("spec.net", &compiled.text),
        ("resolved.net", &experiment.resolved),
        ("graph.json", &experiment.graph),
        ("env.json", &machine),
    ];
    for (name, text) in files {
        dir.write(name, text.as_bytes()).map_err(RunError::from)?;
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
    dir: &RunDir,
    compiled: &Compiled,
    terminal: &mut Terminal,
) -> SeedEnd {
    match result {
        Ok(Ended::Finished(summary)) => SeedEnd::Finished { dir: dir.path().to_owned(), summary },
        Ok(Ended::Stopped(reason, step)) => {
            terminal.note(format!(
                "stopped after step {step}; the same command goes on from there ({})",
                dir.path().display()
            ));
            SeedEnd::Ended(match reason {
                StopReason::Interrupt => Outcome::Interrupted,
                StopReason::Preempt => Outcome::Preempted,
            })
        }
        Err(error) => {
            let (diagnostic, outcome) = match &error {
                StartFailure::Start(error) => (error.to_diagnostic(), Outcome::Failed),
                StartFailure::Run(error) => tell(error),
            };
            let text = format!("{}\n{}\n", diagnostic.title, diagnostic.notes.join("\n"));
            if let Err(failed) = dir.write("FAILED", text.as_bytes()) {
                terminal.report_error(&failed);
            }
            terminal.report(&[diagnostic], &compiled.sources);
            SeedEnd::Ended(outcome)
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
