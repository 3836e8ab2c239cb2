//! Two axes with series between them: curves, ECDFs, histograms, values read off a paper.

use super::axis::Axis;
use super::caption::Remarks;
use super::drawing::{Drawing, Fill};
use super::ends;
use super::frame::{self, Fitted, Labels, frame};
use super::geometry::Rect;
use super::legend::{Entry, Key, legend};
use super::marks::FAINT;
use super::number::drawable;
use super::palette::Slot;
use super::scale::{Domain, Padding};
use super::series::{Series, Shape};
use super::size::Size;
use super::table::{Cell, Table};

/// To the right of a data area without labels there.
pub(super) const RIGHT: f64 = 12.0;

/// Lines of so few points show them.
const MARKED: usize = 15;

/// A line of reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(super) label: String,
    pub(super) place: Place,
}

/// Where a line of reference lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    Across(f64),
    Up(f64),
    Diagonal,
}

impl Rule {
    /// Across the panel at a value of the vertical axis.
    pub fn across(label: impl Into<String>, y: f64) -> Self {
        Self { label: label.into(), place: Place::Across(y) }
    }

    /// Up the panel at a value of the horizontal axis.
    pub fn up(label: impl Into<String>, x: f64) -> Self {
        Self { label: label.into(), place: Place::Up(x) }
    }

    /// Where y is x.
    pub fn diagonal(label: impl Into<String>) -> Self {
        Self { label: label.into(), place: Place::Diagonal }
    }
}

/// Two axes, series and lines of reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    pub(super) rules: Vec<Rule>,
}

impl Panel {
    /// An empty one.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, series: vec![], rules: vec![] }
    }

    /// With one more series, drawn over those before.
    #[must_use]
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// With one more line of reference.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// What both axes show.
    pub(super) fn domains(&self) -> (Domain, Domain) {
        domains(std::slice::from_ref(&self))
    }

    /// What the label of each series looks like.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.series.iter().map(key).collect()
    }

    /// The labels with their keys, each once.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut out: Vec<Entry> = vec![];
        let series = self.series.iter().map(|series| Entry {
            label: series.label.clone(),
            slot: series.slot,
            key: key(series),
        });
        let rules = self.rules.iter().map(|rule| Entry {
            label: rule.label.clone(),
            slot: Slot::default(),
            key: Key::Rule,
        });
        for entry in series.chain(rules) {
            if !entry.label.trim().is_empty() && !out.contains(&entry) {
                out.push(entry);
            }
        }
        out
    }

    /// Draws it from the top of `area` on; where it ends. The height of the area is that of the data.
    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let (x_domain, y_domain) = self.domains();
        let x = Fitted { axis: &self.x, domain: x_domain };
        let y = Fitted { axis: &self.y, domain: y_domain };
        let left = area.x + frame::left_room(&y, area.height, size);
        let mut entries = self.entries();
        let ends = ends::ends(self, (&x, &y), area, left, size);
        if ends.is_some() {
            let is_line = |entry: &Entry| matches!(entry.key, Key::Line { .. });
            entries.retain(|entry| !is_line(entry));
        }
        let mut top = legend(drawing, &entries, (area.x, area.right()), area.y, size);
        frame::title_above(drawing, self.y.title(), (area.x, area.right()), top, size);
        top += frame::title_room(size) + 9.0;
        let right_room = ends.as_ref().map_or(RIGHT, |ends| ends.room);
        let width = (area.right() - right_room - left).max(10.0);
        let rect = Rect { x: left, y: top, width, height: area.height };
        let frame = frame(drawing, rect, &x, &y, Labels { x: true, y: true }, size);
        super::marks::marks(drawing, self, &frame, size);
        if let Some(ends) = &ends {
            ends.draw(drawing, &frame, size);
        }
        let bottom = rect.bottom() + frame::tick_room(size);
        frame::title_below(drawing, self.x.title(), (area.x, rect.right()), bottom, size);
        bottom + frame::title_room(size)
    }

    /// What its marks mean, and what it leaves out.
    pub(super) fn remarks(&self, (x, y): (Domain, Domain), out: &mut Remarks) {
        for series in &self.series {
            out.gaps += series.missing;
            if let Some(spread) = series.spread {
                let mark = if matches!(series.shape, Shape::Points(_)) { "Bar" } else { "Band" };
                out.add(mark, spread);
            }
            let is_drawn = |domain: Domain, value: f64| {
                drawable(value).is_some() && (!domain.log || value > 0.0)
            };
            let mut count = |px: f64, py: f64| {
                if !is_drawn(x, px) || !is_drawn(y, py) {
                    out.gaps += 1;
                } else if !x.contains(px) || !y.contains(py) {
                    out.outside += 1;
                }
            };
            let is_columns = matches!(series.shape, Shape::Columns { .. });
            for point in series.estimates() {
                // An empty column is at home on a logarithmic axis, at its foot.
                if !(is_columns && point.y == 0.0) {
                    count(point.x, point.y);
                }
            }
            if let Shape::Line { faint, points: _ } = &series.shape {
                let every = faint.len().div_ceil(FAINT).max(1);
                out.faint = out.faint.max((faint.len().div_ceil(every), faint.len()));
                faint.iter().flatten().for_each(|(px, py)| count(*px, *py));
            }
        }
    }

    /// A row for each value of each series. Faint lines of single runs are not among them.
    pub fn table(&self) -> Table {
        let mut table =
            Table::new(["series", self.x.title(), self.y.title(), "lower end", "upper end"]);
        self.rows(&mut table, None);
        table.without_empty_columns()
    }

    pub(super) fn rows(&self, table: &mut Table, panel: Option<&str>) {
        for series in &self.series {
            for point in series.estimates() {
                let mut row: Vec<Cell> =
                    panel.iter().map(|name| Cell::Text((*name).to_owned())).collect();
                row.push(Cell::Text(series.label.clone()));
                row.extend([Cell::Number(point.x), Cell::Number(point.y)]);
                row.push(Cell::maybe(point.interval.map(|interval| interval.0)));
                row.push(Cell::maybe(point.interval.map(|interval| interval.1)));
                table.rows.push(row);
            }
        }
    }
}

