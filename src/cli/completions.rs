//! `specc completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::outcome::Outcome;
use super::terminal::Terminal;

/// Arguments of `specc completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to write a completion script for.
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), "specc", &mut script);
    terminal.out().write_all(&script)?;
    Ok(Outcome::Ok)
}
