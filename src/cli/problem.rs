//! Why a command that reads stored runs has nothing to show.

use super::outcome::Outcome;
use super::terminal::Terminal;
use crate::store::StoreError;
use crate::study::Incomparable;

/// What is wrong.
pub(super) enum Problem {
    /// With the arguments.
    Usage(String),
    /// With what is stored.
    Store(StoreError),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::Usage(message)
    }
}

impl From<Incomparable> for Problem {
    fn from(error: Incomparable) -> Self {
        match error {
            Incomparable::Store(error) => Self::Store(error),
            Incomparable::One
            | Incomparable::Empty(_)
            | Incomparable::Data(..)
            | Incomparable::Usage(_) => Self::Usage(error.to_string()),
        }
    }
}

impl Problem {
    /// Says it, with the form that the arguments take.
    pub(super) fn tell(self, form: &str, terminal: &mut Terminal) -> Outcome {
        match self {
            Self::Usage(message) => {
                terminal.report_usage(&message, form);
                Outcome::Usage
            }
            Self::Store(error) => {
                terminal.report_error(&error);
                Outcome::of_error(&error)
            }
        }
    }
}
