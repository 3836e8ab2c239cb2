//! Heat maps: a shade for each cell of a matrix, with its number where numbers fit.

use super::axis::Axis;
use super::caption::Remarks;
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::frame;
use super::geometry::Rect;
use super::number::{self, Unit, drawable};
use super::palette::{DARKEST, Paint};
use super::scale::{Domain, Padding};
use super::size::{Size, leading};
use super::table::{Cell, Table};
use super::text;

/// The longest name of a row or column in pixels.
const NAME: f64 = 110.0;

/// Between names and cells.
const GAP: f64 = 7.0;

/// From this shade on numbers are written in the colour of the ground.
const INVERTED: usize = 6;

/// The widths of the key: of a shade, and its height.
const KEY: (f64, f64) = (16.0, 10.0);

/// A matrix on a scale of shades.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    pub(super) rows: Categories,
    pub(super) columns: Categories,
    pub(super) measure: Axis,
    pub(super) shade: Shade,
    /// Row by row; a cell that is not there is not finite.
    pub(super) values: Vec<Vec<f64>>,
}

/// Names along one side of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Categories {
    title: String,
    pub(super) names: Vec<String>,
}

impl Categories {
    /// The title says what the names are: `true class`; a blank one becomes `category`.
    pub fn new(title: impl Into<String>, names: Vec<String>) -> Self {
        let title: String = title.into();
        Self { title: if title.trim().is_empty() { "category".to_owned() } else { title }, names }
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }
}

/// How shades follow values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    /// In equal steps.
    Even,
    /// In steps of the square root, which tell small values apart; the key shows it.
    Root,
}

/// Where the cells lie.
#[derive(Clone, Copy, Debug)]
struct Grid {
    rect: Rect,
    /// Width and height of a cell.
    cell: (f64, f64),
}

impl Heat {
    /// A matrix row by row; values that are not finite leave empty cells.
    pub fn new(
        rows: Categories,
        columns: Categories,
        measure: Axis,
        shade: Shade,
        mut values: Vec<Vec<f64>>,
    ) -> Self {
        values.resize(rows.names.len(), vec![]);
        values.iter_mut().for_each(|row| row.resize(columns.names.len(), f64::NAN));
        Self { rows, columns, measure, shade, values }
    }

    pub(super) fn domain(&self) -> Domain {
        let domain = self.measure.domain(self.values.iter().flatten().copied(), Padding::Tight);
        Domain { log: false, ..domain }
    }

    pub(super) fn shade(&self, domain: Domain, value: f64) -> Option<usize> {
        let value = drawable(value)?;
        let part = ((value - domain.low) / (domain.high - domain.low)).clamp(0.0, 1.0);
        let part = if self.shade == Shade::Root { part.sqrt() } else { part };
        Some((part * DARKEST as f64).round() as usize)
    }

    /// Whether a shade is so strong that its number has the colour of the ground.
    pub(super) fn is_inverted(shade: usize) -> bool {
        shade >= INVERTED
    }

