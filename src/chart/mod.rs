//! Charts: data in, SVG, tables and figures for papers out.
//!
//! A [`Chart`] is a [`Plot`] with its words: a title, the one sentence that it tells, and a note on its data. The caption adds
//! what bands and intervals mean and how many values could not be drawn. It becomes a `figure` of a page ([`Chart::figure`]),
//! whose colours come from [`style_sheet`]; an SVG document of its own ([`Chart::standalone`]); a [`Table`] as HTML and CSV; and
//! source for pgfplots.
//!
//! Any data is drawn: what is not finite leaves a gap. Every coordinate is finite and inside the drawing, no two texts overlap
//! by the widths of [`text::width`], and equal input gives equal bytes on every machine. No axis is without a title.
//!
//! ```text
//! Chart (words) → Plot (data) → Drawing (marks at places, by Size) → SVG
//!                      ├→ Table → HTML, CSV
//!                      └→ pgfplots
//! ```

mod axis;
mod bars;
mod caption;
mod drawing;
mod ends;
mod figure;
mod forest;
mod frame;
mod geometry;
mod heat;
mod legend;
mod marks;
mod multiples;
mod number;
mod palette;
mod panel;
mod pgf;
mod plot;
mod reliability;
mod rows;
mod scale;
mod series;
mod size;
mod spark;
mod strip;
mod style;
mod svg;
mod table;
pub mod text;

pub use axis::Axis;
pub use bars::{BarGroup, Bars};
pub use drawing::{Anchor, Drawing, Fill, Mark, Stroke, Text};
pub use figure::Chart;
pub use forest::{Difference, Forest, Wanted};
pub use geometry::{Point, Rect};
pub use heat::{Categories, Heat, Shade};
pub use multiples::Multiples;
pub use number::{Unit, exact, in_unit, short};
pub use palette::{Marker, Paint, Palette, Slot, Theme};
pub use panel::{Panel, Rule};
pub use plot::Plot;
pub use reliability::{Bin, BinGroup, Reliability};
pub use series::{Estimate, Meaning, Series, Spread, edges};
pub use size::Size;
pub use spark::spark;
pub use strip::{Group, Strip};
pub use style::style_sheet;
#[cfg(feature = "exec")]
pub(crate) use svg::escaped;
pub(crate) use svg::marked;
pub use table::{Cell, Table};
