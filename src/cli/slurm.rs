//! `specc sweep --slurm`: the sweep as an array job.

use std::path::Path;
use std::time::Duration;

use super::environment;
use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::study::{RunState, SlurmError, SlurmJob, Study, StudyRun, tasks_of};
use crate::train::StopSignal;

/// Tasks of an array where none are asked for, at most.
const MOST_TASKS: usize = 16;

/// How often `--wait` asks, in milliseconds.
const ASK_EVERY: u64 = 2_000;

/// Arguments that send a sweep to Slurm.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SlurmArgs {
    /// Submit to Slurm, with options of sbatch such as `time=1:00:00 partition=long`; stands behind all overrides.
    #[arg(long, num_args = 0.., value_name = "OPTION=VALUE", value_parser = parse_option)]
    slurm: Option<Vec<(String, String)>>,

    /// Tasks of the array [default: one a run, at most 16].
    #[arg(long, value_name = "N", requires = "slurm", value_parser = clap::value_parser!(u16).range(1..))]
    tasks: Option<u16>,

    /// Wait until the job is over, then show what it made.
    #[arg(long, requires = "slurm")]
    wait: bool,
}

fn parse_option(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("expected OPTION=VALUE of sbatch, such as time=1:00:00")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    if name.is_empty() || !name.chars().all(is_name) || value.contains(['\n', '"']) {
        return Err(format!("`{text}` is no option of sbatch"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// How a submission ended.
pub(crate) enum Sent {
    /// `--slurm` is not asked for, or its job is over: the sweep goes on here.
    Here,
    /// Nothing is left to do here.
    Done(Outcome),
}

impl SlurmArgs {
    /// Whether another command shows what comes of it.
    pub(crate) fn is_sent(&self) -> bool {
        self.slurm.is_some() && !self.wait
    }

    /// What is submitted for these runs; `None` where that is not asked for, or all are done.
    pub(crate) fn job(&self, study: &Study, runs: &[StudyRun]) -> Option<SlurmJob> {
        let options = self.slurm.clone()?;
        let left = runs.iter().filter(|run| RunState::of(&run.dir) != RunState::Done).count();
        let tasks = self.tasks.map_or(left.min(MOST_TASKS), |tasks| left.min(tasks.into()));
        (tasks > 0).then(|| SlurmJob {
            name: study.name.clone(),
            folder: environment::absolute(Path::new("")),
            command: environment::without_slurm(),
            root: environment::absolute(&study.root),
            tasks,
            options,
        })
    }

    /// Submits a job, and waits for it where that is asked for.
    pub(crate) fn send(
        &self,
        job: &SlurmJob,
        stop: &dyn StopSignal,
        terminal: &mut Terminal,
    ) -> Sent {
        let number = match job.submit() {
            Ok(number) => number,
            Err(error) => return Sent::Done(refuse(&error, terminal)),
        };
        let tasks =
            if job.tasks == 1 { "1 task".to_owned() } else { format!("{} tasks", job.tasks) };
        terminal.note(format!(
            "submitted job {number}: {tasks}, script {}",
            job.root.join("sweep.slurm").display()
        ));
        if !self.wait {
            terminal
                .note(format!("`specc runs {} --slurm` shows how it stands", job.root.display()));
            return Sent::Done(Outcome::Ok);
        }
        loop {
            match tasks_of(&[number]) {
                Ok(tasks) if tasks.is_empty() => return Sent::Here,
                // A controller that is busy or away for a moment is asked again.
                Ok(_) | Err(SlurmError::Refused { .. }) => {}
                Err(error) => return Sent::Done(refuse(&error, terminal)),
            }
            if let Some(reason) = stop.reason() {
                terminal.note(format!("job {number} goes on without this command"));
                return Sent::Done(reason.into());
            }
            std::thread::sleep(Duration::from_millis(ASK_EVERY));
        }
    }
}

/// Says what Slurm does not do.
pub(crate) fn refuse(error: &SlurmError, terminal: &mut Terminal) -> Outcome {
    match error {
        SlurmError::Missing { .. } => {
            terminal.report_usage(
                &error.to_string(),
                "specc sweep SPEC [--jobs N] without --slurm, or on a machine that submits to Slurm",
            );
            Outcome::Usage
        }
        SlurmError::Refused { .. } => {
            terminal.report_usage(&error.to_string(), "specc sweep SPEC --slurm [OPTION=VALUE …]");
            Outcome::Failed
        }
        SlurmError::Store(error) => {
            terminal.report_error(error);
            Outcome::of_error(error)
        }
    }
}
