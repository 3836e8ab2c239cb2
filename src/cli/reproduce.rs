//! `specc reproduce`: the figures of the paper, made again.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::groups::{DataPlace, MachineArgs};
use super::outcome::Outcome;
use super::sweep::{SweepArgs, Told, swept};
use super::terminal::Terminal;
use crate::chart::{Size, Theme};
use crate::experiment::duration;
use crate::reproduce::{FIGURES, Figure, Losses, Made, Reproduced, Scale, charts, gaps, page};
use crate::store::{StoreError, write_atomic};
use crate::study::{RunState, Study, verdicts_text};
use crate::train::StoredRun;

/// Arguments of `specc reproduce`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReproduceArgs {
    /// Figures by their numbers, such as `3 13` [default: all that a processor makes].
    #[arg(value_name = "FIGURE")]
    figures: Vec<String>,

    /// `quick`: minutes a figure, fewer epochs and seeds; `full`: as published, with ten seeds.
    #[arg(long, value_enum, default_value_t)]
    scale: ScaleArg,

    /// The folder of specs, runs and the page.
    #[arg(short, long = "output", value_name = "DIR", default_value = "paper")]
    output: PathBuf,

    /// Runs at once [default: by a short measurement].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    #[command(flatten)]
    pub(crate) machine: MachineArgs,

    #[command(flatten)]
    data: DataPlace,

    /// Say what would be done, and how long it would take, and stop.
    #[arg(long)]
    dry_run: bool,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,

    /// No progress.
    #[arg(short, long)]
    quiet: bool,
}

/// `--scale`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ScaleArg {
    /// Minutes a figure.
    #[default]
    Quick,
    /// As published.
    Full,
}

/// Runs `specc reproduce`.
pub(crate) fn run(args: &ReproduceArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
    let scale = match args.scale {
        ScaleArg::Quick => Scale::Quick,
        ScaleArg::Full => Scale::Full,
    };
    let mut figures = vec![];
    for name in &args.figures {
        let Some(figure) = Figure::named(name) else {
            let known: Vec<&str> = FIGURES.iter().map(|figure| figure.number).collect();
            terminal.report_usage(
                &format!(
                    "the paper has no data for figure `{name}`; there are {}",
                    known.join(", ")
                ),
                "specc reproduce [FIGURE …] [--scale quick|full]",
            );
            return finish(args, Outcome::Usage, &[], terminal);
        };
        figures.push(figure);
    }
    if figures.is_empty() {
        figures = FIGURES.to_vec();
    }
    let mut made = vec![];
    let mut outcome = Outcome::Ok;
    for figure in figures {
        match figure.made {
            Made::OnGpu { hours } => terminal.note(format!(
                "figure {}: {}; it wants a GPU, and would take about {hours} hours of one core here",
                figure.number, figure.title
            )),
            Made::Here { .. } => {
                let found = reproduce(args, figure, scale, terminal)?;
                match found {
                    Ok(reproduced) => made.extend(reproduced),
                    // What is missing for one figure may be there for another.
                    Err(failed) => outcome = failed,
                }
                if matches!(outcome, Outcome::Interrupted | Outcome::Preempted) {
                    break;
                }
            }
        }
    }
    if !made.is_empty() {
        let file = args.output.join("paper.html");
        write_atomic(&file, page(&made).as_bytes())?;
        figures_of(&made, &args.output.join("figures"))?;
        let figures = if made.len() == 1 { "1 figure" } else { &format!("{} figures", made.len()) };
        terminal.note(format!("{figures} in {}", file.display()));
    }
    finish(args, outcome, &made, terminal)
}

/// Each chart as a drawing of its own, its numbers, and source for papers.
fn figures_of(made: &[Reproduced], folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for Reproduced { figure, charts, .. } in made {
        for (place, chart) in ('a'..).zip(charts) {
            let name = |ending: &str| folder.join(format!("fig{}{place}.{ending}", figure.number));
            let drawing = chart.standalone(Size::Middle, Theme::Light);
            write_atomic(&name("svg"), drawing.as_bytes())?;
            write_atomic(&name("csv"), chart.table().csv().as_bytes())?;
            write_atomic(&name("tex"), chart.pgfplots().as_bytes())?;
        }
    }
    Ok(())
}

