//! What a group changes against the first one, seed by seed where both have the same seeds.

use std::collections::BTreeMap;

use super::material::{Facet, Group};
use super::tables::labelled;
use crate::chart::{Axis, Chart, Difference, Forest, Meaning, Spread};
use crate::report::page::{Figure, Section};
use crate::stats::{self, Groups};
use crate::study::{Comparison, comparison_table};
use crate::train::Summary;

/// Rows of a figure; those beyond are in the grouped table.
const ROWS: usize = 40;

/// Level of the intervals.
const LEVEL: f64 = 0.95;

/// A measure of a summary.
type Measure = fn(&Summary) -> Option<f64>;

/// What is compared: id, name, measure.
const MEASURES: [(&str, &str, Measure); 3] = [
    ("test-accuracy", "test accuracy", |s| s.test.accuracy),
    ("close-enough", "close-enough test samples, a = 0.05", |s| {
        s.test.close_enough.get("0.05").copied().flatten()
    }),
    ("train-accuracy", "training accuracy", |s| s.train.accuracy),
];

/// Forest plots against the first group of each facet; the table of a comparison where there is one.
pub(super) fn section(facets: &[Facet], comparison: Option<&Comparison>) -> Section {
    let baseline = facets.iter().find_map(|facet| facet.groups.first());
    let name = baseline.map_or("", |group| group.label.as_str());
    let mut section = Section::new("differences", "Differences", "");
    for (id, what, measure) in MEASURES {
        if let Some(chart) = forest(facets, name, what, measure) {
            section = section.with(Figure::lead(format!("difference-{id}"), chart));
        }
    }
    if let Some(comparison) = comparison {
        let title = format!("Differences to {name}");
        section = section.with(labelled("comparison", title, comparison_table(comparison)));
    }
    if !section.blocks.is_empty() {
        section.finding = format!("Every group less {name}, the first one.");
    }
    section
}

/// A row for each group but the first of each facet.
fn forest(facets: &[Facet], baseline: &str, what: &str, measure: Measure) -> Option<Chart> {
    let (mut rows, mut counts, mut paired) = (vec![], vec![], true);
    for facet in facets {
        let Some(first) = facet.groups.iter().find(|group| group.label == baseline) else {
            continue;
        };
        for group in facet.groups.iter().filter(|group| group.label != baseline) {
            let Some((found, n, is_paired)) = difference(group, first, measure) else { continue };
            let Some(interval) = found.interval(LEVEL) else { continue };
            paired &= is_paired;
            counts.push(n);
            let name = if facet.name.is_empty() {
                group.label.clone()
            } else {
                format!("{}, {}", group.label, facet.name)
            };
            rows.push(Difference {
                name,
                slot: group.slot,
                value: found.mean,
                interval: (interval.low, interval.high),
                wanted: None,
            });
        }
    }
    let n = counts.iter().copied().max()?;
    let above = rows.iter().filter(|row| row.interval.0 > 0.0).count();
    let below = rows.iter().filter(|row| row.interval.1 < 0.0).count();
    let rest = rows.len() - above - below;
    let finding = format!("Intervals above zero: {above}; below: {below}; around it: {rest}.");
    let how = if paired {
        "Differences seed by seed."
    } else {
        "Groups with other seeds by Welch's interval."
    };
    let note = if rows.len() > ROWS {
        format!("{how} The first {ROWS} of {} rows.", rows.len())
    } else {
        how.to_owned()
    };
    rows.truncate(ROWS);
    let axis = Axis::new(format!("difference in {what}")).percent();
    let plot = Forest::new(axis, Spread { meaning: Meaning::Confidence(LEVEL), n }, rows);
    Some(Chart::new(format!("Against {baseline}: {what}"), finding, note, plot))
}

/// The difference, how many runs it rests on, and whether they are pairs.
fn difference(
    group: &Group,
    baseline: &Group,
    measure: Measure,
) -> Option<(stats::Difference, usize, bool)> {
    let values = |group: &Group| -> Vec<(u64, f64)> {
        let of = |m: &super::Member| Some((m.seed()?, measure(m.summary()?)?));
        group.members.iter().filter_map(of).collect()
    };
    let (own, first) = (values(group), values(baseline));
    let by_seed: BTreeMap<u64, f64> = first.iter().copied().collect();
    let pairs: Vec<f64> =
        own.iter().filter_map(|(seed, value)| Some(value - by_seed.get(seed)?)).collect();
    let is_single = by_seed.len() == first.len();
    if is_single && pairs.len() == own.len() && pairs.len() > 1 {
        return Some((stats::Difference::of(Groups::Paired(&pairs)), pairs.len(), true));
    }
    let flat = |values: &[(u64, f64)]| values.iter().map(|(_, value)| *value).collect::<Vec<_>>();
    let n = own.len().min(first.len());
    let apart = Groups::Apart(&flat(&own), &flat(&first));
    (n > 1).then(|| (stats::Difference::of(apart), n, false))
}
