//! `specc verify`: the claims of a spec, judged by the runs of its sweeps that are there.

use std::path::PathBuf;

use serde_json::json;

use super::groups::MachineArgs;
use crate::check;
use crate::compile::files::{self, Request};
use crate::study::{Study, stored, verdicts};
use crate::terminal::{Outcome, Terminal, conclude, environment};

/// Arguments of `specc verify`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The spec, with sweeps and claims.
    spec: PathBuf,

    /// Changes to the spec, as the runs were made with.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// The folder of the runs [default: runs/SPEC].
    #[arg(short, long = "output", value_name = "DIR")]
    output: Option<PathBuf>,

    #[command(flatten)]
    machine: MachineArgs,

    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Let claims pass that are neither held nor refuted yet.
    #[arg(long)]
    allow_open: bool,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `specc verify`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &VerifyArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let locations = environment::locations(args.data_dir.as_deref()).beside(args.spec.parent());
    let request = Request {
        spec: &args.spec,
        overrides: &args.overrides,
        locations: &locations,
        check: check::Options::without_witnesses(),
    };
    let cells = files::cells(&request);
    terminal.report(&cells.file.diagnostics, &cells.file.sources);
    let (outcome, judged) = if cells.file.fault().is_some() {
        (Outcome::from(&cells.file), vec![])
    } else if cells.claims.is_empty() {
        terminal.report_usage("the spec has no `claim`", "specc verify SPEC [key=value …]");
        (Outcome::Usage, vec![])
    } else {
        let study = Study::of(&cells, &args.machine.machine(), args.output.as_deref());
        let judged = stored(study.runs()).and_then(|made| verdicts(&cells.claims, &study, &made));
        conclude(judged, args.allow_open, !args.json, terminal)
    };
    if args.json {
        let document = json!({
            "schema": "specc.verify/1",
            "ok": outcome == Outcome::Ok,
            "diagnostics": terminal.reported(),
            "claims": judged,
        });
        terminal.print(format!("{document:#}"));
    }
    Ok(outcome)
}
