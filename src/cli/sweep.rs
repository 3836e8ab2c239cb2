//! `specc sweep`: every cell of the sweeps of a file, by workers in one process.

use std::path::{Path, PathBuf};

use super::crew::Board;
use super::environment;
use super::events::EventArgs;
use super::fetch::load_data;
use super::groups::{DataPlace, MachineArgs};
use super::outcome::Outcome;
use super::runs::tell_of_earlier;
use super::signals::Signals;
use super::slurm::{Sent, SlurmArgs};
use super::terminal::Terminal;
use super::verify;
use crate::check;
use crate::compile::files::{Request, Texts};
use crate::data;
use crate::store::absolute;
use crate::study::{
    Estimate, Judged, Made, Orders, RunState, Study, StudyRun, SweepDocument, SweepResult,
    Workshop, plan_text, stored, table, verdicts,
};

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
    machine: MachineArgs,

    #[command(flatten)]
    data: DataPlace,

    /// Only one part of n: `2/8`. Parts share nothing, and together are all.
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    shard: Option<(usize, usize)>,

    /// Runs at once, or on a GPU groups of runs that step together [default: by a short measurement; 4 groups].
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

    #[command(flatten)]
    events: EventArgs,

    #[command(flatten)]
    slurm: SlurmArgs,

    /// Say what would be done and stop; with `--slurm`, print the script.
    #[arg(long)]
    pub(super) dry_run: bool,

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

/// What there is to say at the end.
#[derive(Default)]
pub(super) struct Told {
    /// The cells; nothing where the spec has errors.
    pub(super) study: Option<Study>,
    /// Its runs.
    pub(super) made: Vec<Made>,
    /// Verdicts on its claims.
    pub(super) judged: Vec<Judged>,
    /// What a plan would take.
    pub(super) estimated: Option<Estimate>,
}

impl SweepArgs {
    /// All cells of a spec below a folder, claims that are open among them.
    pub(super) fn of(
        spec: &Path,
        output: &Path,
        machine: &MachineArgs,
        data: &DataPlace,
        jobs: Option<u16>,
    ) -> Self {
        Self {
            spec: spec.to_owned(),
            overrides: vec![],
            output: Some(output.to_owned()),
            only: vec![],
            machine: machine.clone(),
            data: data.clone(),
            shard: None,
            jobs,
            log_every: 50,
            fail_fast: false,
            allow_open: true,
            events: EventArgs::default(),
            slurm: SlurmArgs::default(),
            dry_run: false,
            json: false,
            quiet: false,
        }
    }
}

/// Runs `specc sweep`.
pub(crate) fn run(args: &SweepArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    if args.quiet {
        terminal.be_quiet();
    }
    let (outcome, told) = swept(args, !args.json, terminal)?;
    if args.json {
        let study = told.study.as_ref();
        let mut document = SweepResult::of(study, &told.made, terminal.reported());
        document.ok = outcome == Outcome::Ok;
        document.claims = &told.judged;
        document.estimate = told.estimated.as_ref();
        terminal.print(serde_json::to_string_pretty(&document)?);
    }
    Ok(outcome)
}

