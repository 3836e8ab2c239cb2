//! Forest plots: a difference with its interval on each row, against zero and what a claim wants.

use super::axis::Axis;
use super::caption::Remarks;
use super::drawing::{Drawing, Fill, Stroke};
use super::geometry::Rect;
use super::legend::{Entry, Key, REFERENCE, THRESHOLD, WANTED, legend};
use super::number::{self, Unit, drawable};
use super::palette::{Paint, Slot};
use super::rows::{self, Row};
use super::scale::{Domain, Padding};
use super::series::Spread;
use super::size::Size;
use super::table::{Cell, Table};

/// Digits of the numbers beside the rows.
const DIGITS: usize = 3;

/// Half the height of the mark at an interval's end.
const CAP: f64 = 4.0;

/// Differences on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    axis: Axis,
    spread: Spread,
    differences: Vec<Difference>,
}

/// A difference with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What it is of.
    pub name: String,
    /// Whose colour and marker it has.
    pub slot: Slot,
    /// The estimate.
    pub value: f64,
    /// The lower and the upper end.
    pub interval: (f64, f64),
    /// What a claim wants of it.
    pub wanted: Option<Wanted>,
}

/// Where a claim wants a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// At or above.
    AtLeast(f64),
    /// At or below.
    AtMost(f64),
    /// From the one to the other.
    Between(f64, f64),
}

impl Wanted {
    /// The lower and the upper threshold.
    pub(super) fn bounds(self) -> (Option<f64>, Option<f64>) {
        match self {
            Self::AtLeast(low) => (Some(low), None),
            Self::AtMost(high) => (None, Some(high)),
            Self::Between(low, high) => (Some(low), Some(high)),
        }
    }

    /// Its thresholds.
    pub(super) fn thresholds(self) -> impl Iterator<Item = f64> {
        let (low, high) = self.bounds();
        low.into_iter().chain(high)
    }
}

impl Forest {
    /// The axis names the difference and its direction, as `two-scale − single`.
    pub fn new(axis: Axis, spread: Spread, differences: Vec<Difference>) -> Self {
        Self { axis, spread, differences }
    }

    pub(super) fn axis(&self) -> &Axis {
        &self.axis
    }

    pub(super) fn differences(&self) -> &[Difference] {
        &self.differences
    }

