//! How a command ends: the exit codes of `formats.md`.

use crate::diag::{Diagnostic, Severity, ToDiagnostic};

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
    /// What diagnostics ask for, by the ranges of their codes; an invalid spec beats missing data.
    pub(crate) fn of(diagnostics: &[Diagnostic]) -> Self {
        let errors = diagnostics.iter().filter(|d| d.severity() == Severity::Error);
        let of = |diagnostic: &Diagnostic| match diagnostic.code.id() {
            // What the spec asks of its data cannot be, whatever the files hold.
            "E0606" | "E0612" | "E0613" | "E0620" => Self::Invalid,
            "E0618" => Self::Failed,
            id if id.starts_with("E06") => Self::Data,
            id if id.starts_with("E07") => Self::Failed,
            _ => Self::Invalid,
        };
        errors.map(of).fold(Self::Ok, |worst, next| match (worst, next) {
            (Self::Invalid, _) | (_, Self::Invalid) => Self::Invalid,
            (Self::Ok, next) => next,
            (worst, _) => worst,
        })
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
            Self::Diverged => 5,
            Self::Data => 6,
            #[cfg(feature = "exec")]
            Self::Preempted => 75,
            #[cfg(feature = "exec")]
            Self::Interrupted => 130,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;

    #[test]
    fn codes_ask_for_exit_codes() {
        let of = |codes: &[Code]| {
            let errors: Vec<_> = codes.iter().map(|code| Diagnostic::new(*code, "x")).collect();
            Outcome::of(&errors).code()
        };
        for (codes, expected) in [
            (&[][..], 0),
            (&[Code::W0701], 0),
            (&[Code::E0304], 3),
            (&[Code::E0602], 6),
            (&[Code::E0616], 6),
            (&[Code::E0606], 3),
            (&[Code::E0613], 3),
            (&[Code::E0618], 1),
            (&[Code::E0710], 1),
            (&[Code::E0602, Code::E0304], 3),
            (&[Code::W0701, Code::E0602], 6),
        ] {
            assert_eq!(of(codes), expected, "{codes:?}");
        }
    }
}
