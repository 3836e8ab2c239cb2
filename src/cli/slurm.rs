//! `specc sweep --slurm`: the sweep as an array job.

use std::path::Path;

use super::environment;
use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::store::absolute;
use crate::study::{SlurmError, SlurmJob, Study, StudyRun, wait_for};
use crate::train::StopSignal;

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
        let tasks = SlurmJob::tasks_for(runs, self.tasks.map(usize::from));
        (tasks > 0).then(|| SlurmJob {
            name: study.name.clone(),
            folder: absolute(Path::new("")),
            command: environment::without_slurm(),
            root: absolute(&study.root),
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
        match wait_for(number, stop) {
            Ok(None) => Sent::Here,
            Ok(Some(reason)) => {
                terminal.note(format!("job {number} goes on without this command"));
                Sent::Done(reason.into())
            }
            Err(error) => Sent::Done(refuse(&error, terminal)),
        }
    }
}

/// Says what Slurm does not do.
fn refuse(error: &SlurmError, terminal: &mut Terminal) -> Outcome {
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
