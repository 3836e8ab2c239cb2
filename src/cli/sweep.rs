//! `specc sweep`: every cell of the sweeps of a file, one run after the other.

use std::path::{Path, PathBuf};

use super::compile::{self, Request, Texts};
use super::environment;
use super::fetch::load_data;
use super::groups::{DataPlace, MachineArgs};
use super::outcome::Outcome;
use super::signals::Signals;
use super::terminal::Terminal;
use super::train::Screen;
use crate::check;
use crate::data::{DataSpec, Dataset, Locations};
use crate::experiment::{self, Ended, Existing, Experiment, Options};
use crate::store::write_atomic;
use crate::study::{Made, RunState, Study, StudyRun, document, plan_text, result, table};
use crate::train::StopSignal as _;

/// Arguments of `specc sweep`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SweepArgs {
    /// The spec, with one `sweep` or several.
    spec: PathBuf,

    /// Changes to the spec, in every cell.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// The folder of the runs [default: runs/SPEC].
    #[arg(short, long = "output", value_name = "DIR")]
    output: Option<PathBuf>,

    /// Only cells with this label: `loss=two`.
    #[arg(long, value_name = "AXIS=LABEL", value_parser = parse_choice)]
    only: Vec<(String, String)>,

    #[command(flatten)]
    pub(crate) machine: MachineArgs,

    #[command(flatten)]
    data: DataPlace,

    /// Steps between lines of metrics.jsonl.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    log_every: u64,

    /// Stop at the first run that fails.
    #[arg(long)]
    fail_fast: bool,

    /// Say what would be done and stop.
    #[arg(long)]
    dry_run: bool,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,

    /// No progress.
    #[arg(short, long)]
    quiet: bool,
}

fn parse_choice(text: &str) -> Result<(String, String), String> {
    let (axis, label) = text.split_once('=').ok_or("expected AXIS=LABEL, such as loss=two")?;
    Ok((axis.trim().to_owned(), label.trim().to_owned()))
}

/// Runs `specc sweep`.
pub(crate) fn run(args: &SweepArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
    let locations = environment::locations(args.data.data_dir.as_deref(), args.spec.parent());
    let request = Request {
        spec: &args.spec,
        overrides: &args.overrides,
        locations: &locations,
        check: check::Options { budget: 0, ..check::Options::default() },
    };
    let texts = match Texts::read(&args.spec) {
        Ok(texts) => texts,
        Err(unread) => {
            terminal.report(&unread.diagnostics, &unread.sources);
            let outcome = compile::outcome(&unread);
            if args.json {
                let document = result(None, &[], false, terminal.reported());
                terminal.print(serde_json::to_string_pretty(&document)?);
            }
            return Ok(outcome);
        }
    };
    let cells = texts.cells(&request);
    terminal.report(&cells.file.diagnostics, &cells.file.sources);
    let finish =
        |outcome: Outcome, lines: &[Made], study: Option<&Study>, terminal: &mut Terminal| {
            if args.json {
                let document = result(study, lines, outcome == Outcome::Ok, terminal.reported());
                terminal.print(serde_json::to_string_pretty(&document)?);
            }
            Ok(outcome)
        };
    if cells.file.fault().is_some() {
        return finish(compile::outcome(&cells.file), &[], None, terminal);
    }
    if cells.sweeps.is_empty() {
        terminal.report_usage("the spec has no `sweep`", "specc sweep SPEC [key=value …]");
        return finish(Outcome::Usage, &[], None, terminal);
    }
    let mut study = Study::of(&cells, &args.machine.machine(), args.output.as_deref());
    if let Err(choice) = study.only(&args.only) {
        terminal
            .report_usage(&format!("no cell has {choice}"), "specc sweep SPEC --only AXIS=LABEL");
        return finish(Outcome::Usage, &[], None, terminal);
    }
    let runs = study.runs();
    if args.dry_run {
        if !args.json {
            terminal.print(plan_text(&study, &runs));
        }
        let lines: Vec<Made> = runs
            .into_iter()
            .map(|run| Made { state: RunState::of(&run.dir), run, summary: None })
            .collect();
        return finish(Outcome::Ok, &lines, Some(&study), terminal);
    }
    let text = format!("{:#}\n", serde_json::to_value(document(&study))?);
    std::fs::create_dir_all(&study.root)?;
    write_atomic(&study.root.join("sweep.json"), text.as_bytes())?;
    let (outcome, lines) = train_all(args, &request, &texts, &study, runs, terminal)?;
    if !args.json {
        terminal.print(table(&study, &lines));
    }
    finish(outcome, &lines, Some(&study), terminal)
}

