//! `specc diff` and `specc snapshot`: what specs compile to, side by side and later.

use serde_json::Value;

use super::{Sandbox, TINY};

/// Blocks in a row, as many as `uses` says.
fn blocks(uses: &str) -> String {
    format!(
        "data digits(subset=48, test_subset=24)\n\
         block wide(c) {{ conv(c, kernel=3, pad=1) -> relu }}\n\
         net deep {{ {uses}  global_avg_pool  linear(classes) }}\n\
         loss cross_entropy\ntrain sgd(lr=0.05) {{ batch = 8  epochs = 3 }}\n"
    )
}

fn documents(sandbox: &Sandbox, args: &[&str], code: i32) -> Value {
    let done = sandbox.specc(&[args, &["--json"]].concat()).exits(code);
    serde_json::from_str(&done.out).unwrap()
}

/// Place and key of each difference.
fn places(document: &Value) -> Vec<String> {
    let place = |difference: &Value| {
        let place = difference["place"].as_array().unwrap().iter();
        let words = place.chain([&difference["key"]]).filter_map(Value::as_str);
        let words: Vec<&str> = words.collect();
        format!("{} {}", difference["kind"].as_str().unwrap(), words.join("/"))
    };
    document["differences"].as_array().unwrap().iter().map(place).collect()
}

#[test]
fn a_spec_and_its_layout_are_equal() {
    let sandbox = Sandbox::with(TINY);
    sandbox.write("other.net", TINY.replace("  ", "\n    ").as_bytes());
    sandbox.specc(&["diff", "spec.net", "other.net"]).exits(0);
    let document = documents(&sandbox, &["diff", "spec.net", "other.net"], 0);
    assert_eq!((&document["schema"], &document["equal"]), (&"specc.diff/1".into(), &true.into()));
}

#[test]
fn a_block_that_is_added_renumbers_nothing() {
    let sandbox = Sandbox::with(&blocks("wide(4) -> wide(4)"));
    sandbox.write("other.net", blocks("wide(4) -> wide(4) -> wide(4)").as_bytes());
    let args = ["diff", "spec.net", "other.net", "--stages", "graph"];
    let document = documents(&sandbox, &args, 1);
    assert_eq!(places(&document), ["changed parameters", "added wide(4)"]);
    sandbox.write("other.net", blocks("wide(4) -> wide(8)").as_bytes());
    let places = places(&documents(&sandbox, &args, 1));
    let expected = ["changed wide(8)/call", "changed wide(8)/conv2/shape"];
    assert!(expected.iter().all(|wanted| places.iter().any(|found| found == wanted)), "{places:?}");
    assert!(!places.iter().any(|place| place.starts_with("added")), "{places:?}");
}

#[test]
fn settings_degrees_and_kernels_are_told_by_stage() {
    let sandbox = Sandbox::with(TINY);
    let deeper = TINY.replace("linear(classes)", "linear(8) -> relu  linear(classes)");
    sandbox.write("other.net", deeper.replace("lr=0.05", "lr=0.1").as_bytes());
    let done = sandbox.specc(&["diff", "spec.net", "other.net"]).exits(1);
    for wanted in [
        "graph\n",
        "~ train.lr: 0.05 → 0.1",
        "+ linear1",
        "+ relu2",
        "facts\n",
        "~ R of the loss: ‖conv1.weight‖ · ‖linear1.weight‖ → ",
        "plan\n",
    ] {
        assert!(done.out.contains(wanted), "{wanted}: {}", done.out);
    }
    sandbox.specc(&["diff", "spec.net", "nothere.net"]).exits(2);
    sandbox.write("broken.net", TINY.replace("relu", "rellu").as_bytes());
    let document = documents(&sandbox, &["diff", "spec.net", "broken.net"], 3);
    assert_eq!((&document["ok"], &document["equal"]), (&false.into(), &false.into()));
}

#[test]
fn a_run_is_compared_by_what_it_trained() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "1", "-q", "train.lr=0.1"]);
    let document = documents(&sandbox, &["diff", "spec.net", "r", "--stages", "graph"], 1);
    assert_eq!(places(&document), ["changed train.lr"]);
}

#[test]
fn a_snapshot_is_written_once_and_fails_when_a_stage_changes() {
    let sandbox = Sandbox::with(TINY);
    sandbox.specc(&["snapshot", "spec.net"]).exits(0);
    let kept = sandbox.read("spec.snap/plan.json");
    sandbox.specc(&["snapshot", "spec.net"]).exits(0);
    sandbox.write("spec.net", TINY.replace("conv(4,", "conv(5,").as_bytes());
    let done = sandbox.specc(&["snapshot", "spec.net"]).exits(1);
    assert!(done.out.contains("~ conv1 / shape: [n, 4, 6, 6] → [n, 5, 6, 6]"), "{}", done.out);
    assert_eq!(sandbox.read("spec.snap/plan.json"), kept, "it is not taken without being asked");
    let document = documents(&sandbox, &["snapshot", "spec.net", "--stages", "facts"], 0);
    assert_eq!(document["equal"], true);
    sandbox.specc(&["snapshot", "spec.net", "--update"]).exits(0);
    sandbox.specc(&["snapshot", "spec.net"]).exits(0);
    sandbox.write("spec.snap/graph.json", b"{");
    sandbox.specc(&["snapshot", "spec.net"]).exits(1).says(&["E0705", "graph.json"]);
}

#[test]
fn a_snapshot_keeps_the_stages_that_it_was_asked_for() {
    let sandbox = Sandbox::with(TINY);
    sandbox.specc(&["snapshot", "spec.net", "--stages", "graph,facts"]).exits(0);
    sandbox.specc(&["snapshot", "spec.net"]).exits(0);
    assert!(!sandbox.path("spec.snap/plan.json").exists());
}
