//! The size of the well-classified set as a function of its threshold.

use serde::{Deserialize, Serialize};

/// Number of samples on either reading of the threshold η.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WellCount {
    /// η, in units of the margin.
    pub eta: f64,
    /// `#W_η`: samples with `m > η` (§2.2).
    pub above: usize,
    /// Samples with `m ≥ η`, the condition of the loss (13).
    pub at_least: usize,
}

/// The counts for each η of `thresholds`.
///
/// **Source** paper §1 and §3.1: `#W_η` as a function of η.
pub fn well_counts(margins: &[f64], thresholds: &[f64]) -> Vec<WellCount> {
    thresholds
        .iter()
        .map(|&eta| WellCount {
            eta,
            above: margins.iter().filter(|margin| **margin > eta).count(),
            at_least: margins.iter().filter(|margin| **margin >= eta).count(),
        })
        .collect()
}
