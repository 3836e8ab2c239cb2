//! A drawing: marks at fixed places, and text that never lies over other text.

use super::geometry::{Point, Rect};
use super::palette::{Marker, Paint, Slot};
use super::text;

/// A part of a font size: from the baseline up to the highest letters, and down to the lowest.
const ASCENT: f64 = 0.74;
const DESCENT: f64 = 0.22;

/// Marks on a ground.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// In pixels.
    pub width: f64,
    /// In pixels; what is drawn ends above.
    pub height: f64,
    /// In the order in which they are painted.
    pub marks: Vec<Mark>,
}

/// Something drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Lines, each through its points.
    Lines {
        /// The points of each.
        lines: Vec<Vec<Point>>,
        /// How they are drawn.
        stroke: Stroke,
    },
    /// An area within its corners.
    Area {
        /// The corners.
        corners: Vec<Point>,
        /// Its colour.
        fill: Paint,
        /// From 0 to 1.
        opacity: f64,
    },
    /// Rectangles of one colour.
    Rects {
        /// Where.
        rects: Vec<Rect>,
        /// Their colour.
        fill: Paint,
        /// From 0 to 1.
        opacity: f64,
    },
    /// Marks for single values.
    Dots {
        /// Their middles.
        at: Vec<Point>,
        /// Their form.
        marker: Marker,
        /// From the middle to the edge in pixels.
        radius: f64,
        /// Their colour.
        paint: Paint,
        /// How they are filled.
        fill: Fill,
    },
    /// A line of text.
    Text(Text),
}

/// How a dot is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// With its colour.
    Full,
    /// With the ground, within a line of its colour.
    Hollow,
    /// With its colour at half strength, so that many remain visible.
    Faint,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub paint: Paint,
    /// In pixels.
    pub width: f64,
    /// From 0 to 1.
    pub opacity: f64,
    /// Strokes and gaps in pixels; empty for none.
    pub dash: &'static [f64],
}

impl Stroke {
    /// A thin line of a rule, a grid or an axis.
    pub(super) fn thin(paint: Paint) -> Self {
        Self { paint, width: 1.0, opacity: 1.0, dash: &[] }
    }

    /// The line of a series.
    pub(super) fn series(slot: Slot, width: f64) -> Self {
        Self { paint: Paint::Series(slot), width, opacity: 1.0, dash: slot.dash() }
    }
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// Where its start, middle or end lies on its baseline.
    pub at: Point,
    /// Which of the three.
    pub anchor: Anchor,
    /// In pixels.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// Its colour.
    pub paint: Paint,
    /// Whether it reads upwards, turned around its place.
    pub turned: bool,
}

/// Where text lies from its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// To the right.
    Start,
    /// Around.
    Middle,
    /// To the left.
    End,
}

impl Text {
    /// A text whose vertical middle is at `at`.
    pub(super) fn centred(
        content: impl Into<String>,
        at: Point,
        anchor: Anchor,
        size: f64,
    ) -> Self {
        let at = (at.0, at.1 + size * (ASCENT - DESCENT) / 2.0 + 0.09 * size);
        let content = content.into();
        Self { content, at, anchor, size, bold: false, paint: Paint::Ink, turned: false }
    }

    /// A text that reads upwards to its end at `at`, the middle of its line there.
    pub(super) fn upwards(content: impl Into<String>, at: Point, size: f64) -> Self {
        let at = (at.0 + size * (ASCENT - DESCENT) / 2.0 + 0.09 * size, at.1);
        let content = content.into();
        let anchor = Anchor::End;
        Self { content, at, anchor, size, bold: false, paint: Paint::Ink, turned: true }
    }

    pub(super) fn paint(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The rectangle around its letters, by the widths of [`text::width`].
    pub fn rect(&self) -> Rect {
        let width = text::width(&self.content, self.size, self.bold);
        let height = (ASCENT + DESCENT) * self.size;
        if self.turned {
            let y = match self.anchor {
                Anchor::Start => self.at.1 - width,
                Anchor::Middle => self.at.1 - width / 2.0,
                Anchor::End => self.at.1,
            };
            return Rect { x: self.at.0 - ASCENT * self.size, y, width: height, height: width };
        }
        let x = match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        };
        Rect { x, y: self.at.1 - ASCENT * self.size, width, height }
    }
}

impl Drawing {
    /// An empty one; its height is set when all is drawn.
    pub(super) fn new(width: f64) -> Self {
        Self { width, height: 0.0, marks: vec![] }
    }

    /// Every text on it.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.marks.iter().filter_map(|mark| match mark {
            Mark::Text(text) => Some(text),
            Mark::Lines { .. } | Mark::Area { .. } | Mark::Rects { .. } | Mark::Dots { .. } => None,
        })
    }

    /// Draws the text unless it would leave the drawing or lie over another; whether it was drawn.
    pub(super) fn text(&mut self, text: Text) -> bool {
        let rect = text.rect();
        let fits = rect.x >= 0.0 && rect.right() <= self.width && rect.y >= 0.0;
        let free = fits && !self.texts().any(|other| other.rect().overlaps(&rect));
        if free && !text.content.is_empty() {
            self.marks.push(Mark::Text(text));
        }
        free
    }

    pub(super) fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.marks.push(Mark::Lines { lines: vec![vec![from, to]], stroke });
    }

    pub(super) fn lines(&mut self, lines: Vec<Vec<Point>>, stroke: Stroke) {
        if !lines.is_empty() {
            self.marks.push(Mark::Lines { lines, stroke });
        }
    }

    pub(super) fn rects(&mut self, rects: Vec<Rect>, fill: Paint, opacity: f64) {
        if !rects.is_empty() {
            self.marks.push(Mark::Rects { rects, fill, opacity });
        }
    }

    pub(super) fn dots(&mut self, at: Vec<Point>, slot: Slot, radius: f64, fill: Fill) {
        if !at.is_empty() {
            let (marker, paint) = (slot.marker(), Paint::Series(slot));
            self.marks.push(Mark::Dots { at, marker, radius, paint, fill });
        }
    }
}
