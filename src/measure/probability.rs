//! Probabilities at a stated scale of the logits.

use super::{Logits, Scalars};

/// What the measures need of `softmax(s z)`, one value per sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    /// `p_y`, the probability of the label.
    pub label: Vec<f64>,
    /// `max_i p_i`.
    pub max: Vec<f64>,
    /// `δp = p_y − max_i p_i` (19); at most 0, and 0 where the label has the largest logit.
    pub delta: Vec<f64>,
}

impl Probabilities {
    /// Probabilities of the labels at scale `s`.
    ///
    /// **Formula** `p = softmax(s z)`, shifted by the largest scaled logit, so that no scale
    /// overflows. **Source** paper (3), (19). `scale` is finite.
    pub fn new(logits: &Logits, scale: f64) -> Self {
        let scratch = || vec![0.0; logits.n_classes()];
        let found = logits.map_rows_with(scratch, |p, row, label| {
            let max = softmax(row, scale, p);
            (p[label], max)
        });
        let (label, max): (Vec<f64>, Vec<f64>) = found.into_iter().unzip();
        let delta = label.iter().zip(&max).map(|(label, max)| label - max).collect();
        Self { label, max, delta }
    }
}

/// The scale at which probabilities of a run are taken: `R1 / R` where both are known, else 1.
///
/// The scale of well-classified samples is never used (paper §3).
pub fn probability_scale(scalars: Scalars) -> f64 {
    match (scalars.r1, scalars.size) {
        (Some(r1), Some(size)) => r1 / size,
        (None, _) | (_, None) => 1.0,
    }
}

/// Writes `softmax(scale · row)` and returns its largest entry; equal logits get equal bits.
pub(super) fn softmax(row: &[f64], scale: f64, probabilities: &mut [f64]) -> f64 {
    let shift = if scale >= 0.0 {
        row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    } else {
        row.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let mut sum = 0.0;
    for (probability, value) in probabilities.iter_mut().zip(row) {
        // `min` also turns the NaN of 0 · ∞ into 0: a difference of logits may overflow.
        *probability = libm::exp((scale * (value - shift)).min(0.0));
        sum += *probability;
    }
    for probability in probabilities.iter_mut() {
        *probability /= sum;
    }
    1.0 / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_logits_and_scales_stay_finite() {
        let logits = Logits::new(vec![1e308, -1e308, 0.0, 0.0], 2, &[1, 0]).unwrap();
        for scale in [0.0, 1.0, -1.0, 1e300, 1e-300] {
            let found = Probabilities::new(&logits, scale);
            assert!(found.label.iter().chain(&found.max).all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
