//! Small multiples: panels side by side that share their axes and one legend.

use super::caption::Remarks;
use super::drawing::{Anchor, Drawing, Text};
use super::frame::{self, Fitted, Labels, frame};
use super::geometry::Rect;
use super::legend::{Entry, legend};
use super::panel::{Panel, RIGHT, domains};
use super::scale::Domain;
use super::size::{Size, leading};
use super::table::Table;
use super::text;

/// Between panels.
const GAP: f64 = 16.0;

/// Panels with names.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiples {
    panels: Vec<(String, Panel)>,
}

impl Multiples {
    /// The panels in reading order. The axes are those of the first one, around the data of all.
    pub fn new(panels: Vec<(String, Panel)>) -> Self {
        Self { panels }
    }

    pub(super) fn panels(&self) -> &[(String, Panel)] {
        &self.panels
    }

    pub(super) fn domains(&self) -> (Domain, Domain) {
        domains(&self.panels.iter().map(|(_, panel)| panel).collect::<Vec<_>>())
    }

    pub(super) fn draw(&self, drawing: &mut Drawing, area: Rect, size: Size) -> f64 {
        let Some((_, first)) = self.panels.first() else {
            let at = (area.x + area.width / 2.0, area.y + 20.0);
            drawing.text(Text::centred("no data", at, Anchor::Middle, size.text()));
            return area.y + 40.0;
        };
        let mut entries: Vec<Entry> = vec![];
        for entry in self.panels.iter().flat_map(|(_, panel)| panel.entries()) {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        let (x_domain, y_domain) = self.domains();
        let x = Fitted { axis: &first.x, domain: x_domain };
        let y = Fitted { axis: &first.y, domain: y_domain };
        let (smallest, height) = match size {
            Size::Narrow => (112.0, 100.0),
            Size::Middle => (180.0, 130.0),
            Size::Wide => (220.0, 170.0),
        };
        let left = area.x + frame::left_room(&y, height, size);
        let right = area.right() - RIGHT;
        let n = self.panels.len();
        let most = (((right - left + GAP) / (smallest + GAP)) as usize).max(1);
        let columns = n.div_ceil(n.div_ceil(most));
        let width = (right - left + GAP) / columns as f64 - GAP;
        let mut top = legend(drawing, &entries, (area.x, area.right()), area.y, size);
        frame::title_above(drawing, first.y.title(), (area.x, area.right()), top, size);
        top += frame::title_room(size) + 4.0;
        let (font, line) = (size.small(), leading(size.small()));
        let step = line + 4.0 + height + frame::tick_room(size) + 6.0;
        for (i, (name, panel)) in self.panels.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let px = left + (width + GAP) * column as f64;
            let py = top + step * row as f64;
            let name = text::fit(name, font, true, width);
            let at = (px, py + line / 2.0);
            drawing.text(Text::centred(name, at, Anchor::Start, font).bold());
            let rect = Rect { x: px, y: py + line + 4.0, width, height };
            let labels = Labels { x: true, y: column == 0 };
            let frame = frame(drawing, rect, &x, &y, labels, size);
            super::marks::marks(drawing, panel, &frame, size);
        }
        let bottom = top + step * n.div_ceil(columns) as f64 - 6.0;
        frame::title_below(drawing, first.x.title(), (area.x, right), bottom, size);
        bottom + frame::title_room(size)
    }

    pub(super) fn remarks(&self, out: &mut Remarks) {
        let domains = self.domains();
        self.panels.iter().for_each(|(_, panel)| panel.remarks(domains, out));
    }

    /// A row for each value of each series of each panel.
    pub fn table(&self) -> Table {
        let (x, y) = self.panels.first().map_or(("x", "y"), |(_, p)| (p.x.title(), p.y.title()));
        let mut table = Table::new(["panel", "series", x, y, "lower end", "upper end"]);
        for (name, panel) in &self.panels {
            panel.rows(&mut table, Some(name));
        }
        table.without_empty_columns()
    }
}
