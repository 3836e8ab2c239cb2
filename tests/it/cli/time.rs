//! `specc time`: what it says of a step, but never how long one takes.

use serde_json::Value;

use super::{Sandbox, TINY};

/// Samples of a batch.
const BATCH: u64 = 8;

const LENET: &str = "\
data cifar10
net lenet {
  conv(6, kernel=5) -> relu -> max_pool(2)
  conv(16, kernel=5) -> relu -> max_pool(2)
  flatten -> linear(120) -> relu -> linear(classes)
}
loss cross_entropy
train sgd(lr=0.1) { batch = 8  steps = 1 }
";

fn time(sandbox: &Sandbox, more: &[&str]) -> Value {
    let arguments = ["time", "spec.net", "--steps", "2", "--threads", "2", "--json", "--offline"];
    let document = sandbox.specc(&[&arguments, more].concat()).exits(0).json();
    assert_eq!(document["schema"], "specc.time/1");
    assert_eq!(document["ok"], true);
    for key in ["one_thread_gflops", "all_threads_gflops"] {
        assert!(document["peak"][key].as_f64().unwrap() > 0.0);
    }
    for key in ["ms", "median_ms", "fastest_ms", "samples_per_second"] {
        assert!(document["train"][key].as_f64().unwrap() > 0.0);
        assert!(document["eval"][key].as_f64().unwrap() > 0.0);
    }
    document["phases"].as_array().unwrap().iter().for_each(assert_sound);
    document
}

/// Every number is there; layers, loss, input and updates together are the kernels.
fn assert_sound(phase: &Value) {
    let kernels = phase["kernels"].as_array().unwrap();
    assert!(!kernels.is_empty());
    for kernel in kernels {
        assert!(kernel["ms"].as_f64().unwrap() >= 0.0, "{kernel}");
        assert!(kernel["calls"].as_u64().unwrap() > 0, "{kernel}");
        if kernel["flops"].as_u64().unwrap() > 0 && kernel["ms"].as_f64().unwrap() > 0.0 {
            assert!(kernel["gflops"].as_f64().unwrap() > 0.0, "{kernel}");
            assert!(kernel["peak_share"].as_f64().unwrap() > 0.0, "{kernel}");
        }
    }
    for key in ["flops", "calls", "read_bytes", "written_bytes"] {
        let number = |costs: &Value| costs[key].as_u64().unwrap();
        let all: u64 = kernels.iter().map(number).sum();
        let mut rows = number(&phase["input"]) + number(&phase["updates"]);
        rows += number(&phase["loss"]["forward"]) + number(&phase["loss"]["backward"]);
        for layer in phase["layers"].as_array().unwrap() {
            rows += number(&layer["forward"]) + number(&layer["backward"]);
        }
        assert_eq!(rows, all, "{key}");
        assert_eq!(number(&phase["total"]), all, "{key}");
    }
    for key in ["ms", "waiting_ms", "rest_ms"] {
        assert!(phase[key].as_f64().unwrap() >= 0.0, "{key}");
    }
}

/// Operations of each layer for a sample, forward as `specc check` counts them.
fn assert_forward_as_checked(sandbox: &Sandbox, phase: &Value) {
    let checked = sandbox.specc(&["check", "spec.net", "--json"]).exits(0).json();
    let (layers, checked) =
        (phase["layers"].as_array().unwrap(), checked["layers"].as_array().unwrap());
    assert_eq!(layers.len(), checked.len());
    for (layer, checked) in layers.iter().zip(checked) {
        assert_eq!(layer["name"], checked["name"]);
        let expected = BATCH * checked["flops_per_sample"].as_u64().unwrap();
        assert_eq!(layer["flops"]["forward"].as_u64(), Some(expected), "{}", layer["name"]);
    }
}

fn names<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap_or("-")).collect()
}

