//! How a command ends: the exit codes of `formats.md`.

use crate::compile::Compiled;
use crate::diag::{Diagnostic, Fault, ToDiagnostic};
#[cfg(feature = "exec")]
use crate::train::StopReason;

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
    /// A claim that does not hold, or not yet.
    #[cfg(feature = "exec")]
    Unproven,
    /// NaN or Inf in training.
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

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Usage => Self::Usage,
            Fault::Spec => Self::Invalid,
            Fault::Data => Self::Data,
            Fault::Diverged => Self::Diverged,
            Fault::Run => Self::Failed,
        }
    }
}

/// What the errors of a spec ask for.
impl From<&Compiled> for Outcome {
    fn from(compiled: &Compiled) -> Self {
        compiled.fault().map_or(Self::Ok, Self::from)
    }
}

#[cfg(feature = "exec")]
impl From<StopReason> for Outcome {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Interrupt => Self::Interrupted,
            StopReason::Preempt => Self::Preempted,
        }
    }
}

#[cfg(feature = "exec")]
/// Why a command ends early.
pub(crate) enum Halt {
    /// For a reason that was shown.
    Told(Outcome),
    /// For an error of the process itself.
    Broken(anyhow::Error),
}

#[cfg(feature = "exec")]
impl From<Outcome> for Halt {
    fn from(outcome: Outcome) -> Self {
        Self::Told(outcome)
    }
}

#[cfg(feature = "exec")]
impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

#[cfg(feature = "exec")]
impl From<std::io::Error> for Halt {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.into())
    }
}

#[cfg(feature = "exec")]
/// What a command came to, or the outcome with which it ended early.
pub(crate) fn settled<T>(result: Result<T, Halt>) -> anyhow::Result<Result<T, Outcome>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Halt::Told(outcome)) => Ok(Err(outcome)),
        Err(Halt::Broken(error)) => Err(error),
    }
}

impl Outcome {
    /// What diagnostics ask for.
    pub(crate) fn of(diagnostics: &[Diagnostic]) -> Self {
        Fault::of(diagnostics).map_or(Self::Ok, Self::from)
    }

    /// What one error asks for.
    pub(crate) fn of_error(error: &dyn ToDiagnostic) -> Self {
        Self::of(&[error.to_diagnostic()])
    }

    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            #[cfg(feature = "exec")]
            Self::Unproven => 4,
            Self::Diverged => 5,
            Self::Data => 6,
            #[cfg(feature = "exec")]
            Self::Preempted => 75,
            #[cfg(feature = "exec")]
            Self::Interrupted => 130,
        }
    }
}
