//! What is left of differences at equal sharpness, and close-enough accuracy over all temperatures.

use super::material::Group;
use super::tables::labelled;
use super::words::{count, number};
use crate::chart::{Axis, Chart, Panel, Series};
use crate::report::page::{Block, Figure, Section, Tone};
use crate::study::{
    Comparison, MATCHED_COLUMNS, Matched, curves_title, matched_table, temperatures,
};

/// The section; `groups` are those of the comparison, with their colours. Empty unless temperatures were fitted.
pub(super) fn section(groups: &[Group], comparison: Option<&Comparison>) -> Section {
    let mut section = Section::new("sharpness", "At equal sharpness", "");
    let Some(comparison) = comparison else { return section };
    let Some(matched) = &comparison.matched else { return section };
    section.finding = explained(comparison, matched);
    let title = "Differences at equal sharpness";
    section = section.with(labelled("matched", title, matched_table(comparison, matched)));
    let note = |text: String| Block::Note(Tone::Plain, text);
    let fitted = temperatures(comparison, matched);
    section.blocks.push(note(format!("{MATCHED_COLUMNS}. Mean {fitted}.")));
    section.blocks.extend(curves(groups, matched).map(Block::from));
    section.blocks.extend(matched.left_out.iter().cloned().map(note));
    section
}

/// Which part of the first measure's differences a temperature explains.
fn explained(comparison: &Comparison, matched: &Matched) -> String {
    let Some(measure) = matched.measures.first() else { return String::new() };
    let parts = measure.differences.iter().zip(&measure.raw).zip(&measure.by_scale);
    let parts = parts.filter_map(|((entry, raw), by_scale)| {
        let (raw, by_scale, left) = ((*raw)?, (*by_scale)?, entry.mean?);
        let part = |value: f64| number(Some(value));
        Some(format!(
            "of {} for {} a temperature explains {}, and {} is left to the direction",
            part(raw),
            entry.group,
            part(by_scale),
            part(left)
        ))
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        return String::new();
    }
    let baseline = &comparison.groups[0].name;
    format!("{} against {baseline}: {}.", measure.measure, parts.join("; "))
}

/// Close-enough against the mean largest probability.
fn curves(groups: &[Group], matched: &Matched) -> Option<Figure> {
    let mut title = curves_title(matched)?;
    title[..1].make_ascii_uppercase();
    let a = matched.curves.first()?.a;
    let mut panel = Panel::new(
        Axis::new("mean largest probability").percent(),
        Axis::new(format!("samples close enough, a = {a}")).percent(),
    );
    for (curve, group) in matched.curves.iter().zip(groups) {
        let points = curve.points.iter().map(|point| (point.p_max, point.close_enough));
        panel = panel.with(Series::line(group.label.clone(), group.slot, points));
    }
    let note = "Means over the runs that reach a sharpness.";
    Some(Figure::lead("sharpness-curves", Chart::new(title, higher(groups, matched), note, panel)))
}

/// At how many points each curve lies above the first one.
fn higher(groups: &[Group], matched: &Matched) -> String {
    let [first, others @ ..] = matched.curves.as_slice() else { return String::new() };
    let parts = others.iter().zip(groups.iter().skip(1)).map(|(curve, group)| {
        let both = curve.points.iter().filter_map(|point| {
            let other = first.points.iter().find(|other| other.p_max == point.p_max)?;
            Some(point.close_enough > other.close_enough)
        });
        let above: Vec<bool> = both.collect();
        let higher = above.iter().filter(|above| **above).count();
        format!("{} is higher at {higher} of {}", group.label, count(above.len(), "point"))
    });
    let parts: Vec<String> = parts.collect();
    let name = groups.first().map_or("", |group| group.label.as_str());
    format!("Against {name}: {}.", parts.join("; "))
}
