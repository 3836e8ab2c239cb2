//! Experiments as a program that embeds the library runs them: no command line, many seeds, alone or together.

use std::collections::BTreeMap;
use std::path::Path;

use specc::check::Options as CheckOptions;
use specc::compile::Compiled;
use specc::data::{Dataset, Locations, load};
use specc::experiment::{
    Device, Ended, Existing, Experiment, Machine, Member, Options, may_step_together, run,
    run_together,
};
use specc::lower::{
    Batch, ExecError, HostTensor, HyperValues, Motion, Replicas, State, StepOutput,
};
use specc::store::{Opened, RunDir};
use specc::study::step_together;
use specc::train::{Entry, RunError, Session, Silent, StopReason, StopSignal};

use crate::pipeline::{compile_at, no_imports};

/// Augmentation, dropout, momentum and scales all draw or remember something between steps.
const SPEC: &str = "\
data digits(subset=50, test_subset=24, augment=[crop(1)])
net tiny { conv(4, kernel=3) -> relu -> max_pool(2)  flatten -> dropout(0.2) -> linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05, momentum=0.9) { batch = 8  epochs = 2  seeds = [3, 0, 5] }
";

fn compiled(text: &str) -> (Compiled, Dataset) {
    let locations = Locations::default();
    let path = Path::new("tiny.net");
    let options = CheckOptions::default();
    let compiled = compile_at(path, text, &mut no_imports, &[], &locations, options);
    let data = load(&compiled.model.as_ref().unwrap().data, &locations).unwrap();
    (compiled, data)
}

fn options(output: &Path) -> Options {
    let machine = Machine { device: Device::Cpu, ..Machine::default() };
    Options { output: Some(output.to_owned()), log_every: 1, ..Options::on(machine) }
}

/// Never asks to stop.
struct GoOn;

impl StopSignal for GoOn {
    fn reason(&self) -> Option<StopReason> {
        None
    }
}

/// Runs every seed alone, in a folder of its own.
fn alone(experiment: &Experiment<'_>, data: &Dataset) {
    for seed in experiment.seeds() {
        let ended = run(experiment, data, *seed, Existing::Continue, &GoOn, &mut Silent).unwrap();
        let Ended::Finished(summary) = ended else { panic!("nobody asked to stop") };
        assert_eq!(summary.seed, *seed);
    }
}

/// Runs all seeds in one session of as many replicas.
fn together(
    experiment: &Experiment<'_>,
    data: &Dataset,
    folder: &Path,
    broken: Option<usize>,
) -> Vec<Result<Ended, RunError>> {
    let seeds = experiment.seeds();
    let open = |seed: &u64| match RunDir::open(
        &folder.join(format!("s{seed}")),
        &experiment.identity(*seed, data),
    ) {
        Ok(Opened::Fresh(dir)) => dir,
        other => panic!("{other:?}"),
    };
    let dirs: Vec<RunDir> = seeds.iter().map(open).collect();
    let starts: Vec<_> =
        seeds.iter().map(|seed| (*seed, experiment.start(*seed).unwrap())).collect();
    let starts: Vec<_> = starts.iter().map(|(seed, start)| (*seed, &start.state)).collect();
    let programs = experiment.programs(&starts).unwrap();
    let plan = experiment.plan(data, None);
    let entry = |(seed, dir)| Entry { plan: &plan, seed, dir, from: None };
    let entries = seeds.iter().copied().zip(&dirs).map(entry);
    let replicas = Box::new(Breaking { replicas: programs, broken });
    Session::open(replicas, entries.collect()).unwrap().run(&GoOn, &mut Silent)
}

/// Replicas of which one breaks in its third step.
struct Breaking {
    replicas: Box<dyn Replicas>,
    broken: Option<usize>,
}

impl Replicas for Breaking {
    fn count(&self) -> usize {
        self.replicas.count()
    }

