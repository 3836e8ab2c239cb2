//! The masses of well, marginally and poorly classified samples.

use serde::{Deserialize, Serialize};

use super::fraction::fraction;

/// How the samples divide at a threshold μ on the normalised margin; sums to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Masses {
    /// μ ≥ 0.
    pub mu: f64,
    /// Fraction with `m̂ > μ`.
    pub well: Option<f64>,
    /// Fraction with `|m̂| ≤ μ`.
    pub marginal: Option<f64>,
    /// Fraction with `m̂ < −μ`.
    pub poor: Option<f64>,
}

/// The masses for each μ of `thresholds`.
///
/// **Source** paper §2.4.
pub fn masses(normalized_margins: &[f64], thresholds: &[f64]) -> Vec<Masses> {
    let n = normalized_margins.len();
    let one = |mu: f64| {
        let well = normalized_margins.iter().filter(|margin| **margin > mu).count();
        let poor = normalized_margins.iter().filter(|margin| **margin < -mu).count();
        Masses {
            mu,
            well: fraction(well, n),
            marginal: fraction(n - well - poor, n),
            poor: fraction(poor, n),
        }
    };
    thresholds.iter().map(|mu| one(*mu)).collect()
}
