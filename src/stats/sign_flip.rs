//! The sign-flip test: how often random signs give a sum at least as far from 0.

use super::flips::{floor, visit};

/// Ties are sums that differ by less than this part of the sum of magnitudes: only by rounding.
pub(super) const SLACK: f64 = 1e-12;

/// The outcome of a sign-flip test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// Two-sided p.
    pub p: f64,
    /// The smallest p that this number of differences allows.
    pub floor: f64,
}

/// **What** tests whether paired differences are symmetric about `margin`, without assuming a distribution.
///
/// **Formula** the share of all combinations of signs ε with |Σ ε (d − margin)| ≥ |Σ (d − margin)|, exact up to
/// [`super::EXACT_UP_TO`] differences, beyond that over [`super::DRAWS`] draws, the observed one counted among them.
/// `None` without differences.
///
/// **Source** Fisher, The Design of Experiments (1935), section 21.
pub fn sign_flip(differences: &[f64], margin: f64) -> Option<SignFlip> {
    let n = differences.len();
    if n == 0 {
        return None;
    }
    let shifted: Vec<f64> = differences.iter().map(|d| d - margin).collect();
    let slack = SLACK * shifted.iter().map(|d| d.abs()).sum::<f64>();
    let observed = shifted.iter().sum::<f64>().abs() - slack;
    let (mut reached, mut visited) = (0_u32, 0_u32);
    visit(n, |turned| {
        let terms = shifted.iter().zip(turned).map(|(d, turn)| if *turn { -d } else { *d });
        reached += u32::from(terms.sum::<f64>().abs() >= observed);
        visited += 1;
    });
    Some(SignFlip { p: f64::from(reached) / f64::from(visited), floor: floor(n) })
}
