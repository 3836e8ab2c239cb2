//! `specc runs` and `specc compare`: what is stored, as tables and statistics.
//! `compare.rs` has the views that need stored logits.

use serde_json::Value;

use super::{Sandbox, TINY};

const FIG: &str = "\
data digits(subset=48, test_subset=24)
net small { flatten -> linear(4) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 3 }
sweep fig {
  loss in [one: single_scale, two: two_scale(delta=0.01)]
  seeds in 0..4
}
";

fn swept() -> Sandbox {
    let sandbox = Sandbox::with(FIG);
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    sandbox
}

fn runs(sandbox: &Sandbox, more: &[&str]) -> Vec<Value> {
    let done = sandbox.specc(&[&["runs", "--json"], more].concat()).exits(0);
    let document = done.json();
    assert_eq!((&document["schema"], &document["ok"]), (&"specc.runs/1".into(), &true.into()));
    document["runs"].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

#[test]
fn runs_are_listed_filtered_and_sorted() {
    let sandbox = swept();
    let all = runs(&sandbox, &[]);
    assert_eq!(all.len(), 8);
    for run in &all {
        let summary = sandbox.json(&format!("{}/summary.json", run["run"].as_str().unwrap()));
        assert_eq!(run["test.accuracy"], summary["test"]["accuracy"]);
        assert_eq!(run["test.close_enough(0.05)"], summary["test"]["close_enough"]["0.05"]);
        assert_eq!((&run["seed"], &run["epochs"]), (&summary["seed"], &3.into()));
        assert_eq!(run["state"], "done");
    }
    let two = runs(&sandbox, &["--where", "loss == two && seed >= 2"]);
    assert_eq!(
        two.iter().map(|run| &run["seed"]).collect::<Vec<_>>(),
        [&Value::from(2), &3.into()]
    );
    let sorted =
        runs(&sandbox, &["--sort", "-train.loss(epoch=2)", "--columns", "train.loss(epoch=2)"]);
    let losses: Vec<f64> = sorted.iter().map(|run| number(&run["train.loss(epoch=2)"])).collect();
    assert_eq!(losses.len(), 8);
    assert!(losses.windows(2).all(|pair| pair[0] >= pair[1]), "{losses:?}");
    sandbox.specc(&["runs", "--where", "loss"]).exits(2).says(&["compares nothing"]);
    sandbox
        .specc(&["runs", "--where", "test.accuracy > high"])
        .exits(2)
        .says(&["nothing to compare"]);
    sandbox.specc(&["runs", "--columns", "a-b"]).exits(2).says(&["is no measure"]);
    sandbox.specc(&["runs", "--group", "net"]).exits(2).says(&["the axis `net`"]);
    let failed = sandbox.specc(&["runs", "nowhere", "--json"]).exits(2).json();
    assert_eq!(failed["ok"], false);
}

#[test]
fn groups_have_mean_and_deviation_of_their_runs() {
    let sandbox = swept();
    let done = sandbox.specc(&["runs", "--group", "loss", "--json"]).exits(0).json();
    let groups = done["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    for group in groups {
        let own =
            runs(&sandbox, &["--where", &format!("loss == {}", group["loss"].as_str().unwrap())]);
        let values: Vec<f64> = own.iter().map(|run| number(&run["test.accuracy"])).collect();
        let mean = values.iter().sum::<f64>() / 4.0;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0;
        assert_eq!(group["n"], 4);
        assert!((number(&group["test.accuracy"]) - mean).abs() < 1e-12);
        assert!((number(&group["test.accuracy sd"]) - variance.sqrt()).abs() < 1e-12);
    }
}

#[test]
fn long_tables_have_a_row_for_each_step_epoch_and_sample() {
    let sandbox = swept();
    for (kind, rows, columns) in [
        ("metrics", 8 * sandbox_steps(&sandbox), 13),
        ("epochs", 8 * 3, 12),
        ("samples", 8 * (48 + 24), 10),
    ] {
        sandbox.specc(&["runs", "--long", kind, "-o", "t.csv"]).exits(0);
        let text = sandbox.text("t.csv");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), rows + 1, "{kind}");
        assert!(lines[0].starts_with("loss,seed,run,"));
        assert!(lines.iter().all(|line| line.split(',').count() == columns), "{kind}");
    }
    let line = sandbox.text("t.csv").lines().nth(1).unwrap().to_owned();
    let cells: Vec<f64> = line.split(',').skip(7).map(|cell| cell.parse().unwrap()).collect();
    assert!(cells[2] <= cells[1].abs().max(1.0) && cells[1] <= 1.0, "{line}");
}

