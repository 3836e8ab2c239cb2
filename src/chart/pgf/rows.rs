//! Charts with a name on each row for pgfplots: forest plots, dot strips, bars.

use std::collections::BTreeSet;

use super::super::axis::Axis;
use super::super::bars::Bars;
use super::super::forest::Forest;
use super::super::palette::Slot;
use super::super::scale::Domain;
use super::super::strip::Strip;
use super::tex::{self, colour, coordinates, marker};

/// Row `i` lies at −i, so that the first is on top.
fn options(axis: &Axis, domain: Domain, names: &[&str]) -> Vec<String> {
    let places: Vec<String> = (0..names.len()).map(|i| format!("-{i}")).collect();
    let names: Vec<String> = names.iter().map(|name| format!("{{{}}}", tex::text(name))).collect();
    let mut out = tex::axis('x', axis, domain);
    out.push(format!("ytick={{{}}}", places.join(",")));
    out.push(format!("yticklabels={{{}}}", names.join(",")));
    out.push(format!("ymin={}, ymax=0.6", 0.4 - names.len().max(1) as f64));
    out.push(
        "ymajorgrids=false, y axis line style={draw=none}, ytick style={draw=none}".to_owned(),
    );
    out
}

/// As high as its rows need.
fn extent(rows: usize) -> (f64, f64) {
    (0.8, 0.16 + 0.05 * rows.clamp(1, 24) as f64)
}

fn row(i: usize) -> f64 {
    -(i as f64)
}

pub(super) fn forest(plot: &Forest) -> String {
    let domain = plot.domain();
    let names: Vec<&str> = plot.differences().iter().map(|d| d.name.as_str()).collect();
    let (last, mut body) = (0.4 - names.len().max(1) as f64, vec![]);
    for (i, d) in plot.differences().iter().enumerate() {
        let Some(wanted) = d.wanted else { continue };
        let (from, to) = wanted.bounds();
        let (from, to) = (from.unwrap_or(domain.low), to.unwrap_or(domain.high));
        let (top, bottom) = (row(i) + 0.35, row(i) - 0.35);
        let corners = coordinates([(from, bottom), (to, bottom), (to, top), (from, top)]);
        body.push(format!(
            "\\addplot[draw=none, fill=green!60!black, fill opacity=0.2] {corners};"
        ));
        for threshold in wanted.thresholds() {
            let edge = coordinates([(threshold, bottom), (threshold, top)]);
            body.push(format!("\\addplot[green!60!black, thick, no marks] {edge};"));
        }
    }
    let zero = coordinates([(0.0, last), (0.0, 0.6)]);
    body.push(format!("\\addplot[black!55, no marks] {zero};"));
    for (i, d) in plot.differences().iter().enumerate() {
        let (colour, y) = (colour(d.slot), row(i));
        let interval = coordinates([(d.interval.0, y), (d.interval.1, y)]);
        body.push(format!("\\addplot[{colour}, thick, mark=|] {interval};"));
        let (value, mark) = (coordinates([(d.value, y)]), marker(d.slot, true));
        body.push(format!("\\addplot[{colour}, only marks, {mark}] {value};"));
    }
    let slots: BTreeSet<Slot> = plot.differences().iter().map(|d| d.slot).collect();
    tex::picture(&options(plot.axis(), domain, &names), &slots, extent(names.len()), &body)
}

pub(super) fn strip(plot: &Strip) -> String {
    let names: Vec<&str> = plot.groups().iter().map(|group| group.name.as_str()).collect();
    let mut body = vec![];
    for (i, group) in plot.groups().iter().enumerate() {
        let (colour, y) = (colour(group.slot), row(i));
        let values = coordinates(group.values.iter().map(|value| (*value, y)));
        body.push(format!(
            "\\addplot[{colour}, only marks, mark=*, mark size=1.6pt, opacity=0.4] {values};"
        ));
        let Some((summary, _)) = group.summary else { continue };
        if let Some((low, high)) = summary.interval {
            let interval = coordinates([(low, y), (high, y)]);
            body.push(format!("\\addplot[{colour}, very thick, no marks] {interval};"));
        }
        let (value, mark) = (coordinates([(summary.y, y)]), marker(group.slot, true));
        body.push(format!("\\addplot[{colour}, only marks, {mark}] {value};"));
    }
    let slots: BTreeSet<Slot> = plot.groups().iter().map(|group| group.slot).collect();
    tex::picture(&options(plot.axis(), plot.domain(), &names), &slots, extent(names.len()), &body)
}

pub(super) fn bars(plot: &Bars) -> String {
    let names: Vec<&str> = plot.names().iter().map(String::as_str).collect();
    let n = plot.groups().len().max(1) as f64;
    let (domain, mut body) = (plot.domain(), vec![]);
    let foot = 0.0_f64.clamp(domain.low, domain.high);
    for (g, group) in plot.groups().iter().enumerate() {
        let (colour, height) = (colour(group.slot), 0.8 / n);
        let mut is_first = true;
        for (i, (value, interval)) in group.values.iter().enumerate().take(names.len()) {
            let top = row(i) + 0.4 - height * g as f64;
            let (bottom, middle) = (top - 0.9 * height, top - 0.45 * height);
            let corners =
                coordinates([(foot, bottom), (*value, bottom), (*value, top), (foot, top)]);
            let entry =
                if is_first && plot.groups().len() > 1 { "area legend" } else { "forget plot" };
            body.push(format!("\\addplot[{entry}, draw={colour}, fill={colour}] {corners};"));
            if is_first && plot.groups().len() > 1 {
                body.push(format!("\\addlegendentry{{{}}}", tex::text(&group.label)));
            }
            is_first = false;
            if let Some((low, high)) = interval {
                let interval = coordinates([(*low, middle), (*high, middle)]);
                body.push(format!("\\addplot[forget plot, black, no marks] {interval};"));
            }
        }
    }
    let slots: BTreeSet<Slot> = plot.groups().iter().map(|group| group.slot).collect();
    let lines = names.len() * plot.groups().len().div_ceil(2);
    tex::picture(&options(plot.axis(), domain, &names), &slots, extent(lines), &body)
}
