//! The samples of an epoch that do not fill a batch, and norms that see a single value.

use safetensors::SafeTensors;

use super::{Sandbox, values};

/// 17 samples in batches of 8 in front of a batch norm: two whole batches and one sample.
const NORM: &str = "\
data digits(subset=17, test_subset=8)
net tiny { flatten  linear(4) -> batch_norm -> relu -> linear(classes) }
loss cross_entropy
train sgd(lr=0.05) { batch = 8  epochs = 2 }
";

fn tensor(sandbox: &Sandbox, dir: &str, name: &str) -> Vec<f64> {
    let bytes = sandbox.read(&format!("{dir}/ckpt/last.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let names: Vec<_> = file.names().into_iter().filter(|found| found.ends_with(name)).collect();
    assert_eq!(names.len(), 1, "{:?}", file.names());
    values(&file, names[0])
}

#[test]
fn dropping_leaves_the_short_batch_out_of_every_epoch() {
    let sandbox = Sandbox::with(NORM);
    sandbox.train("keep", &["--log-every", "1"]);
    let done = sandbox.train("drop", &["--log-every", "1", "train.last_batch=drop"]);
    assert!(!done.err.contains("W0208"), "{}", done.err);
    assert_eq!(sandbox.json("keep/summary.json")["steps"], 6);
    assert_eq!(sandbox.json("drop/summary.json")["steps"], 4);
    let epochs: Vec<_> = sandbox
        .lines("drop/metrics.jsonl")
        .into_iter()
        .filter(|line| line["kind"] == "epoch")
        .map(|line| (line["epoch"].as_u64().unwrap(), line["step"].as_u64().unwrap()))
        .collect();
    assert_eq!(epochs, [(1, 2), (2, 4)]);
    // The same first steps, until the kept batch makes a difference.
    let first = |dir: &str| sandbox.lines(&format!("{dir}/metrics.jsonl"))[..2].to_vec();
    assert_eq!(first("keep"), first("drop"));
}

#[test]
fn a_stopped_run_without_its_short_batches_goes_on_with_the_same_bits() {
    let sandbox = Sandbox::with(&NORM.replace("batch = 8", "batch = 8  last_batch = drop"));
    sandbox.train("whole", &[]);
    sandbox.train("parts", &["--max-steps", "3"]);
    sandbox.specc(&["train", "--resume", "parts"]).exits(0);
    sandbox.assert_equal("whole", "parts");
}

#[test]
fn a_single_value_does_not_reach_the_running_variance() {
    let sandbox = Sandbox::with(NORM);
    for executor in [&[][..], &["--no-fuse"]] {
        let mut before = vec!["--max-steps", "2"];
        let mut after = vec!["--max-steps", "3"];
        before.extend(executor);
        after.extend(executor);
        let dir = |name: &str| format!("{name}{}", executor.len());
        sandbox.train(&dir("two"), &before);
        sandbox.train(&dir("three"), &after);
        let of = |name: &str, tensor_name: &str| tensor(&sandbox, &dir(name), tensor_name);
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        let variance = |name: &str| bits(of(name, "running_var"));
        assert_eq!(variance("two"), variance("three"), "{executor:?}");
        assert_ne!(bits(of("two", "running_mean")), bits(of("three", "running_mean")));
        let whole = sandbox.train(&dir("one"), &[&["--max-steps", "1"][..], executor].concat());
        assert!(whole.err.contains("W0208"), "{}", whole.err);
        assert_ne!(variance("one"), variance("two"), "{executor:?}");
    }
}

#[test]
fn pictures_of_one_sample_have_a_variance() {
    let net = "conv(2, kernel=3) -> batch_norm -> relu -> flatten -> linear(classes)";
    let sandbox = Sandbox::with(
        &NORM.replace("flatten  linear(4) -> batch_norm -> relu -> linear(classes)", net),
    );
    let done = sandbox.train("two", &["--max-steps", "2"]);
    assert!(!done.err.contains("W0208"), "{}", done.err);
    sandbox.train("three", &["--max-steps", "3"]);
    assert_ne!(tensor(&sandbox, "two", "running_var"), tensor(&sandbox, "three", "running_var"));
}

#[test]
fn settings_that_the_command_line_overrules_are_named() {
    let spec = NORM.replace("epochs = 2", "epochs = 2  seeds = 0..3");
    let sandbox = Sandbox::with(&spec.replace("lr=0.05", "lr=0.05, warmup=5"));
    let run = |more: &[&str]| {
        sandbox.specc(&[&["train", "spec.net", "-o", "r", "--dry-run"][..], more].concat()).err
    };
    assert!(run(&["--seed", "7"]).contains("W0207"));
    assert!(run(&["--seeds", "0..2"]).contains("W0207"));
    assert!(!run(&["--seeds", "0..3"]).contains("W0207"));
    assert!(run(&["--max-steps", "3"]).contains("the command stops within the warm-up"));
    for harmless in ["5", "6", "100"] {
        assert!(!run(&["--max-steps", harmless]).contains("W0204"), "{harmless}");
    }
    assert!(run(&["train.epochs=1"]).contains("the warm-up is longer than the run"));
}
