//! `metrics.jsonl`: which lines, and that their values are those before the update.

use safetensors::SafeTensors;
use serde_json::Value;

use super::{Sandbox, TINY, assert_close, norm, values};

use crate::close::double;

fn steps(lines: &[Value]) -> Vec<u64> {
    let steps = lines.iter().filter(|line| line["kind"] == "step");
    steps.map(|line| line["step"].as_u64().unwrap()).collect()
}

fn epochs(lines: &[Value]) -> Vec<(u64, u64, bool)> {
    let epochs = lines.iter().filter(|line| line["kind"] == "epoch");
    epochs
        .map(|line| {
            let number = |key: &str| line[key].as_u64().unwrap();
            (number("epoch"), number("step"), line.get("partial") == Some(&true.into()))
        })
        .collect()
}

#[test]
fn steps_are_logged_every_so_often_and_at_the_end() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("a", &[]);
    let lines = sandbox.lines("a/metrics.jsonl");
    assert_eq!(steps(&lines), [18], "every 50 and the last");
    assert_eq!(epochs(&lines), [(1, 6, false), (2, 12, false), (3, 18, false)]);
    assert_eq!(lines.last().unwrap()["kind"], "epoch");
    sandbox.train("b", &["--log-every", "5", "--max-steps", "16"]);
    let lines = sandbox.lines("b/metrics.jsonl");
    assert_eq!(steps(&lines), [5, 10, 15, 16]);
    assert_eq!(epochs(&lines), [(1, 6, false), (2, 12, false), (3, 16, true)]);
    sandbox.train("c", &["--log-every", "1", "--max-steps", "6"]);
    let lines = sandbox.lines("c/metrics.jsonl");
    assert_eq!(steps(&lines), [1, 2, 3, 4, 5, 6]);
    assert_eq!(epochs(&lines), [(1, 6, false)]);
}

#[test]
fn steps_in_place_of_epochs() {
    let sandbox = Sandbox::with(&TINY.replace("epochs = 3", "steps = 8"));
    sandbox.train("r", &["--log-every", "4"]);
    let lines = sandbox.lines("r/metrics.jsonl");
    assert_eq!(steps(&lines), [4, 8]);
    assert_eq!(epochs(&lines), [(1, 6, false), (2, 8, true)]);
    assert_eq!(sandbox.json("r/summary.json")["steps"], 8);
}

#[test]
fn values_are_those_before_the_update() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("all", &["--log-every", "1", "--max-steps", "4"]);
    let lines = sandbox.lines("all/metrics.jsonl");
    for done in 1..4 {
        let dir = format!("r{done}");
        sandbox.train(&dir, &["--max-steps", &done.to_string()]);
        let bytes = sandbox.read(&format!("{dir}/ckpt/last.safetensors"));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let size = norm(&values(&file, "conv1.weight")) * norm(&values(&file, "linear1.weight"));
        let line = &lines[done];
        assert_eq!(line["step"], done + 1);
        assert_close(line["R"].as_f64().unwrap(), size);
        for name in ["r1", "r2"] {
            let stored = values(&file, &format!("loss.{name}"))[0];
            assert_eq!(line["scales"][name].as_f64().unwrap(), stored, "{name}");
        }
    }
    let first = &lines[0];
    let number = |value: &Value| value.as_f64().unwrap();
    assert_close(number(&first["scales"]["r1"]), number(&first["R"]));
    assert_close(number(&first["scales"]["r2"]), 10.0 * number(&first["R"]));
    for line in &lines[..4] {
        for key in ["accuracy", "well"] {
            let count = 8.0 * number(&line[key]);
            assert!((0.0..=8.0).contains(&count) && count.fract() == 0.0, "{line}");
        }
    }
}

#[test]
fn the_first_loss_is_that_of_the_initial_weights() {
    // One batch holds all samples, so the first step sees what evaluation sees.
    let spec = TINY.replace("batch = 8", "batch = 48");
    let sandbox = Sandbox::with(&spec);
    sandbox.train("r", &["--log-every", "1", "train.lr=1e-30"]);
    let lines = sandbox.lines("r/metrics.jsonl");
    let summary = sandbox.json("r/summary.json");
    let loss = summary["train"]["loss"].as_f64().unwrap();
    assert_close(lines[0]["loss"].as_f64().unwrap(), loss);
    assert_eq!(lines[0]["accuracy"], summary["train"]["accuracy"]);
    assert_close(lines[1]["train"]["loss"].as_f64().unwrap(), loss);
    assert_eq!(lines[1]["test"]["accuracy"], summary["test"]["accuracy"]);
    assert_close(
        lines[1]["test"]["loss"].as_f64().unwrap(),
        summary["test"]["loss"].as_f64().unwrap(),
    );
}

#[test]
fn the_learning_rate_follows_its_schedule() {
    let lr = |spec: &str| -> Vec<f64> {
        let sandbox = Sandbox::with(spec);
        sandbox.train("r", &["--log-every", "1"]);
        let lines = sandbox.lines("r/metrics.jsonl");
        lines.iter().filter_map(|line| line["lr"].as_f64()).collect()
    };
    let rates = lr(&TINY.replace("lr=0.05", "lr=0.4, schedule=cosine"));
    for (step, rate) in rates.iter().enumerate() {
        let expected = 0.2 * (1.0 + (std::f64::consts::PI * step as f64 / 18.0).cos());
        assert!((rate - expected).abs() < double::PASS, "{step}: {rate}");
    }
    let rates = lr(&TINY.replace("lr=0.05", "lr=0.4, schedule=step([1, 2], gamma=0.5), warmup=2"));
    assert_eq!((rates[0], rates[1], rates[5]), (0.2, 0.4, 0.4));
    assert_eq!((rates[6], rates[11], rates[12], rates[17]), (0.2, 0.2, 0.1, 0.1));
}

#[test]
fn what_does_not_apply_is_null() {
    let plain = TINY.replace("two_scale(delta=0.01, size=weights)", "cross_entropy");
    let sandbox = Sandbox::with(&plain);
    sandbox.train("r", &["--log-every", "1", "--max-steps", "1"]);
    let line = &sandbox.lines("r/metrics.jsonl")[0];
    assert!(line["well"].is_null(), "{line}");
    sandbox.train("w", &["--log-every", "1", "--max-steps", "1", "train.well_delta=0.0"]);
    let line = &sandbox.lines("w/metrics.jsonl")[0];
    assert_eq!(line["well"], line["accuracy"], "{line}");
    let sandbox = Sandbox::with(&TINY.replace("delta=0.01", "delta=0.01, lambda=trainable"));
    sandbox.train("r", &["--log-every", "1", "--max-steps", "1"]);
    let line = &sandbox.lines("r/metrics.jsonl")[0];
    assert_eq!(line["scales"], serde_json::json!({ "lambda": 10.0 }));
}
