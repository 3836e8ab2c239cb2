//! Where the runs of a study are made: their experiments on one copy of the data.
//!
//! In: a study with the texts that its cells are compiled from, and [`Orders`]. Out: runs, each as `specc train` would make it.
//! Invariant: a set of data is loaded once, however many runs need it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{
    Estimate, Event, Made, RunEnd, RunState, SampleCounts, Share, Study, StudyCell, StudyRun, Task,
    Team, Unprepared, estimate, make_all, share, singly, step_together,
};
use crate::compile::Compiled;
use crate::compile::files::{Request, Texts};
use crate::data::{DataError, DataSpec, Dataset, Locations, Source};
use crate::experiment::{
    Device, Existing, Experiment, GpuPlaces, Machine, Member, Options, timing,
};
use crate::store::{RunDir, StoreError};
use crate::train::{StopSignal, Summary};

/// Groups that step at once on a GPU where no number is given: a few fill what one leaves of it.
const GROUPS_ON_GPU: usize = 4;

/// How the runs of a study are made.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Where, with `auto` decided; its threads are those that all runs share on a GPU.
    pub machine: Machine,
    /// Processors to share out.
    pub processors: usize,
    /// Threads of a run, where that is given.
    pub threads: Option<usize>,
    /// Runs at once, or groups of them on a GPU, where that is given.
    pub jobs: Option<usize>,
    /// Where relative paths of the spec begin; runs remember it.
    pub spec_folder: PathBuf,
    /// Steps between lines of `metrics.jsonl`, ≥ 1.
    pub log_every: u64,
    /// Whether the first failure ends it.
    pub fail_fast: bool,
    /// As in [`Options`].
    pub gpu: GpuPlaces,
}

/// What makes the experiment of each run.
#[derive(Debug)]
pub struct Workshop<'a> {
    /// Whose runs are made.
    pub study: &'a Study,
    orders: Orders,
    request: &'a Request<'a>,
    texts: &'a Texts,
    data: Vec<(DataSpec, Dataset)>,
}

/// Runs that are to be made, and how.
#[derive(Debug)]
pub struct Shift {
    /// The runs with their names, in order.
    pub tasks: Vec<Task>,
    /// Who works on them.
    pub team: Team,
    open: Vec<StudyRun>,
    groups: Vec<Vec<usize>>,
    threads: usize,
}

impl<'a> Workshop<'a> {
    /// For the cells of `texts`, compiled as `request` says.
    pub fn new(
        study: &'a Study,
        orders: Orders,
        request: &'a Request<'a>,
        texts: &'a Texts,
    ) -> Self {
        Self { study, orders, request, texts, data: vec![] }
    }

    /// The runs that are to be made. Files of one's own may have changed since: their runs are opened, and so looked at, though
    /// they are done.
    fn open(&self, runs: &[StudyRun]) -> Vec<StudyRun> {
        let may_change = |run: &StudyRun| {
            matches!(self.cell(run).spec.data.source, Source::Csv(_) | Source::Npy(_))
        };
        let is_open = |run: &&StudyRun| !run.is_done() || may_change(run);
        runs.iter().filter(is_open).cloned().collect()
    }