    fn step(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<Vec<StepOutput>, ExecError>> {
        let mut outputs = self.replicas.step(batches, hyper);
        if let Some(broken) = self.broken.filter(|_| hyper[0].step == 3) {
            let what = "a value".to_owned();
            outputs[broken] = Err(ExecError::NotFinite { what, layer: None, origin: None });
        }
        outputs
    }

    fn step_measured(
        &mut self,
        batches: &[Batch<'_>],
        hyper: &[HyperValues],
    ) -> Vec<Result<(Vec<StepOutput>, Vec<Motion>), ExecError>> {
        let mut steps = self.replicas.step_measured(batches, hyper);
        if let Some(broken) = self.broken.filter(|_| hyper[0].step == 3) {
            let what = "a value".to_owned();
            steps[broken] = Err(ExecError::NotFinite { what, layer: None, origin: None });
        }
        steps
    }

    fn eval(&mut self, batch: &Batch<'_>) -> Vec<Result<(HostTensor, StepOutput), ExecError>> {
        self.replicas.eval(batch)
    }

    fn size(&mut self) -> Vec<Result<Option<f64>, ExecError>> {
        self.replicas.size()
    }

    fn state(&self) -> Vec<Result<State, ExecError>> {
        self.replicas.state()
    }

    fn load(&mut self, replica: usize, state: &State) -> Result<(), ExecError> {
        self.replicas.load(replica, state)
    }

    fn isa(&self) -> String {
        self.replicas.isa()
    }
}

/// The files of a run that are the same in equal runs and that training writes, by name.
fn files(dir: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    let names = [
        "metrics.jsonl",
        "summary.json",
        "ckpt/resume.safetensors",
        "ckpt/last.safetensors",
        "ckpt/state.json",
        "logits/train.safetensors",
        "logits/test.safetensors",
    ];
    names.into_iter().map(|name| (name, std::fs::read(dir.join(name)).unwrap())).collect()
}

#[test]
fn replicas_leave_what_each_run_leaves_alone() {
    let (compiled, data) = compiled(SPEC);
    let (one, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let experiment = Experiment::prepare(&compiled, options(one.path()), None).unwrap();
    assert_eq!(experiment.seeds(), [3, 0, 5]);
    alone(&experiment, &data);
    let ended = together(&experiment, &data, all.path(), None);
    assert!(ended.iter().all(|ended| matches!(ended, Ok(Ended::Finished(_)))), "{ended:?}");
    let mut seen = std::collections::BTreeSet::new();
    for seed in ["s3", "s0", "s5"] {
        let (one, all) = (files(&one.path().join(seed)), files(&all.path().join(seed)));
        assert_eq!(one, all, "{seed}");
        assert!(seen.insert(one["metrics.jsonl"].clone()), "seeds differ");
    }
}

#[test]
fn a_replica_that_breaks_leaves_the_others_alone() {
    let (compiled, data) = compiled(SPEC);
    let (one, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let experiment = Experiment::prepare(&compiled, options(one.path()), None).unwrap();
    alone(&experiment, &data);
    let ended = together(&experiment, &data, all.path(), Some(0));
    assert!(matches!(ended[0], Err(RunError::Step { step: 3, epoch: 1, batch: 3, .. })));
    assert!(ended[1..].iter().all(|ended| matches!(ended, Ok(Ended::Finished(_)))), "{ended:?}");
    for seed in ["s0", "s5"] {
        assert_eq!(files(&one.path().join(seed)), files(&all.path().join(seed)), "{seed}");
    }
    let lines = std::fs::read_to_string(all.path().join("s3/metrics.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 2, "two steps were whole");
}

/// Runs of which each ends at an epoch of its own.
const EARLY: &str = "\
data digits(subset=50, test_subset=24, val=0.3)
net tiny { flatten -> linear(12) -> relu -> linear(classes) }
loss cross_entropy
train sgd(lr=0.8) { batch = 8  epochs = 40  seeds = 0..6  keep = best(val.loss)  patience = 2 }
";

#[test]
fn runs_that_end_early_leave_the_others_alone() {
    let (compiled, data) = compiled(EARLY);
    let (one, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let experiment = Experiment::prepare(&compiled, options(one.path()), None).unwrap();
    alone(&experiment, &data);
    let ended = together(&experiment, &data, all.path(), None);
    let mut epochs = std::collections::BTreeSet::new();
    for (seed, ended) in ended.into_iter().enumerate() {
        let Ok(Ended::Finished(summary)) = ended else { panic!("{ended:?}") };
        assert!(summary.stopped_early && summary.epochs < 40);
        epochs.insert(summary.epochs);
        let seed = format!("s{seed}");
        let (one, all) = (one.path().join(&seed), all.path().join(&seed));
        assert_eq!(files(&one), files(&all), "{seed}");
        let best = |dir: &Path| std::fs::read(dir.join("ckpt/best.safetensors")).unwrap();
        assert_eq!(best(&one), best(&all), "{seed}");
    }
    assert!(epochs.len() > 2, "{epochs:?}");
}

/// The same net with other numbers.
fn with_numbers(delta: &str, lr: &str) -> String {
    SPEC.replace("delta=0.01", &format!("delta={delta}")).replace("lr=0.05", &format!("lr={lr}"))
}

/// Their experiments, in a folder each.
fn prepared<'a>(compiled: &'a [(Compiled, Dataset)], folder: &Path) -> Vec<Experiment<'a>> {
    let mut all = vec![];
    for (at, (compiled, _)) in compiled.iter().enumerate() {
        let options = options(&folder.join(at.to_string()));
        all.push(Experiment::prepare(compiled, options, None).unwrap());
    }
    all
}

#[test]
fn runs_of_specs_that_differ_in_numbers_leave_what_each_leaves_alone() {
    let texts = [with_numbers("0.1", "0.05"), with_numbers("0.01", "0.02")];
    let compiled: Vec<_> = texts.iter().map(|text| compiled(text)).collect();
    let data = &compiled[0].1;
    let (one, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ones, alls) = (prepared(&compiled, one.path()), prepared(&compiled, all.path()));
    ones.iter().for_each(|experiment| alone(experiment, data));
    assert!(may_step_together(&alls[0], &alls[1]));
    // In any order.
    let members = [(1, 0), (0, 3), (1, 3), (0, 5), (0, 0), (1, 5)]
        .map(|(at, seed)| Member { experiment: &alls[at], seed });
    let ended = run_together(&members, data, Existing::Continue, &GoOn, &mut Silent);
    assert!(ended.iter().all(|ended| matches!(ended, Ok(Ended::Finished(_)))), "{ended:?}");
    for run in ["0/s3", "0/s0", "0/s5", "1/s3", "1/s0", "1/s5"] {
        assert_eq!(files(&one.path().join(run)), files(&all.path().join(run)), "{run}");
    }
}

#[test]
fn groups_hold_what_differs_in_numbers_as_far_as_there_is_room() {
    let texts =
        [SPEC.to_owned(), SPEC.replace("batch = 8", "batch = 9"), with_numbers("0.1", "0.3")];
    let compiled: Vec<_> = texts.iter().map(|text| compiled(text)).collect();
    let folder = tempfile::tempdir().unwrap();
    let cells = || {
        let [a, b, c] = prepared(&compiled, folder.path()).try_into().unwrap();
        vec![
            (Some(a), vec![0, 1, 2]),
            (None, vec![3]),
            (Some(b), vec![4]),
            (Some(c), vec![5, 6, 7]),
        ]
    };
    let plenty = step_together(cells(), |_| usize::MAX);
    assert_eq!(plenty, [vec![0, 1, 2, 5, 6, 7], vec![3], vec![4]]);
    let little = step_together(cells(), |_| 4);
    assert_eq!(little, [vec![0, 1, 2], vec![3], vec![4], vec![5, 6, 7]]);
    let less = step_together(cells(), |_| 2);
    assert_eq!(less, [vec![0, 1], vec![2, 7], vec![3], vec![4], vec![5, 6]]);
    let none = step_together(cells(), |_| 0);
    assert!(none.iter().all(|group| group.len() == 1) && none.len() == 8, "{none:?}");
}

#[test]
fn specs_that_differ_in_more_than_numbers_step_apart() {
    let texts = [
        SPEC.to_owned(),
        SPEC.replace("two_scale(delta=0.01, size=weights)", "single_scale"),
        SPEC.replace("batch = 8", "batch = 9"),
        SPEC.replace("epochs = 2", "epochs = 3"),
        SPEC.replace("subset=50", "subset=51"),
        SPEC.replace("conv(4", "conv(5"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let compiled: Vec<_> = texts.iter().map(|text| compiled(text).0).collect();
    let prepare = |compiled| Experiment::prepare(compiled, options(folder.path()), None).unwrap();
    let all: Vec<Experiment<'_>> = compiled.iter().map(prepare).collect();
    assert!(may_step_together(&all[0], &all[0]));
    for (other, text) in all.iter().zip(&texts).skip(1) {
        assert!(!may_step_together(&all[0], other), "{text}");
    }
}
