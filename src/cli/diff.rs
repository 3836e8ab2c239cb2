//! `specc diff`: in what two specs or runs differ, by what they compile to.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::compile::{self, Request};
use super::environment;
use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::check::Options;
use crate::compile::Compiled;
use crate::portrait::{Difference, Portrait, STAGES, Stage, differences, text};

/// Arguments of `specc diff`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// A spec, or the directory of a run.
    before: PathBuf,

    /// What it is compared with.
    after: PathBuf,

    /// Changes to what is a spec; runs are taken as they are.
    #[arg(value_name = "key=value")]
    overrides: Vec<String>,

    /// Stages to compare [default: all].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STAGE,…")]
    stages: Vec<StageArg>,

    /// Folder with data sets [default: $SPECC_DATA, then the user cache].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// `--stages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StageArg {
    /// Items, settings, layers.
    Graph,
    /// Degrees, R, symmetries.
    Facts,
    /// Operations of a training step.
    Joint,
    /// Kernels.
    Plan,
}

/// The stages of `--stages`.
pub(super) fn stages(asked: &[StageArg]) -> Vec<Stage> {
    if asked.is_empty() {
        return STAGES.to_vec();
    }
    let stage = |arg: &StageArg| match arg {
        StageArg::Graph => Stage::Graph,
        StageArg::Facts => Stage::Facts,
        StageArg::Joint => Stage::Joint,
        StageArg::Plan => Stage::Plan,
    };
    asked.iter().map(stage).collect()
}

/// Runs `specc diff`.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn run(args: &DiffArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let mut portraits = vec![];
    let mut refused = None;
    for path in [&args.before, &args.after] {
        let compiled = compiled(path, args);
        match portrait(&compiled, &stages(&args.stages), terminal) {
            Ok(portrait) => portraits.push(portrait),
            Err(outcome) => refused = refused.or(Some(outcome)),
        }
    }
    let found = match portraits.as_slice() {
        [before, after] => differences(before, after),
        _ => vec![],
    };
    let outcome = refused.unwrap_or_else(|| outcome(&found));
    if args.json {
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
        terminal.print(shown(&found));
    }
    Ok(outcome)
}

/// What the differences say: 1 where there are some.
pub(super) fn outcome(found: &[Difference]) -> Outcome {
    if found.is_empty() { Outcome::Ok } else { Outcome::Failed }
}

/// The differences for a terminal.
pub(super) fn shown(found: &[Difference]) -> String {
    let count = match found.len() {
        0 => return "no differences".to_owned(),
        1 => "1 difference".to_owned(),
        n => format!("{n} differences"),
    };
    format!("{}\n{count}", text(found))
}

fn compiled(path: &Path, args: &DiffArgs) -> Compiled {
    #[cfg(feature = "exec")]
    if path.is_dir() {
        return compile::of_run(path, args.data_dir.as_deref()).0;
    }
    let locations = environment::locations(args.data_dir.as_deref(), path.parent());
    compile::compile(&Request {
        spec: path,
        overrides: &args.overrides,
        locations: &locations,
        check: Options { budget: 0, ..Options::default() },
    })
}

/// The portrait of a spec with these stages; what is wrong with it is reported.
pub(super) fn portrait(
    compiled: &Compiled,
    stages: &[Stage],
    terminal: &mut Terminal,
) -> Result<Portrait, Outcome> {
    // Warnings are for `check`.
    let outcome = compile::outcome(compiled);
    if outcome != Outcome::Ok {
        terminal.report(&compiled.diagnostics, &compiled.sources);
        return Err(outcome);
    }
    match Portrait::of(compiled) {
        Ok(mut portrait) => {
            portrait.stages.retain(|stage, _| stages.contains(stage));
            Ok(portrait)
        }
        Err(errors) => {
            terminal.report(&errors, &compiled.sources);
            Err(Outcome::of(&errors))
        }
    }
}
