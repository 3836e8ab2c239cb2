//! What charts with a name on each row share: names to the left, values along the bottom.

use super::axis::Axis;
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::frame::{self, Fitted};
use super::geometry::Rect;
use super::palette::Paint;
use super::scale::{Domain, Scale};
use super::size::{Size, leading};
use super::text;

/// Between names, data and numbers.
const GAP: f64 = 14.0;

/// Names take this part of the width at most.
const NAMES: f64 = 0.36;

/// What stands beside the data of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// To the left.
    pub(super) name: String,
    /// To the right; empty for none.
    pub(super) number: String,
    /// Lines of marks inside the row.
    pub(super) lines: usize,
}

/// Where the data of the rows lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    /// The data area of all.
    pub(super) rect: Rect,
    /// Along.
    pub(super) scale: Scale,
    /// For each row its upper and lower edge between which its marks lie.
    pub(super) bands: Vec<(f64, f64)>,
    /// Whether names stand above their data.
    stacked: bool,
    /// Where the title of the axis ends.
    pub(super) bottom: f64,
}

/// Lays out and draws names, numbers, grid and axis. In narrow drawings names stand above their data.
pub(super) fn rows(
    drawing: &mut Drawing,
    rows: &[Row],
    (axis, domain): (&Axis, Domain),
    area: Rect,
    size: Size,
) -> Rows {
    let font = size.text();
    let line = leading(font);
    let stacked = size == Size::Narrow;
    let widest = |of: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| text::width(of(row), font, false));
        widths.fold(0.0, f64::max).ceil()
    };
    let (names, numbers) = (widest(|row| &row.name), widest(|row| &row.number));
    let names = names.min(area.width * NAMES);
    let numbers = numbers.min(area.width * NAMES);
    let (left, right) = if stacked {
        (area.x + 4.0, area.right() - 4.0)
    } else {
        let right = if numbers > 0.0 { area.right() - numbers - GAP } else { area.right() - 12.0 };
        (area.x + if names > 0.0 { names + GAP } else { 6.0 }, right)
    };
    let mut bands = vec![];
    let mut y = area.y + 4.0;
    for row in rows {
        let inner = line * row.lines.max(1) as f64 + 5.0;
        let above = if stacked { line + 2.0 } else { 0.0 };
        bands.push((y + above, y + above + inner));
        y += above + inner + if stacked { 5.0 } else { 3.0 };
    }
    let rect = Rect { x: left, y: area.y, width: right - left, height: y - area.y + 2.0 };
    let fitted = Fitted { axis, domain };
    let scale = Scale { domain, start: rect.x, end: rect.right() };
    let out = Rows { rect, scale, bands, stacked, bottom: 0.0 };
    for tick in fitted.along(&scale, size) {
        out.upright(drawing, tick.value, Stroke::thin(Paint::Grid));
    }
    frame::horizontal(drawing, rect, &fitted, true, size);
    for (row, (top, bottom)) in rows.iter().zip(&out.bands) {
        let middle = if stacked { top - line / 2.0 } else { f64::midpoint(*top, *bottom) };
        let numbers = if stacked { text::width(&row.number, font, false) } else { numbers };
        let number = text::fit(&row.number, font, false, area.width * 0.6);
        let end = Text::centred(number, (area.right(), middle), Anchor::End, font);
        let room = if stacked { area.width - numbers.min(area.width * 0.6) - GAP } else { names };
        let name = text::fit(&row.name, font, false, room);
        drawing.text(end.paint(Paint::Muted));
        drawing.text(Text::centred(name, (area.x, middle), Anchor::Start, font));
    }
    let below = rect.bottom() + frame::tick_room(size);
    frame::title_below(drawing, axis.title(), (area.x, rect.right()), below, size);
    Rows { bottom: below + frame::title_room(size), ..out }
}

impl Rows {
    /// A line at a value through all rows; it spares names that stand above their data.
    pub(super) fn upright(&self, drawing: &mut Drawing, value: f64, stroke: Stroke) {
        let Some(at) = self.scale.clamped(value) else { return };
        let through = |(top, bottom): (f64, f64)| vec![(at, top), (at, bottom)];
        let lines = if self.stacked {
            self.bands.iter().copied().map(through).collect()
        } else {
            vec![through((self.rect.y, self.rect.bottom()))]
        };
        drawing.lines(lines, stroke);
    }
}
