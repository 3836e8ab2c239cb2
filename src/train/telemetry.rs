//! Scale telemetry: how large each layer is, how fast it turns, and what learning rate its direction feels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::Conserved;
use crate::lower::Motion;

/// What one step did to the weight of one layer.
///
/// A layer whose output does not depend on the length of its weight moves on a sphere; `lr / ‖θ‖²` is the
/// learning rate there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerScale {
    /// ‖θ‖ before the step, Frobenius.
    pub norm: f64,
    /// Angle between the directions before and after the step, in radians; `None` where a norm is 0.
    pub angle: Option<f64>,
    /// lr / ‖θ‖²; `None` where the norm is 0.
    pub effective_lr: Option<f64>,
}

/// The weights (and norm gains) by layer name, from what a step at rate `lr` did.
pub fn layer_scales(motions: &[Motion], lr: f64) -> BTreeMap<String, LayerScale> {
    let of_weight = |motion: &Motion| {
        let layer = motion.name.strip_suffix(".weight")?;
        Some((layer.to_owned(), layer_scale(motion, lr)))
    };
    motions.iter().filter_map(of_weight).collect()
}

/// The scales of the loss before a step, by their short names.
pub(super) fn scales_before(motions: &[Motion]) -> BTreeMap<String, f64> {
    let scale = |motion: &Motion| {
        let name = motion.name.strip_prefix("loss.")?;
        Some((name.to_owned(), motion.first?))
    };
    motions.iter().filter_map(scale).collect()
}

/// Σ weight · ‖tensor‖² before a step for each quantity, by its formula.
pub fn conserved_values(quantities: &[Conserved], motions: &[Motion]) -> BTreeMap<String, f64> {
    let squares: BTreeMap<&str, f64> =
        motions.iter().map(|motion| (motion.name.as_str(), motion.before)).collect();
    let value = |terms: &[(String, f64)]| {
        let terms = terms.iter().map(|(name, weight)| Some(weight * squares.get(name.as_str())?));
        terms.sum::<Option<f64>>().filter(|value| value.is_finite())
    };
    let found = quantities.iter().filter_map(|q| Some((q.formula.clone(), value(&q.terms)?)));
    found.collect()
}

fn layer_scale(motion: &Motion, lr: f64) -> LayerScale {
    let norm = motion.before.sqrt();
    LayerScale { norm, angle: angle(motion), effective_lr: finite(lr / motion.before) }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// By the half-angle form `2 asin(‖u − v‖ / 2)` of unit vectors, which keeps small angles:
/// `‖u − v‖² = (‖b − a‖² − (‖b‖ − ‖a‖)²) / (‖a‖ ‖b‖)`.
fn angle(motion: &Motion) -> Option<f64> {
    let (a, b) = (motion.before.sqrt(), motion.after.sqrt());
    let lengths = finite(a * b).filter(|lengths| *lengths > 0.0)?;
    let chord = (motion.change - (b - a).powi(2)).max(0.0) / lengths;
    finite(2.0 * libm::asin((chord.sqrt() / 2.0).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    fn scale(before: &[f64], after: &[f64]) -> LayerScale {
        layer_scales(&[Motion::of("conv1.weight", before, after)], 0.1)["conv1"]
    }

    #[test]
    fn a_quarter_turn_of_a_vector_of_length_two() {
        let scale = scale(&[2.0, 0.0], &[0.0, 3.0]);
        assert!(Tolerance::Double.holds(scale.norm, 2.0, 1.0));
        assert!(Tolerance::DoubleSum.holds(scale.angle.unwrap(), std::f64::consts::FRAC_PI_2, 1.0));
        assert!(Tolerance::Double.holds(scale.effective_lr.unwrap(), 0.025, 1.0));
    }

    #[test]
    fn a_tiny_turn_is_not_lost_and_zero_has_no_direction() {
        let turned = scale(&[1.0, 0.0], &[1.0, 1e-9]);
        assert!(Tolerance::Rounding.holds(turned.angle.unwrap() / 1e-9, 1.0, 1.0));
        let zero = scale(&[0.0], &[1.0]);
        assert_eq!((zero.angle, zero.effective_lr), (None, None));
    }

    #[test]
    fn only_weights_are_layers_and_only_scales_have_names() {
        let motions =
            [Motion::of("conv1.bias", &[1.0], &[2.0]), Motion::of("loss.r1", &[3.0], &[4.0])];
        assert!(layer_scales(&motions, 0.1).is_empty());
        assert_eq!(scales_before(&motions), BTreeMap::from([("r1".to_owned(), 3.0)]));
    }
}
