//! The legend: keys and labels in lines above the plot, never over data.

use super::drawing::{Anchor, Drawing, Fill, Stroke, Text};
use super::geometry::{Point, Rect};
use super::palette::{Paint, Slot};
use super::size::{Size, leading};
use super::text;

/// The width of a key.
const KEY: f64 = 22.0;

/// Between a key and its label, and between entries.
const GAPS: (f64, f64) = (6.0, 18.0);

/// More lines than these become `and 12 more`.
const MOST: usize = 6;

/// The strength of the ground where a claim wants a value.
pub(super) const WANTED: f64 = 0.22;

/// The edge of that ground.
pub(super) const THRESHOLD: Stroke =
    Stroke { paint: Paint::Wanted, width: 2.0, opacity: 1.0, dash: &[] };

/// The strength of bands.
pub(super) const BAND: f64 = 0.17;

/// How lines of reference are drawn.
pub(super) const REFERENCE: Stroke =
    Stroke { paint: Paint::Muted, width: 1.0, opacity: 1.0, dash: &[3.0, 3.0] };

/// What a label looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    /// A line, with its marker in the middle where it has some, and over a band where it has one.
    Line { marked: bool, band: bool },
    /// A marker within an interval.
    Point { fill: Fill, interval: bool },
    /// A filled rectangle.
    Box,
    /// A rectangle in the colour of what is wanted, with its threshold.
    Wanted,
    /// A line of reference.
    Rule,
}

/// A label with its key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) slot: Slot,
    pub(super) key: Key,
}

/// Draws the entries from `top` on; where they end.
pub(super) fn legend(
    drawing: &mut Drawing,
    entries: &[Entry],
    (left, right): (f64, f64),
    top: f64,
    size: Size,
) -> f64 {
    if entries.is_empty() {
        return top;
    }
    let (font, line) = (size.text(), leading(size.text()) + 2.0);
    let (mut x, mut row) = (left, 0);
    for (i, entry) in entries.iter().enumerate() {
        let label = text::fit(&entry.label, font, false, (right - left - KEY - GAPS.0).max(0.0));
        let width = KEY + GAPS.0 + text::width(&label, font, false);
        if x > left && x + width > right {
            (x, row) = (left, row + 1);
        }
        let rest = entries.len() - i;
        let y = top + line * (row as f64 + 0.5);
        if row + 1 == MOST && rest > 1 && x == left {
            let more = Text::centred(format!("and {rest} more"), (left, y), Anchor::Start, font);
            drawing.text(more.paint(Paint::Muted));
            break;
        }
        key(drawing, entry, (x, y), size);
        drawing.text(Text::centred(label, (x + KEY + GAPS.0, y), Anchor::Start, font));
        x += width + GAPS.1;
    }
    top + line * (row as f64 + 1.0) + 6.0
}

/// Draws a key whose left end has its middle at `at`.
pub(super) fn key(drawing: &mut Drawing, entry: &Entry, (x, y): Point, size: Size) {
    let (slot, middle) = (entry.slot, x + KEY / 2.0);
    let bar = |height: f64| Rect { x, y: y - height / 2.0, width: KEY, height };
    match entry.key {
        Key::Line { marked, band } => {
            if band {
                drawing.rects(vec![bar(11.0)], Paint::Series(slot), BAND);
            }
            drawing.line((x, y), (x + KEY, y), Stroke::series(slot, size.stroke()));
            if marked {
                drawing.dots(vec![(middle, y)], slot, 3.5, Fill::Full);
            }
        }
        Key::Point { fill, interval } => {
            if interval {
                let stroke = Stroke { width: 1.2, ..Stroke::thin(Paint::Series(slot)) };
                drawing.line((middle, y - 7.0), (middle, y + 7.0), stroke);
            }
            drawing.dots(vec![(middle, y)], slot, 4.0, fill);
        }
        Key::Box => drawing.rects(vec![bar(10.0)], Paint::Series(slot), 1.0),
        Key::Wanted => {
            drawing.rects(vec![bar(12.0)], Paint::Wanted, WANTED);
            drawing.line((x, y - 6.0), (x, y + 6.0), THRESHOLD);
        }
        Key::Rule => drawing.line((x, y), (x + KEY, y), REFERENCE),
    }
}
