//! A sweep as an array job of Slurm.

use std::path::Path;

use super::environment;
use super::outcome::Outcome;
use super::streams::Terminal;
use crate::store::absolute;
use crate::study::{SlurmError, SlurmJob, Study, StudyRun, wait_for};
use crate::train::StopSignal;

/// How a sweep is sent to Slurm.
#[derive(Clone, Debug)]
pub(crate) struct SlurmOrders {
    /// Options of sbatch.
    pub(crate) options: Vec<(String, String)>,
    /// Tasks of the array.
    pub(crate) tasks: Option<usize>,
    /// The job is waited for; else another command shows what comes of it.
    pub(crate) wait: bool,
}

/// How a submission ended.
pub(crate) enum Sent {
    /// The job is over: the sweep goes on here.
    Here,
    /// Nothing is left to do here.
    Done(Outcome),
}

impl SlurmOrders {
    /// What is submitted for these runs; `None` where all are done.
    pub(crate) fn job(&self, study: &Study, runs: &[StudyRun]) -> Option<SlurmJob> {
        let tasks = SlurmJob::tasks_for(runs, self.tasks);
        (tasks > 0).then(|| SlurmJob {
            name: study.name.clone(),
            folder: absolute(Path::new("")),
            command: environment::without_slurm(),
            root: absolute(&study.root),
            tasks,
            options: self.options.clone(),
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