/// Steps that a run logs.
fn sandbox_steps(sandbox: &Sandbox) -> usize {
    let run = runs(sandbox, &[])[0]["run"].as_str().unwrap().to_owned();
    let lines = sandbox.lines(&format!("{run}/metrics.jsonl"));
    lines.iter().filter(|line| line["kind"] == "step").count()
}

fn compared(sandbox: &Sandbox, groups: &[&str]) -> Value {
    sandbox.specc(&[&["compare", "--json"], groups].concat()).exits(0).json()
}

#[test]
fn groups_are_compared_seed_by_seed() {
    let sandbox = swept();
    let document = compared(&sandbox, &["runs/spec:one", "runs/spec:loss=two"]);
    let row = &document["measures"][0];
    assert_eq!(row["measure"], "test.accuracy");
    let values = |label: &str| -> Vec<f64> {
        let own = runs(&sandbox, &["--where", &format!("loss == {label}"), "--sort", "seed"]);
        own.iter().map(|run| number(&run["test.accuracy"])).collect()
    };
    let (one, two) = (values("one"), values("two"));
    let differences: Vec<f64> = two.iter().zip(&one).map(|(two, one)| two - one).collect();
    let mean = differences.iter().sum::<f64>() / 4.0;
    let variance = differences.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0;
    let found = &row["differences"][0];
    assert_eq!((&found["paired"], &found["n"]), (&true.into(), &4.into()));
    assert!((number(&found["mean"]) - mean).abs() < 1e-12);
    // Student's t with 3 degrees of freedom at 97.5 %.
    let half = 3.182_446_305_284_263 * (variance / 4.0).sqrt();
    assert!((number(&found["interval"][1]) - (mean + half)).abs() < 1e-9);
    assert_eq!(found["wins"], differences.iter().filter(|d| **d > 0.0).count());
    assert_eq!(number(&found["p_floor"]).to_bits(), 0.125_f64.to_bits());
    assert!(
        number(&found["p"]) >= 0.125 && number(&found["p_family"]) >= number(&found["p"]) - 1e-12
    );
    let wide = &found["interval_new_images"];
    assert!(number(&wide[0]) < mean && mean < number(&wide[1]));
    let text = sandbox.specc(&["compare", "runs/spec:one", "runs/spec:two"]).exits(0);
    text.prints(&["95% seeds", "paired by seed", "less `one`"]);
    sandbox
        .specc(&["compare", "runs/spec:one", "runs/spec:two", "--latex"])
        .exits(0)
        .prints(&["tabular"]);
    sandbox
        .specc(&["compare", "runs/spec:one", "runs/spec:two", "--csv"])
        .exits(0)
        .prints(&["p,floor"]);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let sandbox = swept();
    sandbox.specc(&["compare", "runs/spec:one"]).exits(2).says(&["two groups"]);
    sandbox
        .specc(&["compare", "runs/spec:one", "runs/spec:far"])
        .exits(2)
        .says(&["no finished run"]);
    sandbox
        .specc(&["compare", "runs/spec:one", "nowhere"])
        .exits(2)
        .says(&["no folder or file `nowhere`"]);
    let level = ["compare", "runs/spec:one", "runs/spec:two", "--level", "2"];
    sandbox.specc(&level).exits(2).says(&["no level"]);
    let twice = sandbox.specc(&["compare", "runs/spec:one", "runs/spec:one"]).exits(0);
    twice.prints(&["identical in 4 of 4 seeds"]);
    let other = ["train", "spec.net", "loss=one", "data.test_subset=20", "--seeds", "0..4", "-q"];
    sandbox.specc(&[&other[..], &["-o", "other"]].concat()).exits(0);
    let document = sandbox.specc(&["compare", "runs/spec:one", "other", "--json"]).exits(2).json();
    let message = document["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("24 test samples, and 20"), "{message}");
    let later = ["train", "spec.net", "loss=one", "--seeds", "7..10", "-q", "-o", "later"];
    sandbox.specc(&later).exits(0);
    let apart = compared(&sandbox, &["runs/spec:one", "later"]);
    let found = &apart["measures"][0]["differences"][0];
    assert_eq!(
        (&found["paired"], &found["n"], &found["wins"]),
        (&false.into(), &3.into(), &Value::Null)
    );
}

/// CRC-32C bit by bit, masked as records have it.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    let crc = !crc;
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[test]
fn event_files_are_whole_records_of_every_run_and_cell() {
    let sandbox = swept();
    let done = sandbox.specc(&["runs", "--tensorboard", "tb"]).exits(0);
    done.prints(&["11 event files below tb"]);
    let names = sandbox.names("tb");
    for name in ["loss=one/s0", "loss=two/s3", "cells/loss=one", "sweep"] {
        assert!(names.iter().any(|found| found.starts_with(name)), "{name}: {names:?}");
    }
    for name in names {
        let bytes = sandbox.read(&format!("tb/{name}"));
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (mut at, mut records) = (0, 0);
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
            assert_eq!(word(at + 8), masked_crc(&bytes[at..at + 8]));
            let data = &bytes[at + 12..at + 12 + length];
            assert_eq!(word(at + 12 + length), masked_crc(data));
            (at, records) = (at + 16 + length, records + 1);
        }
        assert!(records >= 2, "{name}");
    }
    let before = sandbox.tree("tb");
    sandbox.specc(&["runs", "--tensorboard", "tb"]).exits(0);
    assert_eq!(sandbox.tree("tb"), before, "equal runs give equal files");
    // The commands that make runs write the same when they end.
    let again = sandbox.specc(&["sweep", "spec.net", "--tensorboard", "own"]).exits(0);
    again.says(&["11 event files below own"]);
    assert_eq!(sandbox.tree("own"), before);
}

