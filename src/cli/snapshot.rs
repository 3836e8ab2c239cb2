//! `specc snapshot`: what a spec compiles to, kept beside it, and told when it changes.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::portrait::{PortraitArgs, outcome};
use crate::portrait::{Portrait, counted, differences, kept_stages};
use crate::store::StoreError;
use crate::terminal::{Outcome, Terminal};

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
    let of_folder = kept_stages(folder);
    if args.portrait.asked().is_none() && !of_folder.is_empty() {
        asked.retain(|stage| of_folder.contains(stage));
    }
    let now = match args.portrait.portrait(&args.spec, &asked, terminal) {
        Ok(now) => now,
        Err(outcome) => {
            return Ok((outcome, json!({ "equal": false, "differences": [], "written": [] })));
        }
    };
    let kept = Portrait::read(folder, &asked)?;
    let found = differences(&kept, &now);
    let written = now.keep(folder, &kept, args.update)?;
    let outcome = if args.update { Outcome::Ok } else { outcome(&found) };
    if !args.portrait.json {
        if !found.is_empty() || written.is_empty() {
            terminal.print(counted(&found));
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
