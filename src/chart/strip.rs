//! Dot strips: every seed's value as a dot on the row of its group, with mean and interval.

use super::axis::Axis;
use super::caption::Remarks;
use super::drawing::{Drawing, Fill, Mark, Stroke};
use super::geometry::{Point, Rect};
use super::number::{self, drawable};
use super::palette::{Marker, Paint, Slot};
use super::rows::{self, Row};
use super::scale::{Domain, Padding};
use super::series::{Estimate, Spread};
use super::size::Size;
use super::table::{Cell, Table};

/// Values of groups on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    axis: Axis,
    groups: Vec<Group>,
}

/// The values of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Its colour.
    pub slot: Slot,
    /// One value a seed.
    pub values: Vec<f64>,
    /// A summary with its meaning: `y` and its interval; `x` is not read.
    pub summary: Option<(Estimate, Spread)>,
}

impl Strip {
    /// One row a group.
    pub fn new(axis: Axis, groups: Vec<Group>) -> Self {
        Self { axis, groups }
    }

    pub(super) fn axis(&self) -> &Axis {
        &self.axis
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(super) fn domain(&self) -> Domain {
        let values = self.groups.iter().flat_map(|group| {
            let summary = group.summary.iter().flat_map(|(estimate, _)| {
                let (low, high) = estimate.interval.unwrap_or((estimate.y, estimate.y));
                [estimate.y, low, high]
            });
            group.values.iter().copied().chain(summary)
        });
        self.axis.domain(values, Padding::Loose)
    }

    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let text = |value| number::in_unit(value, 3, self.axis.unit());
        let names: Vec<Row> = self
            .groups
            .iter()
            .map(|group| Row {
                name: group.name.clone(),
                number: group.summary.map_or(String::new(), |summary| text(summary.0.y)),
                lines: 2,
            })
            .collect();
        let rows = rows::rows(drawing, &names, (&self.axis, self.domain()), area, size);
        for (group, (top, bottom)) in self.groups.iter().zip(&rows.bands) {
            // The dots above, their summary below.
            let height = bottom - top;
            let y = if group.summary.is_some() { top + 0.8 * height } else { top + 0.5 * height };
            let dots = top + if group.summary.is_some() { 0.36 } else { 0.5 } * height;
            let paint = Paint::Series(group.slot);
            let at = dodged(group, &rows, dots, 0.24 * height);
            let radius = if group.values.len() > 60 { 2.2 } else { 3.4 };
            if !at.is_empty() {
                let marker = Marker::Circle;
                drawing.marks.push(Mark::Dots { at, marker, radius, paint, fill: Fill::Faint });
            }
            let Some((summary, _)) = group.summary else { continue };
            let ends = summary
                .interval
                .and_then(|(low, high)| rows.scale.clamped(low).zip(rows.scale.clamped(high)));
            if let Some((low, high)) = ends {
                let stroke = Stroke { paint, width: size.stroke() + 0.4, opacity: 1.0, dash: &[] };
                drawing.line((low, y), (high, y), stroke);
            }
            let shown = |_: &f64| rows.scale.domain.contains(summary.y);
            if let Some(at) = rows.scale.at(summary.y).filter(shown) {
                drawing.dots(vec![(at, y)], group.slot, 2.8 * size.stroke(), Fill::Full);
            }
        }
        rows.bottom
    }

    pub(super) fn remarks(&self, out: &mut Remarks) {
        let domain = self.domain();
        for group in &self.groups {
            for value in &group.values {
                if drawable(*value).is_none() || (domain.log && *value <= 0.0) {
                    out.gaps += 1;
                } else if !domain.contains(*value) {
                    out.outside += 1;
                }
            }
            if let Some((_, spread)) = group.summary {
                out.add("Bar", spread);
            }
        }
    }

    /// A row for each value, then one for each summary.
    pub fn table(&self) -> Table {
        let mut table = Table::new(["group", "value", self.axis.title(), "lower end", "upper end"]);
        for group in &self.groups {
            for (i, value) in group.values.iter().enumerate() {
                table.rows.push(vec![
                    Cell::Text(group.name.clone()),
                    Cell::Text((i + 1).to_string()),
                    Cell::Number(*value),
                    Cell::Empty,
                    Cell::Empty,
                ]);
            }
        }
        for group in &self.groups {
            let Some((summary, _)) = group.summary else { continue };
            table.rows.push(vec![
                Cell::Text(group.name.clone()),
                Cell::Text("summary".to_owned()),
                Cell::Number(summary.y),
                Cell::maybe(summary.interval.map(|interval| interval.0)),
                Cell::maybe(summary.interval.map(|interval| interval.1)),
            ]);
        }
        table.without_empty_columns()
    }
}

/// The places of the dots: those that would lie on each other move up and down by turns, within the row.
fn dodged(group: &Group, rows: &rows::Rows, y: f64, room: f64) -> Vec<Point> {
    let mut places: Vec<f64> = group
        .values
        .iter()
        .filter(|value| rows.scale.domain.contains(**value))
        .filter_map(|value| rows.scale.at(*value))
        .collect();
    places.sort_by(f64::total_cmp);
    let mut out: Vec<Point> = vec![];
    for x in places {
        let levels = [0.0, -0.5, 0.5, -1.0, 1.0];
        let is_free = |level: &&f64| {
            let taken = |p: &Point| x - p.0 < 5.0 && (p.1 - y - *level * room).abs() < 0.4 * room;
            !out.iter().rev().take(8).any(taken)
        };
        let level = levels.iter().find(is_free).unwrap_or(&levels[out.len() % levels.len()]);
        out.push((x, y + level * room));
    }
    out
}