    pub(super) fn domain(&self) -> Domain {
        let values = self.differences.iter().flat_map(|d| {
            let wanted = d.wanted.into_iter().flat_map(Wanted::thresholds);
            [d.value, d.interval.0, d.interval.1].into_iter().chain(wanted)
        });
        self.axis.domain(values.chain([0.0]), Padding::Loose)
    }

    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let domain = self.domain();
        let wants = self.differences.iter().any(|d| d.wanted.is_some());
        let entry = Entry { label: "wanted".to_owned(), slot: Slot(0), key: Key::Wanted };
        let entries = if wants { vec![entry] } else { vec![] };
        let top = legend(drawing, &entries, (area.x, area.right()), area.y, size);
        let names: Vec<Row> = self
            .differences
            .iter()
            .map(|d| Row { name: d.name.clone(), number: self.number(d), lines: 1 })
            .collect();
        let area = Rect { y: top, ..area };
        let at_wanted = drawing.marks.len();
        let rows = rows::rows(drawing, &names, (&self.axis, domain), area, size);
        let (mut shades, mut thresholds) = (vec![], vec![]);
        if domain.contains(0.0) {
            rows.upright(drawing, 0.0, Stroke { dash: &[], ..REFERENCE });
        }
        for (difference, (top, bottom)) in self.differences.iter().zip(&rows.bands) {
            let ends = (rows.rect.x, rows.rect.right());
            if let Some(wanted) = difference.wanted {
                let at = |bound: Option<f64>, end: f64| match bound {
                    None => Some(end),
                    Some(value) => rows.scale.clamped(value),
                };
                let (low, high) = wanted.bounds();
                if let Some((left, right)) = at(low, ends.0).zip(at(high, ends.1)) {
                    let (left, right) = (left.min(right), left.max(right));
                    let (width, height) = (right - left, bottom - top);
                    shades.push(Rect { x: left, y: *top, width, height });
                }
                let inside = wanted.thresholds().filter(|value| domain.contains(*value));
                let inside = inside.filter_map(|value| rows.scale.clamped(value));
                thresholds.extend(inside.map(|at| vec![(at, *top), (at, *bottom)]));
            }
            mark(drawing, difference, f64::midpoint(*top, *bottom), &rows, size);
        }
        if !shades.is_empty() {
            // What is wanted lies below everything else.
            let mut under = Drawing::new(drawing.width);
            under.rects(shades, Paint::Wanted, WANTED);
            under.lines(thresholds, THRESHOLD);
            drawing.marks.splice(at_wanted..at_wanted, under.marks);
        }
        rows.bottom
    }

    /// The last digit that the narrowest interval supports: a tenth of its width.
    fn step(&self) -> Option<f64> {
        let widths = self.differences.iter().map(|d| d.interval.1 - d.interval.0);
        let narrowest = widths.filter(|w| w.is_finite() && *w > 0.0).min_by(f64::total_cmp)?;
        let finest = self.domain().most() * 1e-6;
        Some(number::power(number::exponent(narrowest.max(finest)) - 1))
    }

    /// `+0.188 [0.180, 0.196]`.
    fn number(&self, d: &Difference) -> String {
        let (step, most) = (self.step(), self.domain().most());
        let percent = self.axis.unit() == Unit::Percent;
        let factor = if percent { 100.0 } else { 1.0 };
        let text = |value: f64| match step {
            Some(step) if value.is_finite() => {
                number::tick(value * factor, step * factor, most * factor, Unit::Plain)
            }
            _ => number::short(value * factor, DIGITS),
        };
        let sign = if d.value > 0.0 { "+" } else { "" };
        let unit = if percent { " %" } else { "" };
        format!("{sign}{} [{}, {}]{unit}", text(d.value), text(d.interval.0), text(d.interval.1))
    }

    pub(super) fn remarks(&self, out: &mut Remarks) {
        let domain = self.domain();
        out.add("Interval", self.spread);
        for d in &self.differences {
            let all = [d.value, d.interval.0, d.interval.1];
            if all.iter().any(|value| drawable(*value).is_none()) {
                out.gaps += 1;
            } else if !domain.contains(d.value) {
                out.outside += 1;
            }
        }
    }

    /// A row for each difference.
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            "name",
            self.axis.title(),
            "lower end",
            "upper end",
            "wanted from",
            "wanted to",
        ]);
        for d in &self.differences {
            let (from, to) = d.wanted.map_or((None, None), Wanted::bounds);
            table.rows.push(vec![
                Cell::Text(d.name.clone()),
                Cell::Number(d.value),
                Cell::Number(d.interval.0),
                Cell::Number(d.interval.1),
                Cell::maybe(from),
                Cell::maybe(to),
            ]);
        }
        table.without_empty_columns()
    }
}

fn mark(drawing: &mut Drawing, d: &Difference, y: f64, rows: &rows::Rows, size: Size) {
    let scale = &rows.scale;
    let stroke = Stroke { dash: &[], ..Stroke::series(d.slot, size.stroke()) };
    if let Some((low, high)) = scale.clamped(d.interval.0).zip(scale.clamped(d.interval.1)) {
        let mut lines = vec![vec![(low, y), (high, y)]];
        // An end outside the axis has no mark: the interval goes on.
        for (value, at) in [(d.interval.0, low), (d.interval.1, high)] {
            if scale.domain.contains(value) {
                lines.push(vec![(at, y - CAP), (at, y + CAP)]);
            }
        }
        drawing.lines(lines, stroke);
    }
    if let Some(at) = scale.at(d.value).filter(|_| scale.domain.contains(d.value)) {
        drawing.dots(vec![(at, y)], d.slot, 2.8 * size.stroke(), Fill::Full);
    }
}
