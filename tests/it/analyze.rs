//! `specc analyze` on files that it wrote itself, that another program wrote, and on damaged ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Parser;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde_json::Value;
use specc::cli::analyze::{AnalyzeArgs, Analyzed, run};
use tempfile::TempDir;

use crate::close::double;
use crate::golden;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: AnalyzeArgs,
}

/// Tensors by name, to be written to a file.
type Tensors = BTreeMap<&'static str, (Dtype, Vec<usize>, Vec<u8>)>;

fn f64_tensor(shape: &[usize], values: &[f64]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::F64, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn i64_tensor(values: &[i64]) -> (Dtype, Vec<usize>, Vec<u8>) {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    (Dtype::I64, vec![values.len()], bytes)
}

#[expect(clippy::disallowed_methods, reason = "the test writes the files that the command reads")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn encode(tensors: &Tensors) -> Vec<u8> {
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        })
        .collect();
    serialize(views, None).unwrap()
}

fn save(dir: &TempDir, name: &str, tensors: &Tensors) -> PathBuf {
    let path = dir.path().join(name);
    write(&path, &encode(tensors));
    path
}

/// Four samples, three classes; the third is a tie.
fn small() -> Tensors {
    let logits = [2.0, 1.0, 0.0, 0.0, 1.0, 3.0, 1.0, 1.0, 0.0, 0.0, 4.0, 0.0];
    Tensors::from([("logits", f64_tensor(&[4, 3], &logits)), ("labels", i64_tensor(&[0, 1, 0, 1]))])
}

fn analyze(arguments: &[&str]) -> (Analyzed, String) {
    let command =
        Command::try_parse_from(["specc"].iter().chain(arguments)).expect("arguments parse");
    let mut out = vec![];
    let outcome = run(&command.args, 80, &mut out).unwrap();
    (outcome, String::from_utf8(out).unwrap())
}

fn analyze_json(arguments: &[&str]) -> (Analyzed, Value) {
    let (outcome, text) = analyze(&[arguments, &["--json"]].concat());
    (outcome, serde_json::from_str(&text).expect("one JSON document"))
}

fn measured(arguments: &[&str]) -> Value {
    let (outcome, document) = analyze_json(arguments);
    assert_eq!(outcome.exit_code, 0, "{:?}", outcome.diagnostics);
    document
}

/// The code and exit code of a file with these bytes.
fn refused(bytes: &[u8]) -> (String, u8) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.safetensors");
    write(&path, bytes);
    let (outcome, document) = analyze_json(&[path.to_str().unwrap()]);
    assert_eq!(
        (&document["ok"], &document["inputs"]),
        (&Value::Bool(false), &Value::Array(vec![]))
    );
    let first = &outcome.diagnostics[0];
    assert!(first.title.chars().count() <= 72, "{}", first.title);
    assert!(!first.help.is_empty() && first.notes.iter().any(|note| note.starts_with("expected")));
    assert_eq!(document["diagnostics"][0]["code"], first.code.id());
    (first.code.id().to_owned(), outcome.exit_code)
}

fn list(value: &Value) -> String {
    let items: Vec<String> = value.as_array().unwrap().iter().map(Value::to_string).collect();
    items.join(",")
}

fn assert_keyed(found: &Value, keys: &Value, values: &Value, what: &str) {
    let found: Vec<&Value> = found.as_object().unwrap().values().collect();
    assert_eq!(keys.as_array().unwrap().len(), found.len(), "{what}");
    assert_eq!(found, values.as_array().unwrap().iter().collect::<Vec<_>>(), "{what}");
}

fn assert_histogram(found: &Value, expected: &Value, what: &str) {
    for key in ["edges", "counts", "below", "above"] {
        assert_eq!(found[key], expected[key], "{what} {key}");
    }
    let (found, expected) = (&found["density"], &expected["density"]);
    for (found, expected) in found.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        assert!(
            (found.as_f64().unwrap() - expected.as_f64().unwrap()).abs() < double::ORACLE,
            "{what}"
        );
    }
}

fn golden_tensors(case: &Value, file: &SafeTensors<'_>) -> Tensors {
    let name = |key: &str| case[key].as_str().unwrap().to_owned();
    let shape = file.tensor(&name("logits")).unwrap().shape().to_vec();
    Tensors::from([
        ("logits", f64_tensor(&shape, &golden::f64s(file, &name("logits")))),
        ("labels", i64_tensor(&golden::i64s(file, &name("labels")))),
        ("coarse", i64_tensor(&golden::i64s(file, &name("coarse")))),
        ("R", f64_tensor(&[1], &[case["R"].as_f64().unwrap()])),
        ("r1", f64_tensor(&[1], &[case["r1"].as_f64().unwrap()])),
    ])
}

