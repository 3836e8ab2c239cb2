//! `specc compare`: groups of runs against the first one.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::model::{Measure, NoMeasure};
use crate::study::{
    Comparison, Incomparable, Row, RunGroup, RunState, compare, comparison_latex, comparison_table,
    comparison_text, find,
};

/// Measures that are compared where none are asked for.
const MEASURES: [&str; 3] = ["test.accuracy", "test.close_enough(0.05)", "train.accuracy"];

/// Arguments of `specc compare`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Two groups or more: a run, a folder of runs, `ROOT:label` or `ROOT:loss=two,net=small`. The first is the baseline.
    #[arg(required = true)]
    groups: Vec<String>,

    /// Measures such as `test.loss` or `train.accuracy(epoch=10)`.
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    metrics: Vec<String>,

    /// Level of the intervals.
    #[arg(long, default_value_t = 0.95, value_parser = parse_level)]
    level: f64,

    /// One JSON document.
    #[arg(long)]
    json: bool,

    /// CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// A table for LaTeX.
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    latex: bool,
}

fn parse_level(text: &str) -> Result<f64, String> {
    let level = text.parse::<f64>().ok().filter(|level| *level > 0.0 && *level < 1.0);
    level.ok_or_else(|| {
        format!("`{text}` is no level; expected a number between 0 and 1, such as 0.95")
    })
}

/// Runs `specc compare`.
pub(crate) fn run(args: &CompareArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let (outcome, found) = match compared(args) {
        Ok(found) => (Outcome::Ok, Some(found)),
        Err(Incomparable::Store(error)) => {
            terminal.report_error(&error);
            (Outcome::of_error(&error), None)
        }
        Err(error) => {
            terminal
                .report_usage(&error.to_string(), "specc compare GROUP GROUP … [--metrics PATH,…]");
            (Outcome::Usage, None)
        }
    };
    if args.json {
        let mut document = json!({
            "schema": "specc.compare/1",
            "ok": found.is_some(),
            "diagnostics": terminal.reported(),
        });
        if let (Some(Value::Object(fields)), Some(document)) =
            (found.map(serde_json::to_value).transpose()?, document.as_object_mut())
        {
            document.extend(fields);
        }
        terminal.print(format!("{document:#}"));
        return Ok(outcome);
    }
    if let Some(found) = found {
        terminal.print(match (args.csv, args.latex) {
            (true, _) => comparison_table(&found).csv()?,
            (false, true) => comparison_latex(&found),
            (false, false) => comparison_text(&found),
        });
    }
    Ok(outcome)
}

fn compared(args: &CompareArgs) -> Result<Comparison, Incomparable> {
    let groups: Vec<RunGroup> =
        args.groups.iter().map(|name| group(name)).collect::<Result<_, _>>()?;
    let usual = MEASURES.map(str::to_owned);
    let names = if args.metrics.is_empty() { &usual[..] } else { &args.metrics };
    let measures: Vec<Measure> = names
        .iter()
        .map(|name| name.parse().map_err(|error: NoMeasure| Incomparable::Usage(error.to_string())))
        .collect::<Result<_, _>>()?;
    compare(&groups, &measures, args.level)
}

/// The finished runs of a group.
fn group(name: &str) -> Result<RunGroup, Incomparable> {
    let (root, labels) = match name.rsplit_once(':') {
        Some((root, labels)) if !Path::new(name).exists() => (root, Some(labels)),
        Some(_) | None => (name, None),
    };
    if !Path::new(root).is_dir() {
        return Err(Incomparable::Usage(format!("there is no folder `{root}`")));
    }
    let wanted: Vec<&str> =
        labels.map_or(vec![], |labels| labels.split(',').map(str::trim).collect());
    let fits = |row: &Row| {
        wanted.iter().all(|wanted| match wanted.split_once('=') {
            Some((axis, label)) => row.labels.get(axis).is_some_and(|own| own == label),
            None => row.labels.values().any(|own| own == wanted),
        })
    };
    let rows = find(&[PathBuf::from(root)])?;
    let is_wanted = |row: &Row| row.state == RunState::Done && fits(row);
    let rows = rows.into_iter().filter(is_wanted).collect();
    Ok(RunGroup { name: labels.unwrap_or(root).to_owned(), rows })
}