    /// The number of a cell: per cent without their sign, with so many decimals; else with two digits more than that.
    pub(super) fn written(&self, domain: Domain, digits: usize, value: f64) -> String {
        let most = domain.most();
        match self.measure.unit() {
            Unit::Percent if value.is_finite() => {
                let last = number::power(-(digits as i32));
                number::tick(value * 100.0, last, 100.0, Unit::Plain)
            }
            Unit::Plain | Unit::Percent | Unit::Count if !value.is_finite() => "–".to_owned(),
            Unit::Count if most < 1e5 => number::tick(value, 1.0, most, Unit::Plain),
            unit @ (Unit::Plain | Unit::Percent | Unit::Count) => {
                let last = number::power(number::exponent(most) - 1 - digits as i32);
                number::tick(value, last, most, unit)
            }
        }
    }

    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let domain = self.domain();
        let top = self.key(drawing, domain, area, size);
        let small = size.small();
        frame::title_above(drawing, &self.rows.title, (area.x, area.right()), top, size);
        let top = top + frame::title_room(size) + 4.0;
        let (n_rows, n_columns) = (self.rows.names.len(), self.columns.names.len());
        if n_rows == 0 || n_columns == 0 {
            let at = (area.x + area.width / 2.0, top + 20.0);
            let text = Text::centred("no data", at, Anchor::Middle, size.text());
            drawing.text(text.paint(Paint::Muted));
            return top + 40.0;
        }
        let widths = |names: &[String]| {
            let widths = names.iter().map(|name| text::width(name, small, false));
            widths.fold(0.0, f64::max).ceil()
        };
        let names = widths(&self.rows.names).min(NAME).min(area.width * 0.3);
        let tallest = if size == Size::Wide { 44.0 } else { 34.0 };
        let room = (area.width - names - GAP - 2.0).max(20.0);
        let width = (room / n_columns as f64).min(1.7 * tallest);
        let height = width.min(tallest);
        let rect = Rect {
            x: area.x + names + GAP,
            y: top,
            width: width * n_columns as f64,
            height: height * n_rows as f64,
        };
        let grid = Grid { rect, cell: (width, height) };
        self.cells(drawing, domain, grid);
        self.numbers(drawing, domain, grid, small);
        let every = every((small + 2.0) / height);
        for (i, name) in self.rows.names.iter().enumerate().step_by(every) {
            let at = (rect.x - GAP, rect.y + height * (i as f64 + 0.5));
            let name = text::fit(name, small, false, names);
            drawing.text(Text::centred(name, at, Anchor::End, small).paint(Paint::Muted));
        }
        let bottom = self.column_names(drawing, grid, widths(&self.columns.names), small);
        // A title longer than its matrix reads on to the right.
        let title = text::width(&self.columns.title, size.text(), false);
        let right = rect.right().max((area.x + title + 1.0).min(area.right()));
        frame::title_below(drawing, &self.columns.title, (area.x, right), bottom, size);
        bottom + frame::title_room(size)
    }

    /// One path a shade, cells that touch in a row joined.
    fn cells(&self, drawing: &mut Drawing, domain: Domain, grid: Grid) {
        let Grid { rect, cell: (width, height) } = grid;
        // Wide cells are parted by the ground.
        let gap = if width >= 12.0 { 1.0 } else { 0.0 };
        let mut shades: Vec<Vec<Rect>> = vec![vec![]; DARKEST + 1];
        for (i, row) in self.values.iter().enumerate() {
            let y = rect.y + height * i as f64;
            let mut last: Option<usize> = None;
            for (j, value) in row.iter().enumerate() {
                let shade = self.shade(domain, *value);
                if let Some(shade) = shade {
                    match shades[shade].last_mut() {
                        Some(open) if gap == 0.0 && last == Some(shade) => open.width += width,
                        _ => shades[shade].push(Rect {
                            x: rect.x + width * j as f64,
                            y,
                            width: width - gap,
                            height: height - gap,
                        }),
                    }
                }
                last = shade;
            }
        }
        for (shade, rects) in shades.into_iter().enumerate() {
            drawing.rects(rects, Paint::Heat(shade), 1.0);
        }
        let line = Stroke::thin(Paint::Rule);
        let (right, bottom) = (rect.right(), rect.bottom());
        let corners = [(rect.x, rect.y), (right, rect.y), (right, bottom), (rect.x, bottom)];
        let frame = [corners.as_slice(), &corners[..1]].concat();
        if gap == 0.0 {
            drawing.lines(vec![frame], line);
        }
    }

    /// With as many decimals as fit in every cell; none at all where even whole numbers do not.
    fn numbers(&self, drawing: &mut Drawing, domain: Domain, grid: Grid, small: f64) {
        let Grid { rect, cell: (width, height) } = grid;
        if height < small + 3.0 {
            return;
        }
        let fits = |digits: &usize| {
            let all = self.values.iter().flatten();
            all.map(|v| text::width(&self.written(domain, *digits, *v), small, false))
                .all(|w| w <= width - 5.0)
        };
        let Some(digits) = [1, 0].into_iter().find(fits) else { return };
        for (i, row) in self.values.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                let paint = match self.shade(domain, *value) {
                    Some(shade) if Self::is_inverted(shade) => Paint::Paper,
                    Some(_) if *value != 0.0 => Paint::Ink,
                    _ => Paint::Muted,
                };
                let x = rect.x + width * (j as f64 + 0.5);
                let y = rect.y + height * (i as f64 + 0.5) - 0.5;
                let number = self.written(domain, digits, *value);
                drawing.text(Text::centred(number, (x, y), Anchor::Middle, small).paint(paint));
            }
        }
    }

    /// Across where all fit, upwards otherwise; every second, third, … where columns are narrow.
    fn column_names(&self, drawing: &mut Drawing, grid: Grid, widest: f64, small: f64) -> f64 {
        let Grid { rect, cell: (width, _) } = grid;
        let across = widest <= width - 6.0;
        let every = if across { 1 } else { every((small + 2.0) / width) };
        let top = rect.bottom() + 5.0;
        for (j, name) in self.columns.names.iter().enumerate().step_by(every) {
            let x = rect.x + width * (j as f64 + 0.5);
            let text = if across {
                Text::centred(name.clone(), (x, top + small / 2.0 + 1.0), Anchor::Middle, small)
            } else {
                Text::upwards(text::fit(name, small, false, NAME), (x, top), small)
            };
            drawing.text(text.paint(Paint::Muted));
        }
        top + if across { small + 5.0 } else { widest.min(NAME) + 4.0 }
    }

    /// The shades with the values at their ends and in their middle.
    fn key(&self, drawing: &mut Drawing, domain: Domain, area: Rect, size: Size) -> f64 {
        let (font, line) = (size.small(), leading(size.text()));
        let y = area.y + line / 2.0;
        let (label, unit) = (self.measure.title(), self.measure.unit());
        let label = text::fit(label, size.text(), false, area.width / 2.0 - 20.0);
        let width = text::width(&label, size.text(), false);
        drawing.text(Text::centred(label, (area.x, y), Anchor::Start, size.text()));
        let end = |value: f64| number::in_unit(value, 3, unit);
        let half = if self.shade == Shade::Root { 0.25 } else { 0.5 };
        let middle = domain.low * (1.0 - half) + domain.high * half;
        let n = (DARKEST + 1) as f64;
        let left = area.x + width + 14.0;
        let values = [domain.low, middle, domain.high].map(end);
        let low = text::width(&values[0], font, false);
        let ramp = left + low + 6.0;
        let ends = low + 6.0 * 2.0 + text::width(&values[2], font, false);
        let step = ((area.right() - left - ends) / n).floor().min(KEY.0);
        if step < 5.0 {
            let text = format!("{} to {}", values[0], values[2]);
            drawing.text(Text::centred(text, (left, y), Anchor::Start, font).paint(Paint::Muted));
            return area.y + line + 8.0;
        }
        for shade in 0..=DARKEST {
            let x = ramp + step * shade as f64;
            let rect = Rect { x, y: y - KEY.1 / 2.0, width: step, height: KEY.1 };
            drawing.rects(vec![rect], Paint::Heat(shade), 1.0);
        }
        let [low, middle, high] = values;
        let right = ramp + step * n;
        let places = [
            (low, ramp - 6.0, y, Anchor::End),
            (high, right + 6.0, y, Anchor::Start),
            (
                middle,
                f64::midpoint(ramp, right),
                y + KEY.1 / 2.0 + 4.0 + font / 2.0,
                Anchor::Middle,
            ),
        ];
        for (value, x, y, anchor) in places {
            drawing.text(Text::centred(value, (x, y), anchor, font).paint(Paint::Muted));
        }
        area.y + line + font + 10.0
    }

    pub(super) fn remarks(&self, out: &mut Remarks) {
        let domain = self.domain();
        for value in self.values.iter().flatten() {
            match drawable(*value) {
                None => out.gaps += 1,
                Some(value) if !domain.contains(value) => out.outside += 1,
                Some(_) => {}
            }
        }
    }

    /// A row for each cell.
    pub fn table(&self) -> Table {
        let headings = [self.rows.title(), self.columns.title(), self.measure.title()];
        let mut table = Table::new(headings);
        for (row, values) in self.rows.names.iter().zip(&self.values) {
            for (column, value) in self.columns.names.iter().zip(values) {
                let names = [row, column].map(|name| Cell::Text(name.clone()));
                table.rows.push([names.as_slice(), &[Cell::Number(*value)]].concat());
            }
        }
        table
    }
}

/// Every first, second, fifth or tenth name, and so on: at least so many apart.
fn every(least: f64) -> usize {
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];
    steps.into_iter().find(|step| *step as f64 >= least).unwrap_or(1000)
}
