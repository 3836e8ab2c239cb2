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
    #[cfg(feature = "exec")]
    Diverged,
    /// Data missing or damaged.
    Data,
    /// SIGTERM or SIGUSR1, after a checkpoint.
    #[cfg(feature = "exec")]
    Preempted,
    /// SIGINT, after a checkpoint.
    #[cfg(feature = "exec")]
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
            #[cfg(feature = "exec")]
            Self::Diverged => 5,
            Self::Data => 6,
            #[cfg(feature = "exec")]
            Self::Preempted => 75,
            #[cfg(feature = "exec")]
            Self::Interrupted => 130,
        }
    }
}
