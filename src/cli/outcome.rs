//! How a command ends: the exit codes of `formats.md`.

/// The end of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All went well.
    Ok,
    /// A run-time failure, or `fmt --check` would change something.
    Failed,
    /// Usage, override, unreadable file, unknown code.
    Usage,
    /// The spec is invalid.
    Invalid,
    /// NaN or Inf in training.
    Diverged,
    /// Data missing or damaged.
    Data,
    /// SIGTERM or SIGUSR1, after a checkpoint.
    Preempted,
    /// SIGINT, after a checkpoint.
    Interrupted,
}

impl Outcome {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Diverged => 5,
            Self::Data => 6,
            Self::Preempted => 75,
            Self::Interrupted => 130,
        }
    }
}
