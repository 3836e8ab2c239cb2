//! Imports point to the left: the edges between stages are those of the table and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What each stage may import beside itself. Adding a name here is a design decision.
const PERMITTED: [(&str, &[&str]); 29] = [
    ("diag", &[]),
    ("kernels", &[]),
    ("syntax", &["diag"]),
    ("data", &["diag", "kernels"]),
    ("model", &["data", "diag", "syntax"]),
    ("ir", &["diag", "model", "syntax"]),
    ("check", &["diag", "ir", "kernels", "model", "syntax"]),
    ("passes", &["ir"]),
    ("loss", &["check", "diag", "ir", "model", "syntax"]),
    ("optim", &["diag", "ir", "model"]),
    ("grad", &["check", "diag", "ir", "loss", "model", "optim", "passes"]),
    ("compile", &["check", "data", "diag", "grad", "ir", "model", "store", "syntax"]),
    ("lower", &["diag", "grad", "ir", "kernels", "passes"]),
    ("exec", &["diag", "grad", "ir", "kernels", "loss", "lower", "model"]),
    ("measure", &["diag"]),
    ("stats", &["kernels"]),
    ("chart", &[]),
    ("store", &["diag", "lower", "measure"]),
    ("train", &["check", "data", "diag", "ir", "kernels", "lower", "measure", "model", "store"]),
    (
        "experiment",
        &[
            "check", "compile", "data", "diag", "exec", "grad", "ir", "kernels", "lower", "model",
            "store", "syntax", "train",
        ],
    ),
    (
        "export",
        &[
            "check",
            "data",
            "diag",
            "experiment",
            "ir",
            "loss",
            "lower",
            "model",
            "passes",
            "store",
            "train",
        ],
    ),
    (
        "portrait",
        &["check", "compile", "diag", "grad", "ir", "kernels", "lower", "model", "store", "syntax"],
    ),
    ("analysis", &["diag", "measure", "model", "store", "syntax"]),
    (
        "report",
        &[
            "analysis",
            "chart",
            "check",
            "compile",
            "data",
            "diag",
            "experiment",
            "grad",
            "grid",
            "ir",
            "kernels",
            "lower",
            "measure",
            "model",
            "stats",
            "store",
            "study",
            "syntax",
            "train",
        ],
    ),
    (
        "study",
        &[
            "compile",
            "data",
            "diag",
            "experiment",
            "grid",
            "measure",
            "model",
            "stats",
            "store",
            "syntax",
            "train",
        ],
    ),
    ("lsp", &["check", "compile", "data", "diag", "ir", "loss", "model", "report", "syntax"]),
    ("reproduce", &["chart", "measure", "model", "stats", "store", "study", "train"]),
    (
        "terminal",
        &[
            "check",
            "compile",
            "data",
            "diag",
            "experiment",
            "lower",
            "report",
            "store",
            "study",
            "train",
        ],
    ),
    (
        "cli",
        &[
            "analysis",
            "check",
            "compile",
            "data",
            "diag",
            "experiment",
            "export",
            "kernels",
            "lower",
            "lsp",
            "measure",
            "model",
            "portrait",
            "report",
            "reproduce",
            "store",
            "study",
            "syntax",
            "templates",
            "terminal",
            "train",
        ],
    ),
];

#[test]
fn imports_follow_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let permitted: BTreeMap<&str, &[&str]> = PERMITTED.into_iter().collect();
    let mut wrong = vec![];
    for entry in std::fs::read_dir(&root).unwrap() {
        let stage = entry.unwrap();
        if !stage.path().is_dir() {
            continue;
        }
        let name = stage.file_name().into_string().unwrap();
        let allowed = permitted.get(name.as_str());
        let Some(allowed) = allowed else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        for (file, import) in imports(&stage.path()) {
            if import != name && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{file} imports {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `(file, stage)` for every `crate::stage` outside unit tests and comments.
fn imports(folder: &Path) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(imports(&path));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for after in lines.flat_map(|line| line.split("crate::").skip(1)) {
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
            if end > 0 && after.starts_with(char::is_lowercase) {
                found.insert((path.display().to_string(), after[..end].to_owned()));
            }
        }
    }
    found
}
