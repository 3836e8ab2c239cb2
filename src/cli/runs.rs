//! `specc runs`: what runs there are, how they stand and what they measured.

use std::path::PathBuf;

use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::store::{StoreError, write_atomic};
use crate::study::{
    Column, Filter, Long, Row, RunsDocument, Table, find, group, grouped, listing, long, sort,
};

/// Measures that are shown where none are asked for.
const MEASURES: [&str; 2] = ["test.accuracy", "test.close_enough(0.05)"];

/// Arguments of `specc runs`.
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

    /// One row a step, an epoch or a sample of each run, as CSV.
    #[arg(long, value_enum, value_name = "ROWS", conflicts_with = "json")]
    long: Option<LongArg>,

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
                Some(file) => write_atomic(file, text.as_bytes())?,
                None => terminal.print(text),
            }
            Ok(Outcome::Ok)
        }
        Err(problem) => {
            let outcome = match problem {
                Problem::Usage(message) => {
                    terminal.report_usage(&message, "specc runs [ROOT …] [--where CONDITION] …");
                    Outcome::Usage
                }
                Problem::Store(error) => {
                    terminal.report_error(&error);
                    Outcome::of_error(&error)
                }
            };
            if args.json {
                let document = RunsDocument::new(None, None, terminal.reported());
                terminal.print(serde_json::to_string_pretty(&document)?);
            }
            Ok(outcome)
        }
    }
}

enum Problem {
    Usage(String),
    Store(StoreError),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::Usage(message)
    }
}

/// What is asked for, as text.
fn made(args: &RunsArgs) -> Result<String, Problem> {
    let usual = [PathBuf::from("runs")];
    let roots = if args.roots.is_empty() { &usual[..] } else { &args.roots };
    if let Some(missing) = roots.iter().find(|root| !root.is_dir()) {
        return Err(format!("there is no folder `{}`", missing.display()).into());
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
    if let Some(kind) = args.long {
        let kind = match kind {
            LongArg::Metrics => Long::Metrics,
            LongArg::Epochs => Long::Epochs,
            LongArg::Samples => Long::Samples,
        };
        return csv(&long(&rows, kind)?);
    }
    let columns = columns(args, &rows)?;
    let (table, is_grouped) = match &args.group {
        None => (listing(&rows, &columns)?, false),
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
        let document = RunsDocument::new(runs, groups, &[]);
        return Ok(serde_json::to_string_pretty(&document).expect("plain values"));
    }
    if args.csv { csv(&table) } else { Ok(table.text()) }
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
