//! Groups of runs compared: each measure of each group with its difference to the first one.
//!
//! In: groups of runs. Out: a [`Comparison`]. Runs of both groups with the same seed make a pair; without pairs of all, groups
//! are compared as they are. Invariant: nothing is compared that was measured on other numbers of samples or classes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Row;
use super::samples::{counts, value};
use crate::model::Measure;
use crate::stats::{Crossed, Difference, Groups, Sample, correlation, joint, sign_flip};
use crate::store::StoreError;

/// Runs under one name.
#[derive(Clone, Debug)]
pub struct RunGroup {
    /// As the user says it.
    pub name: String,
    /// Its finished runs.
    pub rows: Vec<Row>,
}

/// What was found, `specc.compare/1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The level of all intervals.
    pub level: f64,
    /// The groups in order; the first one is the baseline.
    pub groups: Vec<GroupEntry>,
    /// A row for each measure.
    pub measures: Vec<MeasureEntry>,
    /// What a reader should know of the groups: other versions, seeds that are left out.
    pub notes: Vec<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupEntry {
    /// Its name.
    pub name: String,
    /// Its seeds.
    pub seeds: Vec<u64>,
}

/// A measure over all groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureEntry {
    /// Its path.
    pub measure: String,
    /// For each group: n, mean and standard deviation.
    pub groups: Vec<Spread>,
    /// For each group but the first: the difference to it.
    pub differences: Vec<DifferenceEntry>,
}

/// Numbers of a group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Runs that have the measure.
    pub n: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub sd: Option<f64>,
}

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

/// Why groups cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Incomparable {
    /// Less than two groups.
    #[error("a comparison takes two groups or more")]
    One,
    /// A group without a finished run.
    #[error("`{0}` has no finished run")]
    Empty(String),
    /// Other numbers of samples or classes.
    #[error("`{0}` and `{1}` were measured on other data: {2}")]
    Data(String, String, String),
    /// A group or a measure that cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// A run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares every group with the first one.
///
/// # Errors
/// [`Incomparable`].
pub fn compare(
    groups: &[RunGroup],
    measures: &[Measure],
    level: f64,
) -> Result<Comparison, Incomparable> {
    let [baseline, others @ ..] = groups else { return Err(Incomparable::One) };
    if others.is_empty() {
        return Err(Incomparable::One);
    }
    if let Some(empty) = groups.iter().find(|group| group.rows.is_empty()) {
        return Err(Incomparable::Empty(empty.name.clone()));
    }
    same_data(baseline, others)?;
    let seeds = |group: &RunGroup| group.rows.iter().map(seed).collect::<Vec<u64>>();
    let mut found = Comparison {
        level,
        groups: groups
            .iter()
            .map(|group| GroupEntry { name: group.name.clone(), seeds: seeds(group) })
            .collect(),
        measures: vec![],
        notes: notes(baseline, others),
    };
    let mut all: Vec<Vec<BySeed>> = vec![];
    for measure in measures {
        let values = groups.iter().map(|group| values(group, measure));
        let values: Vec<BySeed> = values.collect::<Result<_, _>>()?;
        let spread = |values: &BySeed| {
            let sample = Sample::of(&values.values().flatten().copied().collect::<Vec<_>>());
            let mean = (sample.n > 0).then_some(sample.mean);
            Spread { n: sample.n, mean, sd: sample.deviation() }
        };
        let differences = others.iter().zip(&values[1..]);
        found.measures.push(MeasureEntry {
            measure: measure.to_string(),
            groups: values.iter().map(spread).collect(),
            differences: differences
                .map(|(group, values_of)| difference(&group.name, values_of, &values[0], level))
                .collect(),
        });
        all.push(values);
    }
    for (other, group) in others.iter().enumerate() {
        family(&mut found, other, &all);
        for (entry, measure) in found.measures.iter_mut().zip(measures) {
            let entry = &mut entry.differences[other];
            if entry.paired {
                entry.interval_new_images = on_new_images(group, baseline, measure, level)?;
            }
        }
    }
    Ok(found)
}

fn seed(row: &Row) -> u64 {
    row.run.identity().seed
}

/// The values of a measure in a group, by seed.
type BySeed = BTreeMap<u64, Vec<f64>>;

fn values(group: &RunGroup, measure: &Measure) -> Result<BySeed, StoreError> {
    let mut values = BySeed::new();
    for row in &group.rows {
        if let Some(found) = value(measure, &row.run)? {
            values.entry(seed(row)).or_default().push(found);
        }
    }
    Ok(values)
}