/// Makes the runs that are missing; what was found is printed where `show` asks for it.
pub(super) fn swept(
    args: &SweepArgs,
    show: bool,
    terminal: &mut Terminal,
) -> anyhow::Result<(Outcome, Told)> {
    let locations =
        environment::locations(args.data.data_dir.as_deref()).beside(args.spec.parent());
    let request = Request {
        spec: &args.spec,
        overrides: &args.overrides,
        locations: &locations,
        check: check::Options::without_witnesses(),
    };
    let texts = match Texts::read(&args.spec) {
        Ok(texts) => texts,
        Err(unread) => {
            terminal.report(&unread.diagnostics, &unread.sources);
            return Ok((Outcome::from(&*unread), Told::default()));
        }
    };
    let cells = texts.cells(&request);
    terminal.report(&cells.file.diagnostics, &cells.file.sources);
    if cells.file.fault().is_some() {
        return Ok((Outcome::from(&cells.file), Told::default()));
    }
    if cells.sweeps.is_empty() {
        terminal.report_usage("the spec has no `sweep`", "specc sweep SPEC [key=value …]");
        return Ok((Outcome::Usage, Told::default()));
    }
    let mut study = Study::of(&cells, &args.machine.decided(), args.output.as_deref());
    if let Err(choice) = study.only(&args.only) {
        terminal
            .report_usage(&format!("no cell has {choice}"), "specc sweep SPEC --only AXIS=LABEL");
        return Ok((Outcome::Usage, Told::default()));
    }
    let mut runs = study.runs();
    if let Some((part, of)) = args.shard {
        runs = runs.into_iter().skip(part - 1).step_by(of).collect();
    }
    tell_of_earlier(&study.root, terminal);
    let mut workshop = Workshop::new(&study, orders(args), &request, &texts);
    let mut estimated = None;
    let (mut outcome, made) = if args.dry_run {
        if let Some(job) = args.slurm.job(&study, &runs).filter(|_| show) {
            terminal.print(job.script());
        } else {
            let estimate = workshop.estimate(&runs, data::load);
            if show {
                terminal.print(plan_text(&study, &runs, &estimate));
            }
            estimated = Some(estimate);
        }
        (Outcome::Ok, stored(runs)?)
    } else {
        make(args, workshop, runs, show, terminal)?
    };
    if !args.slurm.is_sent() {
        let dirs = made.iter().map(|made| made.run.dir.clone());
        outcome = args.events.write(dirs, outcome, terminal);
    }
    // Claims speak of whole sweeps.
    let is_whole = args.only.is_empty() && args.shard.is_none() && !args.dry_run;
    let (outcome, judged) = if outcome == Outcome::Ok && is_whole && !args.slurm.is_sent() {
        let verdicts = verdicts(&cells.claims, &study, &made);
        verify::conclude(verdicts, args.allow_open, show, terminal)
    } else {
        (outcome, vec![])
    };
    Ok((outcome, Told { study: Some(study), made, judged, estimated }))
}

/// Makes the runs, here or by Slurm, and shows them.
fn make(
    args: &SweepArgs,
    workshop: Workshop<'_>,
    runs: Vec<StudyRun>,
    show: bool,
    terminal: &mut Terminal,
) -> anyhow::Result<(Outcome, Vec<Made>)> {
    let study = workshop.study;
    std::fs::create_dir_all(&study.root)?;
    if let Err(error) = SweepDocument::of(study).write(&study.root) {
        terminal.report_error(&error);
        return Ok((Outcome::of_error(&error), vec![]));
    }
    let signals = Signals::install()?;
    let (outcome, made) = match args.slurm.job(study, &runs) {
        Some(job) => {
            if let Sent::Done(outcome) = args.slurm.send(&job, &signals, terminal) {
                return Ok((outcome, stored(runs)?));
            }
            let made = stored(runs)?;
            (of_states(&made), made)
        }
        None => make_here(args, workshop, runs, &signals, terminal)?,
    };
    if show {
        terminal.print(table(study, &made));
    }
    Ok((outcome, made))
}

/// How the runs are made.
fn orders(args: &SweepArgs) -> Orders {
    Orders {
        machine: args.machine.decided(),
        processors: environment::processors(),
        threads: args.machine.given(),
        jobs: args.jobs.map(usize::from),
        spec_folder: absolute(args.spec.parent().unwrap_or(Path::new(""))),
        log_every: args.log_every,
        fail_fast: args.fail_fast,
        gpu: environment::gpu_places(),
    }
}

/// Makes the runs by workers of this process.
fn make_here(
    args: &SweepArgs,
    mut workshop: Workshop<'_>,
    runs: Vec<StudyRun>,
    signals: &Signals,
    terminal: &mut Terminal,
) -> anyhow::Result<(Outcome, Vec<Made>)> {
    let offline = args.data.offline;
    let shift =
        workshop.shift(&runs, |spec, locations| load_data(spec, locations, offline, terminal));
    let shift = match shift {
        Ok(shift) => shift,
        Err(error) => {
            terminal.report_error(&error);
            return Ok((Outcome::of_error(&error), vec![]));
        }
    };
    let (n_runs, tasks) = (runs.len(), shift.tasks.clone());
    let mut board = Board::new(&tasks, shift.team.jobs, terminal);
    let made = workshop.make(runs, shift, signals, &mut |task, event| board.show(task, event));
    let all_done = made.as_ref().is_ok_and(|made| made.len() == n_runs && are_done(made));
    Ok((board.finish(all_done, signals), made?))
}

fn are_done(made: &[Made]) -> bool {
    made.iter().all(|made| made.state == RunState::Done)
}

/// What other processes made of the runs.
fn of_states(made: &[Made]) -> Outcome {
    if are_done(made) { Outcome::Ok } else { Outcome::Failed }
}
