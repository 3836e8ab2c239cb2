//! Event files of TensorBoard.

use std::path::{Path, PathBuf};

use super::outcome::Outcome;
use super::streams::Terminal;
use crate::store::{RunDir, StoreError};
use crate::study::{Row, find, tensorboard};

/// Writes below `folder`, where one is named, the events of the runs in these directories, as far as they are there; the outcome is
/// that of the runs unless writing fails.
pub(crate) fn write_events(
    folder: Option<&Path>,
    dirs: impl Iterator<Item = PathBuf>,
    outcome: Outcome,
    terminal: &mut Terminal,
) -> Outcome {
    let Some(folder) = folder else { return outcome };
    let dirs: Vec<PathBuf> = dirs.filter(|dir| RunDir::is_run(dir)).collect();
    match find(&dirs).and_then(|rows| events(&rows, folder)) {
        Ok(said) => {
            terminal.tell(said);
            outcome
        }
        Err(error) => {
            terminal.report_error(&error);
            if outcome == Outcome::Ok { Outcome::of_error(&error) } else { outcome }
        }
    }
}

/// Writes the event files of some runs; says what was written.
pub(crate) fn events(rows: &[Row], folder: &Path) -> Result<String, StoreError> {
    let written = tensorboard(rows, folder)?;
    Ok(format!("{} event files below {}", written.len(), folder.display()))
}
