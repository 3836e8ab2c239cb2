//! `specc runs`: what runs there are, how they stand and what they measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::events::events;
use super::outcome::Outcome;
use super::problem::Problem;
use super::terminal::Terminal;
use crate::store::write_atomic;
use crate::study::{
    Column, Filter, Long, Renamed, Row, RunsDocument, SlurmError, SlurmJobs, SlurmTask, Table,
    earlier, find, group, grouped, listing, long, rename, sort, tasks_of, tasks_text, with_tasks,
};

/// Measures that are shown where none are asked for.
const MEASURES: [&str; 2] = ["test.accuracy", "test.close_enough(0.05)"];

/// Arguments of `specc runs`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunsArgs {
    /// Runs, or folders with runs [default: runs].
    roots: Vec<PathBuf>,

    /// Only runs for which this holds: `test.accuracy > 0.9 && loss == two`.
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,

    /// Sort by this column; with `-` before it, the largest first.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    sort: Option<String>,

    /// Columns: axes, `run`, `hash`, `seed`, `state`, `epochs`, `seconds`, or measures such as `test.loss`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    columns: Vec<String>,

    /// One row a combination of labels of these axes: n, mean and standard deviation of each measure.
    #[arg(long, value_name = "AXIS", value_delimiter = ',', conflicts_with = "long")]
    group: Option<Vec<String>>,

    /// One row a step, an epoch or a sample of each run, as CSV, or as Parquet into a file `.parquet`.
    #[arg(long, value_enum, value_name = "ROWS", conflicts_with = "json")]
    long: Option<LongArg>,

    /// Give runs of earlier versions the identity and the name that they have now.
    #[arg(long, conflicts_with_all = ["condition", "sort", "columns", "group", "long", "csv"])]
    rename: bool,

    /// Write event files of TensorBoard below this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["group", "long", "csv", "json", "rename"])]
    tensorboard: Option<PathBuf>,

    /// Ask Slurm for the tasks that work on the runs.
    #[arg(long, conflicts_with_all = ["group", "long", "rename"])]
    slurm: bool,

    /// Write to this file instead of stdout.
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,

    /// One JSON document.
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// CSV.
    #[arg(long)]
    csv: bool,
}

/// `--long`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LongArg {
    /// Logged steps.
    Metrics,
    /// Epochs.
    Epochs,
    /// Samples with label, prediction, margin and probabilities.
    Samples,
}

/// Runs `specc runs`.
pub(crate) fn run(args: &RunsArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    match made(args) {
        Ok(text) => {
            match &args.output {
                Some(file) => write_atomic(file, &text)?,
                None => terminal.print(String::from_utf8_lossy(&text)),
            }
            Ok(Outcome::Ok)
        }
        Err(problem) => {
            let outcome = problem.tell("specc runs [ROOT …] [--where CONDITION] …", terminal);
            if args.json {
                let document = RunsDocument::new(None, None, terminal.reported());
                terminal.print(serde_json::to_string_pretty(&document)?);
            }
            Ok(outcome)
        }
    }
}

/// What is asked for: a text, or a Parquet file.
fn made(args: &RunsArgs) -> Result<Vec<u8>, Problem> {
    let is_parquet = args.output.as_ref().is_some_and(|file| {
        file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
    });
    match (found(args)?, is_parquet) {
        (Found::Text(_), true) => Err(Problem::Usage(
            "Parquet files hold tables: add `--long`, `--csv`, or name another file".to_owned(),
        )),
        (Found::Table(table), true) => parquet(&table),
        (Found::Table(table), false) => csv(&table).map(String::into_bytes),
        (Found::Text(text), false) => Ok(text.into_bytes()),
    }
}

enum Found {
    Text(String),
    /// To be written as CSV or Parquet.
    Table(Table),
}

