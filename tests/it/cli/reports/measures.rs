//! Reports about measures.

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::cli::{Done, Sandbox, TINY, tensors, values};

/// A folder with `l.safetensors`: logits of so many classes in rows, and labels.
fn stored(n_classes: usize, logits: &[f64], labels: &[f64]) -> Sandbox {
    let sandbox = Sandbox::new();
    let n = labels.len();
    let file = tensors(&[
        ("logits", Dtype::F64, &[n, n_classes], logits),
        ("labels", Dtype::I64, &[n], labels),
    ]);
    sandbox.write("l.safetensors", &file);
    sandbox
}

fn analyze(sandbox: &Sandbox, more: &[&str]) -> Done {
    sandbox.specc(&[&["analyze", "l.safetensors"], more].concat()).exits(0)
}

fn measured(sandbox: &Sandbox) -> Value {
    analyze(sandbox, &["--json"]).json()
}

#[test]
fn a_confidence_of_exactly_one_lies_in_the_last_bin() {
    // Probabilities 1, ½, and 0.88.
    let sandbox = stored(2, &[1000.0, 0.0, 0.0, 0.0, 2.0, 0.0], &[0.0, 1.0, 1.0]);
    let p_max = &measured(&sandbox)["histograms"]["p_max"];
    let counts: Vec<u64> =
        p_max["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
    assert_eq!((counts.len(), counts[15], counts[8], counts[14]), (16, 1, 1, 1));
    assert_eq!(counts.iter().sum::<u64>(), 3, "no bin beside those");
    assert_eq!((&p_max["below"], &p_max["above"]), (&0.into(), &0.into()));
}

#[test]
fn top_k_of_all_classes_is_told_to_say_nothing() {
    let sandbox = stored(3, &[3.0, 2.0, 1.0, 3.0, 2.0, 1.0], &[1.0, 2.0]);
    let done = analyze(&sandbox, &["--k", "2,3,5"]);
    assert!(done.out.contains("top-5"), "{}", done.out);
    done.says(&["warning[W0651]", "k = 3, 5, for 3 classes", "k from 1 to 2"]);
    let document = analyze(&sandbox, &["--k", "5", "--json"]).json();
    assert_eq!((&document["ok"], &document["top_k"]["5"]), (&true.into(), &1.0.into()));
    assert_eq!(document["diagnostics"][0]["code"], "W0651");
    let spec = Sandbox::with(&format!("{TINY}analyze {{ k = [9, 10] }}\n"));
    let told = spec.specc(&["check", "spec.net"]).exits(0);
    told.says(&["warning[W0651]", "found k = 10, for 10 classes"]);
    let quiet = analyze(&sandbox, &["--k", "2"]);
    assert!(quiet.err.is_empty() && analyze(&sandbox, &[]).err.is_empty(), "{}", quiet.err);
}

#[test]
fn the_points_of_the_spec_are_those_of_its_analysis() {
    let sandbox = Sandbox::with(&format!("{TINY}analyze {{ k = [2]  eta = [-0.25, 0.5] }}\n"));
    sandbox.train("r", &[]);
    let keys = |more: &[&str], measure: &str| {
        let done = sandbox.specc(&[&["analyze", "r", "--json"], more].concat()).exits(0);
        let document = done.json();
        let object = document["test"][measure].as_object().unwrap();
        object.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&[], "top_k"), ["2"]);
    assert_eq!(keys(&["--k", "3,4"], "top_k"), ["3", "4"], "arguments come first");
    assert_eq!(keys(&[], "close_enough").len(), 6, "a list that the spec leaves out");
    let document = sandbox.specc(&["analyze", "r", "--json"]).exits(0).json();
    let counts = document["test"]["well_counts"].as_array().unwrap();
    let etas: Vec<_> = counts.iter().map(|count| count["eta"].as_f64().unwrap()).collect();
    assert_eq!(etas, [-0.25, 0.5]);
    // The same for all seeds of a folder, and a spec that is damaged is said to be.
    sandbox.write("r/resolved.net", b"analyze { k = [2 }\n");
    sandbox.specc(&["analyze", "r"]).exits(6).says(&["error[E0657]", "the spec of this run"]);
}

#[test]
fn equal_logits_are_no_right_answers() {
    let sandbox = stored(4, &[0.0; 12], &[0.0, 1.0, 3.0]);
    let found = measured(&sandbox);
    for measure in ["accuracy", "average_accuracy"] {
        assert_eq!(found[measure], 0.0, "{measure}");
    }
    assert_eq!((&found["top_k"]["1"], &found["top_k"]["3"]), (&0.0.into(), &0.0.into()));
    assert_eq!((&found["top_k_upper"]["1"], &found["accuracy_upper"]), (&1.0.into(), &1.0.into()));
}

#[test]
fn a_class_without_samples_takes_no_part_in_the_mean_over_classes() {
    let row = |class: usize| (0..4).map(move |i| if i == class { 1.0 } else { 0.0 });
    let logits: Vec<f64> = [0, 0, 0, 2].into_iter().flat_map(row).collect();
    let found = measured(&stored(4, &logits, &[0.0, 0.0, 2.0, 2.0]));
    assert_eq!(found["accuracy"], 0.75);
    assert_eq!(found["average_accuracy"], 0.75, "of classes 0 and 2");
    assert_eq!(found["per_class"].as_array().unwrap().len(), 2);
}

#[test]
fn the_logits_of_a_test_sample_do_not_depend_on_the_others() {
    let logits = |test_subset: &str| {
        let spec = TINY
            .replace("conv(4, kernel=3) -> relu", "conv(4, kernel=3) -> batch_norm -> relu")
            .replace("two_scale(delta=0.01, size=weights)", "cross_entropy")
            .replace("test_subset=24", test_subset);
        let sandbox = Sandbox::with(&spec);
        sandbox.train("r", &[]);
        let file = sandbox.read("r/logits/test.safetensors");
        values(&SafeTensors::deserialize(&file).unwrap(), "logits")
    };
    let (many, few, one) =
        (logits("test_subset=24"), logits("test_subset=5"), logits("test_subset=1"));
    assert_eq!((many.len(), few.len(), one.len()), (240, 50, 10));
    assert_eq!((&many[..50], &many[..10]), (&few[..], &one[..]));
}
