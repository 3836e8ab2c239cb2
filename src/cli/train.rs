//! `specc train`: compile, load the data, and run every seed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::crew::Board;
use super::environment;
use super::events::EventArgs;
use super::fetch::load_data;
use super::groups::{DataPlace, MachineArgs};
use super::outcome::Outcome;
use super::runs::tell_of_earlier;
use super::screen::Screen;
use super::signals::Signals;
use super::terminal::Terminal;
use crate::check;
use crate::compile::files::{self, Request};
use crate::data::{self, Dataset};
use crate::experiment::{
    self, Ended, Existing, Experiment, ExperimentError, Member, Options, timing,
};
use crate::lower::Target;
use crate::model::{Command, overruled_settings};
use crate::report::training::{Trained, plan_document, plan_text, stopped_line};
use crate::store::{RunDir, absolute};
use crate::study::{self, RunEnd, Task, Team};

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
    pub(crate) machine: MachineArgs,

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
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
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
    fn existing(&self) -> Existing {
        match (self.force, &self.resume) {
            (true, _) => Existing::MoveAside,
            (false, Some(_)) => Existing::Require,
            (false, None) => Existing::Continue,
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
    let Report { outcome, planned, trained } = train(args, terminal)?;
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

/// What there is to say at the end.
struct Report {
    outcome: Outcome,
    /// What `--dry-run` would do.
    planned: Option<(String, Value)>,
    trained: Trained,
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, planned: None, trained: Trained::default() }
    }
}

fn train(args: &TrainArgs, terminal: &mut Terminal) -> anyhow::Result<Report> {
    let mut args = args.clone();
    let spec = match spec_path(&mut args) {
        Ok(spec) => spec,
        Err(message) => {
            terminal.report_usage(&message, "specc train SPEC [key=value …]");
            return Ok(Outcome::Usage.into());
        }
    };
    let resumed = args.spec.is_none().then(|| spec.parent().map(Path::to_owned)).flatten();
    let folder = resumed.as_deref().and_then(experiment::spec_folder);
    let folder = folder.as_deref().or(spec.parent());
    let locations = environment::locations(args.data.data_dir.as_deref()).beside(folder);
    let recorded = match resumed.as_deref().map(RunDir::identity_in).transpose() {
        Ok(recorded) => recorded.flatten(),
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error).into());
        }
    };
    let check = check::Options::default();
    let request = Request { spec: &spec, overrides: &args.overrides, locations: &locations, check };
    let mut compiled = files::compile(&request);
    let folder = absolute(folder.unwrap_or(Path::new("")));
    let options = options(&args, folder);
    let command = Command { seeds: options.seeds.as_deref(), max_steps: options.max_steps };
    let overruled = compiled.model.as_ref().map(|spec| overruled_settings(spec, &command));
    compiled.diagnostics.extend(overruled.into_iter().flatten());
    terminal.report(&compiled.diagnostics, &compiled.sources);
    if compiled.sound().is_none() {
        return Ok(Outcome::from(&compiled).into());
    }
    let experiment = match Experiment::prepare(&compiled, options, recorded.as_ref()) {
        Ok(experiment) => experiment,
        Err(error) => return Ok(terminal.refuse(&error, &compiled.sources).into()),
    };
    if args.output.is_none()
        && let Some(root) = experiment.dir(experiment.seeds()[0]).parent()
    {
        tell_of_earlier(root, terminal);
    }
    if args.dry_run {
        let planned = Some((plan_text(&experiment), plan_document(&experiment)));
        return Ok(Report { planned, ..Outcome::Ok.into() });
    }
    let data = load_data(&experiment.spec().data, &locations, args.data.offline, terminal);
    let dataset = match data {
        Ok(dataset) => dataset,
        Err(error) => {
            terminal.report_error(&error);
            return Ok(Outcome::of_error(&error).into());
        }
    };
    let findings = data::composition(&dataset, &experiment.spec().data);
    terminal.report(&files::about_data(experiment.spec(), &findings), &compiled.sources);
    let signals = Signals::install()?;
    if let Some(gpu) = experiment.gpu() {
        terminal.tell(format!("training on {gpu}"));
    }
    let mut report = match experiment.seeds() {
        [seed] => one(&experiment, &dataset, *seed, &args, &signals, terminal),
        _ if experiment.target() == Target::Cuda => {
            together(&experiment, &dataset, &args, &signals, terminal)
        }
        _ => several(&experiment, &dataset, &args, &signals, terminal),
    };
    let dirs = experiment.seeds().iter().map(|seed| experiment.dir(*seed));
    report.outcome = args.events.write(dirs, report.outcome, terminal);
    Ok(report)
}

