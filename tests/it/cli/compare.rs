//! `specc compare` on stored logits: what a temperature explains, samples that moved, files of other programs.

use safetensors::Dtype;
use serde_json::Value;

use super::{Sandbox, tensors};

/// 40 samples of 4 classes; `pull` of the logits towards the label, the same waves for every pull.
fn logits(seed: u64, pull: f64, scale: f64) -> Vec<u8> {
    let (n, k) = (40, 4);
    let wave = |i: usize, c: usize| (1.3 * i as f64 + 2.1 * (c * c) as f64 + seed as f64).sin();
    let label = |i: usize| i * 7 % k;
    let value = |i: usize, c: usize| scale * (wave(i, c) + if c == label(i) { pull } else { 0.0 });
    let values: Vec<f64> = (0..n).flat_map(|i| (0..k).map(move |c| value(i, c))).collect();
    let labels: Vec<f64> = (0..n).map(|i| label(i) as f64).collect();
    tensors(&[("logits", Dtype::F64, &[n, k], &values), ("labels", Dtype::I64, &[n], &labels)])
}

fn groups(of: &[(&str, f64, f64)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, pull, scale) in of {
        for seed in 0..3 {
            sandbox.write(&format!("{name}-{seed}.safetensors"), &logits(seed, *pull, *scale));
        }
    }
    sandbox
}

