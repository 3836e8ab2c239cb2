//! `specc reproduce`: the figures of the paper, made again.

use std::path::PathBuf;

use super::choice::{Words, choice};
use super::groups::{DataPlace, MachineArgs};
use crate::experiment::{LOG_EVERY, duration};
use crate::reproduce::{FIGURES, Figure, Made, Reproduced, Scale, document, page};
use crate::store::{write_atomic, write_files};
use crate::study::verdicts_text;
use crate::terminal::{Outcome, SweepOrders, Terminal, Told, sweep};

/// Arguments of `specc reproduce`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReproduceArgs {
    /// Figures by their numbers, such as `3 13` [default: all that a processor makes].
    #[arg(value_name = "FIGURE")]
    figures: Vec<String>,

    /// `quick`: minutes a figure, fewer epochs and seeds; `full`: as published, with ten seeds.
    #[arg(long, value_parser = choice(SCALES), default_value = "quick")]
    scale: Scale,

    /// The folder of specs, runs and the page.
    #[arg(short, long = "output", value_name = "DIR", default_value = "paper")]
    output: PathBuf,

    /// Runs at once [default: by a short measurement].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    #[command(flatten)]
    machine: MachineArgs,

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
const SCALES: Words<Scale> =
    &[("quick", "Minutes a figure", Scale::Quick), ("full", "As published", Scale::Full)];

/// Runs `specc reproduce`.
pub(crate) fn run(args: &ReproduceArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
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
                let found = reproduce(args, figure, terminal)?;
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
        let files: Vec<_> = made.iter().flat_map(Reproduced::files).collect();
        write_files(&args.output.join("figures"), &files)?;
        let figures = if made.len() == 1 { "1 figure" } else { &format!("{} figures", made.len()) };
        terminal.note(format!("{figures} in {}", file.display()));
    }
    finish(args, outcome, &made, terminal)
}

fn finish(
    args: &ReproduceArgs,
    outcome: Outcome,
    made: &[Reproduced],
    terminal: &mut Terminal,
) -> anyhow::Result<Outcome> {
    if args.json {
        let document = document(made, outcome == Outcome::Ok, terminal.reported());
        terminal.print(serde_json::to_string_pretty(&document)?);
    }
    Ok(outcome)
}

/// Trains what is missing of a figure, and draws it; nothing where only a plan is asked for.
fn reproduce(
    args: &ReproduceArgs,
    figure: Figure,
    terminal: &mut Terminal,
) -> anyhow::Result<Result<Option<Reproduced>, Outcome>> {
    let Some(text) = figure.spec(args.scale) else { return Ok(Ok(None)) };
    std::fs::create_dir_all(&args.output)?;
    let spec = args.output.join(format!("fig{}.net", figure.number));
    write_atomic(&spec, text.as_bytes())?;
    // Equal cells of several figures are the same runs.
    let root = args.output.join("runs");
    let orders = |dry_run: bool| SweepOrders {
        spec: spec.clone(),
        overrides: vec![],
        output: Some(root.clone()),
        only: vec![],
        shard: None,
        machine: args.machine.decided(),
        threads: args.machine.given(),
        jobs: args.jobs.map(usize::from),
        log_every: LOG_EVERY,
        fail_fast: false,
        allow_open: true,
        tensorboard: None,
        slurm: None,
        data_dir: args.data.data_dir.clone(),
        offline: args.data.offline,
        dry_run,
    };
    let (planned, plan) = sweep(&orders(true), false, terminal)?;
    let Told { study: Some(study), estimated: Some(estimate), .. } = plan else {
        return Ok(Err(planned));
    };
    let setting = figure.setting(args.scale, &study);
    terminal.tell(format!(
        "figure {}: {}. {setting}\n{}",
        figure.number,
        figure.title,
        estimate.text(duration).trim_end()
    ));
    if args.dry_run {
        return Ok(Ok(None));
    }
    let (outcome, told) = sweep(&orders(false), false, terminal)?;
    if !matches!(outcome, Outcome::Ok | Outcome::Unproven) {
        return Ok(Err(outcome));
    }
    match Reproduced::of(figure, &study, &told.made, told.judged, setting) {
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
