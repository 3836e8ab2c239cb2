//! Scale telemetry: how large each layer is, how fast it turns, and what learning rate its direction feels.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::Conserved;
use crate::lower::{HostTensor, State, StateEntry};

/// What one step did to the weight of one layer.
///
/// A layer whose output does not depend on the length of its weight moves on a sphere; `lr / ‖θ‖²` is the
/// learning rate there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LayerScale {
    /// ‖θ‖ before the step, Frobenius.
    pub norm: f64,
    /// Angle between the directions before and after the step, in radians; `None` where a norm is 0.
    pub angle: Option<f64>,
    /// lr / ‖θ‖²; `None` where the norm is 0.
    pub effective_lr: Option<f64>,
}

/// The weights (and norm gains) by layer name, from the states before and after a step at rate `lr`.
pub fn layer_scales(before: &State, after: &State, lr: f64) -> BTreeMap<String, LayerScale> {
    let pairs = before.params.iter().zip(&after.params);
    pairs
        .filter_map(|(before, after)| {
            let layer = before.name.strip_suffix(".weight")?;
            Some((layer.to_owned(), layer_scale(before, after, lr)?))
        })
        .collect()
}

/// Σ weight · ‖tensor‖² for each quantity, by its formula; sums in double precision, in the order of the elements.
pub fn conserved_values(quantities: &[Conserved], state: &State) -> BTreeMap<String, f64> {
    let squares: BTreeMap<&str, f64> =
        state.params.iter().map(|entry| (entry.name.as_str(), square(&entry.values))).collect();
    let value = |terms: &[(String, f64)]| {
        let terms = terms.iter().map(|(name, weight)| Some(weight * squares.get(name.as_str())?));
        terms.sum::<Option<f64>>().filter(|value| value.is_finite())
    };
    let found = quantities.iter().filter_map(|q| Some((q.formula.clone(), value(&q.terms)?)));
    found.collect()
}

/// ‖θ‖².
fn square(values: &HostTensor) -> f64 {
    match values {
        HostTensor::F32(values) => values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum(),
        HostTensor::F64(values) => values.iter().map(|x| x * x).sum(),
    }
}

fn layer_scale(before: &StateEntry, after: &StateEntry, lr: f64) -> Option<LayerScale> {
    let sums = match (&before.values, &after.values) {
        (HostTensor::F32(a), HostTensor::F32(b)) => Sums::of(a, b),
        (HostTensor::F64(a), HostTensor::F64(b)) => Sums::of(a, b),
        (HostTensor::F32(_), HostTensor::F64(_)) | (HostTensor::F64(_), HostTensor::F32(_)) => {
            return None;
        }
    };
    let norm = sums.before.sqrt();
    Some(LayerScale { norm, angle: sums.angle(), effective_lr: positive(lr / sums.before) })
}

fn positive(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Inner products in double precision, summed in the order of the elements.
#[derive(Default)]
struct Sums {
    before: f64,
    after: f64,
    change: f64,
}

impl Sums {
    fn of<T: Copy + Into<f64>>(before: &[T], after: &[T]) -> Self {
        let mut sums = Self::default();
        for (a, b) in before.iter().zip(after) {
            let (a, b): (f64, f64) = ((*a).into(), (*b).into());
            sums.before += a * a;
            sums.after += b * b;
            sums.change += (b - a) * (b - a);
        }
        sums
    }

    /// By the half-angle form `2 asin(‖u − v‖ / 2)` of unit vectors, which keeps small angles:
    /// `‖u − v‖² = (‖b − a‖² − (‖b‖ − ‖a‖)²) / (‖a‖ ‖b‖)`.
    fn angle(&self) -> Option<f64> {
        let (a, b) = (self.before.sqrt(), self.after.sqrt());
        let lengths = positive(a * b).filter(|lengths| *lengths > 0.0)?;
        let chord = (self.change - (b - a).powi(2)).max(0.0) / lengths;
        positive(2.0 * libm::asin((chord.sqrt() / 2.0).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(values: &[f64]) -> State {
        let entry = StateEntry {
            name: "conv1.weight".to_owned(),
            shape: vec![values.len()],
            values: HostTensor::F64(values.to_vec()),
        };
        State { params: vec![entry], buffers: vec![] }
    }

    #[test]
    fn a_quarter_turn_of_a_vector_of_length_two() {
        let scales = layer_scales(&state(&[2.0, 0.0]), &state(&[0.0, 3.0]), 0.1);
        let scale = scales["conv1"];
        assert!((scale.norm - 2.0).abs() < 1e-15);
        assert!((scale.angle.unwrap() - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        assert!((scale.effective_lr.unwrap() - 0.025).abs() < 1e-15);
    }

    #[test]
    fn a_tiny_turn_is_not_lost_and_zero_has_no_direction() {
        let scales = layer_scales(&state(&[1.0, 0.0]), &state(&[1.0, 1e-9]), 0.1);
        assert!((scales["conv1"].angle.unwrap() / 1e-9 - 1.0).abs() < 1e-6);
        let scales = layer_scales(&state(&[0.0]), &state(&[1.0]), 0.1);
        assert_eq!((scales["conv1"].angle, scales["conv1"].effective_lr), (None, None));
    }
}
