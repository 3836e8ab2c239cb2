//! `specc compare`: groups of runs against the first one.

use std::path::{Path, PathBuf};

use super::comparing::DeeperArgs;
use super::groups::DataPlace;
use crate::experiment::compile_run;
use crate::model::{Measure, NoMeasure};
use crate::report::contact_sheet;
use crate::store::write_atomic;
use crate::study::{
    Comparison, Incomparable, RunGroup, USUAL_LEVEL, comparison_document, comparison_latex,
    comparison_table, comparison_text, usual_measures,
};
use crate::terminal::{Outcome, Terminal, environment, sound_data};

/// Images in a row of the sheet.
const COLUMNS: usize = 8;

/// Arguments of `specc compare`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Two groups or more: a run, a folder of runs, a pattern as `runs/fig3/*-s0`, `ROOT:label`, `ROOT:loss=two,net=small`, or
    /// files of logits of other programs. The first is the baseline.
    #[arg(required = true)]
    groups: Vec<String>,

    /// Measures such as `test.loss` or `train.accuracy(epoch=10)`.
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    metrics: Vec<String>,

    /// Level of the intervals.
    #[arg(long, default_value_t = USUAL_LEVEL, value_parser = parse_level)]
    level: f64,

    #[command(flatten)]
    deeper: DeeperArgs,

    /// Write the images that moved most into this PNG file.
    #[arg(long, value_name = "FILE", requires = "samples")]
    sheet: Option<PathBuf>,

    #[command(flatten)]
    data: DataPlace,

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
        Ok(found) => (sheet(args, &found, terminal)?, Some(found)),
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
        let document = comparison_document(found.as_ref(), terminal.reported());
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
        args.groups.iter().map(|name| RunGroup::named(name)).collect::<Result<_, _>>()?;
    let parse = |name: &String| {
        name.parse().map_err(|error: NoMeasure| Incomparable::Usage(error.to_string()))
    };
    let asked: Vec<Measure> = args.metrics.iter().map(parse).collect::<Result<_, _>>()?;
    let measures = if asked.is_empty() { usual_measures() } else { asked };
    args.deeper.deeper().compare(&groups, &measures, args.level)
}

/// Writes the sheet of samples that is asked for, of the first group that moved.
fn sheet(
    args: &CompareArgs,
    found: &Comparison,
    terminal: &mut Terminal,
) -> anyhow::Result<Outcome> {
    let (Some(file), Some([moves, ..])) = (&args.sheet, found.samples.as_deref()) else {
        return Ok(Outcome::Ok);
    };
    let Some(run) = found.groups[0].runs.first() else {
        terminal.report_usage(
            "files of logits say nothing of their images",
            "specc compare RUN RUN … --samples --sheet FILE.png",
        );
        return Ok(Outcome::Usage);
    };
    let locations = environment::locations(args.data.data_dir.as_deref());
    let (compiled, locations) = compile_run(Path::new(run), &locations);
    let Some((spec, _)) = compiled.sound() else {
        terminal.report(&compiled.diagnostics, &compiled.sources);
        return Ok(Outcome::from(&compiled));
    };
    let dataset = match sound_data(&spec.data, &locations, args.data.offline, terminal) {
        Ok(dataset) => dataset,
        Err(outcome) => return Ok(outcome),
    };
    let samples: Vec<usize> = moves.most.iter().map(|moved| moved.sample).collect();
    let Some(image) = contact_sheet(&dataset.test, &dataset.shape, &samples, COLUMNS) else {
        terminal.report_usage(
            &format!("samples of shape {:?} are no images", dataset.shape),
            "specc compare RUN RUN … --samples without --sheet",
        );
        return Ok(Outcome::Usage);
    };
    write_atomic(file, &image.png()?)?;
    terminal.note(format!("{} samples in {}", samples.len(), file.display()));
    Ok(Outcome::Ok)
}
