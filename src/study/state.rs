//! How a run stands, from the outside of its directory.

use std::path::Path;

use crate::store::{Owner, RunDir};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunState {
    /// At its end, and measured.
    Done,
    /// Begun; it goes on from its checkpoint.
    Stopped,
    /// A living process works on it.
    Running,
    /// It ended in an error.
    Failed,
    /// Not begun.
    New,
}

impl RunState {
    /// Looks at a directory.
    pub fn of(dir: &Path) -> Self {
        let has = |name: &str| dir.join(name).is_file();
        match RunDir::is_run(dir) {
            false => Self::New,
            true if Owner::of_run(dir).is_some() => Self::Running,
            true if has("FAILED") => Self::Failed,
            true if has("DONE") => Self::Done,
            true => Self::Stopped,
        }
    }

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::New => "new",
        }
    }
}
