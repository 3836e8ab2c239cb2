//! How far probabilities can be taken at their word.

use super::confidence::Split;
use super::material::{Facet, members};
use super::words::{number, percent};
use crate::chart::{Bin, BinGroup, Cell, Chart, Reliability, Table, short};
use crate::measure::Calibration;
use crate::report::page::{Figure, LabelledTable, Section};
use crate::stats::Sample;

/// Facets with a diagram of their own.
const FACETS: usize = 6;

/// The section; `split` takes the measures of a member.
pub(super) fn section(facets: &[Facet], note: &str, split: Split) -> Section {
    let mut section = Section::new("calibration", "Calibration", "");
    let single: Vec<&Calibration> =
        members(facets).filter_map(split).map(|taken| &taken.calibration).collect();
    if single.is_empty() {
        return section;
    }
    for (place, facet) in facets.iter().take(FACETS).enumerate() {
        let groups: Vec<BinGroup> = facet
            .groups
            .iter()
            .filter_map(|group| {
                let all: Vec<&Calibration> = group
                    .members
                    .iter()
                    .filter_map(split)
                    .map(|taken| &taken.calibration)
                    .collect();
                let bins = pooled(&all)?;
                Some(BinGroup { label: group.label.clone(), slot: group.slot, bins })
            })
            .collect();
        if groups.is_empty() {
            continue;
        }
        let finding = finding(&groups);
        let title = match facet.name.as_str() {
            "" => "Reliability".to_owned(),
            name => format!("Reliability, {name}"),
        };
        let note =
            format!("{note} 15 bins of equal width; samples of all runs of a group together.");
        let chart = Chart::new(title, finding, note, Reliability::new(groups));
        let id = if place == 0 {
            "reliability".to_owned()
        } else {
            format!("reliability-{}", place + 1)
        };
        let figure =
            if facets.len() == 1 { Figure::lead(id, chart) } else { Figure::small(id, chart) };
        section = section.with(figure);
    }
    section.with(LabelledTable {
        id: "calibration-errors".to_owned(),
        title: "Calibration errors".to_owned(),
        table: errors(facets, split),
        shown: None,
    })
}

/// The bins of several runs together.
fn pooled(all: &[&Calibration]) -> Option<Vec<Bin>> {
    let first = all.first()?;
    let bin = |i: usize| {
        let bins = || all.iter().filter_map(|calibration| calibration.reliability.get(i));
        let n: usize = bins().map(|bin| bin.n).sum();
        let mean = |of: fn(&crate::measure::ReliabilityBin) -> Option<f64>| {
            bins().filter_map(|bin| Some(bin.n as f64 * of(bin)?)).sum::<f64>() / n.max(1) as f64
        };
        let own = &first.reliability[i];
        Bin {
            low: own.low,
            high: own.high,
            confidence: mean(|bin| bin.confidence),
            accuracy: mean(|bin| bin.accuracy),
            n,
        }
    };
    Some((0..first.reliability.len()).map(bin).collect())
}

/// How sure groups are against how often they are right.
fn finding(groups: &[BinGroup]) -> String {
    if let [one] = groups {
        return gap(one);
    }
    let points = |group: &BinGroup| {
        let (confidence, accuracy) = means(group);
        format!("{} {}", group.label, short(100.0 * (confidence - accuracy), 3))
    };
    let all: Vec<String> = groups.iter().map(points).collect();
    format!("Mean confidence less accuracy, in points: {}.", all.join(", "))
}

/// The mean confidence and the accuracy of all samples.
fn means(group: &BinGroup) -> (f64, f64) {
    let n: usize = group.bins.iter().map(|bin| bin.n).sum();
    let full = || group.bins.iter().filter(|bin| bin.n > 0);
    let mean = |of: fn(&Bin) -> f64| {
        full().map(|bin| bin.n as f64 * of(bin)).sum::<f64>() / n.max(1) as f64
    };
    (mean(|bin| bin.confidence), mean(|bin| bin.accuracy))
}

/// How sure a group is on average, and how often it is right.
fn gap(group: &BinGroup) -> String {
    let (confidence, accuracy) = means(group);
    let what = if (confidence - accuracy).abs() < 0.01 {
        "as sure as it is right"
    } else if confidence > accuracy {
        "surer than it is right"
    } else {
        "less sure than it is right"
    };
    let name = if group.label.is_empty() { "The net" } else { &group.label };
    format!(
        "{name} is {what}: {} sure on average, right in {}.",
        percent(Some(confidence)),
        percent(Some(accuracy))
    )
}

/// A row for each group of each facet, the mean over its runs.
fn errors(facets: &[Facet], split: Split) -> Table {
    let mut headings = vec![];
    let has_names = facets.iter().any(|facet| !facet.name.is_empty());
    if has_names {
        headings.push("circumstances".to_owned());
    }
    headings.extend(["group", "runs", "ECE", "adaptive ECE", "Brier", "NLL"].map(str::to_owned));
    let mut rows = vec![];
    for facet in facets {
        for group in &facet.groups {
            let all: Vec<&Calibration> =
                group.members.iter().filter_map(split).map(|taken| &taken.calibration).collect();
            if all.is_empty() {
                continue;
            }
            let mean = |of: fn(&Calibration) -> Option<f64>| {
                let values: Vec<f64> = all.iter().filter_map(|c| of(c)).collect();
                if values.is_empty() { Cell::Empty } else { Cell::Number(Sample::of(&values).mean) }
            };
            let mut row = vec![];
            if has_names {
                row.push(Cell::Text(facet.name.clone()));
            }
            row.push(Cell::Text(group.label.clone()));
            row.push(Cell::Number(all.len() as f64));
            row.extend([
                mean(|c| c.ece),
                mean(|c| c.ece_adaptive),
                mean(|c| c.brier),
                mean(|c| c.nll),
            ]);
            rows.push(row);
        }
    }
    Table { headings, rows }
}

/// The expected calibration error for a tile.
pub(super) fn ece(calibration: &Calibration) -> String {
    number(calibration.ece)
}
