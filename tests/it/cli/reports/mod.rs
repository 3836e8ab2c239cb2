//! What users of other training tools reported, tried on `specc`: the tests behind `tests/public_reports.md`.

mod batches;
mod files;
mod labels;
mod measures;
mod numerics;
mod resumption;
mod schedules;

use super::{Done, Sandbox};

/// The table, one row a report.
const TABLE: &str = include_str!("../../../public_reports.md");

const SOURCES: [&str; 7] = [
    include_str!("batches.rs"),
    include_str!("files.rs"),
    include_str!("labels.rs"),
    include_str!("measures.rs"),
    include_str!("numerics.rs"),
    include_str!("resumption.rs"),
    include_str!("schedules.rs"),
];

/// A net on data of one's own.
const REST: &str = "\
net small { flatten linear(classes) }
loss cross_entropy
train sgd(lr=0.1) { batch = 2  epochs = 2 }
";

/// A folder with `own.csv` and a spec that reads it with these settings, which begin with a comma.
fn own(settings: &str, table: impl AsRef<[u8]>) -> Sandbox {
    let sandbox = Sandbox::with(&format!("data csv(\"own.csv\"{settings})\n{REST}"));
    sandbox.write("own.csv", table.as_ref());
    sandbox
}

/// A folder with four samples of one feature, their labels as bytes or of eight bytes, and a spec that reads them.
fn arrays(settings: &str, labels: &[i64]) -> Sandbox {
    let sandbox = Sandbox::with(&format!("data npy(\"x.npy\", \"y.npy\"{settings})\n{REST}"));
    let n = labels.len();
    let samples: Vec<u8> = (0..n as u8).collect();
    let bytes: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    sandbox.write("x.npy", &crate::data::npy("|u1", &format!("({n}, 1)"), &samples));
    sandbox.write("y.npy", &crate::data::npy("<i8", &format!("({n},)"), &bytes));
    sandbox
}

fn check(sandbox: &Sandbox) -> Done {
    sandbox.specc(&["check", "spec.net"])
}

/// The weights after training, as bytes.
fn trained(sandbox: &Sandbox) -> Vec<u8> {
    sandbox.train("r", &[]);
    sandbox.read("r/ckpt/last.safetensors")
}

/// A number of each line of a kind, in order.
fn numbers(sandbox: &Sandbox, run: &str, kind: &str, pointer: &str) -> Vec<f64> {
    let lines = sandbox.lines(&format!("{run}/metrics.jsonl"));
    let of_kind = lines.iter().filter(|line| line["kind"] == kind);
    of_kind.map(|line| line.pointer(pointer).unwrap().as_f64().unwrap()).collect()
}

/// The cells of a row of the table.
fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split(" | ").map(str::trim).collect()
}

#[test]
fn every_row_has_a_report_a_verdict_and_a_test_that_exists() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"))
        .map(cells)
        .collect();
    assert!(rows.len() >= 30, "{} rows", rows.len());
    let mut tests = std::collections::BTreeSet::new();
    for (i, row) in rows.iter().enumerate() {
        let [number, source, situation, does, verdict, test] = row[..] else {
            panic!("six cells: {row:?}");
        };
        assert_eq!(number, (i + 1).to_string(), "rows are numbered without gaps");
        let (repository, issue) = source.split_once(' ').unwrap().0.split_once('#').unwrap();
        assert!(repository.split('/').count() == 2 && issue.parse::<u32>().is_ok(), "{source}");
        assert!(!situation.is_empty() && !does.is_empty(), "{row:?}");
        assert!(["held", "mended"].contains(&verdict), "row {number}: {verdict}");
        let name = test.trim_matches('`');
        let written = format!("#[test]\nfn {name}() {{");
        assert!(SOURCES.iter().any(|source| source.contains(&written)), "row {number}: {name}");
        assert!(tests.insert(name), "row {number}: {name} is the test of another row");
    }
    let written: usize = SOURCES.iter().map(|source| source.matches("#[test]\n").count()).sum();
    assert_eq!(written, rows.len(), "every test here is that of a row");
}
