//! Where the runs of a sweep are made: their experiments on one copy of the data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::SweepArgs;
use crate::cli::crew::{Task, make_all, singly};
use crate::cli::environment;
use crate::cli::fetch::load_data;
use crate::cli::outcome::Outcome;
use crate::cli::signals::Signals;
use crate::cli::terminal::Terminal;
use crate::compile::files::{Request, Texts};
use crate::data::{self, DataError, DataSpec, Dataset, Source};
use crate::experiment::{Device, Existing, Experiment, Options, timing};
use crate::study::{
    Estimate, Made, RunEnd, RunState, SampleCounts, Share, Study, StudyCell, StudyRun, Team,
    Unprepared, estimate,
};
use crate::train::Summary;

/// What makes the experiment of each run.
pub(super) struct Workshop<'a> {
    args: &'a SweepArgs,
    request: &'a Request<'a>,
    texts: &'a Texts,
    pub(super) study: &'a Study,
    folder: PathBuf,
    data: Vec<(DataSpec, Dataset)>,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(
        args: &'a SweepArgs,
        request: &'a Request<'a>,
        texts: &'a Texts,
        study: &'a Study,
    ) -> Self {
        let folder = crate::store::absolute(args.spec.parent().unwrap_or(Path::new("")));
        Self { args, request, texts, study, folder, data: vec![] }
    }

    /// Makes what is missing; runs that fail are stepped over.
    pub(super) fn make(
        mut self,
        runs: Vec<StudyRun>,
        signals: &Signals,
        terminal: &mut Terminal,
    ) -> anyhow::Result<(Outcome, Vec<Made>)> {
        // Files of one's own may have changed since: their runs are opened, and so looked at, though they are done.
        let may_change = |run: &StudyRun| {
            matches!(self.cell(run).spec.data.source, Source::Csv(_) | Source::Npy(_))
        };
        let is_open = |run: &&StudyRun| RunState::of(&run.dir) != RunState::Done || may_change(run);
        let open: Vec<&StudyRun> = runs.iter().filter(is_open).collect();
        let offline = self.args.data.offline;
        let loaded =
            self.load(&open, |spec, locations| load_data(spec, locations, offline, terminal));
        if let Err(error) = loaded {
            terminal.report_error(&error);
            return Ok((Outcome::of_error(&error), vec![]));
        }
        let is_gpu = matches!(self.args.machine.decided().device, Device::Cuda(_));
        let groups = if is_gpu { by_cell(&open) } else { singly(open.len()) };
        let share = if is_gpu { self.share_of_gpu(groups.len()) } else { self.share(&open) };
        let task = |run: &&StudyRun| Task {
            name: format!("{} seed {}", self.cell(run).name(), run.seed),
            dir: run.dir.clone(),
        };
        let tasks: Vec<Task> = open.iter().map(task).collect();
        let team =
            Team { jobs: share.jobs, existing: Existing::Continue, fail_fast: self.args.fail_fast };
        let of_group = |group: &[usize], go: &mut dyn FnMut(&Experiment<'_>, &Dataset, &[u64])| {
            let seeds: Vec<u64> = group.iter().map(|task| open[*task].seed).collect();
            let all = &mut |experiment: &Experiment<'_>, dataset: &Dataset| {
                go(experiment, dataset, &seeds);
            };
            self.prepare(open[group[0]], share.threads, all)
        };
        let (outcome, ends) = make_all(&tasks, &groups, team, &of_group, signals, terminal);
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

    /// What the runs that are left would take, by those that are done and by a few steps of the others.
    pub(super) fn estimate(mut self, runs: &[StudyRun]) -> Estimate {
        // What is not at hand is not fetched for this: its time stays unknown.
        let _ = self.load(&runs.iter().collect::<Vec<_>>(), data::load);
        let open: Vec<&StudyRun> =
            runs.iter().filter(|run| RunState::of(&run.dir) != RunState::Done).collect();
        let share = self.share(&open);
        let seconds = |run: &StudyRun| self.step_seconds(run, share.threads);
        let samples = |run: &StudyRun| {
            self.dataset(self.cell(run)).map(|data| SampleCounts {
                train: data.train.len(),
                test: data.test.len(),
                fingerprint: data.fingerprint(),
            })
        };
        estimate(self.study, runs, share, seconds, samples)
    }

    fn cell(&self, run: &StudyRun) -> &'a StudyCell {
        &self.study.cells[run.cell]
    }

    fn dataset(&self, cell: &StudyCell) -> Option<&Dataset> {
        self.data.iter().find(|(spec, _)| *spec == cell.spec.data).map(|(_, data)| data)
    }

    /// The data of runs, each set once.
    fn load(
        &mut self,
        runs: &[&StudyRun],
        mut load: impl FnMut(&DataSpec, &data::Locations) -> Result<Dataset, DataError>,
    ) -> Result<(), DataError> {
        for run in runs {
            let spec = &self.study.cells[run.cell].spec.data;
            if !self.data.iter().any(|(known, _)| known == spec) {
                let dataset = load(spec, self.request.locations)?;
                self.data.push((spec.clone(), dataset));
            }
        }
        Ok(())
    }

    fn share(&self, open: &[&StudyRun]) -> Share {
        let seconds = |threads: usize| self.step_seconds(open.first()?, threads);
        self.args.machine.share(open.len(), self.args.jobs, seconds)
    }

    /// On a GPU the seeds of a cell step together; a few cells at once fill what the others leave of it.
    fn share_of_gpu(&self, groups: usize) -> Share {
        const CELLS: usize = 4;
        let jobs = self.args.jobs.map_or(CELLS, usize::from).clamp(1, groups.max(1));
        Share { jobs, threads: (self.args.machine.threads() / jobs).max(1) }
    }

    /// Seconds of a step of a run; `None` without its data.
    fn step_seconds(&self, run: &StudyRun, threads: usize) -> Option<f64> {
        let mut seconds = None;
        let measure = &mut |experiment: &Experiment<'_>, dataset: &Dataset| {
            seconds = timing::step_seconds(experiment, dataset, threads).ok();
        };
        self.prepare(run, threads, measure).ok()?;
        seconds
    }

    /// The experiment of a run with so many threads.
    fn prepare(
        &self,
        run: &StudyRun,
        threads: usize,
        go: &mut dyn FnMut(&Experiment<'_>, &Dataset),
    ) -> Result<(), Unprepared> {
        let cell = self.cell(run);
        let compiled = self.texts.cell(self.request, &cell.settings);
        let mut machine = self.args.machine.decided();
        machine.threads = threads;
        let options = Options {
            seeds: Some(cell.seeds.clone()),
            root: Some(self.study.root.clone()),
            spec_folder: self.folder.clone(),
            log_every: self.args.log_every,
            gpu: environment::gpu_places(),
            ..Options::on(machine)
        };
        let refuse = |error| Unprepared { error, sources: compiled.sources.clone() };
        let experiment = Experiment::prepare(&compiled, options, None).map_err(refuse)?;
        if let Some(dataset) = self.dataset(cell) {
            go(&experiment, dataset);
        }
        Ok(())
    }
}

/// Runs in the order of their cells, those of a cell together.
fn by_cell(runs: &[&StudyRun]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        groups.entry(run.cell).or_default().push(at);
    }
    groups.into_values().collect()
}
