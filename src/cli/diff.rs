//! `specc diff`: in what two specs or runs differ, by what they compile to.

use std::path::PathBuf;

use serde_json::json;

use super::portrait::{PortraitArgs, outcome};
use crate::portrait::{counted, differences};
use crate::terminal::{Outcome, Terminal};

/// Arguments of `specc diff`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// A spec, or the directory of a run.
    before: PathBuf,

    /// What it is compared with.
    after: PathBuf,

    #[command(flatten)]
    portrait: PortraitArgs,
}

/// Runs `specc diff`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &DiffArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let stages = args.portrait.stages();
    let mut portraits = vec![];
    let mut refused = None;
    for path in [&args.before, &args.after] {
        match args.portrait.portrait(path, &stages, terminal) {
            Ok(portrait) => portraits.push(portrait),
            Err(outcome) => refused = refused.or(Some(outcome)),
        }
    }
    let found = match portraits.as_slice() {
        [before, after] => differences(before, after),
        _ => vec![],
    };
    let outcome = refused.unwrap_or_else(|| outcome(&found));
    if args.portrait.json {
        let document = json!({
            "schema": "specc.diff/1",
            "ok": refused.is_none(),
            "equal": refused.is_none() && found.is_empty(),
            "before": args.before,
            "after": args.after,
            "differences": found,
            "diagnostics": terminal.reported(),
        });
        terminal.print(format!("{document:#}"));
    } else if refused.is_none() {
        terminal.print(counted(&found));
    }
    Ok(outcome)
}
