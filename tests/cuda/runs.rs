//! Whole programs: golden runs, and every layer and loss beside the reference.

use serde_json::Value;

use crate::emulated::Order;
use crate::golden::{golden_dir, json};
use crate::golden_run::golden_run;
use crate::joints::{agrees, cases};
use crate::programs::single;

/// Runs in which batch norm spreads rounding to 2e-4 of a logit: of 6144 margins about one is as close to its threshold, and which
/// one depends on the order of sums.
const NORMED: &str = "wrn/";

pub(crate) fn golden_runs(prefix: &str) {
    let Some(golden) = golden_dir() else { return };
    let folder = golden.join("trajectories");
    let index = json(&folder.join("index.json"));
    let named = |case: &&Value| case["case"].as_str().unwrap().starts_with(prefix);
    for case in index["cases"].as_array().unwrap().iter().filter(named) {
        let name = case["case"].as_str().unwrap();
        let case = json(&folder.join(case["json"].as_str().unwrap()));
        golden_run(&folder, &case, name, name.starts_with(NORMED), |joint, state, batch| {
            single(joint, state, batch, Order::Forward)
        });
    }
}

#[test]
fn golden_lenet() {
    golden_runs("lenet/");
}

#[test]
fn golden_lenet_without_biases() {
    golden_runs("lenet_nobias/");
}

#[test]
fn golden_mlp() {
    golden_runs("mlp");
}

#[test]
fn golden_vgg() {
    golden_runs("vgg/");
}

#[test]
fn every_layer_and_loss_agrees_with_the_reference() {
    for (number, case) in cases().iter().enumerate() {
        for n in [1, 17, 40] {
            let name = format!("case {number} {} {}", case.loss, case.train);
            agrees(&name, case, n, |joint, state| single(joint, state, 40, Order::Forward));
        }
    }
}
