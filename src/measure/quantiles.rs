//! Mean and quantiles of one value per sample.

use serde::{Deserialize, Serialize};

use super::Keyed;
use super::fraction::finite;

/// The levels of [`Distribution::quantiles`].
const LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Mean and quantiles of a value over the samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// Quantiles at 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99.
    pub quantiles: Keyed<Option<f64>>,
}

impl Distribution {
    /// The distribution of `values`; what is not finite is left out as `None`.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Self {
            mean: finite(mean),
            quantiles: Keyed::new(
                LEVELS.map(|level| (level, quantile(&sorted, level).and_then(finite))),
            ),
        }
    }
}

/// The quantile at `level` (0 to 1) of values in increasing order.
///
/// Linear interpolation between the two nearest values at position `level · (n − 1)`, which is
/// the default of NumPy. `None` without values.
pub fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = level.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_sign_loss, reason = "a position is not negative")]
    let lower = (position.floor() as usize).min(last);
    let (low, high) = (sorted[lower], sorted[(lower + 1).min(last)]);
    let share = position - lower as f64;
    if share == 0.0 {
        return Some(low);
    }
    // From the nearer end, as NumPy does, so that a share of 1 gives `high` itself.
    Some(if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_linearly() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(quantile(&values, 0.75), Some(5.0));
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 1.0), Some(8.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let found = Distribution::of(&[f64::INFINITY, f64::INFINITY]);
        assert_eq!(found.mean, None);
        assert!(found.quantiles.iter().all(|(_, value)| value.is_none()));
        assert_eq!(Distribution::of(&[]).mean, None);
    }
}
