//! What `specc` says without a command, and of a command line that cannot be understood.

use std::process::ExitCode;

use crate::terminal::{Outcome, Terminal, environment, usage_problem};

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
