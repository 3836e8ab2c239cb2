//! Top-k: the label is among the k largest logits.

use super::Logits;
use super::fraction::fraction_of;

/// Both readings of top-k, one value for each k asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    /// Ties count against the label: fewer than k other logits are ≥ its own.
    pub pessimistic: Vec<Option<f64>>,
    /// Ties count for the label: fewer than k other logits are > its own.
    pub optimistic: Vec<Option<f64>>,
}

/// Top-k for each k of `ks`.
///
/// **What** the fraction of samples whose label is among the k largest logits; 1 for k ≥ K.
/// **Units** fraction of the samples, comparing logits (probabilities have the same order).
/// **Source** paper §3.1; ties as decided in §5, 4.
pub fn top_k(logits: &Logits, ks: &[usize]) -> TopK {
    let ranks = logits.map_rows(|row, label| {
        let own = row[label];
        let above = row.iter().filter(|value| **value > own).count();
        // The label's own logit is one of them, unless it could not be read.
        let at_least = row.iter().filter(|value| **value >= own).count().saturating_sub(1);
        (at_least, above)
    });
    TopK {
        pessimistic: ks.iter().map(|k| fraction_of(&ranks, |(rank, _)| rank < *k)).collect(),
        optimistic: ks.iter().map(|k| fraction_of(&ranks, |(_, rank)| rank < *k)).collect(),
    }
}