/// What axes shared by panels show.
pub(super) fn domains(panels: &[&Panel]) -> (Domain, Domain) {
    let Some(first) = panels.first() else {
        return (Domain::new(0.0, 1.0, false), Domain::new(0.0, 1.0, false));
    };
    let (mut xs, mut ys) = (vec![], vec![]);
    let (mut is_loose, mut stands) = (false, false);
    for panel in panels {
        for series in &panel.series {
            let (x, y) = series.extent();
            xs.extend(x);
            ys.extend(y);
            is_loose |= matches!(series.shape, Shape::Points(_));
            stands |= matches!(series.shape, Shape::Columns { .. });
        }
        for rule in &panel.rules {
            match rule.place {
                Place::Across(y) => ys.push(y),
                Place::Up(x) => xs.push(x),
                Place::Diagonal => {}
            }
        }
    }
    let stands = stands && !ys.iter().any(|y| *y < 0.0);
    let x = first.x.domain(xs, if is_loose { Padding::Loose } else { Padding::Tight });
    let mut y = first.y.domain(ys, Padding::Loose);
    if stands && !y.log && y.high > 0.0 {
        y = y.within(0.0, f64::INFINITY);
    }
    (x, y)
}

/// Whether a line shows its points.
pub(super) fn is_marked(points: usize) -> bool {
    points <= MARKED
}

fn key(series: &Series) -> Key {
    match &series.shape {
        Shape::Line { points, faint: _ } => {
            Key::Line { marked: is_marked(points.len()), band: series.spread.is_some() }
        }
        Shape::Points(_) => Key::Point { fill: Fill::Hollow, interval: series.spread.is_some() },
        Shape::Columns { edges: _, heights: _, filled } if *filled => Key::Box,
        Shape::Steps(_) | Shape::Columns { .. } => Key::Line { marked: false, band: false },
    }
}
