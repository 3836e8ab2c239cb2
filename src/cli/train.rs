//! `specc train`: compile, load the data, and run every seed.

use std::path::{Path, PathBuf};

use super::events::EventArgs;
use super::groups::{DataPlace, MachineArgs};
use crate::check;
use crate::compile::files::{self, Request};
use crate::data;
use crate::experiment::{self, Existing, Experiment, LOG_EVERY, Options};
use crate::report::training::{plan_document, plan_text};
use crate::store::{RunDir, absolute};
use crate::terminal::{
    Halt, Outcome, Report, SeedOrders, Signals, Terminal, environment, run_seeds, settled,
    sound_data, tell_of_earlier, write_events,
};

/// Arguments of `specc train`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TrainArgs {
    /// The spec; may be left out with `--resume DIR`.
    spec: Option<PathBuf>,

    /// Changes to the spec: `train.epochs=2 loss.delta=0.1`.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// The run directory; with several seeds, the folder of their directories.
    #[arg(short, long = "output", value_name = "DIR")]
    output: Option<PathBuf>,

    /// Run this seed only.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,

    /// Run these seeds, half-open: `0..10`.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    seeds: Option<(u64, u64)>,

    #[command(flatten)]
    machine: MachineArgs,

    /// Runs at once, of several seeds [default: by a short measurement].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Start from the tensors of this safetensors file.
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,

    /// Names that tensors have in that file: lines `ours = theirs`.
    #[arg(long, value_name = "FILE", requires = "init")]
    init_map: Option<PathBuf>,

    /// Stop after so many steps; nothing else changes.
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,

    /// Steps between lines of metrics.jsonl.
    #[arg(long, value_name = "N", default_value_t = LOG_EVERY, value_parser = clap::value_parser!(u64).range(1..))]
    log_every: u64,

    /// Try the scaling claims in f64 at every checkpoint and log the worst error.
    #[arg(long)]
    numeric: bool,

    #[command(flatten)]
    events: EventArgs,

    #[command(flatten)]
    data: DataPlace,

    /// Insist on continuing a run: that of the spec, or the one in DIR.
    #[expect(clippy::option_option, reason = "no option, an option without and with a value")]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,

    /// Move an existing run aside and start again.
    #[arg(long, conflicts_with = "resume")]
    force: bool,

    /// Say what would be done and stop.
    #[arg(long)]
    dry_run: bool,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,

    /// No progress.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// More on what is done.
    #[arg(short, long)]
    verbose: bool,
}

impl TrainArgs {
    fn orders(&self) -> SeedOrders {
        SeedOrders {
            existing: match (self.force, &self.resume) {
                (true, _) => Existing::MoveAside,
                (false, Some(_)) => Existing::Require,
                (false, None) => Existing::Continue,
            },
            threads: self.machine.given(),
            jobs: self.jobs.map(usize::from),
            verbose: self.verbose,
        }
    }
}

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let range = text.split_once("..").ok_or("expected a range such as 0..10")?;
    let bound = |text: &str| text.trim().parse::<u64>().map_err(|e| format!("`{text}`: {e}"));
    let (first, end) = (bound(range.0)?, bound(range.1)?);
    match end.checked_sub(first) {
        None | Some(0) => Err(format!("`{text}` is empty; ranges are half-open")),
        Some(1..=10_000) => Ok((first, end)),
        Some(_) => Err("at most 10,000 seeds".to_owned()),
    }
}

/// Runs `specc train`.
pub(crate) fn run(args: &TrainArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
    let report = settled(train(args, terminal))?.unwrap_or_else(Report::from);
    let Report { outcome, planned, trained } = report;
    match (args.json, planned) {
        (true, planned) => {
            let made = || trained.document(outcome == Outcome::Ok, terminal.reported());
            let document = planned.map_or_else(made, |(_, document)| Ok(document))?;
            terminal.print(serde_json::to_string_pretty(&document)?);
        }
        (false, Some((text, _))) => terminal.print(text),
        (false, None) if trained.finished.is_empty() => {}
        (false, None) => terminal.print(trained.text(Terminal::width() as u16)),
    }
    Ok(outcome)
}