#[test]
fn operations_of_lenet_are_exact_without_its_data() {
    let sandbox = Sandbox::with(LENET);
    let document = time(&sandbox, &[]);
    assert_eq!(document["samples"], "random");
    assert_eq!(document["executor"], "cpu");
    assert_eq!(document["batch"], BATCH);
    assert_eq!(names(&document["phases"], "phase"), ["step", "eval"]);
    let step = &document["phases"][0];
    let layers = [
        "conv1",
        "relu1",
        "max_pool1",
        "conv2",
        "relu2",
        "max_pool2",
        "flatten1",
        "linear1",
        "relu3",
        "linear2",
    ];
    assert_eq!(names(&step["layers"], "name"), layers);
    assert_forward_as_checked(&sandbox, step);
    assert_forward_as_checked(&sandbox, &document["phases"][1]);
    // Multiply-adds of 6 maps of 28² under 3·5² weights, and of 16 maps of 10² under 6·5²; a bias adds once forward and
    // once to its gradient. The first layer has no gradient of its input.
    let (first, second) = (2 * 75 * 6 * 784, 2 * 150 * 16 * 100);
    let flops = |layer: usize, part: &str| step["layers"][layer]["flops"][part].as_u64().unwrap();
    assert_eq!(flops(0, "forward"), BATCH * (first + 6 * 784));
    assert_eq!(flops(0, "backward"), BATCH * (first + 6 * 784));
    assert_eq!(flops(3, "forward"), BATCH * (second + 16 * 100));
    assert_eq!(flops(3, "backward"), BATCH * (2 * second + 16 * 100));
    assert_eq!(step["layers"][1]["computed_in"], serde_json::json!(["conv1"]));
    assert_eq!(step["layers"][1]["line"], 3);
    assert!(step["updates"]["calls"].as_u64().unwrap() > 0);
    assert_eq!(document["phases"][1]["updates"]["calls"], 0);
    assert_eq!(document["fallbacks"], serde_json::json!([]));
}

#[test]
fn the_reference_does_the_same_operations() {
    let sandbox = Sandbox::with(LENET);
    let document = time(&sandbox, &["--no-fuse"]);
    assert_eq!(document["executor"], "reference");
    assert_forward_as_checked(&sandbox, &document["phases"][0]);
    let kernels = names(&document["phases"][0]["kernels"], "kernel");
    assert!(kernels.iter().any(|kernel| kernel.starts_with("max_pool_grad")), "{kernels:?}");
}

#[test]
fn both_phases_of_sam_are_shown() {
    let sandbox = Sandbox::with(&TINY.replace("sgd(lr=0.05)", "sam(sgd(lr=0.05))"));
    let document = time(&sandbox, &[]);
    assert_eq!(document["samples"], "data");
    assert_eq!(names(&document["phases"], "phase"), ["perturb", "descend", "eval"]);
    for phase in 0..2 {
        assert_forward_as_checked(&sandbox, &document["phases"][phase]);
        assert!(document["phases"][phase]["updates"]["calls"].as_u64().unwrap() > 0);
    }
}

#[test]
fn a_convolution_that_is_not_square_is_named() {
    let sandbox = Sandbox::with(&TINY.replace("kernel=3", "kernel=[3, 5]"));
    let document = time(&sandbox, &[]);
    assert_forward_as_checked(&sandbox, &document["phases"][0]);
    let fallbacks = &document["fallbacks"];
    assert_eq!(names(fallbacks, "kernel"), ["plain_conv", "plain_conv_grad_weight"]);
    assert_eq!(names(fallbacks, "layer"), ["conv1", "conv1"]);
    assert_eq!(fallbacks[0]["line"], 2);
    assert_eq!(fallbacks[0]["phases"], serde_json::json!(["step", "eval"]));
    assert!(fallbacks[0]["reason"].as_str().unwrap().contains("not square"));

    let text = sandbox.specc(&["time", "spec.net", "--steps", "1", "--kernels"]).exits(0).out;
    for part in ["phase step", "phase eval", "conv1", "updates", "conv1 (line 2), plain_conv"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn what_cannot_be_compiled_is_not_timed() {
    let sandbox = Sandbox::with(&TINY.replace("relu", "rellu"));
    let document = sandbox.specc(&["time", "spec.net", "--json"]).exits(3).json();
    assert_eq!(document["schema"], "specc.time/1");
    assert_eq!(document["ok"], false);
    assert_eq!(document["diagnostics"][0]["code"], "E0201");
}
