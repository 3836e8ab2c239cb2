//! Plans of the shipped specs: how many launches a step takes, and that all of them fit every architecture.

use std::collections::BTreeMap;
use std::path::Path;

use specc::grad::Joint;
use specc::lower::cuda::{CudaPlan, MAX_SHARED, PlanOptions, plan};
use specc::lower::reference::{self, OnGpu, Way};

use crate::pipeline::{built, compile};

/// The plans of the shipped specs by name.
pub(crate) fn shipped() -> BTreeMap<String, CudaPlan> {
    let planned = |joint: &Joint, batch| plan(joint, &PlanOptions::of_one(batch));
    of_shipped(planned)
}

/// What `f` makes of the shipped specs, by name; it is given the size of a batch too.
pub(crate) fn of_shipped<T>(f: impl Fn(&Joint, usize) -> T) -> BTreeMap<String, T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "net") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let compiled = compile(&path, &text, &[]);
        let (spec, checked) = built(&compiled);
        let joint = specc::grad::joint(checked, &spec.loss, &spec.train).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        all.insert(name, f(&joint, spec.train.batch));
    }
    all
}

/// Launches of a training step.
fn launches(plan: &CudaPlan) -> usize {
    plan.phases.train.iter().map(|phase| phase.launches.len()).sum()
}

#[test]
fn launches_of_a_step() {
    let plans = shipped();
    for (name, most) in
        [("lenet_cifar100", 12), ("lenet_cifar10", 12), ("quickstart", 12), ("mlp_mnist", 8)]
    {
        let found = launches(&plans[name]);
        assert!(found <= most, "{name}: {found} launches\n{}", plans[name]);
    }
}

#[test]
fn launches_fit_every_architecture() {
    for (name, plan) in shipped() {
        for launch in plan.phases.iter().flat_map(|phase| &phase.launches) {
            assert!(launch.shared <= MAX_SHARED, "{name} {}", launch.name);
            assert!(launch.blocks > 0 && launch.blocks < 1 << 31, "{name} {}", launch.name);
        }
    }
}

#[test]
fn every_step_of_the_reference_has_who_computes_it_on_a_gpu() {
    let planned = |joint: &Joint, batch| {
        let plan = reference::plan(joint);
        let operations = OnGpu::of(&plan, batch);
        (plan, operations)
    };
    for (name, (plan, operations)) in of_shipped(planned) {
        let phases = plan.phases.train.iter().chain([&plan.phases.eval]);
        for (phase, step) in phases.flat_map(|phase| phase.steps.iter().map(move |s| (phase, s))) {
            let alone = operations.get(phase, step);
            assert_eq!(alone.is_some(), phase.way(step) == Way::Kernel, "{name}: {}", step.op);
            // A custom operation of candle has up to three operands.
            let fits = alone.is_none_or(|alone| (1..=3).contains(&alone.operands.len()));
            assert!(fits, "{name}: {}", step.op);
        }
        for launch in operations.all().flat_map(|alone| &alone.launches) {
            assert!(launch.shared <= MAX_SHARED && launch.blocks < 1 << 31, "{name}");
        }
    }
}

/// One of each kind of net.
const SHOWN: [&str; 4] = ["lenet_cifar100", "mlp_mnist", "quickstart", "wrn16_4_cifar10"];

#[test]
fn plans_of_shipped_specs() {
    let plans = shipped();
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        for name in SHOWN {
            insta::assert_snapshot!(name, plans[name].to_string());
        }
    });
}
