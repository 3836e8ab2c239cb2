//! `specc snapshot`: what a spec compiles to, kept beside it, and told when it changes.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::outcome::Outcome;
use super::portrait::{PortraitArgs, outcome, shown};
use super::terminal::Terminal;
use crate::portrait::{Portrait, Sheet, Stage, differences};
use crate::store::{StoreError, read_text, write_atomic};

/// The largest file of a snapshot that is read.
const MAX_BYTES: u64 = 1 << 26;

/// Arguments of `specc snapshot`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SnapshotArgs {
    /// The spec; `nets/a.net` has its snapshot in `nets/a.snap/`.
    spec: PathBuf,

    /// Take what it compiles to now as right.
    #[arg(long)]
    update: bool,

    #[command(flatten)]
    portrait: PortraitArgs,
}

/// Runs `specc snapshot`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &SnapshotArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let folder = args.spec.with_extension("snap");
    let (outcome, mut document) = match compare(args, &folder, terminal) {
        Ok(found) => found,
        Err(error) => {
            terminal.report_error(&error);
            (Outcome::of_error(&error), json!({ "equal": false, "differences": [], "written": [] }))
        }
    };
    if args.portrait.json {
        document["schema"] = json!("specc.snapshot/1");
        document["ok"] = json!(outcome == Outcome::Ok);
        document["folder"] = json!(folder);
        document["diagnostics"] = json!(terminal.reported());
        terminal.print(format!("{document:#}"));
    }
    Ok(outcome)
}

fn compare(
    args: &SnapshotArgs,
    folder: &Path,
    terminal: &mut Terminal,
) -> Result<(Outcome, serde_json::Value), StoreError> {
    let mut asked = args.portrait.stages();
    let is_kept = |stage: &Stage| file(folder, *stage).exists();
    if args.portrait.asked().is_none() && asked.iter().any(is_kept) {
        asked.retain(is_kept);
    }
    let now = match args.portrait.portrait(&args.spec, &asked, terminal) {
        Ok(now) => now,
        Err(outcome) => {
            return Ok((outcome, json!({ "equal": false, "differences": [], "written": [] })));
        }
    };
    let mut kept = Portrait { stages: [].into() };
    for stage in &asked {
        let path = file(folder, *stage);
        if path.exists() {
            let text = read_text(&path, MAX_BYTES)?;
            let sheet: Sheet = serde_json::from_str(&text)
                .map_err(|error| StoreError::damaged(&path, error.to_string()))?;
            kept.stages.insert(*stage, sheet);
        }
    }
    let found = differences(&kept, &now);
    std::fs::create_dir_all(folder).map_err(|error| StoreError::io("write", folder, error))?;
    let mut written = vec![];
    for (stage, sheet) in &now.stages {
        let is_new = !kept.stages.contains_key(stage);
        let is_other = kept.stages.get(stage) != Some(sheet);
        if is_new || (args.update && is_other) {
            let mut text = serde_json::to_string_pretty(sheet).expect("a sheet holds plain text");
            text.push('\n');
            let path = file(folder, *stage);
            write_atomic(&path, text.as_bytes())?;
            written.push(path);
        }
    }
    let outcome = if args.update { Outcome::Ok } else { outcome(&found) };
    if !args.portrait.json {
        if !found.is_empty() || written.is_empty() {
            terminal.print(shown(&found));
        }
        for path in &written {
            terminal.tell(format!("written: {}", path.display()));
        }
        if outcome != Outcome::Ok {
            terminal.tell("`specc snapshot --update` takes it as right");
        }
    }
    let document = json!({ "equal": found.is_empty(), "differences": found, "written": written });
    Ok((outcome, document))
}

fn file(folder: &Path, stage: Stage) -> PathBuf {
    folder.join(format!("{}.json", stage.name()))
}
