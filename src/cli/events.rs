//! `--tensorboard` of the commands that make runs.

use std::path::PathBuf;

/// Where event files go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct EventArgs {
    /// When the runs end, write event files of TensorBoard below this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    pub(super) tensorboard: Option<PathBuf>,
}
