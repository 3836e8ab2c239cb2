//! `specc runs`: what runs there are, how they stand and what they measured.

use std::path::PathBuf;

use super::choice::{Words, choice};
use crate::store::write_atomic;
use crate::study::{
    Long, Query, QueryError, RunsDocument, Table, long, renamed_document, renamed_text,
    tasks_of_rows, tasks_text, with_tasks,
};
use crate::terminal::{Outcome, Terminal, events};

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
    #[arg(long, value_parser = choice(ROWS), value_name = "ROWS", conflicts_with = "json")]
    long: Option<Long>,

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
const ROWS: Words<Long> = &[
    ("metrics", "Logged steps", Long::Metrics),
    ("epochs", "Epochs", Long::Epochs),
    ("samples", "Samples with label, prediction, margin and probabilities", Long::Samples),
];

impl RunsArgs {
    fn query(&self) -> Query {
        let usual = || vec![PathBuf::from("runs")];
        Query {
            roots: if self.roots.is_empty() { usual() } else { self.roots.clone() },
            condition: self.condition.clone(),
            sort: self.sort.clone(),
            columns: self.columns.clone(),
            group: self.group.clone(),
        }
    }
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
        Err(error) => {
            let form = "specc runs [ROOT …] [--where CONDITION] …";
            let outcome = terminal.unanswered(&error, form);
            if args.json {
                let document = RunsDocument::new(None, None, terminal.reported());
                terminal.print(serde_json::to_string_pretty(&document)?);
            }
            Ok(outcome)
        }
    }
}

/// What is asked for: a text, or a Parquet file.
fn made(args: &RunsArgs) -> Result<Vec<u8>, QueryError> {
    let is_parquet = args.output.as_ref().is_some_and(|file| {
        file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
    });
    match (found(args)?, is_parquet) {
        (Found::Text(_), true) => Err(QueryError::Usage(
            "Parquet files hold tables: add `--long`, `--csv`, or name another file".to_owned(),
        )),
        (Found::Table(table), true) => parquet(&table),
        (Found::Table(table), false) => match table.csv() {
            Ok(text) => Ok(text.into_bytes()),
            Err(error) => Err(QueryError::Usage(error.to_string())),
        },
        (Found::Text(text), false) => Ok(text.into_bytes()),
    }
}

enum Found {
    Text(String),
    /// To be written as CSV or Parquet.
    Table(Table),
}

/// What is asked for.
fn found(args: &RunsArgs) -> Result<Found, QueryError> {
    let query = args.query();
    if args.rename {
        let renamed = query.rename()?;
        let document = || format!("{:#}", renamed_document(&renamed));
        return Ok(Found::Text(if args.json { document() } else { renamed_text(&renamed) }));
    }
    let rows = query.rows()?;
    if let Some(folder) = &args.tensorboard {
        return Ok(Found::Text(events(&rows, folder)? + "\n"));
    }
    if let Some(kind) = args.long {
        return Ok(Found::Table(long(&rows, kind)?));
    }
    let mut table = query.table(&rows)?;
    let tasks = args.slurm.then(|| tasks_of_rows(&rows)).transpose()?;
    if let Some(tasks) = &tasks {
        with_tasks(&mut table, &rows, tasks);
    }
    if args.json {
        let is_grouped = args.group.is_some();
        let (runs, groups) = if is_grouped { (None, Some(&table)) } else { (Some(&table), None) };
        let document = RunsDocument::new(runs, groups, &[]).with_slurm(tasks.as_deref());
        return Ok(Found::Text(serde_json::to_string_pretty(&document).expect("plain values")));
    }
    let about = tasks.map_or(String::new(), |tasks| tasks_text(&tasks));
    Ok(if args.csv { Found::Table(table) } else { Found::Text(table.text() + &about) })
}

#[cfg(feature = "parquet")]
fn parquet(table: &Table) -> Result<Vec<u8>, QueryError> {
    crate::study::parquet(table).map_err(|error| QueryError::Usage(error.to_string()))
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Table) -> Result<Vec<u8>, QueryError> {
    Err(QueryError::Usage("this program was built without Parquet; name a file `.csv`".to_owned()))
}
