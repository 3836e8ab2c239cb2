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
    /// Its process died without a word; it goes on from its checkpoint.
    Stale,
    /// A living process works on it.
    Running,
    /// It ended in an error.
    Failed,
    /// Not begun.
    New,
}

impl RunState {
    /// All states, the best first.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Running, Self::Stopped, Self::Stale, Self::Failed, Self::New];

    /// Looks at a directory.
    pub fn of(dir: &Path) -> Self {
        let has = |name: &str| dir.join(name).is_file();
        if !RunDir::is_run(dir) {
            return Self::New;
        }
        match Owner::lives_in(dir) {
            Some(true) => Self::Running,
            Some(false) | None if has("FAILED") => Self::Failed,
            Some(false) | None if has("DONE") => Self::Done,
            Some(false) => Self::Stale,
            None => Self::Stopped,
        }
    }

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Stale => "stale",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::New => "new",
        }
    }
}