#[test]
fn training_writes_event_files_of_its_runs_alone() {
    let sandbox = Sandbox::with(TINY);
    sandbox.specc(&["train", "spec.net", "--seed", "0", "-q"]).exits(0);
    let others = ["train", "spec.net", "--seeds", "1..3", "--tensorboard", "tb"];
    sandbox.specc(&others).exits(0).says(&["2 event files below tb"]);
    let names = sandbox.names("tb");
    assert!(names.len() == 2 && names.iter().all(|name| name.contains("tfevents")), "{names:?}");
    sandbox.specc(&[&others[..], &["--dry-run"]].concat()).exits(2);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_files_hold_the_rows_of_the_csv() {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    let sandbox = swept();
    for kind in ["metrics", "epochs", "samples"] {
        let [csv, file] = ["csv", "parquet"].map(|ending| {
            let name = format!("{kind}.{ending}");
            sandbox.specc(&["runs", "--long", kind, "-o", &name]).exits(0);
            name
        });
        let reader = std::fs::File::open(sandbox.path(&file)).unwrap();
        let reader = SerializedFileReader::new(reader).unwrap();
        let text = sandbox.text(&csv);
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap().split(',').collect();
        let mut rows = 0;
        for (row, line) in reader.get_row_iter(None).unwrap().zip(lines.by_ref()) {
            let row = row.unwrap();
            for (((name, field), column), cell) in
                row.get_column_iter().zip(&header).zip(line.split(','))
            {
                assert_eq!(name, *column);
                let found = field.to_string().trim_matches('"').to_owned();
                let found = if found == "null" { String::new() } else { found };
                let equal = found == cell
                    || found
                        .parse::<f64>()
                        .ok()
                        .zip(cell.parse::<f64>().ok())
                        .is_some_and(|(a, b)| (a - b).abs() <= 1e-12 * b.abs());
                assert!(equal, "{kind} {name}: {found} {cell}");
            }
            rows += 1;
        }
        assert_eq!((rows, lines.next()), (text.lines().count() - 1, None), "{kind}");
    }
    sandbox.specc(&["runs", "-o", "t.parquet"]).exits(2).says(&["add `--long`"]);
}