fn compared(sandbox: &Sandbox, more: &[&str]) -> Value {
    let patterns = ["compare", "a-*.safetensors", "b-*.safetensors", "--json"];
    sandbox.specc(&[&patterns[..], more].concat()).exits(0).json()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

#[test]
fn a_group_that_differs_by_a_temperature_alone_is_equal_at_equal_sharpness() {
    let sandbox = groups(&[("a", 0.6, 1.0), ("b", 0.6, 3.0)]);
    let found = compared(&sandbox, &["--match-scale"]);
    assert_eq!(found["groups"][1]["seeds"], serde_json::json!([0, 1, 2]));
    let plain = &found["measures"][1]["differences"][0];
    assert_eq!(plain["paired"], true);
    for measure in found["matched"]["measures"].as_array().unwrap() {
        let left = number(&measure["differences"][0]["mean"]);
        assert!(left.abs() < 1e-6, "{measure}");
        let (raw, by_scale) = (number(&measure["raw"][0]), number(&measure["by_scale"][0]));
        assert!((raw - by_scale).abs() < 1e-6 && raw.abs() > 1e-3, "{measure}");
    }
    let raw = &found["matched"]["measures"][0]["raw"][0];
    assert!((number(raw) - number(&plain["mean"])).abs() < 1e-12);
    let temperatures = &found["matched"]["temperatures"];
    let ratio = number(&temperatures[1]["mean"]) / number(&temperatures[0]["mean"]);
    assert!((ratio - 3.0).abs() < 1e-6, "{ratio}");
    let curves = &found["matched"]["curves"];
    for (a, b) in
        curves[0]["points"].as_array().unwrap().iter().zip(curves[1]["points"].as_array().unwrap())
    {
        assert_eq!(a["p_max"], b["p_max"]);
        assert!((number(&a["close_enough"]) - number(&b["close_enough"])).abs() < 1e-6);
    }
}

#[test]
fn a_better_direction_is_left_at_equal_sharpness() {
    let sandbox = groups(&[("a", 0.4, 1.0), ("b", 0.9, 1.0)]);
    let found = compared(&sandbox, &["--match-scale"]);
    let nll = &found["matched"]["measures"][1];
    assert_eq!(nll["measure"], "test.nll");
    assert!(number(&nll["differences"][0]["mean"]) < -0.05, "{nll}");
    let points =
        |group: usize| found["matched"]["curves"][group]["points"].as_array().unwrap().clone();
    let at = |group: usize| {
        let points = points(group);
        let point = points.iter().find(|point| point["p_max"] == 0.5).unwrap().clone();
        number(&point["close_enough"])
    };
    assert!(at(1) > at(0));
    let text = ["compare", "a-*.safetensors", "b-*.safetensors", "--match-scale"];
    sandbox.specc(&text).exits(0).prints(&["at equal sharpness", "by scale", "higher curve"]);
}

#[test]
fn samples_are_counted_by_where_they_went() {
    let sandbox = groups(&[("a", 0.2, 1.0), ("b", 1.2, 1.0)]);
    let found = compared(&sandbox, &["--samples", "--mu", "0.5"]);
    let moves = &found["samples"][0];
    assert_eq!((&moves["margin"], moves["mu"].as_f64()), (&"margin".into(), Some(0.5)));
    // Margins by the same waves.
    let margin = |seed: u64, i: usize, pull: f64| {
        let wave = |c: usize| (1.3 * i as f64 + 2.1 * (c * c) as f64 + seed as f64).sin();
        let label = i * 7 % 4;
        let best = (0..4).filter(|c| *c != label).map(wave).fold(f64::NEG_INFINITY, f64::max);
        wave(label) + pull - best
    };
    let state = |m: f64| {
        if m > 0.5 {
            0
        } else if m < -0.5 {
            2
        } else {
            1
        }
    };
    let mut shares = [[0.0; 3]; 3];
    for seed in 0..3 {
        let (mut gained, mut lost) = (0, 0);
        for i in 0..40 {
            let (old, new) = (margin(seed, i, 0.2), margin(seed, i, 1.2));
            shares[state(old)][state(new)] += 1.0 / 120.0;
            gained += u64::from(old <= 0.0 && new > 0.0);
            lost += u64::from(old > 0.0 && new <= 0.0);
        }
        let own = &moves["seeds"][seed as usize];
        assert_eq!((&own["gained"], &own["lost"]), (&gained.into(), &lost.into()));
        let p = if gained == 0 { 1.0 } else { 2.0 * 0.5_f64.powi(gained as i32) };
        assert!((number(&own["p"]) - p).abs() < 1e-12, "{own}");
    }
    for (row, shares) in moves["transitions"].as_array().unwrap().iter().zip(shares) {
        for (found, share) in row.as_array().unwrap().iter().zip(shares) {
            assert!((number(found) - share).abs() < 1e-12);
        }
    }
    assert_eq!(moves["most"].as_array().unwrap().len(), 32);
    let first = &moves["most"][0];
    assert!((number(&first["group"]) - number(&first["baseline"]) - 1.0).abs() < 1e-12);
    sandbox
        .specc(&["compare", "a-*.safetensors", "b-*.safetensors", "--samples", "--sheet", "s.png"])
        .exits(2)
        .says(&["say nothing of their images"]);
}

const FIG: &str = "\
data digits(subset=48, test_subset=24)
net small { flatten -> linear(4) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 2 }
sweep fig {
  loss in [one: single_scale, two: two_scale(delta=0.01)]
  data.normalize in [unit, standard]
  seeds in 0..2
}
";

#[test]
fn groups_say_in_what_their_specs_differ_and_show_their_images() {
    let sandbox = Sandbox::with(FIG);
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    let groups =
        ["runs/spec:loss=one,data.normalize=unit", "runs/spec:loss=two,data.normalize=standard"];
    let sheet =
        [&["compare"], &groups[..], &["--samples", "--sheet", "sheet.png", "--json"]].concat();
    let found = sandbox.specc(&sheet).exits(0).json();
    let keys: Vec<&str> = found["differing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|differing| differing["key"].as_str().unwrap())
        .collect();
    assert!(keys.contains(&"data.normalize") && keys.contains(&"loss.delta"), "{keys:?}");
    assert!(!keys.iter().any(|key| key.starts_with("train") || key.starts_with("net")), "{keys:?}");
    // 24 samples of 8 × 8 pixels, four times as large, three rows of eight.
    let png = sandbox.read("sheet.png");
    let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((size(16), size(20)), (8 * 36 + 4, 3 * 36 + 4));
    // A folder whose runs differ has no value where they do.
    let mixed = sandbox.specc(&["compare", "runs/spec", groups[0], "--json"]).exits(0).json();
    let loss = mixed["differing"].as_array().unwrap().iter().find(|d| d["key"] == "loss");
    assert_eq!(loss.unwrap()["values"], serde_json::json!([null, "single_scale"]));
}

#[test]
fn other_labels_and_other_files_are_told() {
    let sandbox = groups(&[("a", 0.2, 1.0)]);
    let labels = [1.0; 40];
    let values: Vec<f64> = (0..160).map(|i| f64::from(i).sin()).collect();
    let other = tensors(&[
        ("logits", Dtype::F64, &[40, 4], &values),
        ("labels", Dtype::I64, &[40], &labels),
    ]);
    sandbox.write("b-0.safetensors", &other);
    let patterns = ["compare", "a-*.safetensors", "b-*.safetensors"];
    sandbox.specc(&[&patterns[..], &["--samples"]].concat()).exits(2).says(&["labels"]);
    sandbox.specc(&["compare", "a-*.safetensors", "c-*.safetensors"]).exits(2).says(&["c-*"]);
    sandbox.write("d.safetensors", b"no");
    sandbox
        .specc(&["compare", "a-0.safetensors", "d.safetensors"])
        .exits(6)
        .says(&["d.safetensors", "E0650"]);
}
