//! Event files of TensorBoard, written when the runs of a command end.

use std::path::{Path, PathBuf};

use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::store::{RunDir, StoreError};
use crate::study::{Row, find, tensorboard};

/// `--tensorboard` of the commands that make runs.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct EventArgs {
    /// When the runs end, write event files of TensorBoard below this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    tensorboard: Option<PathBuf>,
}

impl EventArgs {
    /// Writes what is asked for of the runs in these directories, as far as they are there; the outcome is that of the runs
    /// unless writing fails.
    pub(super) fn write(
        &self,
        dirs: impl Iterator<Item = PathBuf>,
        outcome: Outcome,
        terminal: &mut Terminal,
    ) -> Outcome {
        let Some(folder) = &self.tensorboard else { return outcome };
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
}

/// Writes the event files of some runs; says what was written.
pub(super) fn events(rows: &[Row], folder: &Path) -> Result<String, StoreError> {
    let written = tensorboard(rows, folder)?;
    Ok(format!("{} event files below {}", written.len(), folder.display()))
}