    /// Gets ready to make what is missing of some runs: their data is had by `load`, each set once, and what the machine has is
    /// shared out, by a short measurement where nothing is said.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn shift(
        &mut self,
        runs: &[StudyRun],
        load: impl FnMut(&DataSpec, &Locations) -> Result<Dataset, DataError>,
    ) -> Result<Shift, DataError> {
        let open = self.open(runs);
        self.load(&open, load)?;
        let is_gpu = matches!(self.orders.machine.device, Device::Cuda(_));
        let groups = if is_gpu { self.together(&open) } else { singly(open.len()) };
        let Share { jobs, threads } =
            if is_gpu { self.share_of_gpu(groups.len()) } else { self.share(&open) };
        let task = |run: &StudyRun| Task {
            name: format!("{} seed {}", self.cell(run).name(), run.seed),
            dir: run.dir.clone(),
        };
        let tasks = open.iter().map(task).collect();
        let team = Team { jobs, existing: Existing::Continue, fail_fast: self.orders.fail_fast };
        Ok(Shift { tasks, team, open, groups, threads })
    }

    /// Makes the runs of a shift, and says how all of `runs` stand; those that were not begun, since it ended before, are left
    /// out. Runs that fail are stepped over.
    ///
    /// # Errors
    /// [`StoreError`] where the summary of a run that was done before cannot be read.
    pub fn make(
        &self,
        runs: Vec<StudyRun>,
        shift: Shift,
        stop: &(dyn StopSignal + Sync),
        tell: &mut dyn FnMut(usize, &Event),
    ) -> Result<Vec<Made>, StoreError> {
        let Shift { tasks, team, open, groups, threads } = shift;
        let of_group = |group: &[usize], go: &mut dyn FnMut(&[Member<'_, '_>], &Dataset)| {
            let runs: Vec<&StudyRun> = group.iter().map(|task| &open[*task]).collect();
            self.prepare(&runs, threads, go)
        };
        let ends = make_all(tasks.len(), &groups, team, &of_group, stop, tell);
        let mut ended: BTreeMap<PathBuf, Option<RunEnd>> =
            tasks.into_iter().map(|task| task.dir).zip(ends).collect();
        let mut made = vec![];
        for run in runs {
            let (state, summary) = match ended.remove(&run.dir) {
                // It was done before.
                None => {
                    RunDir::give_back(&run.dir);
                    (RunState::Done, Summary::of_run(&run.dir)?)
                }
                Some(Some(RunEnd::Done(summary))) => (RunState::Done, Some(*summary)),
                Some(Some(RunEnd::Stopped(..))) => (RunState::Stopped, None),
                Some(Some(RunEnd::Held)) => (RunState::Running, None),
                Some(Some(RunEnd::Failed(_))) => (RunState::Failed, None),
                Some(None) => continue,
            };
            made.push(Made { run, state, summary });
        }
        Ok(made)
    }

    /// What the runs that are left would take, by those that are done and by a few steps of the others. Where `load` fails, the
    /// time stays unknown.
    pub fn estimate(
        &mut self,
        runs: &[StudyRun],
        load: impl FnMut(&DataSpec, &Locations) -> Result<Dataset, DataError>,
    ) -> Estimate {
        // What is not at hand is not needed for the rest of it.
        let _ = self.load(runs, load);
        let open: Vec<StudyRun> = runs.iter().filter(|run| !run.is_done()).cloned().collect();
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
        runs: &[StudyRun],
        mut load: impl FnMut(&DataSpec, &Locations) -> Result<Dataset, DataError>,
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

    fn share(&self, open: &[StudyRun]) -> Share {
        let Orders { processors, threads, jobs, .. } = self.orders;
        let seconds = |threads: usize| self.step_seconds(open.first()?, threads);
        share(processors, open.len(), jobs, threads, seconds)
    }

    /// A few groups at once fill what the others leave of a GPU.
    fn share_of_gpu(&self, groups: usize) -> Share {
        let jobs = self.groups_on_gpu().clamp(1, groups.max(1));
        Share { jobs, threads: (self.orders.machine.threads / jobs).max(1) }
    }

    fn groups_on_gpu(&self) -> usize {
        self.orders.jobs.unwrap_or(GROUPS_ON_GPU)
    }

    /// What steps together on a GPU: the seeds of a cell, and those of cells that differ in numbers only, as far as they find room.
    fn together(&self, open: &[StudyRun]) -> Vec<Vec<usize>> {
        let mut by_cell: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, run) in open.iter().enumerate() {
            by_cell.entry(run.cell).or_default().push(at);
        }
        let compiled: Vec<_> = by_cell.keys().map(|cell| self.compiled(*cell)).collect();
        let mut cells = vec![];
        for ((cell, compiled), tasks) in compiled.iter().zip(by_cell.into_values()) {
            cells.push((Experiment::prepare(compiled, self.options(cell, 1), None).ok(), tasks));
        }
        step_together(cells, |experiment| experiment.room() / self.groups_on_gpu())
    }

    fn compiled(&self, cell: usize) -> (&'a StudyCell, Compiled) {
        let cell = &self.study.cells[cell];
        (cell, self.texts.cell(self.request, &cell.settings))
    }

    /// Seconds of a step of a run; `None` without its data.
    fn step_seconds(&self, run: &StudyRun, threads: usize) -> Option<f64> {
        let mut seconds = None;
        let measure = &mut |members: &[Member<'_, '_>], dataset: &Dataset| {
            seconds = timing::step_seconds(members[0].experiment, dataset, threads).ok();
        };
        self.prepare(&[run], threads, measure).ok()?;
        seconds
    }

    /// The runs in their experiments with so many threads; all are on one data set.
    fn prepare(
        &self,
        runs: &[&StudyRun],
        threads: usize,
        go: &mut dyn FnMut(&[Member<'_, '_>], &Dataset),
    ) -> Result<(), Unprepared> {
        let cells: BTreeSet<usize> = runs.iter().map(|run| run.cell).collect();
        let compiled: Vec<_> = cells.iter().map(|cell| self.compiled(*cell)).collect();
        let mut experiments = BTreeMap::new();
        for (number, (cell, compiled)) in cells.iter().zip(&compiled) {
            let refuse = |error| Unprepared { error, sources: compiled.sources.clone() };
            let options = self.options(cell, threads);
            let experiment = Experiment::prepare(compiled, options, None).map_err(refuse)?;
            experiments.insert(*number, experiment);
        }
        let member =
            |run: &&StudyRun| Member { experiment: &experiments[&run.cell], seed: run.seed };
        let members: Vec<Member<'_, '_>> = runs.iter().map(member).collect();
        if let Some(dataset) = runs.first().and_then(|run| self.dataset(self.cell(run))) {
            go(&members, dataset);
        }
        Ok(())
    }

    fn options(&self, cell: &StudyCell, threads: usize) -> Options {
        Options {
            seeds: Some(cell.seeds.clone()),
            root: Some(self.study.root.clone()),
            spec_folder: self.orders.spec_folder.clone(),
            log_every: self.orders.log_every,
            gpu: self.orders.gpu.clone(),
            ..Options::on(Machine { threads, ..self.orders.machine })
        }
    }
}