/// Pairs (group, baseline) where every seed stands for one run on both sides.
fn pairs(group: &BySeed, baseline: &BySeed) -> Option<Vec<(f64, f64)>> {
    let single = |values: &BySeed| values.values().all(|of| of.len() == 1);
    if !single(group) || !single(baseline) {
        return None;
    }
    let pairs: Vec<(f64, f64)> =
        group.iter().filter_map(|(seed, left)| Some((left[0], baseline.get(seed)?[0]))).collect();
    (!pairs.is_empty()).then_some(pairs)
}

fn difference(name: &str, group: &BySeed, baseline: &BySeed, level: f64) -> DifferenceEntry {
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

/// The interval of a share of samples over new seeds and new images.
fn on_new_images(
    group: &RunGroup,
    baseline: &RunGroup,
    measure: &Measure,
    level: f64,
) -> Result<Option<[f64; 2]>, StoreError> {
    let Some((split, counted)) = measure.counted() else { return Ok(None) };
    let mut crossed: Option<Crossed> = None;
    for row in &group.rows {
        let Some(other) = baseline.rows.iter().find(|other| seed(other) == seed(row)) else {
            continue;
        };
        let sides = (counts(&row.run, split, counted)?, counts(&other.run, split, counted)?);
        let (Some(left), Some(right)) = sides else { return Ok(None) };
        if left.len() != right.len() {
            return Ok(None);
        }
        let differences: Vec<f64> = left.iter().zip(&right).map(|(l, r)| l - r).collect();
        crossed.get_or_insert_with(|| Crossed::new(differences.len())).push(&differences);
    }
    let interval = crossed.and_then(|crossed| crossed.interval(level));
    Ok(interval.map(|interval| [interval.low, interval.high]))
}

/// p over all measures that were taken seed by seed on the same seeds; `values` by measure and group.
fn family(found: &mut Comparison, other: usize, values: &[Vec<BySeed>]) {
    let differences = |of: &Vec<BySeed>| -> Option<Vec<f64>> {
        let pairs = pairs(&of[other + 1], &of[0])?;
        Some(pairs.iter().map(|(left, right)| left - right).collect())
    };
    let all: Vec<Option<Vec<f64>>> = values.iter().map(differences).collect();
    let most = all.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let takes_part = |differences: &&Vec<f64>| differences.len() == most;
    let members: Vec<&[f64]> = all.iter().flatten().filter(takes_part).map(Vec::as_slice).collect();
    let mut p = joint(&members).into_iter();
    for (entry, differences) in found.measures.iter_mut().zip(&all) {
        if differences.as_ref().is_some_and(|differences| takes_part(&differences)) {
            entry.differences[other].p_family = p.next();
        }
    }
}

/// Measures are comparable where they were taken on as many samples of as many classes.
fn same_data(baseline: &RunGroup, others: &[RunGroup]) -> Result<(), Incomparable> {
    let sizes = |row: &Row| {
        let summary = row.run.summary()?;
        Some((summary.train.n, summary.test.n, summary.test.classes))
    };
    let words = |(train, test, classes): (usize, usize, usize)| {
        format!("{train} training and {test} test samples of {classes} classes")
    };
    let first = baseline.rows.iter().find_map(sizes);
    for group in std::iter::once(baseline).chain(others) {
        for found in group.rows.iter().filter_map(sizes) {
            if let Some(first) = first.filter(|first| *first != found) {
                let what = format!("{}, and {}", words(first), words(found));
                let (a, b) = (baseline.name.clone(), group.name.clone());
                return Err(Incomparable::Data(a, b, what));
            }
        }
    }
    Ok(())
}

/// Seeds that have no partner, and cells that hide in one group.
fn notes(baseline: &RunGroup, others: &[RunGroup]) -> Vec<String> {
    let seeds = |group: &RunGroup| group.rows.iter().map(seed).collect::<BTreeSet<u64>>();
    let mut notes = vec![];
    for group in std::iter::once(baseline).chain(others) {
        let hashes: BTreeSet<&str> =
            group.rows.iter().map(|row| row.run.identity().spec_hash.as_str()).collect();
        if hashes.len() > 1 {
            notes.push(format!("`{}` holds runs of {} specs together", group.name, hashes.len()));
        }
    }
    let versions: BTreeSet<&str> = std::iter::once(baseline)
        .chain(others)
        .flat_map(|group| &group.rows)
        .map(|row| row.run.identity().version.as_deref().unwrap_or("unknown"))
        .collect();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        notes.push(format!("the runs are of different versions: {}", versions.join(", ")));
    }
    let first = seeds(baseline);
    for group in others {
        let own = seeds(group);
        let alone: Vec<String> =
            first.symmetric_difference(&own).map(ToString::to_string).collect();
        if !alone.is_empty() && alone.len() < first.len() + own.len() {
            notes.push(format!(
                "seeds without a partner in `{}` and `{}` are left out of pairs: {}",
                baseline.name,
                group.name,
                alone.join(", ")
            ));
        }
    }
    notes
}
