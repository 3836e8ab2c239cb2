//! `specc sweep`: every cell of the sweeps of a file, by workers in one process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::compile::{self, Request, Texts};
use super::crew::{Task, make_all};
use super::environment;
use super::fetch::load_data;
use super::groups::{DataPlace, MachineArgs};
use super::outcome::Outcome;
use super::signals::Signals;
use super::terminal::Terminal;
use super::verify;
use crate::check;
use crate::data::{DataError, DataSpec, Dataset, Locations, Source};
use crate::experiment::{Existing, Experiment, Options, timing};
use crate::study::{
    Judged, Made, RunEnd, RunState, Study, StudyCell, StudyRun, SweepDocument, Team, Unprepared,
    judge, plan_text, result, table, verdicts_text,
};
use crate::train::Summary;

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

    /// Only one part of n: `2/8`. Parts share nothing, and together are all.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    shard: Option<(usize, usize)>,

    /// Runs at once [default: by a short measurement].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Steps between lines of metrics.jsonl.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    log_every: u64,

    /// Stop at the first run that fails.
    #[arg(long)]
    fail_fast: bool,

    /// Let claims pass that are neither held nor refuted yet.
    #[arg(long)]
    allow_open: bool,

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

fn parse_shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((part, of)) if (1..=of).contains(&part) => Ok((part, of)),
        Some(_) | None => Err("expected I/N with I from 1 to N, such as 2/8".to_owned()),
    }
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
                let document = result(None, &[], &[], false, terminal.reported());
                terminal.print(serde_json::to_string_pretty(&document)?);
            }
            return Ok(outcome);
        }
    };
    let cells = texts.cells(&request);
    terminal.report(&cells.file.diagnostics, &cells.file.sources);
    let finish = |outcome: Outcome,
                  found: (&[Made], &[Judged]),
                  study: Option<&Study>,
                  terminal: &mut Terminal| {
        if args.json {
            let (ok, (lines, judged)) = (outcome == Outcome::Ok, found);
            let document = result(study, lines, judged, ok, terminal.reported());
            terminal.print(serde_json::to_string_pretty(&document)?);
        }
        Ok(outcome)
    };
    if cells.file.fault().is_some() {
        return finish(compile::outcome(&cells.file), (&[], &[]), None, terminal);
    }
    if cells.sweeps.is_empty() {
        terminal.report_usage("the spec has no `sweep`", "specc sweep SPEC [key=value …]");
        return finish(Outcome::Usage, (&[], &[]), None, terminal);
    }
    let mut study = Study::of(&cells, &args.machine.machine(), args.output.as_deref());
    if let Err(choice) = study.only(&args.only) {
        terminal
            .report_usage(&format!("no cell has {choice}"), "specc sweep SPEC --only AXIS=LABEL");
        return finish(Outcome::Usage, (&[], &[]), None, terminal);
    }
    let mut runs = study.runs();
    if let Some((part, of)) = args.shard {
        runs = runs.into_iter().skip(part - 1).step_by(of).collect();
    }
    if args.dry_run {
        if !args.json {
            terminal.print(plan_text(&study, &runs));
        }
        let lines: Vec<Made> = runs
            .into_iter()
            .map(|run| Made { state: RunState::of(&run.dir), run, summary: None })
            .collect();
        return finish(Outcome::Ok, (&lines, &[]), Some(&study), terminal);
    }
    std::fs::create_dir_all(&study.root)?;
    if let Err(error) = SweepDocument::of(&study).write(&study.root) {
        terminal.report_error(&error);
        return finish(Outcome::of_error(&error), (&[], &[]), Some(&study), terminal);
    }
    let (outcome, lines) = train_all(args, &request, &texts, &study, runs, terminal)?;
    let (mut outcome, mut judged) = (outcome, vec![]);
    if !args.json {
        terminal.print(table(&study, &lines));
    }
    // Claims speak of whole sweeps.
    let is_whole = args.only.is_empty() && args.shard.is_none();
    if outcome == Outcome::Ok && is_whole && !cells.claims.is_empty() {
        match judge(&cells.claims, &study, &lines) {
            Ok(found) => {
                outcome = verify::outcome(&found, args.allow_open);
                if !args.json {
                    terminal.print(verdicts_text(&found));
                }
                judged = found;
            }
            Err(error) => {
                terminal.report_error(&error);
                outcome = Outcome::of_error(&error);
            }
        }
    }
    finish(outcome, (&lines, &judged), Some(&study), terminal)
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
    // Files of one's own may have changed since: their runs are opened, and so looked at, though they are done.
    let may_change = |run: &StudyRun| {
        matches!(study.cells[run.cell].spec.data.source, Source::Csv(_) | Source::Npy(_))
    };
    let is_open = |run: &&StudyRun| RunState::of(&run.dir) != RunState::Done || may_change(run);
    let open: Vec<&StudyRun> = runs.iter().filter(is_open).collect();
    let data = match load(study, &open, args, request.locations, terminal) {
        Ok(data) => data,
        Err(error) => {
            terminal.report_error(&error);
            return Ok((Outcome::of_error(&error), vec![]));
        }
    };
    let dataset = |cell: &StudyCell| data.iter().find(|(spec, _)| *spec == cell.spec.data);
    let folder = environment::absolute(args.spec.parent().unwrap_or(Path::new("")));
    // Of a run with `threads` threads.
    let prepare = |run: &StudyRun,
                   threads: Option<usize>,
                   go: &mut dyn FnMut(&Experiment<'_>, &Dataset, u64)| {
        let cell = &study.cells[run.cell];
        let compiled = texts.cell(request, &cell.settings);
        let mut machine = args.machine.machine();
        machine.threads = threads.unwrap_or(machine.threads);
        let options = Options {
            seeds: Some(cell.seeds.clone()),
            root: Some(study.root.clone()),
            spec_folder: folder.clone(),
            log_every: args.log_every,
            ..Options::on(machine)
        };
        let refuse = |error| Unprepared { error, sources: compiled.sources.clone() };
        let experiment = Experiment::prepare(&compiled, options, None).map_err(refuse)?;
        if let Some((_, dataset)) = dataset(cell) {
            go(&experiment, dataset, run.seed);
        }
        Ok(())
    };
    let seconds = |threads: usize| {
        let mut seconds = None;
        let first = open.first()?;
        let measure = &mut |experiment: &Experiment<'_>, dataset: &Dataset, _: u64| {
            seconds = timing::step_seconds(experiment, dataset, threads).ok();
        };
        prepare(first, Some(threads), measure).ok()?;
        seconds
    };
    let share = args.machine.share(open.len(), args.jobs, seconds);
    let task = |run: &&StudyRun| Task {
        name: format!("{} seed {}", study.cells[run.cell].name(), run.seed),
        dir: run.dir.clone(),
    };
    let tasks: Vec<Task> = open.iter().map(task).collect();
    let team = Team { jobs: share.jobs, existing: Existing::Continue, fail_fast: args.fail_fast };
    let of_task = |task: usize, go: &mut dyn FnMut(&Experiment<'_>, &Dataset, u64)| {
        prepare(open[task], Some(share.threads), go)
    };
    let (outcome, ends) = make_all(&tasks, team, &of_task, &signals, terminal);
    let mut ended: BTreeMap<PathBuf, Option<RunEnd>> =
        tasks.into_iter().map(|task| task.dir).zip(ends).collect();
    let mut made = vec![];
    for run in runs {
        let (state, summary) = match ended.remove(&run.dir) {
            // It was done before.
            None => (RunState::Done, Summary::of_run(&run.dir)?),
            Some(Some(RunEnd::Done(summary))) => (RunState::Done, Some(*summary)),
            Some(Some(RunEnd::Stopped(..))) => (RunState::Stopped, None),
            Some(Some(RunEnd::Held)) => (RunState::Running, None),
            Some(Some(RunEnd::Failed(_))) => (RunState::Failed, None),
            // Not begun, since the sweep ended before.
            Some(None) => continue,
        };
        made.push(Made { run, state, summary });
    }
    Ok((outcome, made))
}

/// The data of the runs that are left, each set once.
fn load(
    study: &Study,
    runs: &[&StudyRun],
    args: &SweepArgs,
    locations: &Locations,
    terminal: &mut Terminal,
) -> Result<Vec<(DataSpec, Dataset)>, DataError> {
    let mut loaded: Vec<(DataSpec, Dataset)> = vec![];
    for run in runs {
        let spec = &study.cells[run.cell].spec.data;
        if !loaded.iter().any(|(known, _)| known == spec) {
            let dataset = load_data(spec, locations, args.data.offline, terminal)?;
            loaded.push((spec.clone(), dataset));
        }
    }
    Ok(loaded)
}
