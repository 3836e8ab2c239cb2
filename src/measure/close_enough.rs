//! Close-enough accuracy: the label is almost as probable as the best class.

use super::Probabilities;
use super::fraction::fraction_of;

/// Close-enough accuracy for each a of `tolerances`.
///
/// **What** the fraction of samples with `p_y ≥ max_i p_i − a`; it does not fall as a grows.
/// **Units** fraction of the samples; a is a difference of probabilities, 0 to 1.
/// **Source** paper §3.1. At a = 0 it equals accuracy with ties counted.
pub fn close_enough(probabilities: &Probabilities, tolerances: &[f64]) -> Vec<Option<f64>> {
    tolerances.iter().map(|a| within(&probabilities.label, &probabilities.max, *a)).collect()
}

/// What a network that knows nothing scores: 1/K below a = 1/K, and 1 from there on.
///
/// Its probabilities are all near 1/K, so that any a ≥ 1/K forgives everything. Shown beside
/// close-enough accuracy, which means little where this curve is already 1.
pub fn chance_curve(n_classes: usize, tolerances: &[f64]) -> Vec<f64> {
    let guess = 1.0 / n_classes.max(1) as f64;
    tolerances.iter().map(|a| if *a >= guess { 1.0 } else { guess }).collect()
}

/// The fraction of positions with `own ≥ best − a`.
pub(super) fn within(own: &[f64], best: &[f64], a: f64) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = own.iter().copied().zip(best.iter().copied()).collect();
    fraction_of(&pairs, |(own, best)| own >= best - a)
}