/// What is asked for.
fn found(args: &RunsArgs) -> Result<Found, Problem> {
    let usual = [PathBuf::from("runs")];
    let roots = if args.roots.is_empty() { &usual[..] } else { &args.roots };
    if let Some(missing) = roots.iter().find(|root| !root.is_dir()) {
        return Err(format!("there is no folder `{}`", missing.display()).into());
    }
    if args.rename {
        return renamed(roots, args.json).map(Found::Text);
    }
    let mut rows = find(roots)?;
    if let Some(text) = &args.condition {
        let filter = Filter::parse(text, &rows)?;
        let mut kept = vec![];
        for row in rows {
            if filter.keeps(&row)? {
                kept.push(row);
            }
        }
        rows = kept;
    }
    if let Some(key) = &args.sort {
        let name = key.strip_prefix('-');
        let column = Column::named(name.unwrap_or(key), &rows)?;
        sort(&mut rows, &column, name.is_some())?;
    }
    if let Some(folder) = &args.tensorboard {
        return Ok(Found::Text(events(&rows, folder)? + "\n"));
    }
    if let Some(kind) = args.long {
        let kind = match kind {
            LongArg::Metrics => Long::Metrics,
            LongArg::Epochs => Long::Epochs,
            LongArg::Samples => Long::Samples,
        };
        return Ok(Found::Table(long(&rows, kind)?));
    }
    let columns = columns(args, &rows)?;
    let tasks = args.slurm.then(|| tasks(&rows)).transpose()?;
    let (table, is_grouped) = match &args.group {
        None => {
            let mut table = listing(&rows, &columns)?;
            if let Some(tasks) = &tasks {
                with_tasks(&mut table, &rows, tasks);
            }
            (table, false)
        }
        Some(axes) => {
            let known = |axis: &&String| !rows.iter().any(|row| row.labels.contains_key(*axis));
            if let Some(unknown) = axes.iter().find(known).filter(|_| !rows.is_empty()) {
                return Err(format!("no run has a label of the axis `{unknown}`").into());
            }
            let is_measure = |column: &Column| matches!(column, Column::Measure(_));
            let measures: Vec<Column> = columns.into_iter().filter(is_measure).collect();
            (grouped(&group(&rows, axes, &measures)?, axes, &measures), true)
        }
    };
    if args.json {
        let (runs, groups) = if is_grouped { (None, Some(&table)) } else { (Some(&table), None) };
        let document = RunsDocument::new(runs, groups, &[]).with_slurm(tasks.as_deref());
        return Ok(Found::Text(serde_json::to_string_pretty(&document).expect("plain values")));
    }
    let about = tasks.map_or(String::new(), |tasks| tasks_text(&tasks));
    Ok(if args.csv { Found::Table(table) } else { Found::Text(table.text() + &about) })
}

/// The tasks of the jobs that were submitted for the folders of some runs.
fn tasks(rows: &[Row]) -> Result<Vec<SlurmTask>, Problem> {
    let folders: BTreeSet<&Path> = rows.iter().filter_map(|row| row.run.path().parent()).collect();
    let mut jobs = vec![];
    for folder in folders {
        jobs.extend(SlurmJobs::read(folder)?.jobs.iter().map(|job| job.job));
    }
    tasks_of(&jobs).map_err(|error| match error {
        SlurmError::Store(error) => Problem::Store(error),
        SlurmError::Missing { .. } | SlurmError::Refused { .. } => {
            Problem::Usage(error.to_string())
        }
    })
}

/// Says when runs of a folder are not found by what names runs now.
pub(crate) fn tell_of_earlier(root: &Path, terminal: &mut Terminal) {
    let n = earlier(root);
    if n > 0 {
        let runs = if n == 1 { "1 run has".to_owned() } else { format!("{n} runs have") };
        terminal.note(format!(
            "note: {runs} the identity of an earlier version; `specc runs {} --rename` gives today's",
            root.display()
        ));
    }
}

/// Renames, and tells what.
fn renamed(roots: &[PathBuf], json: bool) -> Result<String, Problem> {
    let renamed = rename(roots)?;
    if json {
        let entry = |run: &Renamed| json!({ "from": run.from, "to": run.to });
        let document = json!({
            "schema": "specc.runs/1",
            "ok": true,
            "renamed": renamed.iter().map(entry).collect::<Vec<_>>(),
        });
        return Ok(format!("{document:#}"));
    }
    let line = |run: &Renamed| format!("{} → {}\n", run.from.display(), run.to.display());
    let lines: String = renamed.iter().map(line).collect();
    Ok(if lines.is_empty() { "all runs have today's identity".to_owned() } else { lines })
}

#[cfg(feature = "parquet")]
fn parquet(table: &Table) -> Result<Vec<u8>, Problem> {
    crate::study::parquet(table).map_err(|error| Problem::Usage(error.to_string()))
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Table) -> Result<Vec<u8>, Problem> {
    Err(Problem::Usage("this program was built without Parquet; name a file `.csv`".to_owned()))
}

fn csv(table: &Table) -> Result<String, Problem> {
    table.csv().map_err(|error| Problem::Usage(error.to_string()))
}

/// The columns asked for, or every axis, and what a run is.
fn columns(args: &RunsArgs, rows: &[Row]) -> Result<Vec<Column>, String> {
    let mut names: Vec<String> = args.columns.clone();
    if names.is_empty() {
        for axis in rows.iter().flat_map(|row| row.labels.keys()) {
            if !names.contains(axis) {
                names.push(axis.clone());
            }
        }
        names.extend(["seed", "state", "epochs"].map(str::to_owned));
        names.extend(MEASURES.map(str::to_owned));
        names.extend(["seconds", "run"].map(str::to_owned));
    }
    names.iter().map(|name| Column::named(name.trim(), rows)).collect()
}
