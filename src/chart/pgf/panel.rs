//! A panel for pgfplots.

use std::collections::BTreeSet;

use super::super::legend::Key;
use super::super::palette::Slot;
use super::super::panel::{Panel, Place, is_marked};
use super::super::scale::Domain;
use super::super::series::{Estimate, Series, Shape};
use super::tex::{self, Extent, colour, coordinates, dash, marker};

const ENTRY: &str = "\\addlegendentry";

/// Parts lines.
const GAP: (f64, f64) = (f64::NAN, f64::NAN);

/// One axis with all series and lines of reference. A panel among others has a name, and the legend where it is said.
pub(super) fn panel(
    panel: &Panel,
    name: Option<(&str, bool)>,
    (x, y): (Domain, Domain),
    extent: Extent,
) -> String {
    let mut options = tex::axis('x', &panel.x, x);
    options.extend(tex::axis('y', &panel.y, y));
    options.extend(name.map(|(name, _)| format!("title={{{}}}", tex::text(name))));
    let slots: BTreeSet<Slot> = panel.series.iter().map(|series| series.slot).collect();
    let mut body = vec![];
    for rule in &panel.rules {
        let points = match rule.place {
            Place::Across(value) => [(x.low, value), (x.high, value)],
            Place::Up(value) => [(value, y.low), (value, y.high)],
            Place::Diagonal => {
                let (low, high) = (x.low.max(y.low), x.high.min(y.high));
                [(low, low), (high, high)]
            }
        };
        body.push(format!("\\addplot[black!55, dashed, no marks] {};", coordinates(points)));
        body.push(legend(&rule.label));
    }
    panel.series.iter().for_each(|series| behind(&mut body, series));
    let mut named: Vec<(&str, Slot, Key)> = vec![];
    for (series, key) in panel.series.iter().zip(panel.keys()) {
        let mut lines = drawn(series);
        // A label with several series has one entry.
        let entry = (series.label.as_str(), series.slot, key);
        if let Some(line) = lines.first_mut() {
            if series.label.trim().is_empty() || named.contains(&entry) {
                *line = line.replacen('[', "[forget plot, ", 1);
                body.append(&mut lines);
            } else {
                body.append(&mut lines);
                body.push(legend(&series.label));
                named.push(entry);
            }
        }
    }
    match name {
        // The legend stands above the title.
        Some((_, true)) => {
            options.push(
                "legend style={at={(0,1.2)}, anchor=south west}, legend columns=2".to_owned(),
            );
        }
        Some((_, false)) => body.retain(|line| !line.starts_with(ENTRY)),
        None => {}
    }
    tex::picture(&options, &slots, extent, &body)
}

fn legend(label: &str) -> String {
    format!("{ENTRY}{{{}}}", tex::text(label))
}

/// Faint lines and bands.
fn behind(body: &mut Vec<String>, series: &Series) {
    let Shape::Line { points, faint } = &series.shape else { return };
    let colour = colour(series.slot);
    if !faint.is_empty() {
        let all = faint.iter().flat_map(|run| run.iter().copied().chain([GAP]));
        let all = coordinates(all);
        body.push(format!(
            "\\addplot[forget plot, no marks, {colour}, opacity=0.3, very thin] {all};"
        ));
    }
    let ends = |point: &Estimate| match point.interval {
        Some((low, high))
            if point.x.is_finite()
                && point.y.is_finite()
                && low.is_finite()
                && high.is_finite() =>
        {
            Some((point.x, low, high))
        }
        _ => None,
    };
    for run in points.split(|point| ends(point).is_none()) {
        let run: Vec<(f64, f64, f64)> = run.iter().filter_map(ends).collect();
        let upper = run.iter().map(|p| (p.0, p.2));
        let lower = run.iter().rev().map(|p| (p.0, p.1));
        if run.len() > 1 {
            let corners = coordinates(upper.chain(lower));
            body.push(format!(
                "\\addplot[forget plot, draw=none, fill={colour}, fill opacity=0.17] {corners};"
            ));
        }
    }
}

/// The series itself; the first plot carries the entry of the legend.
fn drawn(series: &Series) -> Vec<String> {
    let colour = colour(series.slot);
    let dash = dash(series.slot);
    let plain = |points: &[Estimate]| coordinates(points.iter().map(|p| (p.x, p.y)));
    match &series.shape {
        Shape::Line { points, faint: _ } => {
            let mark = if is_marked(points.len()) {
                marker(series.slot, true)
            } else {
                "no marks".to_owned()
            };
            vec![format!("\\addplot[{colour}, thick, {dash}, {mark}] {};", plain(points))]
        }
        Shape::Steps(points) => {
            vec![format!(
                "\\addplot[{colour}, thick, {dash}, no marks, const plot] {};",
                plain(points)
            )]
        }
        Shape::Points(points) => {
            let mark = marker(series.slot, false);
            let mut out =
                vec![format!("\\addplot[{colour}, only marks, {mark}] {};", plain(points))];
            let bars = points
                .iter()
                .filter_map(|p| p.interval.map(|(low, high)| [(p.x, low), (p.x, high), GAP]));
            let bars: Vec<(f64, f64)> = bars.flatten().collect();
            if !bars.is_empty() {
                let bars = coordinates(bars);
                out.push(format!("\\addplot[forget plot, {colour}, no marks] {bars};"));
            }
            out
        }
        Shape::Columns { edges, heights, filled } => {
            let last = heights.last().map(|_| f64::NAN);
            let tops = heights.iter().copied().chain(last);
            let mut points: Vec<(f64, f64)> = edges.iter().copied().zip(tops).collect();
            if let (Some(end), [.., height]) = (points.last_mut(), heights.as_slice()) {
                end.1 = *height;
            }
            let fill =
                if *filled { format!("fill={colour}, fill opacity=0.3, ") } else { String::new() };
            let close = if *filled { " \\closedcycle" } else { "" };
            vec![format!(
                "\\addplot[{colour}, {fill}thick, {dash}, no marks, const plot] {}{close};",
                coordinates(points)
            )]
        }
    }
}
