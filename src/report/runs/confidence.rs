//! How sure nets are: close-enough accuracy with that of a net that knows nothing, probabilities, margins.

use super::curves::{Curve, Wanted, chart};
use super::material::{Facet, Member, members};
use super::taken::{COLUMNS, Taken, thresholds, tolerances};
use super::words::percent;
use crate::chart::{Axis, Chart, Multiples, Panel, Series, Slot};
use crate::measure::chance_curve;
use crate::report::page::{Figure, Section};

/// Panels of small multiples.
const FACETS: usize = 16;

/// Which measures a figure takes of a member.
pub(super) type Split = fn(&Member) -> Option<&Taken>;

/// The section; `split` takes the measures of a member.
pub(super) fn section(facets: &[Facet], note: &str, split: Split) -> Section {
    let mut section = Section::new("confidence", "Confidence", "");
    let classes = members(facets).filter_map(split).map(|taken| taken.classes).max();
    let finding = "A sample is close enough at a where the probability of its label is at most a below the largest one.";
    finding.clone_into(&mut section.finding);
    let close = Wanted {
        title: "Close-enough accuracy",
        note: format!("{note}{}", chance(classes)),
        x: Axis::new("tolerance a"),
        y: Axis::new("close-enough samples").percent(),
        rules: vec![],
        extra: classes.map(|classes| guess(facets, classes)).into_iter().collect(),
    };
    let of = |member: &Member| {
        Some(tolerances().into_iter().zip(split(member)?.close.clone()).collect())
    };
    if let Some(chart) = chart(facets, close, of) {
        section = section.with(Figure::lead("close-enough", chart));
    }
    let edges: Vec<f64> = (0..=COLUMNS).map(|i| i as f64 / COLUMNS as f64).collect();
    let below: Vec<f64> = edges.iter().rev().map(|edge| 0.0 - edge).collect();
    let probability = |name: &str| Axis::new(name).percent();
    let histograms: [Histogram<'_>; 3] = [
        (
            "p-max",
            "Largest probability",
            probability("p_max, the largest probability"),
            &edges,
            |t| Some(&t.p_max),
        ),
        (
            "p-label",
            "Probability of the label",
            probability("p_y, the probability of the label"),
            &edges,
            |t| Some(&t.p_label),
        ),
        (
            "delta-p",
            "How far wrong predictions are off",
            probability("δp = p_y − p_max, misclassified samples"),
            &below,
            |t| (t.wrong > 0).then_some(&t.delta),
        ),
    ];
    for wanted in histograms {
        let id = wanted.0;
        if let Some(chart) = histogram(facets, wanted, note, split) {
            section = section.with(Figure::small(id, chart));
        }
    }
    for chart in wells(facets, note, split) {
        section = section.with(Figure::small(
            if chart.title().contains("normalised") { "well-mu" } else { "well-eta" },
            chart,
        ));
    }
    section
}

/// The curve of a net that knows nothing, in a colour that no group has.
fn guess(facets: &[Facet], classes: usize) -> Series {
    let slots = facets.iter().flat_map(|facet| &facet.groups).map(|group| group.slot.0 + 1);
    let slot = Slot(slots.max().unwrap_or(0));
    let curve = tolerances().into_iter().zip(chance_curve(classes, &tolerances()));
    Series::steps("chance", slot, curve)
}

/// What a net that knows nothing reaches.
fn chance(classes: Option<usize>) -> String {
    let Some(classes) = classes else { return String::new() };
    let at = chance_curve(classes, &[0.0]);
    let guess = 1.0 / classes.max(1) as f64;
    format!(
        " A net that knows nothing reaches {} for a below 1/K = {}, and everything from there on.",
        percent(at.first().copied()),
        percent(Some(guess))
    )
}

/// Id, title, axis, edges, and the shares of the columns.
type Histogram<'a> = (&'a str, &'a str, Axis, &'a [f64], fn(&Taken) -> Option<&Vec<f64>>);

/// The mean shares over the runs of each group.
fn histogram(
    facets: &[Facet],
    (_, title, x, edges, of): Histogram<'_>,
    note: &str,
    split: Split,
) -> Option<Chart> {
    let mut panels = vec![];
    let single = facets.len() == 1 && facets.iter().all(|facet| facet.groups.len() == 1);
    for facet in facets.iter().take(FACETS) {
        let mut panel = Panel::new(x.clone(), Axis::new("share of samples").percent());
        let mut is_empty = true;
        for group in &facet.groups {
            let all: Vec<&Vec<f64>> = group.members.iter().filter_map(|m| of(split(m)?)).collect();
            if all.is_empty() {
                continue;
            }
            let mean =
                |i: usize| all.iter().map(|shares| shares[i]).sum::<f64>() / all.len() as f64;
            let heights = (0..edges.len() - 1).map(mean).collect();
            let series = Series::columns(group.label.as_str(), group.slot, edges.to_vec(), heights);
            panel = panel.with(if single { series.filled() } else { series });
            is_empty = false;
        }
        if !is_empty {
            panels.push((facet.name.clone(), panel));
        }
    }
    let means = members(facets).count() > facets.iter().map(|f| f.groups.len()).sum();
    let note = if means { format!("{note} Means over the runs.") } else { note.to_owned() };
    match panels.len() {
        0 => None,
        1 => panels.pop().map(|(_, panel)| Chart::new(title, "", note, panel)),
        _ => Some(Chart::new(title, "", note, Multiples::new(panels))),
    }
}

/// The shares of samples above each threshold.
type Shares<'a> = &'a dyn Fn(&Taken) -> Option<Vec<f64>>;

/// Samples above each threshold, on the margin and on the normalised one.
fn wells(facets: &[Facet], note: &str, split: Split) -> Vec<Chart> {
    let share = |counts: &[usize], n: usize| -> Vec<f64> {
        counts.iter().map(|count| *count as f64 / n.max(1) as f64).collect()
    };
    let margin = |taken: &Taken| Some(share(&taken.well, taken.n));
    let normalized = |taken: &Taken| Some(share(taken.well_normalized.as_deref()?, taken.n));
    let both: [(&str, &str, Shares<'_>); 2] = [
        ("W_η: samples above a margin", "η, threshold on the margin", &margin),
        ("Samples above a normalised margin", "μ, threshold on m / R", &normalized),
    ];
    let mut charts = vec![];
    for (title, x, of) in both {
        let all = || members(facets).filter_map(split).filter_map(of);
        let is_flat =
            |i: usize| all().all(|s| (s[i] - s[0]).abs() < 0.002) || all().all(|s| s[i] < 0.002);
        let last = thresholds().len() - 1;
        let Some(low) = (0..=last).find(|i| !is_flat(*i)) else { continue };
        let high = (low..=last).rev().find(|i| !is_flat(*i)).unwrap_or(last);
        let range = low.saturating_sub(1)..=(high + 1).min(last);
        let wanted = Wanted {
            title,
            note: note.to_owned(),
            x: Axis::new(x).log(),
            y: Axis::new("share of samples above").percent(),
            rules: vec![],
            extra: vec![],
        };
        let of = |member: &Member| -> Option<Curve> {
            let shares = of(split(member)?)?;
            let points = thresholds().into_iter().zip(shares).enumerate();
            Some(points.filter(|(i, _)| range.contains(i)).map(|(_, p)| p).collect())
        };
        charts.extend(chart(facets, wanted, of));
    }
    charts
}
