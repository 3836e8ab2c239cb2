//! `specc completions SHELL`.

use clap_complete::Shell;

use crate::terminal::{Outcome, Terminal};

/// Arguments of `specc completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to write a completion script for.
    shell: Shell,
}

/// Runs `specc completions`; `program` is the whole command line.
pub(crate) fn run(
    args: &CompletionsArgs,
    mut program: clap::Command,
    terminal: &mut Terminal,
) -> anyhow::Result<Outcome> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut program, "specc", &mut script);
    terminal.out().write_all(&script)?;
    Ok(Outcome::Ok)
}
