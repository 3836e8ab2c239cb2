//! Plans of the shipped specs: how many launches a step takes, and that all of them fit every architecture.

use std::collections::BTreeMap;
use std::path::Path;

use specc::lower::cuda::{CudaPlan, MAX_SHARED, PlanOptions, plan};

use crate::pipeline::{built, compile};

/// The plans of the shipped specs by name.
pub(crate) fn shipped() -> BTreeMap<String, CudaPlan> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut plans = BTreeMap::new();
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
        plans.insert(name, plan(&joint, &PlanOptions { batch: spec.train.batch, replicas: 1 }));
    }
    plans
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
