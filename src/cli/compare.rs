//! `specc compare`: groups of runs against the first one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::model::{Measure, NoMeasure};
use crate::study::{
    Cell, Comparison, DifferenceEntry, Incomparable, Row, RunGroup, RunState, Table, compare, find,
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
        let table = table(&found, args.latex);
        terminal.print(match (args.csv, args.latex) {
            (true, _) => table.csv()?,
            (_, true) => latex(&table),
            _ => text(&found),
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

/// A row for each measure and group.
fn table(found: &Comparison, is_latex: bool) -> Table {
    let level = found.level * 100.0;
    let percent = if is_latex { "\\%" } else { "%" };
    let header = [
        "measure".to_owned(),
        "group".to_owned(),
        "n".to_owned(),
        "mean".to_owned(),
        "sd".to_owned(),
        "diff".to_owned(),
        format!("low {level}{percent}"),
        format!("high {level}{percent}"),
        "low, new images".to_owned(),
        "high, new images".to_owned(),
        "wins".to_owned(),
        "rho".to_owned(),
        "p".to_owned(),
        "floor".to_owned(),
        "family p".to_owned(),
    ];
    let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
    let mut rows = vec![];
    for measure in &found.measures {
        for (at, (group, spread)) in found.groups.iter().zip(&measure.groups).enumerate() {
            let mut row = vec![
                Cell::Text(measure.measure.clone()),
                Cell::Text(group.name.clone()),
                Cell::Count(spread.n as u64),
                number(spread.mean),
                number(spread.sd),
            ];
            match at.checked_sub(1).map(|at| &measure.differences[at]) {
                None => row.extend((0..10).map(|_| Cell::Nothing)),
                Some(entry) => row.extend(difference(entry)),
            }
            rows.push(row);
        }
    }
    Table { header: header.into(), rows }
}

fn difference(entry: &DifferenceEntry) -> [Cell; 10] {
    let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
    let wins = entry.wins.map_or(Cell::Nothing, |wins| Cell::Text(format!("{wins}/{}", entry.n)));
    [
        number(entry.mean),
        number(entry.interval.map(|[low, _]| low)),
        number(entry.interval.map(|[_, high]| high)),
        number(entry.interval_new_images.map(|[low, _]| low)),
        number(entry.interval_new_images.map(|[_, high]| high)),
        wins,
        number(entry.correlation),
        number(entry.p),
        number(entry.p_floor),
        number(entry.p_family),
    ]
}

/// The table for a reader: intervals in brackets.
fn brief(found: &Comparison) -> Table {
    let level = found.level * 100.0;
    let header = [
        "measure".to_owned(),
        "group".to_owned(),
        "n".to_owned(),
        "mean".to_owned(),
        "sd".to_owned(),
        "diff".to_owned(),
        format!("{level}% seeds"),
        "new images too".to_owned(),
        "wins".to_owned(),
        "rho".to_owned(),
        "p".to_owned(),
        "floor".to_owned(),
        "family p".to_owned(),
    ];
    let interval = |interval: Option<[f64; 2]>| match interval {
        Some([low, high]) => Cell::Text(format!("[{low:.4}, {high:.4}]")),
        None => Cell::Nothing,
    };
    let mut table = table(found, false);
    let entries = found
        .measures
        .iter()
        .flat_map(|measure| std::iter::once(None).chain(measure.differences.iter().map(Some)));
    for (row, entry) in table.rows.iter_mut().zip(entries) {
        let intervals = entry.map(|entry| [entry.interval, entry.interval_new_images]);
        let [seeds, images] = intervals.unwrap_or_default();
        row.splice(6..10, [interval(seeds), interval(images)]);
    }
    Table { header: header.into(), ..table }
}

/// The table, and what stands behind its numbers.
fn text(found: &Comparison) -> String {
    let mut text = brief(found).text();
    let baseline = &found.groups[0].name;
    let entries = || found.measures.iter().flat_map(|measure| &measure.differences);
    let paired = entries().filter(|entry| entry.paired).count();
    let how = match (paired, entries().count()) {
        (0, _) => "not paired, since groups share no seeds one to one: Welch's interval and p",
        (paired, all) if paired == all => {
            "paired by seed: Student's interval, sign-flip p, max-T over the measures"
        }
        _ => "paired by seed where wins are given, else Welch's interval and p",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "diff: group less `{baseline}`; {how}");
    for measure in &found.measures {
        for entry in measure.differences.iter().filter(|entry| entry.identical) {
            let _ = writeln!(
                text,
                "{}: `{}` and `{baseline}` are identical in {n} of {n} seeds",
                measure.measure,
                entry.group,
                n = entry.n
            );
        }
    }
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// Rows of a `tabular`.
fn latex(table: &Table) -> String {
    let escape = |text: &str| {
        let mut escaped = String::new();
        for c in text.chars() {
            match c {
                '_' | '#' | '$' | '&' | '{' | '}' => escaped.extend(['\\', c]),
                other => escaped.push(other),
            }
        }
        escaped
    };
    let columns: String =
        (0..table.header.len()).map(|column| if column < 2 { 'l' } else { 'r' }).collect();
    let header: Vec<String> = table.header.clone();
    let mut text = format!("\\begin{{tabular}}{{{columns}}}\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} \\\\\\hline", header.join(" & "));
    for row in table.short_rows() {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(text, "{} \\\\", cells.join(" & "));
    }
    text + "\\end{tabular}\n"
}
