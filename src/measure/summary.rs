//! The measures of one split, as `summary.json` holds them.

use serde::{Deserialize, Serialize};

use super::fraction::finite;
use super::{
    Distribution, Keyed, Logits, Masses, Probabilities, Request, SuperClasses, accuracy,
    accuracy_upper, average_accuracy, close_enough, margins, masses, normalized_margins, per_class,
    top_k,
};

/// The `train` or `test` object of `summary.json`; what does not apply is `None`, `null` there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSummary {
    /// Number of samples.
    pub n: usize,
    /// K, the number of classes; 1/K is what guessing scores.
    pub classes: usize,
    /// Mean loss as trained.
    pub loss: Option<f64>,
    /// Fraction with `m > 0`.
    pub accuracy: Option<f64>,
    /// Fraction with `m ≥ 0`: ties count.
    pub accuracy_upper: Option<f64>,
    /// Mean of the accuracies of the classes that occur.
    pub average_accuracy: Option<f64>,
    /// Top-k under `k`, ties against the label.
    pub top_k: Keyed<Option<f64>>,
    /// Top-k under `k`, ties for the label.
    pub top_k_upper: Keyed<Option<f64>>,
    /// s of `softmax(s z)` in everything that depends on probabilities.
    pub probability_scale: Option<f64>,
    /// Close-enough accuracy under `a`.
    pub close_enough: Keyed<Option<f64>>,
    /// Super-class accuracy (20) with ties in the arg-max counted as not correct (paper §5, 4),
    /// as in `accuracy`; `None` without coarse labels.
    pub super_class_accuracy: Option<f64>,
    /// Margins m.
    pub margin: Distribution,
    /// Normalised margins m / R; `None` where R is not defined.
    pub normalized_margin: Option<Distribution>,
    /// Masses at each μ of m / R; `None` where R is not defined.
    pub masses: Option<Vec<Masses>>,
}

/// Takes the measures of `summary.json` at the points of `request`.
///
/// `probability_scale` is r1/R for `single_scale`, `two_scale` and fixed scales and 1 for all other
/// losses ([`super::probability_scale`] derives it from the scalars); where it is not finite, what
/// depends on it is `None`.
pub fn summarize(
    logits: &Logits,
    loss: Option<f64>,
    probability_scale: f64,
    request: &Request,
) -> SplitSummary {
    let margins = margins(logits);
    let normalized = logits.scalars().size.map(|size| normalized_margins(&margins, size));
    let top = top_k(logits, &request.k);
    let scale = finite(probability_scale);
    let close = scale.map_or_else(
        || vec![None; request.a.len()],
        |scale| close_enough(&Probabilities::new(logits, scale), &request.a),
    );
    SplitSummary {
        n: logits.n_samples(),
        classes: logits.n_classes(),
        loss: loss.and_then(finite),
        accuracy: accuracy(&margins),
        accuracy_upper: accuracy_upper(&margins),
        average_accuracy: average_accuracy(&per_class(logits, &margins)),
        top_k: under(&request.k, top.pessimistic),
        top_k_upper: under(&request.k, top.optimistic),
        probability_scale: scale,
        close_enough: under(&request.a, close),
        super_class_accuracy: SuperClasses::of(logits).and_then(|it| it.accuracy().pessimistic),
        margin: Distribution::of(&margins),
        normalized_margin: normalized.as_deref().map(Distribution::of),
        masses: normalized.map(|values| masses(&values, &request.mu)),
    }
}

/// Values under the points at which they were taken.
pub(super) fn under<K: Copy + std::fmt::Display, V>(keys: &[K], values: Vec<V>) -> Keyed<V> {
    Keyed::new(keys.iter().copied().zip(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Scalars;

    #[test]
    fn one_class_and_no_samples_give_nulls_not_panics() {
        for (values, classes, labels) in
            [(vec![], 1, vec![]), (vec![3.0], 1, vec![0]), (vec![], 1000, vec![])]
        {
            let scalars = Scalars { size: Some(2.0), ..Scalars::default() };
            let logits = Logits::new(values, classes, &labels).unwrap().with_scalars(scalars);
            let summary =
                summarize(&logits.unwrap(), Some(f64::NAN), 1.0, &Request::standard(classes));
            assert_eq!((summary.loss, summary.margin.mean), (None, None));
            let text = serde_json::to_string(&summary).unwrap();
            assert_eq!(serde_json::from_str::<SplitSummary>(&text).unwrap(), summary);
        }
    }

    #[test]
    fn the_object_has_the_fields_of_the_format() {
        let logits = Logits::new(vec![0.0, 1.0], 2, &[1]).unwrap();
        let summary = summarize(&logits, None, 1.0, &Request::standard(2));
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(
            text,
            "{\"n\":1,\"classes\":2,\"loss\":null,\"accuracy\":1.0,\"accuracy_upper\":1.0,\
             \"average_accuracy\":1.0,\"top_k\":{\"1\":1.0},\"top_k_upper\":{\"1\":1.0},\
             \"probability_scale\":1.0,\"close_enough\":{\"0\":1.0,\"0.01\":1.0,\"0.02\":1.0,\
             \"0.03\":1.0,\"0.05\":1.0,\"0.1\":1.0},\"super_class_accuracy\":null,\
             \"margin\":{\"mean\":1.0,\"quantiles\":{\"0.01\":1.0,\"0.05\":1.0,\"0.25\":1.0,\
             \"0.5\":1.0,\"0.75\":1.0,\"0.95\":1.0,\"0.99\":1.0}},\"normalized_margin\":null,\
             \"masses\":null}"
        );
    }
}
