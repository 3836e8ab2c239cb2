//! The data area of a plot: axes, grid and tick labels around it.
//!
//! The title of the vertical axis stands above it and reads like any other line; that of the horizontal axis stands below its
//! right end.

use super::axis::{Axis, Tick};
use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::geometry::Rect;
use super::palette::Paint;
use super::scale::{Domain, Scale};
use super::size::{Size, leading};
use super::text;

/// Between tick labels and the area.
const GAP: f64 = 7.0;

/// Between tick labels.
const APART: f64 = 10.0;

/// The data area with its scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) rect: Rect,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

/// An axis with what it shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fitted<'a> {
    pub(super) axis: &'a Axis,
    pub(super) domain: Domain,
}

impl Fitted<'_> {
    fn scale(&self, start: f64, end: f64) -> Scale {
        Scale { domain: self.domain, start, end }
    }

    /// Ticks for a vertical axis of a height.
    pub(super) fn down(&self, height: f64, size: Size) -> Vec<Tick> {
        let line = leading(size.small());
        let scale = self.scale(height, 0.0);
        let n = (height / (line * 1.9)) as usize;
        self.axis.ticks(&scale, n.clamp(2, 7), |ticks| {
            let places: Vec<f64> = ticks.iter().filter_map(|t| scale.at(t.value)).collect();
            places.windows(2).all(|pair| (pair[0] - pair[1]).abs() >= 1.5 * line)
        })
    }

    /// Ticks for a horizontal axis of a width, so far apart that their labels are free.
    pub(super) fn along(&self, scale: &Scale, size: Size) -> Vec<Tick> {
        let width = |tick: &Tick| text::width(&tick.label, size.small(), false);
        let room = (scale.end - scale.start).abs();
        self.axis.ticks(scale, ((room / 40.0) as usize).clamp(2, 10), |ticks| {
            ticks.windows(2).all(|pair| {
                let (Some(a), Some(b)) = (scale.at(pair[0].value), scale.at(pair[1].value)) else {
                    return false;
                };
                b - a >= f64::midpoint(width(&pair[0]), width(&pair[1])) + APART
            })
        })
    }
}

/// The room that tick labels take to the left.
pub(super) fn left_room(y: &Fitted<'_>, height: f64, size: Size) -> f64 {
    let labels = y.down(height, size);
    let widest = labels.iter().map(|t| text::width(&t.label, size.small(), false));
    widest.fold(0.0, f64::max).ceil() + GAP
}

/// The room that tick labels take below.
pub(super) fn tick_room(size: Size) -> f64 {
    leading(size.small()) + 5.0
}

/// The room that the title of an axis takes above or below.
pub(super) fn title_room(size: Size) -> f64 {
    leading(size.text()) + 2.0
}

/// Draws the grid, the axes and their labels around a data area.
pub(super) fn frame(
    drawing: &mut Drawing,
    rect: Rect,
    x: &Fitted<'_>,
    y: &Fitted<'_>,
    labels: Labels,
    size: Size,
) -> Frame {
    let frame = Frame { rect, x: x.scale(rect.x, rect.right()), y: y.scale(rect.bottom(), rect.y) };
    let small = size.small();
    let mut grid = vec![];
    for tick in y.down(rect.height, size) {
        let Some(at) = frame.y.clamped(tick.value) else { continue };
        grid.push(vec![(rect.x, at), (rect.right(), at)]);
        if labels.y {
            let text = Text::centred(tick.label, (rect.x - GAP, at), Anchor::End, small);
            drawing.text(text.paint(Paint::Muted));
        }
    }
    drawing.lines(grid, Stroke::thin(Paint::Grid));
    horizontal(drawing, rect, x, labels.x, size);
    frame
}

/// The horizontal axis below an area, with ticks that point outwards.
pub(super) fn horizontal(
    drawing: &mut Drawing,
    rect: Rect,
    x: &Fitted<'_>,
    labelled: bool,
    size: Size,
) {
    let scale = x.scale(rect.x, rect.right());
    let small = size.small();
    let mut marks = vec![vec![(rect.x, rect.bottom()), (rect.right(), rect.bottom())]];
    for tick in x.along(&scale, size) {
        let Some(at) = scale.clamped(tick.value) else { continue };
        marks.push(vec![(at, rect.bottom()), (at, rect.bottom() + 4.0)]);
        if labelled {
            let y = rect.bottom() + 5.0 + leading(small) / 2.0;
            let half = text::width(&tick.label, small, false) / 2.0;
            // A label at the edge of the drawing moves inwards instead of leaving it.
            let middle = at.max(half).min(drawing.width - half);
            let text = Text::centred(tick.label, (middle, y), Anchor::Middle, small);
            drawing.text(text.paint(Paint::Muted));
        }
    }
    drawing.lines(marks, Stroke::thin(Paint::Rule));
}

/// Which axes have tick labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) x: bool,
    pub(super) y: bool,
}

/// Writes the title of a vertical axis over an area, from `left` on.
pub(super) fn title_above(
    drawing: &mut Drawing,
    title: &str,
    (left, right): (f64, f64),
    top: f64,
    size: Size,
) {
    words(drawing, title, right - left, (left, top), Anchor::Start, size);
}

/// Writes the title of a horizontal axis below its tick labels, up to `right`.
pub(super) fn title_below(
    drawing: &mut Drawing,
    title: &str,
    (left, right): (f64, f64),
    top: f64,
    size: Size,
) {
    words(drawing, title, right - left, (right, top), Anchor::End, size);
}

/// A line of text within a width, below `top`.
fn words(
    drawing: &mut Drawing,
    title: &str,
    width: f64,
    (x, top): (f64, f64),
    anchor: Anchor,
    size: Size,
) {
    let content = text::fit(title, size.text(), false, width);
    let y = top + leading(size.text()) / 2.0;
    drawing.text(Text::centred(content, (x, y), anchor, size.text()));
}
