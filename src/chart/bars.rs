//! Bars: one value a row, or one for each of several groups.

use super::axis::Axis;
use super::caption::Remarks;
use super::drawing::{Drawing, Stroke};
use super::geometry::Rect;
use super::legend::{Entry, Key, legend};
use super::number::{self, drawable};
use super::palette::{Paint, Slot};
use super::rows::{self, Row};
use super::scale::{Domain, Padding};
use super::series::Spread;
use super::size::Size;
use super::table::{Cell, Table};

/// Lengths from zero on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    axis: Axis,
    spread: Option<Spread>,
    names: Vec<String>,
    groups: Vec<BarGroup>,
}

/// The bars of one label.
#[derive(Clone, Debug, PartialEq)]
pub struct BarGroup {
    /// What it is called.
    pub label: String,
    /// Its colour.
    pub slot: Slot,
    /// A value for each row with the interval around it.
    pub values: Vec<(f64, Option<(f64, f64)>)>,
}

impl Bars {
    /// Rows by name, each with a bar of every group; the axis has its zero. `spread` says what intervals are.
    pub fn new(
        axis: Axis,
        names: Vec<String>,
        groups: Vec<BarGroup>,
        spread: Option<Spread>,
    ) -> Self {
        Self { axis: axis.zero(), spread, names, groups }
    }

    pub(super) fn axis(&self) -> &Axis {
        &self.axis
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn groups(&self) -> &[BarGroup] {
        &self.groups
    }

    /// The value of each bar with its interval: row by row, the groups in their order.
    fn all(&self) -> impl Iterator<Item = (usize, &BarGroup, f64, Option<(f64, f64)>)> {
        (0..self.names.len()).flat_map(move |row| {
            self.groups.iter().filter_map(move |group| {
                group.values.get(row).map(|(value, interval)| (row, group, *value, *interval))
            })
        })
    }

    pub(super) fn domain(&self) -> Domain {
        let values = self.all().flat_map(|(.., value, interval)| {
            let (low, high) = interval.unwrap_or((value, value));
            [value, low, high]
        });
        self.axis.domain(values, Padding::Loose)
    }

    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let several = self.groups.len() > 1;
        let entries: Vec<Entry> = self
            .groups
            .iter()
            .filter(|group| several && !group.label.trim().is_empty())
            .map(|group| Entry { label: group.label.clone(), slot: group.slot, key: Key::Box })
            .collect();
        let top = legend(drawing, &entries, (area.x, area.right()), area.y, size);
        let text = |value| number::in_unit(value, 3, self.axis.unit());
        let number = |row: usize| match self.groups.as_slice() {
            [group] => group.values.get(row).map_or(String::new(), |(value, _)| text(*value)),
            _ => String::new(),
        };
        let names: Vec<Row> = self
            .names
            .iter()
            .enumerate()
            .map(|(i, name)| Row {
                name: name.clone(),
                number: number(i),
                lines: self.groups.len().div_ceil(2),
            })
            .collect();
        let domain = self.domain();
        let area = Rect { y: top, ..area };
        let rows = rows::rows(drawing, &names, (&self.axis, domain), area, size);
        let foot = rows.scale.clamped(0.0).unwrap_or(rows.rect.x);
        for (i, group) in self.groups.iter().enumerate() {
            let (mut bars, mut intervals) = (vec![], vec![]);
            for ((value, interval), (top, bottom)) in group.values.iter().zip(&rows.bands) {
                let height = (bottom - top - 4.0) / self.groups.len() as f64;
                let y = top + 2.0 + height * i as f64;
                let Some(end) = rows.scale.clamped(*value) else { continue };
                let (x, width) = (foot.min(end), (end - foot).abs());
                bars.push(Rect { x, y, width, height: (height - 1.0).max(0.5) });
                let scale = &rows.scale;
                let ends = interval.and_then(|(a, b)| scale.clamped(a).zip(scale.clamped(b)));
                let middle = y + height / 2.0;
                intervals.extend(ends.map(|(low, high)| vec![(low, middle), (high, middle)]));
            }
            drawing.rects(bars, Paint::Series(group.slot), 0.85);
            drawing.lines(intervals, Stroke { width: 1.4, ..Stroke::thin(Paint::Ink) });
        }
        rows.upright(drawing, 0.0, Stroke::thin(Paint::Rule));
        rows.bottom
    }

    pub(super) fn remarks(&self, out: &mut Remarks) {
        let domain = self.domain();
        for (.., value, _) in self.all() {
            if drawable(value).is_none() || (domain.log && value <= 0.0) {
                out.gaps += 1;
            } else if !domain.contains(value) {
                out.outside += 1;
            }
        }
        if let Some(spread) = self.spread {
            out.add("Thin line", spread);
        }
    }

    /// A row for each bar.
    pub fn table(&self) -> Table {
        let mut table = Table::new(["name", "group", self.axis.title(), "lower end", "upper end"]);
        for (row, group, value, interval) in self.all() {
            table.rows.push(vec![
                Cell::Text(self.names[row].clone()),
                Cell::Text(group.label.clone()),
                Cell::Number(value),
                Cell::maybe(interval.map(|interval| interval.0)),
                Cell::maybe(interval.map(|interval| interval.1)),
            ]);
        }
        table.without_empty_columns()
    }
}