/// The run of a single seed, with its epochs on the screen.
fn one(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    seed: u64,
    args: &TrainArgs,
    signals: &Signals,
    terminal: &mut Terminal,
) -> Report {
    let mut report = Report::from(Outcome::Ok);
    let sources = &experiment.compiled().sources;
    let dir = experiment.dir(seed);
    let mut screen = Screen::new(terminal, sources, args.verbose);
    let ended = experiment::run(experiment, dataset, seed, args.existing(), signals, &mut screen);
    screen.finish();
    match ended {
        Ok(Ended::Finished(summary)) => report.trained.finished.push((dir, *summary)),
        Ok(Ended::Stopped(reason, step)) => {
            terminal.tell(stopped_line(step, &dir));
            report.outcome = reason.into();
            report.trained.stopped = Some((dir, step));
        }
        Err(error) => report.outcome = terminal.refuse(&error, sources),
    }
    report
}

/// The runs of several seeds at once on one GPU, `--jobs` of them together.
fn together(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    args: &TrainArgs,
    signals: &Signals,
    terminal: &mut Terminal,
) -> Report {
    let mut report = Report::from(Outcome::Ok);
    let sources = &experiment.compiled().sources;
    let jobs = args.jobs.map_or(experiment.seeds().len(), usize::from);
    for seeds in experiment.seeds().chunks(jobs.max(1)) {
        let mut screen = Screen::new(terminal, sources, args.verbose);
        let existing = args.existing();
        let members = Member::of(experiment, seeds);
        let ends = experiment::run_together(&members, dataset, existing, signals, &mut screen);
        screen.finish();
        for (seed, ended) in seeds.iter().zip(ends) {
            let dir = experiment.dir(*seed);
            match ended {
                Ok(Ended::Finished(summary)) => report.trained.finished.push((dir, *summary)),
                Ok(Ended::Stopped(reason, step)) => {
                    terminal.tell(stopped_line(step, &dir));
                    report.outcome = reason.into();
                    report.trained.stopped.get_or_insert((dir, step));
                }
                Err(ExperimentError::Together(_)) => {}
                Err(error) => report.outcome = terminal.refuse(&error, sources),
            }
        }
        if report.trained.stopped.is_some() {
            break;
        }
    }
    report
}

/// The runs of several seeds, made by the workers of sweeps.
fn several(
    experiment: &Experiment<'_>,
    dataset: &Dataset,
    args: &TrainArgs,
    signals: &Signals,
    terminal: &mut Terminal,
) -> Report {
    let seeds = experiment.seeds();
    let seconds = |threads: usize| timing::step_seconds(experiment, dataset, threads).ok();
    let share = args.machine.share(seeds.len(), args.jobs, seconds);
    let shared = experiment.on_threads(share.threads);
    let task = |seed: &u64| Task { name: format!("seed {seed}"), dir: experiment.dir(*seed) };
    let tasks: Vec<Task> = seeds.iter().map(task).collect();
    let team = Team { jobs: share.jobs, existing: args.existing(), fail_fast: false };
    let prepare = |group: &[usize], go: &mut dyn FnMut(&[Member<'_, '_>], &Dataset)| {
        let of_group: Vec<u64> = group.iter().map(|task| seeds[*task]).collect();
        go(&Member::of(&shared, &of_group), dataset);
        Ok(())
    };
    let groups = study::singly(tasks.len());
    let mut board = Board::new(&tasks, team.jobs, terminal);
    let ends =
        study::make_all(tasks.len(), &groups, team, &prepare, signals, &mut |task, event| {
            board.show(task, event);
        });
    let all_done = ends.iter().all(|end| matches!(end, Some(RunEnd::Done(_))));
    let outcome = board.finish(all_done, signals);
    let mut report = Report::from(outcome);
    for (task, end) in tasks.into_iter().zip(ends) {
        match end {
            Some(RunEnd::Done(summary)) => report.trained.finished.push((task.dir, *summary)),
            Some(RunEnd::Stopped(_, step)) => {
                terminal.tell(stopped_line(step, &task.dir));
                report.trained.stopped.get_or_insert((task.dir, step));
            }
            Some(RunEnd::Held | RunEnd::Failed(_)) | None => {}
        }
    }
    report
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
