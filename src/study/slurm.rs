//! A sweep as an array job of Slurm.
//!
//! In: what each task of the array runs. Out: the script for `sbatch`, the jobs of a folder (`slurm.json`), and what `squeue`
//! says of them. Tasks share nothing but the folder: each takes the runs that nobody has, so that a task that is lost or
//! requeued repeats nothing and leaves nothing out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cell, QueryError, Row, StudyRun, Table};
use crate::store::{Owner, StoreError, read_json, write_shared};
use crate::train::{StopReason, StopSignal};

/// Seconds before the time limit at which tasks stop at a checkpoint.
const WARNING_SECONDS: u32 = 120;

/// How often a task that was killed is put back into the queue.
const MAX_RESTARTS: u32 = 10;

/// Tasks of an array where none are asked for, at most.
const MOST_TASKS: usize = 16;

/// How often a job is asked for while it is waited for, in milliseconds.
const ASK_EVERY: u64 = 2_000;

/// The largest `slurm.json` that is read, 16 MiB.
const MAX_BYTES: u64 = 16 << 20;

/// What an array job does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlurmJob {
    /// The file stem of the spec.
    pub name: String,
    /// Where tasks start, from the root.
    pub folder: PathBuf,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder of the runs, from the root.
    pub root: PathBuf,
    /// Tasks of the array, at least 1.
    pub tasks: usize,
    /// Options of `sbatch` by name: `time`, `partition`. They come last and so beat those that the script states.
    pub options: Vec<(String, String)>,
}

