//! The command line: arguments in, exit code out.
//!
//! Each command is one file with its arguments and a `run` function, a row of `Command` and one of `dispatch`.

mod choice;
mod commands;
#[cfg(feature = "exec")]
mod compare;
#[cfg(feature = "exec")]
mod comparing;
mod completions;
mod diff;
#[cfg(feature = "exec")]
mod eval;
#[cfg(feature = "exec")]
mod events;
#[cfg(feature = "exec")]
mod export;
#[cfg(feature = "exec")]
mod groups;
mod portrait;
#[cfg(feature = "exec")]
mod report;
#[cfg(feature = "exec")]
mod reproduce;
#[cfg(feature = "exec")]
mod runs;
#[cfg(feature = "exec")]
mod slurm;
mod snapshot;
#[cfg(feature = "exec")]
mod sweep;
#[cfg(feature = "exec")]
mod time;
#[cfg(feature = "exec")]
mod train;
#[cfg(feature = "exec")]
mod verify;

pub mod analyze;
mod check;
pub mod data;
mod explain;
pub mod fmt;
mod graph;
mod lsp;
mod new;
mod usage;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use choice::{Words, choice};

use crate::store::Owner;
use crate::terminal::{Outcome, Terminal, environment};

/// Compiles, trains and measures the networks of `.net` files.
#[derive(Debug, Parser)]
#[command(name = "specc", version, max_term_width = 100, arg_required_else_help = false)]
struct Cli {
    /// When to use colours.
    #[arg(long, value_parser = choice(COLORS), default_value = "auto", global = true, value_name = "WHEN")]
    color: Color,

    /// What to do.
    #[command(subcommand)]
    command: Option<Command>,
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
enum Command {
    /// Train a network and measure it.
    #[cfg(feature = "exec")]
    Train(train::TrainArgs),
    /// Train every cell of the sweeps of a spec.
    #[cfg(feature = "exec")]
    Sweep(sweep::SweepArgs),
    /// List runs: labels, state, measures; as tables, CSV or JSON.
    #[cfg(feature = "exec")]
    Runs(runs::RunsArgs),
    /// Compare groups of runs with intervals and tests over their seeds.
    #[cfg(feature = "exec")]
    Compare(compare::CompareArgs),
    /// Show what runs, sweeps and comparisons found: one page, text, or figures for a paper.
    #[cfg(feature = "exec")]
    Report(report::ReportArgs),
    /// Judge the claims of a spec by its runs.
    #[cfg(feature = "exec")]
    Verify(verify::VerifyArgs),
    /// Make the figures of the paper again.
    #[cfg(feature = "exec")]
    Reproduce(reproduce::ReproduceArgs),
    /// Evaluate a trained run again.
    #[cfg(feature = "exec")]
    Eval(eval::EvalArgs),
    /// Write a trained net for other programs: ONNX, PyTorch, safetensors.
    #[cfg(feature = "exec")]
    Export(export::ExportArgs),
    /// Show where the time of a step goes: each layer, forward and backward, against the peak.
    #[cfg(feature = "exec")]
    Time(time::TimeArgs),
    /// Check a spec: shapes, costs, and how the logits scale.
    Check(check::CheckArgs),
    /// Draw the network of a spec.
    Graph(graph::GraphArgs),
    /// Show in what two specs or runs differ: settings, layers, degrees, kernels.
    Diff(diff::DiffArgs),
    /// Keep what a spec compiles to, and fail when it changes.
    Snapshot(snapshot::SnapshotArgs),
    /// Take measures of stored logits.
    Analyze(analyze::AnalyzeArgs),
    /// Bring specs into the canonical layout.
    Fmt(fmt::FmtArgs),
    /// Write a spec to start from.
    New(new::NewArgs),
    /// Explain the code of a message, or a word of the language.
    Explain(explain::ExplainArgs),
    /// List, fetch and verify data sets.
    Data(data::DataArgs),
    /// Serve an editor as a language server.
    Lsp(lsp::LspArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}

/// Runs the program with the arguments of the process and returns its exit code.
pub fn main() -> ExitCode {
    let matches = Cli::command().try_get_matches();
    let parsed = matches.and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, usage::threads(&matches)))
    });
    let (cli, threads) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::refuse(&error),
    };
    environment::set_threads(threads);
    if let Some(task) = environment::slurm_task() {
        Owner::is_task(task);
    }
    let mut terminal = Terminal::new(cli.color);
    let outcome = match &cli.command {
        None => usage::print_first_steps(&mut terminal),
        Some(command) => dispatch(command, &mut terminal),
    };
    let outcome = outcome.unwrap_or_else(|error| terminal.failure(&error));
    ExitCode::from(terminal.conclude(outcome).code())
}

fn dispatch(command: &Command, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    match command {
        #[cfg(feature = "exec")]
        Command::Train(args) => train::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Sweep(args) => sweep::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Runs(args) => runs::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Compare(args) => compare::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Report(args) => report::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Verify(args) => verify::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Reproduce(args) => reproduce::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Eval(args) => eval::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Export(args) => export::run(args, terminal),
        #[cfg(feature = "exec")]
        Command::Time(args) => time::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Graph(args) => graph::run(args, terminal),
        Command::Diff(args) => diff::run(args, terminal),
        Command::Snapshot(args) => snapshot::run(args, terminal),
        Command::Analyze(args) => commands::analyze(args, terminal),
        Command::Fmt(args) => commands::fmt(args, terminal),
        Command::New(args) => new::run(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
        Command::Data(args) => commands::data(args, terminal),
        Command::Lsp(args) => lsp::run(args),
        Command::Completions(args) => completions::run(args, Cli::command(), terminal),
    }
}
