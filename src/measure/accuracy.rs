//! Accuracy over all samples and class by class.

use serde::{Deserialize, Serialize};

use super::Logits;
use super::fraction::fraction_of;

/// Accuracy of the samples of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassAccuracy {
    /// The class.
    pub label: usize,
    /// Number of samples with this label; at least 1.
    pub n: usize,
    /// Fraction of them with `m > 0`.
    pub accuracy: f64,
}

/// The class with the largest logit, the first one of equals.
pub fn prediction(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}

/// The fraction of samples with `m > 0`; a tie counts as not correct.
///
/// **Source** paper (11) with η = 0. `None` without samples.
pub fn accuracy(margins: &[f64]) -> Option<f64> {
    fraction_of(margins, |margin| margin > 0.0)
}

/// The fraction of samples with `m ≥ 0`: what accuracy would be if every tie went well.
pub fn accuracy_upper(margins: &[f64]) -> Option<f64> {
    fraction_of(margins, |margin| margin >= 0.0)
}

/// Accuracy of each class that occurs in the labels, in the order of the classes.
///
/// `margins` are those of `logits`.
pub fn per_class(logits: &Logits, margins: &[f64]) -> Vec<ClassAccuracy> {
    let mut counts = vec![(0_usize, 0_usize); logits.n_classes()];
    for (&label, &margin) in logits.labels().iter().zip(margins) {
        counts[label].0 += 1;
        counts[label].1 += usize::from(margin > 0.0);
    }
    counts
        .into_iter()
        .enumerate()
        .filter(|(_, (n, _))| *n > 0)
        .map(|(label, (n, right))| ClassAccuracy { label, n, accuracy: right as f64 / n as f64 })
        .collect()
}

/// The mean of the accuracies of the classes that occur; every class weighs the same.
pub fn average_accuracy(per_class: &[ClassAccuracy]) -> Option<f64> {
    let sum: f64 = per_class.iter().map(|class| class.accuracy).sum();
    (!per_class.is_empty()).then(|| sum / per_class.len() as f64)
}
