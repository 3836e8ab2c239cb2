//! The net as boxes, arrows and frames: one box a layer, a frame around what a block of the source made, and a last box with
//! the verdict on the logits.
//!
//! In: a checked net. Out: a [`Picture`], which [`svg`] and [`dot`] draw. Equal uses of a block that follow each other are one
//! frame with their count, unless all are asked for.

mod boxes;
mod degree;
mod dot;
mod fold;
mod lanes;
mod merge;
mod note;
mod place;
mod svg;

use crate::check::Checked;

pub use degree::Degrees;
pub use dot::dot;
pub use note::Note;
pub use place::{Placed, Rect, place};
pub use svg::svg;

/// Above so many boxes, layers without parameters join the box of the layer before them, and boxes are one line high.
const CROWDED: usize = 40;

/// Boxes, arrows and frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The boxes in the order of the net; an arrow leads to a later one.
    pub boxes: Vec<PictureBox>,
    /// From box to box.
    pub arrows: Vec<(usize, usize)>,
    /// The frames; an outer one comes before those inside.
    pub frames: Vec<Frame>,
}

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureBox {
    /// The layer.
    pub title: String,
    /// The shape of its result.
    pub shape: String,
    /// What is known of its degrees, a line each.
    pub notes: Vec<Note>,
    /// How it is drawn.
    pub style: Style,
    /// The innermost frame around it.
    pub frame: Option<usize>,
    /// How many layers it stands for, folded copies counted.
    pub layers: usize,
    /// The word of the language; the title of folded copies.
    kind: String,
}

/// A use of a block, or equal ones behind each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// `wide(160)`, `repeat`.
    pub name: String,
    /// How many there are.
    pub count: usize,
    /// The frame around it.
    pub parent: Option<usize>,
}

impl Frame {
    /// The name with the count: `wide(160) × 3`.
    pub fn title(&self) -> String {
        match self.count {
            1 => self.name.clone(),
            n => format!("{} × {n}", self.name),
        }
    }
}

/// How a box is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// Input and logits.
    End,
    /// A layer with parameters.
    Parameters,
    /// Any other layer.
    Plain,
    /// A layer that breaks degree one.
    Broken,
}

impl Style {
    /// The colours of a box: fill and line.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::End => ("#f3f4f6", "#6b7280"),
            Self::Parameters => ("#dbeafe", "#3b6fb5"),
            Self::Plain => ("#ffffff", "#9ca3af"),
            Self::Broken => ("#fee2e2", "#dc2626"),
        }
    }
}

/// The picture of a checked net; every use of a block by itself where `expand`.
pub fn picture(checked: &Checked, expand: bool) -> Picture {
    let mut picture = boxes::boxes(checked);
    if !expand {
        picture = fold::fold(&picture);
    }
    if picture.boxes.len() > CROWDED {
        merge::merge(&mut picture);
    }
    picture
}
