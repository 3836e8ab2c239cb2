//! Curves of groups: the mean over the runs with its spread, in one panel or in one for each facet.

use std::collections::BTreeMap;

use super::material::{Facet, Group, Member};
use crate::chart::{
    Axis, Chart, Estimate, Meaning, Multiples, Panel, Rule, Series, Spread, Unit, in_unit,
};
use crate::stats::Sample;

/// Facets of a figure; the caption tells of those beyond.
const FACETS: usize = 16;

/// Points that all curves of a figure have together; longer ones are thinned evenly.
const POINTS: usize = 900;

/// Points of single runs that a figure has room for.
const FAINT: usize = 2000;

/// A run's values from left to right.
pub(super) type Curve = Vec<(f64, f64)>;

/// A group with the curves of its runs.
type Curves<'a> = (&'a Group, Vec<Curve>);

/// What a figure of curves says.
pub(super) struct Wanted<'a> {
    pub(super) title: &'a str,
    /// What stands below the figure.
    pub(super) note: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) rules: Vec<Rule>,
    /// Curves of reference, in every panel.
    pub(super) extra: Vec<Series>,
}

/// The figure; `None` where no run has the curve.
pub(super) fn chart(
    facets: &[Facet],
    wanted: Wanted<'_>,
    of: impl Fn(&Member) -> Option<Curve>,
) -> Option<Chart> {
    let curves: Vec<(&Facet, Vec<Curves<'_>>)> = facets
        .iter()
        .map(|facet| {
            let groups = facet.groups.iter().map(|group| {
                let curves = group.members.iter().filter_map(&of);
                (group, curves.filter(|curve| !curve.is_empty()).collect::<Vec<_>>())
            });
            (facet, groups.filter(|(_, curves)| !curves.is_empty()).collect::<Vec<_>>())
        })
        .filter(|(_, groups): &(_, Vec<_>)| !groups.is_empty())
        .collect();
    if curves.is_empty() {
        return None;
    }
    let shown = &curves[..curves.len().min(FACETS)];
    let n_curves: usize = shown.iter().map(|(_, groups)| groups.len()).sum();
    let all: usize =
        shown.iter().flat_map(|(_, groups)| groups).flat_map(|(_, c)| c).map(Vec::len).sum();
    let mut note = wanted.note;
    if curves.len() > shown.len() {
        note = format!("{note} The first {FACETS} of {} panels.", curves.len());
    }
    let longest = shown.iter().flat_map(|(_, g)| g).flat_map(|(_, c)| c).map(Vec::len).max();
    let every = (longest.unwrap_or(0) * n_curves).div_ceil(POINTS).max(1);
    let with_faint = all.div_ceil(every) <= FAINT;
    let unit = wanted.y.unit();
    let mut ends: Vec<(f64, String)> = vec![];
    let panels: Vec<(String, Panel)> = shown
        .iter()
        .map(|(facet, groups)| {
            let mut panel = Panel::new(wanted.x.clone(), wanted.y.clone());
            for (group, curves) in groups {
                let thin: Vec<Curve> = curves.iter().map(|curve| thinned(curve, every)).collect();
                let (series, last) = series(group, thin, with_faint);
                panel = panel.with(series);
                let name = [group.label.as_str(), facet.name.as_str()];
                let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
                ends.extend(last.map(|last| (last, name.join(", "))));
            }
            let panel = wanted.extra.iter().cloned().fold(panel, Panel::with);
            let panel = wanted.rules.iter().cloned().fold(panel, Panel::rule);
            (facet.name.clone(), panel)
        })
        .collect();
    let finding = finding(ends, unit);
    let mut panels = panels.into_iter();
    Some(match (panels.next(), panels.len()) {
        (Some((_, panel)), 0) => Chart::new(wanted.title, finding, note, panel),
        (first, _) => {
            let all = first.into_iter().chain(panels).collect();
            Chart::new(wanted.title, finding, note, Multiples::new(all))
        }
    })
}

/// Which ends are the highest and the lowest.
fn finding(mut ends: Vec<(f64, String)>, unit: Unit) -> String {
    ends.retain(|(value, _)| value.is_finite());
    ends.sort_by(|a, b| b.0.total_cmp(&a.0));
    let text = |(value, name): &(f64, String)| {
        let value = in_unit(*value, 3, unit);
        if name.is_empty() { value } else { format!("{name} ({value})") }
    };
    match ends.as_slice() {
        [] => String::new(),
        [one] => format!("{} at the end.", in_unit(one.0, 3, unit)),
        [first, .., last] => {
            format!("At the right end highest: {}; lowest: {}.", text(first), text(last))
        }
    }
}

/// Every so many points with the last.
fn thinned(curve: &Curve, every: usize) -> Curve {
    let last = curve.len().saturating_sub(1);
    let points = curve.iter().enumerate();
    points.filter(|(i, _)| i.is_multiple_of(every) || *i == last).map(|(_, p)| *p).collect()
}

/// The mean at each x over the runs that have it, and the last of them.
fn series(group: &Group, curves: Vec<Curve>, with_faint: bool) -> (Series, Option<f64>) {
    let (label, slot) = (group.label.as_str(), group.slot);
    if let [one] = curves.as_slice() {
        return (Series::line(label, slot, one.clone()), one.last().map(|(_, y)| *y));
    }
    // Numbers that are not negative have the order of their bits.
    let mut at: BTreeMap<u64, (f64, Vec<f64>)> = BTreeMap::new();
    for (x, y) in curves.iter().flatten() {
        let key = if *x < 0.0 { !x.to_bits() } else { x.to_bits() | 1 << 63 };
        at.entry(key).or_insert((*x, vec![])).1.push(*y);
    }
    let estimates: Vec<Estimate> = at
        .into_values()
        .map(|(x, values)| {
            let sample = Sample::of(&values);
            let y = sample.mean;
            Estimate { x, y, interval: sample.deviation().map(|sd| (y - sd, y + sd)) }
        })
        .collect();
    let last = estimates.last().map(|estimate| estimate.y);
    let spread = Spread { meaning: Meaning::Deviation, n: curves.len() };
    let series = Series::band(label, slot, estimates, spread);
    (if with_faint { series.over(curves) } else { series }, last)
}
