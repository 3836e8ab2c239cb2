//! The difference of a group to the baseline in one measure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::stats::{Difference, Groups, correlation, joint, sign_flip};

/// A group less the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DifferenceEntry {
    /// The group.
    pub group: String,
    /// Whether it was taken seed by seed.
    pub paired: bool,
    /// Pairs, or runs of the smaller group.
    pub n: usize,
    /// The mean difference.
    pub mean: Option<f64>,
    /// Student's interval, Welch's where not paired.
    pub interval: Option<[f64; 2]>,
    /// The interval on new images too, for shares of samples that were taken seed by seed.
    pub interval_new_images: Option<[f64; 2]>,
    /// Pairs in which the group is above the baseline.
    pub wins: Option<usize>,
    /// Correlation of the pairs.
    pub correlation: Option<f64>,
    /// Sign-flip p of pairs, Welch's p of groups.
    pub p: Option<f64>,
    /// The smallest p that so many pairs allow.
    pub p_floor: Option<f64>,
    /// p over all measures together, max-T.
    pub p_family: Option<f64>,
    /// Whether all pairs are equal to the bit.
    pub identical: bool,
}

/// The values of a measure in a group, by seed.
pub(super) type BySeed = BTreeMap<u64, Vec<f64>>;

/// Pairs (group, baseline) where every seed stands for one run on both sides.
pub(super) fn pairs(group: &BySeed, baseline: &BySeed) -> Option<Vec<(f64, f64)>> {
    let single = |values: &BySeed| values.values().all(|of| of.len() == 1);
    if !single(group) || !single(baseline) {
        return None;
    }
    let pairs: Vec<(f64, f64)> =
        group.iter().filter_map(|(seed, left)| Some((left[0], baseline.get(seed)?[0]))).collect();
    (!pairs.is_empty()).then_some(pairs)
}

/// The group less the baseline.
pub(super) fn contrast(
    name: &str,
    group: &BySeed,
    baseline: &BySeed,
    level: f64,
) -> DifferenceEntry {
    let bounds = |difference: &Difference| {
        difference.interval(level).map(|interval| [interval.low, interval.high])
    };
    let finite = |value: f64| value.is_finite().then_some(value);
    let Some(pairs) = pairs(group, baseline) else {
        let flat = |values: &BySeed| -> Vec<f64> { values.values().flatten().copied().collect() };
        let (left, right) = (flat(group), flat(baseline));
        let found = Difference::of(Groups::Apart(&left, &right));
        return DifferenceEntry {
            group: name.to_owned(),
            paired: false,
            n: left.len().min(right.len()),
            mean: finite(found.mean),
            interval: bounds(&found),
            interval_new_images: None,
            wins: None,
            correlation: None,
            p: found.p(0.0),
            p_floor: None,
            p_family: None,
            identical: false,
        };
    };
    let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let differences: Vec<f64> = pairs.iter().map(|(left, right)| left - right).collect();
    let found = Difference::of(Groups::Paired(&differences));
    let flipped = sign_flip(&differences, 0.0);
    DifferenceEntry {
        group: name.to_owned(),
        paired: true,
        n: pairs.len(),
        mean: finite(found.mean),
        interval: bounds(&found),
        interval_new_images: None,
        wins: Some(differences.iter().filter(|difference| **difference > 0.0).count()),
        correlation: correlation(&left, &right),
        p: flipped.map(|flipped| flipped.p),
        p_floor: flipped.map(|flipped| flipped.floor),
        p_family: None,
        identical: differences.iter().all(|difference| *difference == 0.0),
    }
}

/// p over all measures that were taken seed by seed on the same seeds; `values` has for each measure those of the group and of
/// the baseline, `entries` the difference of each.
pub(super) fn family(values: &[(&BySeed, &BySeed)], mut entries: Vec<&mut DifferenceEntry>) {
    let differences = |(group, baseline): &(&BySeed, &BySeed)| -> Option<Vec<f64>> {
        let pairs = pairs(group, baseline)?;
        Some(pairs.iter().map(|(left, right)| left - right).collect())
    };
    let all: Vec<Option<Vec<f64>>> = values.iter().map(differences).collect();
    let most = all.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let takes_part = |differences: &&Vec<f64>| differences.len() == most;
    let members: Vec<&[f64]> = all.iter().flatten().filter(takes_part).map(Vec::as_slice).collect();
    let mut p = joint(&members).into_iter();
    for (entry, differences) in entries.iter_mut().zip(&all) {
        if differences.as_ref().is_some_and(|differences| takes_part(&differences)) {
            entry.p_family = p.next();
        }
    }
}
