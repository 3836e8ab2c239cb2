//! The kinds of charts there are.

use super::bars::Bars;
use super::caption::Remarks;
use super::drawing::Drawing;
use super::forest::Forest;
use super::geometry::Rect;
use super::heat::Heat;
use super::multiples::Multiples;
use super::panel::Panel;
use super::reliability::Reliability;
use super::series::Series;
use super::size::Size;
use super::strip::Strip;
use super::table::Table;

/// The data of a chart with the way it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// Curves, ECDFs, histograms and single values between two axes.
    Panel(Panel),
    /// Several panels with shared axes.
    Multiples(Multiples),
    /// A matrix in shades.
    Heat(Heat),
    /// Differences with intervals.
    Forest(Forest),
    /// Every value as a dot.
    Strip(Strip),
    /// Lengths from zero.
    Bars(Bars),
    /// Accuracy over confidence.
    Reliability(Reliability),
}

impl Plot {
    /// Draws it from the top of `area` on; where it ends.
    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        match self {
            Self::Panel(plot) => plot.draw(drawing, area, size),
            Self::Multiples(plot) => plot.draw(drawing, area, size),
            Self::Heat(plot) => plot.draw(drawing, area, size),
            Self::Forest(plot) => plot.draw(drawing, area, size),
            Self::Strip(plot) => plot.draw(drawing, area, size),
            Self::Bars(plot) => plot.draw(drawing, area, size),
            Self::Reliability(plot) => plot.draw(drawing, area, size),
        }
    }

    /// The label of each series with its values from left to right; a series of small multiples has its panel before it. Empty
    /// for plots that are no curves.
    pub(super) fn lines(&self) -> Vec<(String, Vec<f64>)> {
        let of = |panel: &Panel, name: Option<&str>| -> Vec<(String, Vec<f64>)> {
            let label = |series: &Series| match (name, series.label.as_str()) {
                (Some(name), "") => name.to_owned(),
                (Some(name), label) => format!("{name} · {label}"),
                (None, label) => label.to_owned(),
            };
            let values = |series: &Series| series.estimates().iter().map(|p| p.y).collect();
            panel.series.iter().map(|series| (label(series), values(series))).collect()
        };
        match self {
            Self::Panel(panel) => of(panel, None),
            Self::Multiples(plot) => {
                plot.panels().iter().flat_map(|(name, panel)| of(panel, Some(name))).collect()
            }
            Self::Heat(_)
            | Self::Forest(_)
            | Self::Strip(_)
            | Self::Bars(_)
            | Self::Reliability(_) => vec![],
        }
    }

    /// What its caption tells by itself.
    pub(super) fn remarks(&self) -> Remarks {
        let mut out = Remarks::default();
        match self {
            Self::Panel(plot) => plot.remarks(plot.domains(), &mut out),
            Self::Multiples(plot) => plot.remarks(&mut out),
            Self::Heat(plot) => plot.remarks(&mut out),
            Self::Forest(plot) => plot.remarks(&mut out),
            Self::Strip(plot) => plot.remarks(&mut out),
            Self::Bars(plot) => plot.remarks(&mut out),
            Self::Reliability(plot) => plot.remarks(&mut out),
        }
        out
    }

    /// Its numbers.
    pub(super) fn table(&self) -> Table {
        match self {
            Self::Panel(plot) => plot.table(),
            Self::Multiples(plot) => plot.table(),
            Self::Heat(plot) => plot.table(),
            Self::Forest(plot) => plot.table(),
            Self::Strip(plot) => plot.table(),
            Self::Bars(plot) => plot.table(),
            Self::Reliability(plot) => plot.table(),
        }
    }
}

impl From<Panel> for Plot {
    fn from(plot: Panel) -> Self {
        Self::Panel(plot)
    }
}

impl From<Multiples> for Plot {
    fn from(plot: Multiples) -> Self {
        Self::Multiples(plot)
    }
}

impl From<Heat> for Plot {
    fn from(plot: Heat) -> Self {
        Self::Heat(plot)
    }
}

impl From<Forest> for Plot {
    fn from(plot: Forest) -> Self {
        Self::Forest(plot)
    }
}

impl From<Strip> for Plot {
    fn from(plot: Strip) -> Self {
        Self::Strip(plot)
    }
}

impl From<Bars> for Plot {
    fn from(plot: Bars) -> Self {
        Self::Bars(plot)
    }
}

impl From<Reliability> for Plot {
    fn from(plot: Reliability) -> Self {
        Self::Reliability(plot)
    }
}