/// Why Slurm does not do what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// The command cannot be started.
    #[error("`{command}` cannot be started: {source}")]
    Missing {
        /// `sbatch` or `squeue`.
        command: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The command refuses.
    #[error("`{command}` says: {message}")]
    Refused {
        /// `sbatch` or `squeue`.
        command: &'static str,
        /// Its own words.
        message: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SlurmJob {
    /// Tasks for these runs: as many as are asked for, or 16, but no more than runs are left; 0 where all are done.
    pub fn tasks_for(runs: &[StudyRun], asked: Option<usize>) -> usize {
        let left = runs.iter().filter(|run| !run.is_done()).count();
        left.min(asked.unwrap_or(MOST_TASKS))
    }

    /// The script of the job.
    pub fn script(&self) -> String {
        let log = self.root.join("slurm-%A_%a.log").display().to_string();
        let options = [
            ("job-name", format!("specc-{}", self.name)),
            ("array", format!("1-{}", self.tasks)),
            ("output", log),
            ("open-mode", "append".to_owned()),
            ("signal", format!("B:USR1@{WARNING_SECONDS}")),
        ];
        let mut text = String::from("#!/bin/bash\n");
        let own = self.options.iter().map(|(name, value)| (name.as_str(), value.clone()));
        // Writing to a string cannot fail.
        for (name, value) in options.into_iter().chain(own) {
            let _ = writeln!(text, "#SBATCH --{name}={}", in_quotes(&value));
        }
        let command: Vec<String> = self.command.iter().map(|word| quoted(word)).collect();
        let folder = quoted(&self.folder.display().to_string());
        let _ = write!(
            text,
            "#SBATCH --requeue

# Every task takes the runs that nobody has; one that is lost or comes again repeats nothing.
cd -- {folder} || exit 1
{} &
child=$!
# Before its time is over it stops at a checkpoint, and comes again. When it is asked to go, it stops alone.
over=
trap 'over=1; kill -USR1 \"$child\" 2>/dev/null' USR1
trap 'kill -TERM \"$child\" 2>/dev/null' TERM
code=129
while [ \"$code\" -gt 128 ] && kill -0 \"$child\" 2>/dev/null; do
  wait \"$child\"
  code=$?
done
# 75: there is more to do. Above 128: it was killed. 4: a claim that does not hold is no failure of the job.
if {{ [ \"$code\" = 75 ] && [ \"$over\" ]; }} ||
  {{ [ \"$code\" -gt 128 ] && [ \"${{SLURM_RESTART_COUNT:-0}}\" -lt {MAX_RESTARTS} ]; }}; then
  scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}\" && sleep 60
fi
[ \"$code\" = 4 ] && code=0
exit \"$code\"
",
            command.join(" ")
        );
        text
    }

    /// Keeps the script beside `sweep.json`, hands it to `sbatch`, and notes the number of the job.
    ///
    /// # Errors
    /// [`SlurmError`].
    pub fn submit(&self) -> Result<u64, SlurmError> {
        let script = self.root.join("sweep.slurm");
        write_shared(&script, self.script().as_bytes())?;
        let mut command = Command::new("sbatch");
        command.arg("--parsable").arg(&script).stdin(Stdio::null());
        let said = output("sbatch", &mut command)?;
        // `12` or `12;cluster`.
        let number = said.trim().split(';').next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| SlurmError::Refused {
            command: "sbatch",
            message: format!("`{}` in place of a number of a job", said.trim()),
        })?;
        let mut jobs = SlurmJobs::read(&self.root)?;
        jobs.jobs.push(SubmittedJob { job: number, tasks: self.tasks });
        jobs.write(&self.root)?;
        Ok(number)
    }
}

/// The jobs of a folder, `slurm.json` (`specc.slurm/1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmJobs {
    /// `specc.slurm/1`.
    pub schema: String,
    /// In the order of their submission.
    pub jobs: Vec<SubmittedJob>,
}

/// An array job that was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedJob {
    /// Its number.
    pub job: u64,
    /// Tasks of the array.
    pub tasks: usize,
}

impl SlurmJobs {
    /// The jobs of a folder; none where it has no `slurm.json`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn read(root: &Path) -> Result<Self, StoreError> {
        let none = || Self { schema: "specc.slurm/1".to_owned(), jobs: vec![] };
        Ok(read_json(&root.join("slurm.json"), MAX_BYTES)?.unwrap_or_else(none))
    }

    fn write(&self, root: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(self).expect("plain values");
        write_shared(&root.join("slurm.json"), format!("{text}\n").as_bytes())
    }
}

/// A task as `squeue` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlurmTask {
    /// `12_3`, as `owner.json` has it.
    pub task: String,
    /// `RUNNING`, `PENDING`, …
    pub state: String,
    /// Why it waits.
    pub reason: String,
}

/// The tasks of some jobs that are not over.
///
/// # Errors
/// [`SlurmError`].
pub fn tasks_of(jobs: &[u64]) -> Result<Vec<SlurmTask>, SlurmError> {
    if jobs.is_empty() {
        return Ok(vec![]);
    }
    // All jobs of the user: `squeue` refuses numbers that it has forgotten.
    let mut command = Command::new("squeue");
    command.args(["--me", "--array", "--noheader", "--format=%F_%K|%T|%r"]);
    let said = output("squeue", &mut command)?;
    let task = |line: &str| {
        let mut words = line.trim().splitn(3, '|').map(str::to_owned);
        Some(SlurmTask { task: words.next()?, state: words.next()?, reason: words.next()? })
    };
    let is_wanted = |task: &SlurmTask| {
        let job = task.task.split('_').next().and_then(|job| job.parse().ok());
        job.is_some_and(|job: u64| jobs.contains(&job))
    };
    Ok(said.lines().filter_map(task).filter(is_wanted).collect())
}

/// The tasks that are not over of the jobs that were submitted for the folders of some runs.
///
/// # Errors
/// [`QueryError`], of a Slurm that is not there or refuses too.
pub fn tasks_of_rows(rows: &[Row]) -> Result<Vec<SlurmTask>, QueryError> {
    let folders: BTreeSet<&Path> = rows.iter().filter_map(|row| row.run.path().parent()).collect();
    let mut jobs = vec![];
    for folder in folders {
        jobs.extend(SlurmJobs::read(folder)?.jobs.iter().map(|job| job.job));
    }
    tasks_of(&jobs).map_err(|error| match error {
        SlurmError::Store(error) => QueryError::Store(error),
        SlurmError::Missing { .. } | SlurmError::Refused { .. } => {
            QueryError::Usage(error.to_string())
        }
    })
}

/// Waits until no task of a job is left; the reason where `stop` ended the waiting, not the job.
///
/// # Errors
/// [`SlurmError`], but for a controller that is busy or away for a moment: it is asked again.
pub fn wait_for(job: u64, stop: &dyn StopSignal) -> Result<Option<StopReason>, SlurmError> {
    loop {
        match tasks_of(&[job]) {
            Ok(tasks) if tasks.is_empty() => return Ok(None),
            Ok(_) | Err(SlurmError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Some(reason) = stop.reason() {
            return Ok(Some(reason));
        }
        std::thread::sleep(Duration::from_millis(ASK_EVERY));
    }
}

/// Adds a column to a listing of runs: the task that works on each, or did when it died, and how it stands.
pub fn with_tasks(table: &mut Table, rows: &[Row], tasks: &[SlurmTask]) {
    table.header.push("slurm".to_owned());
    for (cells, row) in table.rows.iter_mut().zip(rows) {
        let owner = Owner::last_of_run(row.run.path()).and_then(|owner| owner.task);
        cells.push(owner.map_or(Cell::Nothing, |own| {
            let state = tasks.iter().find(|task| task.task == own);
            Cell::Text(format!("{own} {}", state.map_or("GONE", |task| &task.state)))
        }));
    }
}

/// How many tasks of each job are in which state.
pub fn tasks_text(tasks: &[SlurmTask]) -> String {
    let mut counts: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for task in tasks {
        let job = task.task.split('_').next().unwrap_or_default();
        *counts.entry((job, &task.state, &task.reason)).or_default() += 1;
    }
    let mut text = String::new();
    for ((job, state, reason), n) in counts {
        let why = if reason == "None" { String::new() } else { format!(" ({reason})") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "job {job}: {n} {state}{why}");
    }
    if text.is_empty() { "no task of Slurm is left\n".to_owned() } else { text }
}

fn output(name: &'static str, command: &mut Command) -> Result<String, SlurmError> {
    let missing = |source| SlurmError::Missing { command: name, source };
    let Output { status, stdout, stderr } = command.output().map_err(missing)?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&stderr).trim().to_owned();
    Err(SlurmError::Refused { command: name, message })
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A value of a line of options, which takes double quotes alone.
fn in_quotes(value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_shell_stay_words() {
        for word in ["plain=1", "a b", "it's", "$HOME", "", "`x`", "a\"b", "loss=two_scale(1)"] {
            let said = Command::new("bash")
                .args(["-c", &format!("printf '%s|' {} end", quoted(word))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("{word}|end|"));
        }
    }
}
