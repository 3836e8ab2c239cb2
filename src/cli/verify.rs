//! `specc verify`: the claims of a spec, judged by the runs of its sweeps that are there.

use std::path::PathBuf;

use serde_json::json;

use super::environment;
use super::groups::MachineArgs;
use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::check;
use crate::compile::files::{self, Request};
use crate::store::StoreError;
use crate::study::{Judged, Study, Verdict, stored, verdicts, verdicts_text};

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

/// Shows verdicts where they are wanted as text; 0 where all claims hold, or are open and may be.
pub(super) fn conclude(
    judged: Result<Vec<Judged>, StoreError>,
    allow_open: bool,
    show: bool,
    terminal: &mut Terminal,
) -> (Outcome, Vec<Judged>) {
    match judged {
        Ok(judged) => {
            if show && !judged.is_empty() {
                terminal.print(verdicts_text(&judged));
            }
            let passes = |claim: &Judged| match claim.verdict {
                Verdict::Holds => true,
                Verdict::Open => allow_open,
                Verdict::Refuted => false,
            };
            let all_pass = judged.iter().all(passes);
            (if all_pass { Outcome::Ok } else { Outcome::Unproven }, judged)
        }
        Err(error) => {
            terminal.report_error(&error);
            (Outcome::of_error(&error), vec![])
        }
    }
}
