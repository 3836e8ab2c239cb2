//! Why there is nothing to show of stored runs.

use super::Incomparable;
use crate::store::StoreError;

/// Why a question about stored runs has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question cannot be understood, or asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// What is stored cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<String> for QueryError {
    fn from(message: String) -> Self {
        Self::Usage(message)
    }
}

impl From<Incomparable> for QueryError {
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
