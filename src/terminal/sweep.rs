//! The cells of the sweeps of a file, made by workers of this process or by Slurm, and what they found.

use std::path::{Path, PathBuf};

use super::board::Board;
use super::environment;
use super::events::write_events;
use super::fetch::load_data;
use super::outcome::Outcome;
use super::signals::Signals;
use super::slurm::{Sent, SlurmOrders};
use super::streams::Terminal;
use super::verdicts::conclude;
use crate::check;
use crate::compile::files::{Request, Texts};
use crate::data;
use crate::diag::SourceMap;
use crate::experiment::Machine;
use crate::store::absolute;
use crate::study::{
    Estimate, Judged, Made, Orders, RunState, SlurmJob, Study, StudyRun, SweepDocument, Workshop,
    earlier, plan_text, stored, table, verdicts,
};

/// What is to be made, and how.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Debug)]
pub(crate) struct SweepOrders {
    /// The spec, with one `sweep` or several.
    pub(crate) spec: PathBuf,
    /// Changes to it, in every cell.
    pub(crate) overrides: Vec<String>,
    /// The folder of the runs; that of the spec's name where nothing is said.
    pub(crate) output: Option<PathBuf>,
    /// Only cells with these labels.
    pub(crate) only: Vec<(String, String)>,
    /// One part of so many.
    pub(crate) shard: Option<(usize, usize)>,
    /// Where runs are computed, `auto` decided.
    pub(crate) machine: Machine,
    /// Threads of each run; shared out where nothing is said.
    pub(crate) threads: Option<usize>,
    /// Runs at once; by a short measurement where nothing is said.
    pub(crate) jobs: Option<usize>,
    /// Steps between lines of metrics.
    pub(crate) log_every: u64,
    /// The first run that fails ends it.
    pub(crate) fail_fast: bool,
    /// Claims pass that are neither held nor refuted yet.
    pub(crate) allow_open: bool,
    /// The folder of event files.
    pub(crate) tensorboard: Option<PathBuf>,
    /// How it is sent to Slurm, if it is.
    pub(crate) slurm: Option<SlurmOrders>,
    /// The folder of data sets.
    pub(crate) data_dir: Option<PathBuf>,
    /// Nothing is fetched.
    pub(crate) offline: bool,
    /// It is planned only.
    pub(crate) dry_run: bool,
}

/// What there is to say at the end.
#[derive(Default)]
pub(crate) struct Told {
    /// The cells; nothing where the spec has errors.
    pub(crate) study: Option<Study>,
    /// Its runs.
    pub(crate) made: Vec<Made>,
    /// Verdicts on its claims.
    pub(crate) judged: Vec<Judged>,
    /// What a plan would take.
    pub(crate) estimated: Option<Estimate>,
}

impl SweepOrders {
    fn of_runs(&self) -> Orders {
        Orders {
            machine: self.machine,
            processors: environment::processors(),
            threads: self.threads,
            jobs: self.jobs,
            spec_folder: absolute(self.spec.parent().unwrap_or(Path::new(""))),
            log_every: self.log_every,
            fail_fast: self.fail_fast,
            gpu: environment::gpu_places(),
        }
    }

    /// What is sent to Slurm; nothing where that is not asked for, or all runs are done.
    fn job(&self, study: &Study, runs: &[StudyRun]) -> Option<SlurmJob> {
        self.slurm.as_ref()?.job(study, runs)
    }
}

/// Makes the runs that are missing; what was found is printed where `show` asks for it.
pub(crate) fn sweep(
    orders: &SweepOrders,
    show: bool,
    terminal: &mut Terminal,
) -> anyhow::Result<(Outcome, Told)> {
    let locations = environment::locations(orders.data_dir.as_deref()).beside(orders.spec.parent());
    let request = Request {
        spec: &orders.spec,
        overrides: &orders.overrides,
        locations: &locations,
        check: check::Options::without_witnesses(),
    };
    let texts = match Texts::read(&orders.spec) {
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
    let mut study = Study::of(&cells, &orders.machine, orders.output.as_deref());
    if let Err(choice) = study.only(&orders.only) {
        terminal
            .report_usage(&format!("no cell has {choice}"), "specc sweep SPEC --only AXIS=LABEL");
        return Ok((Outcome::Usage, Told::default()));
    }
    let mut runs = study.runs();
    if let Some((part, of)) = orders.shard {
        runs = runs.into_iter().skip(part - 1).step_by(of).collect();
    }
    tell_of_earlier(&study.root, terminal);
    let mut workshop = Workshop::new(&study, orders.of_runs(), &request, &texts);
    let mut estimated = None;
    let (mut outcome, made) = if orders.dry_run {
        if let Some(job) = orders.job(&study, &runs).filter(|_| show) {
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
        make(orders, workshop, runs, show, terminal)?
    };
    // What others make is shown by other commands.
    let is_sent = orders.slurm.as_ref().is_some_and(|slurm| !slurm.wait);
    if !is_sent {
        let dirs = made.iter().map(|made| made.run.dir.clone());
        outcome = write_events(orders.tensorboard.as_deref(), dirs, outcome, terminal);
    }
    // Claims speak of whole sweeps.
    let is_whole = orders.only.is_empty() && orders.shard.is_none() && !orders.dry_run;
    let (outcome, judged) = if outcome == Outcome::Ok && is_whole && !is_sent {
        let verdicts = verdicts(&cells.claims, &study, &made);
        conclude(verdicts, orders.allow_open, show, terminal)
    } else {
        (outcome, vec![])
    };
    Ok((outcome, Told { study: Some(study), made, judged, estimated }))
}

/// Makes the runs, here or by Slurm, and shows them.
fn make(
    orders: &SweepOrders,
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
    let sent = orders.slurm.as_ref().zip(orders.job(study, &runs));
    let (outcome, made) = match sent {
        Some((slurm, job)) => {
            if let Sent::Done(outcome) = slurm.send(&job, &signals, terminal) {
                return Ok((outcome, stored(runs)?));
            }
            let made = stored(runs)?;
            (of_states(&made), made)
        }
        None => make_here(orders, workshop, runs, &signals, terminal)?,
    };
    if show {
        terminal.print(table(study, &made));
    }
    Ok((outcome, made))
}

/// Makes the runs by workers of this process.
fn make_here(
    orders: &SweepOrders,
    mut workshop: Workshop<'_>,
    runs: Vec<StudyRun>,
    signals: &Signals,
    terminal: &mut Terminal,
) -> anyhow::Result<(Outcome, Vec<Made>)> {
    // What every run would be refused for is told once; what is done needs no device.
    if !runs.iter().all(StudyRun::is_done)
        && let Err(error) = orders.machine.is_there(&environment::gpu_places().libraries)
    {
        return Ok((terminal.refuse(&error, &SourceMap::new()), vec![]));
    }
    let offline = orders.offline;
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

/// Says when runs of a folder are not found by what names runs now.
pub(crate) fn tell_of_earlier(root: &Path, terminal: &mut Terminal) {
    let n = earlier(root);
    if n > 0 {
        let runs = if n == 1 { "1 run has".to_owned() } else { format!("{n} runs have") };
        terminal.note(format!(
            "note: {runs} the identity of an earlier version; `specc runs {} --rename` gives today's",
            root.display()
        ));
    }
}
