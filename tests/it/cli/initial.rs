//! `specc train --init`: tensors of other programs, under names of their own.

use safetensors::{Dtype, SafeTensors};

use super::{Sandbox, TINY, tensors, values};

/// The tensors of a run of one step in `r`, under other names, in `w.safetensors`.
fn renamed(names: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "1", "-q"]);
    let bytes = sandbox.read("r/ckpt/last.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let held: Vec<(Vec<usize>, Vec<f64>)> = names
        .iter()
        .map(|(ours, _)| (file.tensor(ours).unwrap().shape().to_vec(), values(&file, ours)))
        .collect();
    let entries: Vec<_> = names
        .iter()
        .zip(&held)
        .map(|((_, theirs), (shape, values))| (*theirs, Dtype::F32, &shape[..], &values[..]))
        .collect();
    sandbox.write("w.safetensors", &tensors(&entries));
    sandbox
}

const NAMES: [(&str, &str); 4] = [
    ("conv1.weight", "features.0.weight"),
    ("conv1.bias", "features.0.bias"),
    ("linear1.weight", "head.weight"),
    ("linear1.bias", "head.bias"),
];

const FROM: [&str; 6] = ["train", "spec.net", "--max-steps", "1", "--init", "w.safetensors"];

#[test]
fn other_names_are_told_beside_ours_and_that_is_a_map() {
    let sandbox = renamed(&NAMES);
    let done = sandbox.specc(&[&FROM[..], &["-o", "a"]].concat()).exits(1);
    let lines: Vec<&str> = done.err.lines().filter(|line| line.contains(" = ")).collect();
    let map: Vec<&str> = lines.into_iter().filter(|line| line.contains("# [")).collect();
    assert_eq!(map.len(), 4, "{}", done.err);
    sandbox.write("names.txt", map.join("\n").as_bytes());
    sandbox.specc(&[&FROM[..], &["--init-map", "names.txt", "-o", "c"]].concat()).exits(0);
    let direct = ["train", "spec.net", "--max-steps", "1", "-o", "b"];
    let own = ["--init", "r/ckpt/last.safetensors"];
    sandbox.specc(&[&direct[..], &own].concat()).exits(0);
    assert_eq!(sandbox.read("c/metrics.jsonl"), sandbox.read("b/metrics.jsonl"));
}

#[test]
fn tensors_without_a_counterpart_are_told() {
    let sandbox = renamed(&[NAMES[0], NAMES[1], ("linear1.bias", "norm.bias")]);
    sandbox.specc(&FROM).exits(1).says(&["E0719", "linear1.weight = ?", "norm.bias"]);
}

#[test]
fn a_map_may_swap_names_and_each_stands_once() {
    let sandbox = renamed(&NAMES.map(|(ours, _)| (ours, ours)));
    let map =
        "# ours = theirs\nconv1.bias = linear1.bias  # as it was\nlinear1.bias = conv1.bias\n";
    sandbox.write("names.txt", map.as_bytes());
    let mapped = [&FROM[..], &["--init-map", "names.txt"]].concat();
    sandbox.specc(&mapped).exits(1).says(&["E0712"]);
    for (map, said) in [
        ("conv1.bias linear1.bias", "`conv1.bias linear1.bias` (names.txt:1)"),
        ("\na = conv1.bias\na = linear1.bias", "`a` for the second time (names.txt:3)"),
        ("conv1.bias = conv1.bais", "did you mean `conv1.bias`?"),
    ] {
        sandbox.write("names.txt", map.as_bytes());
        sandbox.specc(&mapped).exits(1).says(&["E0720", said]);
    }
    let absent = [&FROM[..], &["--init-map", "absent.txt"]].concat();
    sandbox.specc(&absent).exits(2).says(&["E0720", "absent.txt"]);
    sandbox.specc(&["train", "spec.net", "--init-map", "names.txt"]).exits(2);
}