/// Makes what is missing; runs that fail are stepped over.
fn train_all(
    args: &SweepArgs,
    request: &Request<'_>,
    texts: &Texts,
    study: &Study,
    runs: Vec<StudyRun>,
    terminal: &mut Terminal,
) -> anyhow::Result<(Outcome, Vec<Made>)> {
    let signals = Signals::install()?;
    let mut data = DataCache { locations: request.locations, loaded: vec![] };
    let folder = environment::absolute(args.spec.parent().unwrap_or(Path::new("")));
    let (mut outcome, mut lines) = (Outcome::Ok, vec![]);
    let n = runs.len();
    for (i, run) in runs.into_iter().enumerate() {
        let cell = &study.cells[run.cell];
        if let Some(reason) = signals.reason() {
            outcome = reason.into();
            break;
        }
        terminal.tell(format!("{}/{n} {} seed {}", i + 1, cell.name(), run.seed));
        let compiled = texts.cell(request, &cell.settings);
        let options = Options {
            seeds: Some(cell.seeds.clone()),
            root: Some(study.root.clone()),
            spec_folder: folder.clone(),
            log_every: args.log_every,
            ..Options::on(args.machine.machine())
        };
        let experiment = match Experiment::prepare(&compiled, options, None) {
            Ok(experiment) => experiment,
            Err(error) => return Ok((terminal.refuse(&error, &compiled.sources), lines)),
        };
        let dataset = match data.get(&cell.spec.data, args.data.offline, terminal) {
            Ok(dataset) => dataset,
            Err(error) => {
                terminal.report_error(&error);
                return Ok((Outcome::of_error(&error), lines));
            }
        };
        let mut screen = Screen::new(terminal, &compiled.sources, false);
        let existing = Existing::Continue;
        let ended =
            experiment::run(&experiment, dataset, run.seed, existing, &signals, &mut screen);
        screen.finish();
        match ended {
            Ok(Ended::Finished(summary)) => {
                lines.push(Made { run, state: RunState::Done, summary: Some(*summary) });
            }
            Ok(Ended::Stopped(reason, step)) => {
                terminal.tell(format!("stopped after step {step}; the same command goes on"));
                outcome = reason.into();
                lines.push(Made { run, state: RunState::Stopped, summary: None });
                break;
            }
            Err(error) => {
                outcome = terminal.refuse(&error, &compiled.sources);
                terminal.note(format!("failed: {} (log.txt there says more)", run.dir.display()));
                lines.push(Made { run, state: RunState::Failed, summary: None });
                if args.fail_fast {
                    break;
                }
            }
        }
    }
    Ok((outcome, lines))
}

/// Data sets by what asks for them: most cells share one.
struct DataCache<'a> {
    locations: &'a Locations,
    loaded: Vec<(DataSpec, Dataset)>,
}

impl DataCache<'_> {
    fn get(
        &mut self,
        spec: &DataSpec,
        offline: bool,
        terminal: &mut Terminal,
    ) -> Result<&Dataset, crate::data::DataError> {
        let place = self.loaded.iter().position(|(known, _)| known == spec);
        let place = if let Some(place) = place {
            place
        } else {
            let dataset = load_data(spec, self.locations, offline, terminal)?;
            self.loaded.push((spec.clone(), dataset));
            self.loaded.len() - 1
        };
        Ok(&self.loaded[place].1)
    }
}
