//! Runs that learn nothing say so, in the same bytes however often they were interrupted; runs that learn do not.

use serde_json::Value;

use super::{Sandbox, TINY};

const MLP: &str = "\
data digits
net mlp { flatten
  linear(32) -> relu
  linear(16) -> relu
  linear(classes) }
loss mse
train sgd(lr=1e6) { batch = 32  epochs = 3 }
";

/// The codes of the warnings in the summary of a run that goes to its end.
fn codes(spec: &str, more: &[&str]) -> Vec<String> {
    let sandbox = Sandbox::with(spec);
    sandbox.train("r", more);
    let summary = sandbox.json("r/summary.json");
    let warnings = summary["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_huge_rate_is_told_with_layers_and_lines() {
    let sandbox = Sandbox::with(MLP);
    let done = sandbox.train("r", &["--json", "--log-every", "20"]);
    let document = done.json();
    done.says(&["warning[W0703]", "spec.net:3:", "warning[W0705]", "spec.net:2:"]);
    let warnings = document["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let unmoved = &warnings[0];
    assert_eq!((&unmoved["code"], &unmoved["severity"]), (&"W0703".into(), &"warning".into()));
    assert_eq!(unmoved["message"], "the weights of 3 layers do not move");
    assert!(unmoved["help"].as_str().unwrap().contains("lower `lr`"));
    // The line is that of the run's own `resolved.net`.
    let line = unmoved["line"].as_u64().unwrap() as usize;
    let resolved = sandbox.text("r/resolved.net");
    assert_eq!(unmoved["file"], "resolved.net");
    assert!(resolved.lines().nth(line - 1).unwrap().contains("linear(32"), "{resolved}");
    assert_eq!(document["warnings"], sandbox.json("r/summary.json")["warnings"]);
    let told = document["diagnostics"].as_array().unwrap();
    let place = |told: &Value| (told["code"].to_string(), told["line"].as_u64());
    let places: Vec<_> = told.iter().map(place).collect();
    assert_eq!(places, [("\"W0703\"".to_owned(), Some(3)), ("\"W0705\"".to_owned(), Some(2))]);
    assert!(sandbox.text("r/log.txt").contains("warning[W0703]"));
}

#[test]
fn every_kind_of_stuck_run_is_noticed() {
    let stuck = |spec: &str, more: &[&str]| {
        let found = codes(spec, more);
        let causes = ["W0702", "W0703", "W0704"];
        let cause = found.iter().any(|code| causes.contains(&code.as_str()));
        assert!(cause && found.contains(&"W0705".to_owned()), "{found:?}\n{spec}{more:?}");
    };
    let with = |from: &str, to: &str| MLP.replace(from, to);
    stuck(MLP, &[]);
    stuck(MLP, &["--no-fuse"]);
    stuck(MLP, &["--dtype", "f64"]);
    stuck(MLP, &["train.epochs=1"]);
    stuck(&with("sgd(lr=1e6)", "sgd(lr=1e6, momentum=0.9)"), &[]);
    stuck(&with("sgd(lr=1e6)", "sgd(lr=100, weight_decay=0.0001)"), &[]);
    stuck(&with("sgd(lr=1e6)", "sam(sgd(lr=1000), rho=0.05)"), &[]);
    stuck(&with("sgd(lr=1e6)", "adam(lr=10)"), &[]);
    stuck(&with("sgd(lr=1e6)", "sgd(lr=1e6, schedule=cosine)"), &[]);
    stuck(&with("loss mse", "loss cross_entropy").replace("1e6", "30"), &[]);
    stuck(&with("loss mse", "loss hinge"), &[]);
    let deep = with("linear(16) -> relu", "repeat 6 { linear(16) -> relu }");
    stuck(&deep.replace("1e6", "1e3"), &[]);
    stuck(&with("net mlp {", "net mlp(init=zeros) {").replace("1e6", "0.1"), &[]);
}

#[test]
fn a_layer_without_active_units_is_named() {
    let spec = "data digits\nnet n(bias=false) { flatten\n  linear(16) -> relu\n  scale: linear(8) -> relu\n  \
        linear(classes) }\nloss cross_entropy\ntrain sgd(lr=1e6) { batch = 32  epochs = 2 }\n";
    let zeros = spec.replace("n(bias=false)", "n(bias=false, init=zeros)").replace("1e6", "0.1");
    let sandbox = Sandbox::with(&zeros);
    sandbox.train("r", &[]).says(&[
        "warning[W0702]",
        "no unit of",
        "spec.net:3:",
        "0 on all of 64",
    ]);
}

#[test]
fn a_delta_that_tells_no_samples_apart_is_told() {
    let spec = TINY.replace("delta=0.01", "delta=1e6");
    assert!(spec.contains("delta=1e6"));
    assert!(codes(&spec, &["train.epochs=20"]).contains(&"W0706".to_owned()));
    assert!(!codes(TINY, &["train.epochs=20"]).contains(&"W0706".to_owned()));
}

#[test]
fn what_was_seen_survives_checkpoints() {
    let sandbox = Sandbox::with(MLP);
    let every = ["--log-every", "7"];
    sandbox.train("whole", &every);
    for steps in ["3", "20", "45", "60"] {
        let part = format!("part{steps}");
        sandbox.train(&part, &[&every[..], &["--max-steps", steps]].concat());
        sandbox.train(&part, &every);
        sandbox.assert_equal("whole", &part);
    }
    // The run directory alone is enough to go on.
    sandbox.train("resumed", &[&every[..], &["--max-steps", "50"]].concat());
    sandbox.specc(&["train", "--resume", "resumed", "--log-every", "7"]).exits(0);
    assert_eq!(sandbox.text("whole/summary.json"), sandbox.text("resumed/summary.json"));
}

#[test]
fn runs_that_learn_give_no_alarm() {
    let none: [&str; 0] = [];
    for more in [&[][..], &["--no-fuse"], &["--dtype", "f64"], &["train.epochs=1"]] {
        assert_eq!(codes(&MLP.replace("1e6", "1"), more), none, "{more:?}");
    }
    for loss in ["cross_entropy", "hinge", "focal(gamma=2)", "two_scale(delta=0.01, size=weights)"]
    {
        let spec = MLP.replace("loss mse", &format!("loss {loss}")).replace("1e6", "0.05");
        let spec = spec.replace("epochs = 3", "epochs = 6");
        assert_eq!(codes(&spec, &[]), none, "{loss}");
    }
    for (train, epochs) in [
        ("sgd(lr=0.1, momentum=0.9, weight_decay=0.0005, schedule=cosine)", 20),
        ("adamw(lr=0.001)", 5),
        ("asam(sgd(lr=0.1), rho=0.5)", 3),
    ] {
        let spec = MLP.replace("loss mse", "loss cross_entropy");
        let spec = spec.replace("sgd(lr=1e6)", train).replace("= 3", &format!("= {epochs}"));
        assert_eq!(codes(&spec, &["--log-every", "1"]), none, "{train}");
    }
}

#[test]
fn an_early_end_is_not_judged_by_its_accuracy() {
    let spec = MLP.replace("1e6", "0.0001");
    let sandbox = Sandbox::with(&spec);
    sandbox.train("r", &["--max-steps", "12", "--log-every", "1"]);
    assert_eq!(sandbox.json("r/summary.json")["warnings"], Value::Array(vec![]));
}

#[test]
fn settings_that_cannot_act_stand_in_the_summary() {
    let spec = MLP
        .replace("lr=1e6", "lr=0.1, warmup=1000000, schedule=step([50])")
        .replace("batch = 32", "batch = 5000");
    let sandbox = Sandbox::with(&spec);
    sandbox.train("r", &["--max-steps", "2"]);
    let summary = sandbox.json("r/summary.json");
    let warnings = summary["warnings"].as_array().unwrap();
    let codes: Vec<&str> = warnings.iter().map(|w| w["code"].as_str().unwrap()).collect();
    // In the order of the text, before what the end of the run shows.
    assert_eq!(codes[..3], ["W0205", "W0204", "W0206"], "{warnings:?}");
    let resolved = sandbox.text("r/resolved.net");
    for (warning, word) in warnings.iter().zip(["step(", "warmup", "batch"]) {
        let line = warning["line"].as_u64().unwrap() as usize;
        assert!(resolved.lines().nth(line - 1).unwrap().contains(word), "{warning}\n{resolved}");
        assert_eq!(warning["file"], "resolved.net");
        assert!(warning["help"].is_string());
    }
    // However the run is made: the seeds that `--seed` leaves out are no matter of the run.
    let seeds = spec.replace("epochs = 3", "epochs = 3  seeds = 0..4");
    sandbox.write("seeds.net", seeds.as_bytes());
    sandbox.specc(&["train", "seeds.net", "--seed", "0", "-o", "s", "--max-steps", "2"]).exits(0);
    assert_eq!(sandbox.json("s/summary.json")["warnings"], summary["warnings"]);
}