#[test]
fn golden_cases_through_the_command() {
    let Some(dir) = golden::golden_dir() else { return };
    let document = golden::json(&dir.join("measures.json"));
    let bytes = golden::bytes(&dir.join("measures.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let folder = TempDir::new().unwrap();
    for case in document["cases"].as_array().unwrap() {
        let path = save(&folder, "logits.safetensors", &golden_tensors(case, &file));
        let path = path.to_str().unwrap();
        for entry in case["scales"].as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            let what = format!("{} {name}", case["name"]);
            let scale = match name.strip_prefix("temperature_") {
                Some(temperature) => format!("temperature={temperature}"),
                None => if name == "raw" { "raw" } else { "r1" }.to_owned(),
            };
            golden_scale(case, entry, &[path, "--scale", &scale], &what);
        }
        let default = measured(&[path]);
        let scale = case["r1"].as_f64().unwrap() / case["R"].as_f64().unwrap();
        assert_eq!(default["probability_scale"].as_f64(), Some(scale));
    }
}

fn golden_scale(case: &Value, entry: &Value, arguments: &[&str], what: &str) {
    let points = |key: &str| {
        let each = case[key].as_array().unwrap().iter();
        let name = if key == "masses" { "mu" } else { "eta" };
        list(&each.map(|item| item[name].clone()).collect())
    };
    let edges = |value: &Value| list(&value["edges"]);
    let found = measured(
        &[
            arguments,
            &["--a", &list(&entry["close_enough"]["a"]), "--k", &list(&case["top_k"]["k"])],
            &["--mu", &points("masses"), "--eta", &points("well_counts")],
            &["--edges", &edges(&entry["histograms"]["p_max"])],
            &["--margin-edges", &edges(&case["margin_histogram"])],
            &["--normalized-margin-edges", &edges(&case["normalised_margin_histogram"])],
        ]
        .concat(),
    );
    assert_eq!(found["schema"], "specc.analyze/1");
    assert_eq!(found["probability_scale"], entry["scale"], "{what}");
    for (key, name) in [
        ("n", "n"),
        ("accuracy", "accuracy"),
        ("accuracy_upper", "accuracy_ties_count"),
        ("per_class", "per_class"),
        ("well_counts", "well_counts"),
    ] {
        assert_eq!(found[key], case[name], "{what} {key}");
    }
    assert_keyed(&found["top_k"], &case["top_k"]["k"], &case["top_k"]["pessimistic"], what);
    assert_keyed(&found["top_k_upper"], &case["top_k"]["k"], &case["top_k"]["optimistic"], what);
    let readings = &case["super_class_accuracy"];
    assert_eq!(found["super_class_accuracy"], readings["pessimistic"], "{what}");
    assert_eq!(found["super_class_accuracy_upper"], readings["optimistic"], "{what}");
    assert_eq!(found["super_class_accuracy_first"], readings["first_maximum"], "{what}");
    for key in ["close_enough", "super_close_enough_best"] {
        assert_keyed(&found[key], &entry[key]["a"], &entry[key]["fraction"], what);
    }
    let sums = &entry["super_close_enough_sum"];
    for (a, fraction) in
        sums["a"].as_array().unwrap().iter().zip(sums["fraction"].as_array().unwrap())
    {
        let key = a.as_f64().unwrap().to_string();
        assert_eq!(found["super_close_enough_sum"][&key], *fraction, "{what} sum {key}");
    }
    for (key, name) in
        [("p_max", "p_max"), ("p_label", "p_label"), ("delta_p", "delta_p_of_misclassified")]
    {
        assert_histogram(&found["histograms"][key], &entry["histograms"][name], what);
    }
    assert_histogram(&found["histograms"]["margin"], &case["margin_histogram"], what);
    let normalized = &found["histograms"]["normalized_margin"];
    assert_histogram(normalized, &case["normalised_margin_histogram"], what);
    for (found, expected) in
        found["masses"].as_array().unwrap().iter().zip(case["masses"].as_array().unwrap())
    {
        for kind in ["well", "marginal", "poor"] {
            assert_eq!(found[kind], expected[format!("mass_{kind}")], "{what} {kind}");
        }
    }
}

#[test]
fn a_file_with_the_least_it_can_hold() {
    let dir = TempDir::new().unwrap();
    let path = save(&dir, "least.safetensors", &small());
    let found = measured(&[path.to_str().unwrap()]);
    assert_eq!(
        (found["accuracy"].as_f64(), found["accuracy_upper"].as_f64()),
        (Some(0.5), Some(0.75))
    );
    assert_eq!(found["probability_scale"].as_f64(), Some(1.0));
    for key in ["loss", "split", "run", "R", "normalized_margin", "masses", "super_class_accuracy"]
    {
        assert!(found.get(key).is_some_and(Value::is_null), "{key}");
    }
    assert_eq!(found["inputs"][0]["close_enough"], found["close_enough"]);
}

#[test]
fn other_dtypes_of_labels_and_shapes_of_scalars_are_read() {
    let dir = TempDir::new().unwrap();
    let wide = measured(&[save(&dir, "a.safetensors", &small()).to_str().unwrap()]);
    for (dtype, width) in [(Dtype::U8, 1), (Dtype::I32, 4), (Dtype::U32, 4), (Dtype::U64, 8)] {
        let mut tensors = small();
        let bytes = [0_u64, 1, 0, 1].iter().flat_map(|y| y.to_le_bytes()[..width].to_vec());
        tensors.insert("labels", (dtype, vec![4], bytes.collect()));
        tensors.insert("R", (Dtype::F32, vec![], 2_f32.to_le_bytes().to_vec()));
        let found = measured(&[save(&dir, "b.safetensors", &tensors).to_str().unwrap()]);
        assert_eq!(found["per_class"], wide["per_class"]);
        assert_eq!(found["R"].as_f64(), Some(2.0));
    }
}

#[test]
fn scalars_given_beat_those_stored() {
    let dir = TempDir::new().unwrap();
    let path = save(&dir, "x.safetensors", &small());
    let path = path.to_str().unwrap();
    let scale = |arguments: &[&str]| {
        let found = measured(&[&[path], arguments].concat());
        found["probability_scale"].as_f64()
    };
    assert_eq!(scale(&["--R", "4", "--r1", "2"]), Some(0.5));
    assert_eq!(scale(&["--R", "4", "--r1", "2", "--scale", "raw"]), Some(1.0));
    assert_eq!(scale(&["--R", "4", "--scale", "R"]), Some(0.25));
    assert_eq!(scale(&["--R", "4", "--r2", "8", "--scale", "r2"]), Some(2.0));
    assert_eq!(scale(&["--scale", "temperature=5"]), Some(0.2));
    let (outcome, _) = analyze(&[path, "--scale", "r1"]);
    assert_eq!((outcome.exit_code, outcome.diagnostics[0].code.id()), (2, "E0656"));
    for bad in ["--scale=up", "--R=0", "--R=inf", "--k=0", "--a=0.1,,1", "--edges=1,0", "--mu=-1"] {
        assert!(Command::try_parse_from(["specc", path, bad]).is_err(), "{bad}");
    }
}

#[test]
fn a_run_gives_both_splits_with_its_summary() {
    let dir = TempDir::new().unwrap();
    for seed in ["s2", "s10"] {
        for split in ["train", "test"] {
            save(&dir, &format!("{seed}/logits/{split}.safetensors"), &small());
        }
        let summary = br#"{"seed":7,"train":{"loss":1.5,"probability_scale":0.25},"test":{}}"#;
        write(&dir.path().join(seed).join("summary.json"), summary);
    }
    let run = dir.path().join("s2");
    let found = measured(&[run.to_str().unwrap()]);
    assert_eq!((found["train"]["loss"].as_f64(), found["seed"].as_u64()), (Some(1.5), None));
    assert_eq!(found["train"]["probability_scale"].as_f64(), Some(0.25));
    assert_eq!(found["test"]["split"], "test");
    assert_eq!(found["inputs"][1]["seed"].as_u64(), Some(7));
    let found = measured(&[dir.path().to_str().unwrap()]);
    let files = found["inputs"].as_array().unwrap().iter().map(|one| one["file"].to_string());
    let files: Vec<String> = files.collect();
    assert!(files[0].contains("s2") && files[3].contains("s10"), "{files:?}");
    let (outcome, text) = analyze(&[dir.path().to_str().unwrap()]);
    assert_eq!(outcome.exit_code, 0);
    assert!(text.contains("train") && text.contains("chance"), "{text}");
}

#[test]
fn damaged_and_foreign_files_are_refused_with_a_code() {
    let good = encode(&small());
    for length in [0, 1, 7, 8, 9, good.len() / 2, good.len() - 1] {
        assert_eq!(refused(&good[..length]), ("E0650".to_owned(), 6), "{length} bytes");
    }
    assert_eq!(refused(b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}").0, "E0650");
    assert_eq!(refused(&[0xff; 64]).0, "E0650");
    let mut longer = good;
    longer.push(0);
    assert_eq!(refused(&longer).0, "E0650");
    let header =
        br#"{"logits":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    let header = [&(header.len() as u64).to_le_bytes(), header.as_slice()].concat();
    assert_eq!(refused(&header).0, "E0650");
    let deep = vec![b'['; 100_000];
    let deep = [&(deep.len() as u64).to_le_bytes(), deep.as_slice()].concat();
    assert_eq!(refused(&deep).0, "E0650");
}

#[test]
fn tensors_that_do_not_fit_are_refused_with_a_code() {
    let with = |name, tensor| {
        let mut tensors = small();
        tensors.insert(name, tensor);
        refused(&encode(&tensors)).0
    };
    let without = |name| {
        let mut tensors = small();
        tensors.remove(name);
        refused(&encode(&tensors)).0
    };
    assert_eq!(without("logits"), "E0651");
    assert_eq!(without("labels"), "E0651");
    assert_eq!(with("logits", (Dtype::F16, vec![4, 3], vec![0; 24])), "E0652");
    assert_eq!(with("labels", f64_tensor(&[4], &[0.0; 4])), "E0652");
    assert_eq!(with("logits", f64_tensor(&[12], &[0.0; 12])), "E0653");
    assert_eq!(with("logits", f64_tensor(&[4, 3, 1], &[0.0; 12])), "E0653");
    assert_eq!(with("logits", f64_tensor(&[4, 0], &[])), "E0653");
    assert_eq!(with("logits", f64_tensor(&[0, 1 << 40], &[])), "E0653");
    assert_eq!(with("labels", i64_tensor(&[0, 1, 0])), "E0653");
    assert_eq!(with("coarse", i64_tensor(&[0, 1, 0, 1])), "E0653");
    assert_eq!(with("R", f64_tensor(&[2], &[1.0, 1.0])), "E0653");
    assert_eq!(with("labels", i64_tensor(&[0, 1, 0, 3])), "E0654");
    assert_eq!(with("labels", i64_tensor(&[0, 1, 0, -1])), "E0654");
    assert_eq!(with("labels", (Dtype::U64, vec![4], vec![0xff; 32])), "E0654");
    assert_eq!(with("coarse", i64_tensor(&[0, 1, -1])), "E0654");
    let mut values = [0.0; 12];
    values[5] = f64::NAN;
    assert_eq!(with("logits", f64_tensor(&[4, 3], &values)), "E0655");
    values[5] = f64::NEG_INFINITY;
    assert_eq!(with("logits", f64_tensor(&[4, 3], &values)), "E0655");
    assert_eq!(with("R", f64_tensor(&[1], &[0.0])), "E0656");
    assert_eq!(with("r1", f64_tensor(&[1], &[f64::NAN])), "E0656");
}

#[test]
fn no_samples_and_one_class_are_measured() {
    let dir = TempDir::new().unwrap();
    let mut tensors = small();
    tensors.insert("logits", f64_tensor(&[0, 3], &[]));
    tensors.insert("labels", i64_tensor(&[]));
    let found = measured(&[save(&dir, "a.safetensors", &tensors).to_str().unwrap()]);
    assert!(found["accuracy"].is_null() && found["histograms"]["margin"].is_null());
    tensors.insert("logits", f64_tensor(&[2, 1], &[1.0, 2.0]));
    tensors.insert("labels", i64_tensor(&[0, 0]));
    let path = save(&dir, "b.safetensors", &tensors);
    let found = measured(&[path.to_str().unwrap()]);
    assert_eq!(found["accuracy"].as_f64(), Some(1.0));
    assert!(found["margin"]["mean"].is_null());
    assert_eq!(analyze(&[path.to_str().unwrap()]).0.exit_code, 0);
}

#[test]
fn every_broken_path_is_reported_in_one_go() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing.safetensors");
    let good = save(&dir, "good.safetensors", &small());
    let paths = [missing.as_path(), dir.path(), good.as_path()];
    let (outcome, text) = analyze(&paths.map(|path| path.to_str().unwrap()));
    let codes: Vec<&str> = outcome.diagnostics.iter().map(|one| one.code.id()).collect();
    assert_eq!((outcome.exit_code, codes), (2, vec!["E0658", "E0657"]));
    assert!(text.is_empty());
}

#[test]
fn the_table_fits_eighty_columns() {
    let dir = TempDir::new().unwrap();
    let mut tensors = small();
    tensors.insert("R", f64_tensor(&[1], &[4233.0]));
    let path = save(&dir, "x.safetensors", &tensors);
    let (_, text) = analyze(&[path.to_str().unwrap()]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}
