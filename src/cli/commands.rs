//! Commands whose work is done by functions that know no terminal: their results are shown here.

use std::io;

use super::analyze::{self, AnalyzeArgs};
use super::data::{self, DataArgs};
use super::fmt::{self, FmtArgs};
use crate::data::DataError;
use crate::diag::SourceMap;
use crate::terminal::{FetchBar, Outcome, Terminal, environment};

/// `specc analyze`.
pub(crate) fn analyze(args: &AnalyzeArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let width = Terminal::width() as u16;
    let outcome = analyze::run(args, width, terminal.out())?;
    terminal.out().flush()?;
    terminal.report(&outcome.diagnostics, &SourceMap::new());
    Ok(match outcome.exit_code {
        0 => Outcome::Ok,
        2 => Outcome::Usage,
        _ => Outcome::Data,
    })
}

/// `specc fmt`.
pub(crate) fn fmt(args: &FmtArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let style = terminal.style();
    let code = fmt::run(args, style, &mut io::stdin().lock(), terminal.out(), &mut io::stderr())?;
    Ok(match code {
        0 => Outcome::Ok,
        1 => Outcome::Failed,
        2 => Outcome::Usage,
        _ => Outcome::Invalid,
    })
}

/// `specc data`.
pub(crate) fn data(args: &DataArgs, terminal: &mut Terminal) -> anyhow::Result<Outcome> {
    let locations = environment::locations(args.data_dir.as_deref());
    let mut bar = FetchBar::new(Terminal::is_watched(), false);
    let result = data::run(args, &locations, &mut bar, terminal.out());
    match result.map_err(anyhow::Error::downcast::<DataError>) {
        Ok(()) => {
            terminal.out().flush()?;
            Ok(Outcome::Ok)
        }
        Err(Ok(error)) => {
            terminal.report_error(&error);
            Ok(Outcome::of_error(&error))
        }
        Err(Err(error)) => Err(error),
    }
}
