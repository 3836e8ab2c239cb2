//! The cases under `tests/suite/<feature>/{ok,err}/<case>.net`; a case is added by dropping a file.
//!
//! An `ok` case reports nothing and snapshots the stages that its first line names:
//! `// test: ast graph`. An `err` case reports exactly the codes that its lines name by
//! `// error[E0304]`, and snapshots the messages. Every case is formatted without loss.
#![expect(clippy::disallowed_methods, reason = "the cases are files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use specc::diag::{RenderStyle, render};

use crate::pipeline::{diagnose, stage};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite")
}

/// All files below `folder` with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut out = vec![];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// All rendered messages of the suite.
pub(crate) fn messages() -> Vec<(PathBuf, String)> {
    let snapshots = files(&root(), "snap").into_iter();
    snapshots
        .filter(|path| path.to_string_lossy().ends_with(".errors.snap"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let in_kind = |path: &PathBuf| path.parent().unwrap().ends_with(kind);
    files(&root(), "net").into_iter().filter(in_kind).collect()
}

/// The stages that the first line of an `ok` case names.
fn stages(text: &str) -> Vec<&str> {
    let first = text.lines().next().unwrap_or("");
    first.strip_prefix("// test:").unwrap_or("").split_whitespace().collect()
}

/// The snapshot that lies beside a case.
fn snapshot_name(case: &Path, what: &str) -> String {
    format!("{}.{what}", case.file_stem().unwrap().to_string_lossy())
}

fn assert_snapshot(case: &Path, what: &str, content: &str) {
    insta::with_settings!({
        snapshot_path => case.parent().unwrap(),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(snapshot_name(case, what), content);
    });
}

/// Runs every case and fails at the end, with all cases that failed.
fn for_each_case(kind: &str, run: impl Fn(&Path, &str) + std::panic::RefUnwindSafe) {
    let mut failed = vec![];
    for case in cases(kind) {
        let text = fs::read_to_string(&case).unwrap();
        if std::panic::catch_unwind(|| run(&case, &text)).is_err() {
            failed.push(case.strip_prefix(root()).unwrap().to_owned());
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn legal_cases_report_nothing_and_match_their_snapshots() {
    for_each_case("ok", |case, text| {
        let (sources, diagnostics) = diagnose(case, text);
        let style = RenderStyle { color: false, width: 100 };
        let messages: Vec<_> = diagnostics.iter().map(|d| render(d, &sources, style)).collect();
        assert!(messages.is_empty(), "{}", messages.join("\n\n"));
        assert!(!stages(text).is_empty(), "the first line must name stages: `// test: ast`");
        for name in stages(text) {
            let stage = stage(name).unwrap_or_else(|| panic!("no stage is called `{name}`"));
            assert_snapshot(case, name, &stage(case, text));
        }
        crate::syntax::assert_formats(text);
    });
}

#[test]
fn wrong_cases_report_exactly_what_they_mark() {
    for_each_case("err", |case, text| {
        let (sources, diagnostics) = diagnose(case, text);
        let mut found: Vec<_> = diagnostics
            .iter()
            .map(|diagnostic| {
                let line = diagnostic.labels.first().map_or(0, |l| sources.position(l.span).line);
                (diagnostic.code.id().to_owned(), line)
            })
            .collect();
        let mut marked = vec![];
        for (i, line) in text.lines().enumerate() {
            for mark in line.split("error[").skip(1) {
                marked.push((mark.split(']').next().unwrap().to_owned(), i + 1));
            }
        }
        found.sort();
        marked.sort();
        assert_eq!(found, marked, "{}", case.display());
        let style = RenderStyle { color: false, width: 100 };
        let messages: Vec<_> = diagnostics.iter().map(|d| render(d, &sources, style)).collect();
        assert_snapshot(case, "errors", &messages.join("\n\n"));
    });
}

#[test]
fn every_snapshot_has_its_case() {
    let mut known = BTreeSet::new();
    for case in cases("ok") {
        let text = fs::read_to_string(&case).unwrap();
        for stage in stages(&text) {
            known.insert(case.with_file_name(format!("{}.snap", snapshot_name(&case, stage))));
        }
    }
    for case in cases("err") {
        known.insert(case.with_file_name(format!("{}.snap", snapshot_name(&case, "errors"))));
    }
    for snapshot in files(&root(), "snap") {
        assert!(known.contains(&snapshot), "no case uses {}", snapshot.display());
    }
}

#[test]
fn shipped_specs_are_in_canonical_layout() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    if specs.is_dir() {
        for spec in files(&specs, "net") {
            let text = fs::read_to_string(&spec).unwrap();
            assert_eq!(crate::syntax::assert_formats(&text), text, "{}", spec.display());
        }
    }
}
