//! The arguments of all commands joined, and what `specc` says without any.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::choice::{Words, choice};
use super::completions::CompletionsArgs;

use crate::terminal::{Outcome, Terminal, environment, usage_problem};

/// Compiles, trains and measures the networks of `.net` files.
#[derive(Debug, Parser)]
#[command(name = "specc", version, max_term_width = 100, arg_required_else_help = false)]
pub(crate) struct Cli {
    /// When to use colours.
    #[arg(long, value_parser = choice(COLORS), default_value = "auto", global = true, value_name = "WHEN")]
    pub(crate) color: Color,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Whether to use colours, where that is said.
type Color = Option<bool>;

/// `--color`.
const COLORS: Words<Color> = &[
    ("auto", "On a terminal, unless `NO_COLOR` is set", None),
    ("always", "Always", Some(true)),
    ("never", "Never", Some(false)),
];

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and measure it.
    #[cfg(feature = "exec")]
    Train(super::train::TrainArgs),
    /// Train every cell of the sweeps of a spec.
    #[cfg(feature = "exec")]
    Sweep(super::sweep::SweepArgs),
    /// List runs: labels, state, measures; as tables, CSV or JSON.
    #[cfg(feature = "exec")]
    Runs(super::runs::RunsArgs),
    /// Compare groups of runs with intervals and tests over their seeds.
    #[cfg(feature = "exec")]
    Compare(super::compare::CompareArgs),
    /// Show what runs, sweeps and comparisons found: one page, text, or figures for a paper.
    #[cfg(feature = "exec")]
    Report(super::report::ReportArgs),
    /// Judge the claims of a spec by its runs.
    #[cfg(feature = "exec")]
    Verify(super::verify::VerifyArgs),
    /// Make the figures of the paper again.
    #[cfg(feature = "exec")]
    Reproduce(super::reproduce::ReproduceArgs),
    /// Evaluate a trained run again.
    #[cfg(feature = "exec")]
    Eval(super::eval::EvalArgs),
    /// Write a trained net for other programs: ONNX, PyTorch, safetensors.
    #[cfg(feature = "exec")]
    Export(super::export::ExportArgs),
    /// Show where the time of a step goes: each layer, forward and backward, against the peak.
    #[cfg(feature = "exec")]
    Time(super::time::TimeArgs),
    /// Check a spec: shapes, costs, and how the logits scale.
    Check(super::check::CheckArgs),
    /// Draw the network of a spec.
    Graph(super::graph::GraphArgs),
    /// Show in what two specs or runs differ: settings, layers, degrees, kernels.
    Diff(super::diff::DiffArgs),
    /// Keep what a spec compiles to, and fail when it changes.
    Snapshot(super::snapshot::SnapshotArgs),
    /// Take measures of stored logits.
    Analyze(super::analyze::AnalyzeArgs),
    /// Bring specs into the canonical layout.
    Fmt(super::fmt::FmtArgs),
    /// Write a spec to start from.
    New(super::new::NewArgs),
    /// Explain the code of a message, or a word of the language.
    Explain(super::explain::ExplainArgs),
    /// List, fetch and verify data sets.
    Data(super::data::DataArgs),
    /// Serve an editor as a language server.
    Lsp(super::lsp::LspArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// `--threads`, where the command has it: what is given, or all processors.
pub(crate) fn threads(matches: &clap::ArgMatches) -> Option<usize> {
    let (_, command) = matches.subcommand()?;
    let given = command.try_get_one::<u16>("threads").ok()?;
    Some(given.map_or_else(environment::processors, |given| usize::from(*given)))
}

/// Prints what clap has to say; usage errors exit with 2, with a document where `--json` asks for one.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    // Nothing is left to do when even this cannot be printed.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::from(Outcome::Ok.code());
    }
    if environment::has_argument("--json") {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let mut terminal = Terminal::new(Some(false));
        terminal.print(format!("{:#}", usage_document(message)));
        terminal.flush();
    }
    ExitCode::from(Outcome::Usage.code())
}

/// What `--json` shows of a command line that cannot be understood.
pub(crate) fn usage_document(message: &str) -> serde_json::Value {
    serde_json::json!({
        "schema": "specc.usage/1",
        "ok": false,
        "diagnostics": [usage_problem(message)],
    })
}

/// `specc` alone: the way to a first run.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all commands")]
pub(crate) fn print_first_steps(terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    terminal.print(
        "specc compiles, trains and measures the networks of .net files.\n\
         \n\
         A first run, which needs no data:\n\
         \x20 specc new quickstart\n\
         \x20 specc check quickstart.net\n\
         \x20 specc train quickstart.net\n\
         \n\
         `specc help` lists all commands, `specc help train` the options of one.",
    );
    Ok(Outcome::Ok)
}
