//! What an epoch says of many samples in two numbers.

use serde::{Deserialize, Serialize};

/// Loss and accuracy over many samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// Mean loss.
    pub loss: f64,
    /// Fraction with a positive margin.
    pub accuracy: f64,
}
