//! The three widths of a drawing, and the sizes that go with each: text is set for its width instead of being scaled.

/// A width of drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// A phone or a column of a paper: 360 pixels.
    Narrow,
    /// A page: 720 pixels.
    Middle,
    /// A projector: 1100 pixels, with larger text.
    Wide,
}

impl Size {
    /// All of them, in ascending order.
    pub const ALL: [Self; 3] = [Self::Narrow, Self::Middle, Self::Wide];

    /// `narrow`, `middle` or `wide`, for class names and ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Middle => "middle",
            Self::Wide => "wide",
        }
    }

    /// The width in pixels.
    pub fn width(self) -> f64 {
        match self {
            Self::Narrow => 360.0,
            Self::Middle => 720.0,
            Self::Wide => 1100.0,
        }
    }

    /// The font size of labels.
    pub(super) fn text(self) -> f64 {
        match self {
            Self::Narrow | Self::Middle => 12.0,
            Self::Wide => 15.0,
        }
    }

    /// The font size of tick labels and notes.
    pub(super) fn small(self) -> f64 {
        match self {
            Self::Narrow => 11.0,
            Self::Middle => 11.5,
            Self::Wide => 14.0,
        }
    }

    /// The font size of a heading.
    pub(super) fn heading(self) -> f64 {
        match self {
            Self::Narrow => 15.0,
            Self::Middle => 17.0,
            Self::Wide => 22.0,
        }
    }

    /// The height of the data area of a plot that stands alone.
    pub(super) fn plot_height(self) -> f64 {
        match self {
            Self::Narrow => 220.0,
            Self::Middle => 300.0,
            Self::Wide => 440.0,
        }
    }

    /// The stroke width of a line of data.
    pub(super) fn stroke(self) -> f64 {
        match self {
            Self::Narrow => 1.6,
            Self::Middle => 1.8,
            Self::Wide => 2.4,
        }
    }
}

/// The distance of lines of text of a size.
pub(super) fn leading(text: f64) -> f64 {
    (text * 1.4).round()
}
