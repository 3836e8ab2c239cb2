//! Reliability diagrams: how often predictions of a confidence are right, and how many there are of each.

use super::axis::Axis;
use super::caption::Remarks;
use super::drawing::Drawing;
use super::frame::{self, Fitted, Labels, frame};
use super::geometry::Rect;
use super::legend::legend;
use super::palette::Slot;
use super::panel::{Panel, RIGHT, Rule};
use super::series::Series;
use super::size::Size;
use super::table::{Cell, Table};

/// Bins of confidence of one or more labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    groups: Vec<BinGroup>,
}

/// The bins of one label.
#[derive(Clone, Debug, PartialEq)]
pub struct BinGroup {
    /// What it is called.
    pub label: String,
    /// Its colour.
    pub slot: Slot,
    /// In ascending order of confidence.
    pub bins: Vec<Bin>,
}

/// The samples within a range of confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Mean confidence of its samples, from 0 to 1.
    pub confidence: f64,
    /// The share of its samples that are predicted right.
    pub accuracy: f64,
    /// How many samples it has.
    pub n: usize,
}

impl Reliability {
    /// A curve a label; empty bins have no point on it.
    pub fn new(groups: Vec<BinGroup>) -> Self {
        Self { groups }
    }

    /// Accuracy over confidence, and the share of samples over confidence.
    pub(super) fn panels(&self) -> (Panel, Panel) {
        let x = || Axis::new("confidence").percent().range(0.0, 1.0);
        let mut curve = Panel::new(x(), Axis::new("accuracy").percent().range(0.0, 1.0))
            .rule(Rule::diagonal("as confident as right"));
        let mut share = Panel::new(x(), Axis::new("share of samples").percent().zero());
        for BinGroup { label, slot, bins } in &self.groups {
            let full = bins.iter().filter(|bin| bin.n > 0);
            let points = full.map(|bin| (bin.confidence, bin.accuracy));
            curve = curve.with(Series::line(label.clone(), *slot, points));
            let n = bins.iter().map(|bin| bin.n).sum::<usize>().max(1) as f64;
            let heights = bins.iter().map(|bin| bin.n as f64 / n).collect();
            let ends = bins.first().map(|bin| bin.low).into_iter();
            let edges = ends.chain(bins.iter().map(|bin| bin.high)).collect();
            let columns = Series::columns(label.clone(), *slot, edges, heights);
            share = share.with(if self.groups.len() == 1 { columns.filled() } else { columns });
        }
        (curve, share)
    }

    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let (curve, share) = self.panels();
        let mut top = legend(drawing, &curve.entries(), (area.x, area.right()), area.y, size);
        let low = (area.height * 0.26).max(50.0);
        let fitted = |panel: &Panel| panel.domains();
        let ((x, y), (_, below)) = (fitted(&curve), fitted(&share));
        let x = Fitted { axis: &curve.x, domain: x };
        let y = Fitted { axis: &curve.y, domain: y };
        let below = Fitted { axis: &share.y, domain: below };
        let room = frame::left_room(&y, area.height, size).max(frame::left_room(&below, low, size));
        let left = area.x + room;
        // Both axes run from 0 to 1: the data area is not wider than twice its height.
        let width = (area.right() - RIGHT - left).min(2.0 * area.height);
        let right = left + width;
        for (panel, y, height, is_last) in
            [(&curve, &y, area.height, false), (&share, &below, low, true)]
        {
            frame::title_above(drawing, panel.y.title(), (area.x, area.right()), top, size);
            let rect = Rect { x: left, y: top + frame::title_room(size) + 9.0, width, height };
            let labels = Labels { x: is_last, y: true };
            let frame = frame(drawing, rect, &x, y, labels, size);
            super::marks::marks(drawing, panel, &frame, size);
            top = rect.bottom() + if is_last { frame::tick_room(size) } else { 14.0 };
        }
        frame::title_below(drawing, curve.x.title(), (area.x, right), top, size);
        top + frame::title_room(size)
    }

    pub(super) fn remarks(&self, out: &mut Remarks) {
        let (curve, _) = self.panels();
        curve.remarks(curve.domains(), out);
    }

    /// A row for each bin.
    pub fn table(&self) -> Table {
        let mut table = Table::new(["series", "from", "to", "confidence", "accuracy", "samples"]);
        for group in &self.groups {
            for bin in &group.bins {
                let full = (bin.n > 0).then_some((bin.confidence, bin.accuracy));
                table.rows.push(vec![
                    Cell::Text(group.label.clone()),
                    Cell::Number(bin.low),
                    Cell::Number(bin.high),
                    Cell::maybe(full.map(|full| full.0)),
                    Cell::maybe(full.map(|full| full.1)),
                    Cell::Number(bin.n as f64),
                ]);
            }
        }
        table
    }
}