fn finish(
    args: &ReproduceArgs,
    outcome: Outcome,
    made: &[Reproduced],
    terminal: &mut Terminal,
) -> anyhow::Result<Outcome> {
    if args.json {
        let figure = |made: &Reproduced| {
            json!({
                "figure": made.figure.number,
                "setting": made.setting,
                "gaps": made.gaps.values,
                "beyond": made.gaps.beyond,
                "claims": made.claims,
            })
        };
        let document = json!({
            "schema": "specc.reproduce/1",
            "ok": outcome == Outcome::Ok,
            "diagnostics": terminal.reported(),
            "figures": made.iter().map(figure).collect::<Vec<_>>(),
        });
        terminal.print(serde_json::to_string_pretty(&document)?);
    }
    Ok(outcome)
}

/// Trains what is missing of a figure, and draws it; nothing where only a plan is asked for.
fn reproduce(
    args: &ReproduceArgs,
    figure: Figure,
    scale: Scale,
    terminal: &mut Terminal,
) -> anyhow::Result<Result<Option<Reproduced>, Outcome>> {
    let Some(text) = figure.spec(scale) else { return Ok(Ok(None)) };
    std::fs::create_dir_all(&args.output)?;
    let spec = args.output.join(format!("fig{}.net", figure.number));
    write_atomic(&spec, text.as_bytes())?;
    // Equal cells of several figures are the same runs.
    let root = args.output.join("runs");
    let sweep = |plans: bool| {
        let mut sweep = SweepArgs::of(&spec, &root, &args.machine, &args.data, args.jobs);
        sweep.dry_run = plans;
        sweep
    };
    let (planned, plan) = swept(&sweep(true), false, terminal)?;
    let Told { study: Some(study), estimated: Some(estimate), .. } = plan else {
        return Ok(Err(planned));
    };
    let seeds = study.cells.iter().map(|cell| cell.seeds.len()).max().unwrap_or(0);
    let shortened = figure.shortened(scale);
    let setting = if shortened.is_empty() {
        format!("{} losses, {seeds} seeds, the paper's length of training.", study.cells.len())
    } else {
        format!(
            "{} losses, {seeds} seeds; a quick run: {} in place of the paper's setting.",
            study.cells.len(),
            shortened.join(", ")
        )
    };
    terminal.tell(format!(
        "figure {}: {}. {setting}\n{}",
        figure.number,
        figure.title,
        estimate.text(duration).trim_end()
    ));
    if args.dry_run {
        return Ok(Ok(None));
    }
    let (outcome, told) = swept(&sweep(false), false, terminal)?;
    if !matches!(outcome, Outcome::Ok | Outcome::Unproven) {
        return Ok(Err(outcome));
    }
    match drawn(figure, &study, told, setting) {
        Ok(made) => {
            if !args.json {
                terminal.print(made.gaps.text() + &verdicts_text(&made.claims));
            }
            Ok(Ok(Some(made)))
        }
        Err(error) => {
            terminal.report_error(&error);
            Ok(Err(Outcome::of_error(&error)))
        }
    }
}

fn drawn(
    figure: Figure,
    study: &Study,
    told: Told,
    setting: String,
) -> Result<Reproduced, StoreError> {
    let mut losses = vec![];
    for cell in &study.cells {
        let label = cell.labels.iter().find(|(axis, _)| axis == "loss");
        let label = label.map_or_else(|| cell.name(), |(_, label)| label.clone());
        let own = told.made.iter().filter(|made| study.cells[made.run.cell].hash == cell.hash);
        let done = own.filter(|made| made.state == RunState::Done);
        let runs = done.map(|made| StoredRun::open(&made.run.dir));
        losses.push(Losses { label, runs: runs.collect::<Result<_, _>>()? });
    }
    Ok(Reproduced {
        charts: charts(&figure, &losses, &setting)?,
        gaps: gaps(&figure, &losses)?,
        claims: told.judged,
        figure,
        setting,
    })
}
