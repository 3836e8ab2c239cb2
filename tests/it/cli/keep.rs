//! Held-out samples, the weights of the best epoch, and training that ends for want of a better one.

use safetensors::SafeTensors;

use super::{Sandbox, values};

/// A rate at which some epochs are worse than those before.
const SPEC: &str = "\
data digits(subset=96, test_subset=48, val=0.25, label_noise=symmetric(0.2))
net tiny { flatten  linear(16) -> relu -> linear(classes) }
loss cross_entropy
train sgd(lr=0.5) { batch = 8  epochs = 30  keep = best(val.accuracy)  patience = 3  ema = 0.5 }
";

#[test]
fn a_run_ends_when_no_epoch_is_better_and_keeps_the_best_one() {
    let sandbox = Sandbox::with(SPEC);
    let done = sandbox.train("run", &[]);
    assert!(done.out.contains("best epoch"), "{}", done.out);
    let summary = sandbox.json("run/summary.json");
    let best = &summary["best"];
    let epoch = best["epoch"].as_u64().unwrap();
    assert_eq!(summary["stopped_early"], true);
    assert_eq!(summary["epochs"].as_u64(), Some(epoch + 3));
    let lines = sandbox.lines("run/metrics.jsonl");
    let epochs: Vec<_> = lines.iter().filter(|line| line["kind"] == "epoch").collect();
    assert_eq!(epochs.len() as u64, epoch + 3);
    let accuracies: Vec<f64> =
        epochs.iter().map(|line| line["val"]["accuracy"].as_f64().unwrap()).collect();
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let first = accuracies.iter().position(|accuracy| *accuracy == highest).unwrap();
    assert_eq!(first as u64 + 1, epoch, "{accuracies:?}");
    assert_eq!(best["value"], highest);
    assert_eq!(best["test"], epochs[first]["test"]);
    assert_eq!(summary["val"]["n"], 24);
    assert_eq!(summary["train"]["n"], 72);
}

#[test]
fn the_weights_of_the_best_epoch_are_measured_again() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.train("run", &[]);
    let summary = sandbox.json("run/summary.json");
    let eval = |at: &str| {
        let done = sandbox.specc(&["eval", "run", "--at", at, "--json"]).exits(0);
        serde_json::from_str::<serde_json::Value>(&done.out).unwrap()
    };
    let (best, last) = (eval("best"), eval("last"));
    assert_eq!(best["steps"], summary["best"]["step"]);
    assert_eq!(best["val"]["accuracy"], summary["best"]["val"]["accuracy"]);
    assert_eq!(best["test"]["accuracy"], summary["best"]["test"]["accuracy"]);
    assert_eq!(last["test"], summary["test"]);
    assert_ne!(best["test"]["margin"], last["test"]["margin"]);
    // Another byte is noticed.
    let mut bytes = sandbox.read("run/ckpt/best.safetensors");
    *bytes.last_mut().unwrap() ^= 1;
    sandbox.write("run/ckpt/best.safetensors", &bytes);
    sandbox.specc(&["eval", "run", "--at", "best"]).exits(1).says(&["error[E0705]"]);
}

#[test]
fn a_run_that_was_stopped_goes_on_and_ends_where_it_would_have() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.train("whole", &[]);
    let steps = sandbox.json("whole/summary.json")["steps"].as_u64().unwrap();
    for stop in [5, 9, steps - 9, steps - 1] {
        let dir = format!("parts{stop}");
        sandbox.train(&dir, &["--max-steps", &stop.to_string()]);
        sandbox.specc(&["train", "--resume", &dir]).exits(0);
        sandbox.assert_equal("whole", &dir);
    }
    // What is over is not trained again.
    let before = sandbox.read("whole/log.txt");
    sandbox.train("whole", &[]);
    assert_eq!(
        sandbox.read("whole/ckpt/resume.safetensors").len(),
        sandbox.read("parts5/ckpt/resume.safetensors").len()
    );
    assert!(sandbox.read("whole/log.txt").len() - before.len() < 200);
}

#[test]
fn a_run_keeps_the_labels_that_were_made_wrong() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.train("run", &[]);
    let bytes = sandbox.read("run/logits/train.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (used, clean) = (values(&file, "labels"), values(&file, "clean_labels"));
    let wrong = used.iter().zip(&clean).filter(|(a, b)| a != b).count();
    assert!((5..30).contains(&wrong), "{wrong} of 72");
    let bytes = sandbox.read("run/logits/val.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert!(file.tensor("clean_labels").is_err(), "held-out samples keep their labels");
    let analyzed = sandbox.specc(&["analyze", "run", "--json"]).exits(0);
    assert!(analyzed.out.contains("\"val\""), "{}", analyzed.out);
}
