//! What gradient flow conserves, watched while training, and the scaling claims at checkpoints.

use serde_json::Value;

use super::{Sandbox, assert_close};

use crate::close::double;

/// Whole-batch gradient descent in file order: steps of one loss, so drifts of different rates can be compared.
const SPEC: &str = "\
data digits(subset=48, test_subset=12, shuffle=false)
net small(BIAS) { flatten  fc1: linear(12) -> relu  fc2: linear(8) -> relu  fc3: linear(classes) }
loss LOSS
train sgd(lr=0.1) { batch = 48  steps = 40 }
analyze { conserved }
";

/// The values of all quantities before each step; the last is that after all but one step.
fn watch(spec: &str, lr: f64, updates: usize) -> Vec<Vec<f64>> {
    let sandbox = Sandbox::with(spec);
    let (lr, steps) = (format!("train.lr={lr}"), format!("train.steps={}", updates + 1));
    sandbox.train("r", &["--log-every", "1", "--dtype", "f64", &lr, &steps]);
    let lines = sandbox.lines("r/metrics.jsonl");
    let steps = lines.iter().filter(|line| line["kind"] == "step");
    let values = |line: &Value| -> Vec<f64> {
        let quantities = line["conserved"].as_object().unwrap();
        assert!(!quantities.is_empty());
        quantities.values().map(|value| value.as_f64().unwrap()).collect()
    };
    steps.map(values).collect()
}

/// The quotients of the drifts at a rate and at half of it: over one step, and over the same time.
fn orders(spec: &str) -> Vec<(f64, f64)> {
    const RATE: f64 = 0.02;
    const STEPS: usize = 8;
    let coarse = watch(spec, RATE, STEPS);
    let fine = watch(spec, RATE / 2.0, 2 * STEPS);
    (0..coarse[0].len())
        .map(|i| {
            let drift = |run: &[Vec<f64>], step: usize| run[step][i] - run[0][i];
            let once = drift(&coarse, 1) / drift(&fine, 1);
            (once, drift(&coarse, STEPS) / drift(&fine, 2 * STEPS))
        })
        .collect()
}

/// How exactly a ratio of drifts shows their order.
const ORDER: f64 = 1e-4;

/// Σ e ‖θ − η g‖² = Σ e ‖θ‖² + η² Σ e ‖g‖² where Σ e ⟨θ, g⟩ = 0: order two a step, order one over a time.
#[track_caller]
fn drifts_as_predicted(bias: &str, loss: &str, quantities: usize) {
    let spec = SPEC.replace("BIAS", bias).replace("LOSS", loss);
    let orders = orders(&spec);
    assert_eq!(orders.len(), quantities, "{bias} {loss}");
    for (once, over_time) in orders {
        assert!((once - 4.0).abs() < ORDER, "{bias} {loss}: {once} a step");
        assert!((1.6..2.5).contains(&over_time), "{bias} {loss}: {over_time} over a time");
    }
}

#[test]
fn the_drift_shrinks_with_the_rate_at_the_predicted_order() {
    // Two differences of three layers; each layer on its own where the loss sees z / R.
    drifts_as_predicted("bias=false", "cross_entropy", 2);
    drifts_as_predicted("bias=true", "cross_entropy", 2);
    drifts_as_predicted("bias=false", "two_scale(delta=0.5, lambda=5)", 2);
    drifts_as_predicted("bias=false", "two_scale(delta=0.5)", 3);
    drifts_as_predicted("bias=true", "single_scale(size=derived)", 3);
    drifts_as_predicted("bias=false", "two_scale(delta=0.5, divisor=detached)", 2);
}

#[test]
fn a_weight_in_front_of_a_norm_keeps_its_length() {
    let spec = SPEC
        .replace("BIAS", "bias=false")
        .replace("LOSS", "cross_entropy")
        .replace("linear(12) -> relu", "linear(12) -> layer_norm(eps=0) -> relu");
    for (once, over_time) in orders(&spec) {
        assert!((once - 4.0).abs() < ORDER, "{once}");
        assert!((1.6..2.5).contains(&over_time), "{over_time}");
    }
}

#[test]
fn what_is_not_conserved_drifts_at_first_order() {
    // The norm of one layer alone under plain cross-entropy: the same measurement tells it apart.
    let spec = SPEC.replace("BIAS", "bias=false").replace("LOSS", "cross_entropy");
    let squares = |lr: f64| -> Vec<f64> {
        let sandbox = Sandbox::with(&spec);
        let lr = format!("train.lr={lr}");
        sandbox.train("r", &["--log-every", "1", "--dtype", "f64", &lr, "train.steps=2"]);
        let lines = sandbox.lines("r/metrics.jsonl");
        let norm = |line: &Value| line["layers"]["fc3"]["norm"].as_f64().unwrap();
        lines.iter().filter(|line| line["kind"] == "step").map(|l| norm(l).powi(2)).collect()
    };
    let (coarse, fine) = (squares(0.02), squares(0.01));
    let quotient = (coarse[1] - coarse[0]) / (fine[1] - fine[0]);
    assert!((1.8..2.2).contains(&quotient), "{quotient}");
}

#[test]
fn quantities_are_named_by_their_formula() {
    let spec = SPEC.replace("BIAS", "bias=false").replace("LOSS", "cross_entropy");
    let sandbox = Sandbox::with(&spec);
    sandbox.train("r", &["--log-every", "1", "--max-steps", "1"]);
    let line = &sandbox.lines("r/metrics.jsonl")[0];
    let norm = |layer: &str| line["layers"][layer]["norm"].as_f64().unwrap();
    let found = line["conserved"]["‖fc1.weight‖² - ‖fc2.weight‖²"].as_f64().unwrap();
    assert_close(found, norm("fc1").powi(2) - norm("fc2").powi(2));
    let sandbox = Sandbox::with(&spec.replace("analyze { conserved }", ""));
    sandbox.train("r", &["--log-every", "1", "--max-steps", "1"]);
    assert!(sandbox.lines("r/metrics.jsonl")[0].get("conserved").is_none());
}

const NORMED: &str = "\
data digits(subset=48, test_subset=12)
net small { conv(3, kernel=3) -> batch_norm -> relu -> max_pool(2)  flatten  linear(classes) }
loss two_scale(delta=0.5)
train sgd(lr=0.1) { batch = 8  epochs = 3 }
analyze { conserved }
";

#[test]
fn claims_hold_at_every_checkpoint() {
    let sandbox = Sandbox::with(NORMED);
    sandbox.train("whole", &["--numeric"]);
    let lines = sandbox.lines("whole/metrics.jsonl");
    let tried: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "scaling").collect();
    let at = |line: &Value| (line["epoch"].as_u64().unwrap(), line["step"].as_u64().unwrap());
    assert_eq!(tried.iter().map(|line| at(line)).collect::<Vec<_>>(), [(1, 6), (2, 12), (3, 18)]);
    for line in tried {
        assert_eq!(line["tried"], line["claims"]);
        assert!(line["worst"].as_f64().unwrap() < double::DIFFERENCE, "{line}");
        assert!(line["claim"].is_string());
    }
    // A run that ends inside an epoch and goes on leaves the same bytes.
    sandbox.train("parts", &["--numeric", "--max-steps", "8"]);
    let partial = sandbox.lines("parts/metrics.jsonl");
    assert!(partial.iter().any(|line| line["kind"] == "scaling" && line["step"] == 8));
    sandbox.train("parts", &["--numeric"]);
    sandbox.assert_equal("whole", "parts");
}
