//! The command line: arguments in, exit code out.
//!
//! Each command is one file with its arguments and a `run` function; [`main`] is the table.

mod args;
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

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::store::Owner;
use crate::terminal::{Outcome, Terminal, environment};
use args::{Cli, Command};

/// Runs the program with the arguments of the process and returns its exit code.
pub fn main() -> ExitCode {
    let matches = Cli::command().try_get_matches();
    let parsed = matches.and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, args::threads(&matches)))
    });
    let (cli, threads) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return args::refuse(&error),
    };
    environment::set_threads(threads);
    if let Some(task) = environment::slurm_task() {
        Owner::is_task(task);
    }
    let mut terminal = Terminal::new(cli.color);
    let outcome = match &cli.command {
        None => args::print_first_steps(&mut terminal),
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
