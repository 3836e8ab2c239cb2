//! `specc verify`: the claims of a spec, judged by the runs of its sweeps that are there.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::compile::{self, Request, Texts};
use super::environment;
use super::groups::MachineArgs;
use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::check;
use crate::compile::Cells;
use crate::store::StoreError;
use crate::study::{Judged, Made, RunState, Study, Verdict, judge, verdicts_text};
use crate::train::Summary;

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
    let locations = environment::locations(args.data_dir.as_deref(), args.spec.parent());
    let request = Request {
        spec: &args.spec,
        overrides: &args.overrides,
        locations: &locations,
        check: check::Options { budget: 0, ..check::Options::default() },
    };
    let cells = match Texts::read(&args.spec) {
        Ok(texts) => texts.cells(&request),
        Err(unread) => Cells { file: *unread, sweeps: vec![], claims: vec![] },
    };
    terminal.report(&cells.file.diagnostics, &cells.file.sources);
    let (outcome, judged) = if cells.file.fault().is_some() {
        (compile::outcome(&cells.file), vec![])
    } else if cells.claims.is_empty() {
        terminal.report_usage("the spec has no `claim`", "specc verify SPEC [key=value …]");
        (Outcome::Usage, vec![])
    } else {
        let study = Study::of(&cells, &args.machine.machine(), args.output.as_deref());
        match stored(&study).and_then(|made| judge(&cells.claims, &study, &made)) {
            Ok(judged) => (outcome(&judged, args.allow_open), judged),
            Err(error) => {
                terminal.report_error(&error);
                (Outcome::of_error(&error), vec![])
            }
        }
    };
    if args.json {
        let document = json!({
            "schema": "specc.verify/1",
            "ok": outcome == Outcome::Ok,
            "diagnostics": terminal.reported(),
            "claims": judged,
        });
        terminal.print(format!("{document:#}"));
    } else if !judged.is_empty() {
        terminal.print(verdicts_text(&judged));
    }
    Ok(outcome)
}

/// Every run of a study as it stands.
fn stored(study: &Study) -> Result<Vec<Made>, StoreError> {
    let made = study.runs().into_iter().map(|run| {
        let state = RunState::of(&run.dir);
        let summary =
            if state == RunState::Done { Summary::of_run(Path::new(&run.dir))? } else { None };
        Ok(Made { run, state, summary })
    });
    made.collect()
}

/// 0 where all claims hold, or are open and may be.
pub(super) fn outcome(judged: &[Judged], allow_open: bool) -> Outcome {
    let passes = |claim: &Judged| match claim.verdict {
        Verdict::Holds => true,
        Verdict::Open => allow_open,
        Verdict::Refuted => false,
    };
    if judged.iter().all(passes) { Outcome::Ok } else { Outcome::Unproven }
}
