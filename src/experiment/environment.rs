//! `env.json`: what a run ran on. It is the one file of a run, beside times and logs, that may differ between equal runs.

use std::env::consts;
use std::path::{Path, PathBuf};

use crate::lower::Target;
use crate::store;
use crate::train::unix_seconds;

/// The text of the file; paths of the spec are relative to `spec_folder`.
pub fn environment(isa: &str, target: Target, threads: usize, spec_folder: &Path) -> String {
    let environment = serde_json::json!({
        "schema": "specc.env/1",
        "specc": env!("CARGO_PKG_VERSION"),
        "path": target.name(),
        "isa": isa,
        "threads": threads,
        "os": consts::OS,
        "arch": consts::ARCH,
        "libraries": { "candle-core": "0.11" },
        "spec_folder": spec_folder.display().to_string(),
        "started_unix": unix_seconds(),
    });
    format!("{environment:#}\n")
}

/// The folder of the spec of the run in `dir`, where it is remembered and still there.
pub fn spec_folder(dir: &Path) -> Option<PathBuf> {
    let text = store::read_text(&dir.join("env.json"), 1 << 20).ok()?;
    let machine: serde_json::Value = serde_json::from_str(&text).ok()?;
    let folder = PathBuf::from(machine.get("spec_folder")?.as_str()?);
    folder.is_dir().then_some(folder)
}
