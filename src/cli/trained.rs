//! `--at`: which weights of a run are meant.

use crate::experiment::At;

/// Which weights of a run are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub(super) struct AtArgs {
    /// The weights of the end, or those that `keep = best(…)` kept.
    #[arg(long, value_enum, default_value = "last")]
    at: AtArg,
}

/// `--at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum AtArg {
    /// Those of the last checkpoint.
    Last,
    /// Those of the best epoch.
    Best,
}

impl AtArgs {
    /// The weights that are meant.
    pub(super) fn at(self) -> At {
        match self.at {
            AtArg::Last => At::Last,
            AtArg::Best => At::Best,
        }
    }
}