fn train(args: &TrainArgs, terminal: &mut Terminal) -> Result<Report, Halt> {
    let mut args = args.clone();
    let spec = match spec_path(&mut args) {
        Ok(spec) => spec,
        Err(message) => {
            terminal.report_usage(&message, "specc train SPEC [key=value …]");
            return Err(Outcome::Usage.into());
        }
    };
    let resumed = args.spec.is_none().then(|| spec.parent().map(Path::to_owned)).flatten();
    let folder = resumed.as_deref().and_then(experiment::spec_folder);
    let folder = folder.as_deref().or(spec.parent());
    let locations = environment::locations(args.data.data_dir.as_deref()).beside(folder);
    let recorded = resumed.as_deref().map(RunDir::identity_in).transpose();
    let recorded = terminal.sound(recorded)?.flatten();
    let check = check::Options::default();
    let request = Request { spec: &spec, overrides: &args.overrides, locations: &locations, check };
    let mut compiled = files::compile(&request);
    let folder = absolute(folder.unwrap_or(Path::new("")));
    let options = options(&args, folder);
    let overruled = compiled.model.as_ref().map(|spec| options.overruled(spec));
    compiled.diagnostics.extend(overruled.into_iter().flatten());
    terminal.report(&compiled.diagnostics, &compiled.sources);
    if compiled.sound().is_none() {
        return Err(Outcome::from(&compiled).into());
    }
    let experiment = Experiment::prepare(&compiled, options, recorded.as_ref())
        .map_err(|error| terminal.refuse(&error, &compiled.sources))?;
    if args.output.is_none()
        && let Some(root) = experiment.dir(experiment.seeds()[0]).parent()
    {
        tell_of_earlier(root, terminal);
    }
    if args.dry_run {
        let planned = Some((plan_text(&experiment), plan_document(&experiment)));
        return Ok(Report { planned, ..Outcome::Ok.into() });
    }
    let data = &experiment.spec().data;
    let dataset = sound_data(data, &locations, args.data.offline, terminal)?;
    let findings = data::composition(&dataset, &experiment.spec().data);
    terminal.report(&files::about_data(experiment.spec(), &findings), &compiled.sources);
    let signals = Signals::install()?;
    if let Some(gpu) = experiment.gpu() {
        terminal.tell(format!("training on {gpu}"));
    }
    let mut report = run_seeds(&experiment, &dataset, args.orders(), &signals, terminal);
    let dirs = experiment.seeds().iter().map(|seed| experiment.dir(*seed));
    let folder = args.events.tensorboard.as_deref();
    report.outcome = write_events(folder, dirs, report.outcome, terminal);
    Ok(report)
}

fn options(args: &TrainArgs, spec_folder: PathBuf) -> Options {
    let seeds = match (args.seed, args.seeds) {
        (Some(seed), _) => Some(vec![seed]),
        (None, Some((first, end))) => Some((first..end).collect()),
        (None, None) => None,
    };
    let resumed = args.resume.clone().flatten();
    Options {
        seeds,
        output: resumed.or_else(|| args.output.clone()),
        spec_folder,
        init: args.init.clone(),
        init_map: args.init_map.clone(),
        max_steps: args.max_steps,
        log_every: args.log_every,
        numeric: args.numeric,
        gpu: environment::gpu_places(),
        ..Options::on(args.machine.machine())
    }
}

/// The spec to compile: as given, or that of the run to resume.
///
/// `--resume a.net` names a spec, not a directory.
fn spec_path(args: &mut TrainArgs) -> Result<PathBuf, String> {
    if let (None, Some(Some(named))) = (&args.spec, &args.resume)
        && named.is_file()
    {
        args.spec = Some(named.clone());
        args.resume = Some(None);
    }
    match (&args.spec, &args.resume) {
        (Some(spec), _) => Ok(spec.clone()),
        (None, Some(Some(dir))) => Ok(dir.join("resolved.net")),
        (None, Some(None) | None) => Err("no spec given".to_owned()),
    }
}
