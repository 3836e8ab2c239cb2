//! Labels at the right ends of lines, where all of them fit there; a legend serves otherwise.

use super::drawing::{Anchor, Drawing, Stroke, Text};
use super::frame::{Fitted, Frame};
use super::geometry::Rect;
use super::palette::{Paint, Slot};
use super::panel::Panel;
use super::scale::Scale;
use super::series::Shape;
use super::size::{Size, leading};
use super::text;

/// From the end of a line to its label.
const LEADER: f64 = 12.0;

/// More lines than these are named in a legend.
const MOST: usize = 10;

/// The labels of all lines of a panel.
pub(super) struct Ends {
    /// The width they take to the right of the data.
    pub(super) room: f64,
    /// Label, slot, and the part of the height, from the top, where line and label lie.
    labels: Vec<(String, Slot, f64, f64)>,
}

/// The labels of the lines, if each ends near the right edge and none has to move far from its line.
pub(super) fn ends(
    panel: &Panel,
    (x, y): (&Fitted<'_>, &Fitted<'_>),
    area: Rect,
    left: f64,
    size: Size,
) -> Option<Ends> {
    let across = Scale { domain: x.domain, start: 0.0, end: 1.0 };
    let down = Scale { domain: y.domain, start: area.height, end: 0.0 };
    let mut labels: Vec<(String, Slot, f64, f64)> = vec![];
    for series in &panel.series {
        let points = match &series.shape {
            Shape::Line { points, faint: _ } => points,
            Shape::Points(_) => continue,
            Shape::Steps(_) | Shape::Columns { .. } => return None,
        };
        let mut places = points.iter().filter_map(|p| across.at(p.x).zip(down.at(p.y)));
        let (at, height) = places.next_back()?;
        let ends_here = (0.97..=1.001).contains(&at) && (0.0..=area.height).contains(&height);
        if !ends_here || series.label.trim().is_empty() {
            return None;
        }
        labels.push((series.label.clone(), series.slot, height, height));
    }
    let widths = labels.iter().map(|label| text::width(&label.0, size.text(), false));
    let room = LEADER + widths.fold(0.0, f64::max).ceil() + 4.0;
    if labels.is_empty() || labels.len() > MOST || room > 0.3 * (area.right() - left) {
        return None;
    }
    labels.sort_by(|a, b| a.2.total_cmp(&b.2));
    let line = leading(size.text()) - 1.0;
    spread(&mut labels, line, area.height);
    let far = labels.iter().any(|(.., from, to)| (from - to).abs() > 1.6 * line);
    let out = labels.last().is_some_and(|last| last.3 > area.height);
    (!far && !out).then_some(Ends { room, labels })
}

/// Moves labels apart, half up and half down, keeping their order and the area.
fn spread(labels: &mut [(String, Slot, f64, f64)], line: f64, height: f64) {
    // Groups of labels that touch: the middle of the places they want, and how many there are.
    let mut groups: Vec<(f64, usize)> = vec![];
    for label in labels.iter() {
        groups.push((label.2, 1));
        while let [.., (upper, a), (lower, b)] = groups[..] {
            let distance = (a + b) as f64 / 2.0 * line;
            if lower - upper >= distance {
                break;
            }
            groups.truncate(groups.len() - 2);
            let middle = (upper * a as f64 + lower * b as f64) / (a + b) as f64;
            groups.push((middle, a + b));
        }
    }
    let mut at = 0;
    let mut free = 0.0;
    for (middle, n) in groups {
        let half = n as f64 * line / 2.0;
        let top = (middle - half).min(height - 2.0 * half + line / 2.0).max(free - line / 2.0);
        for i in 0..n {
            labels[at].3 = top + (i as f64 + 0.5) * line;
            at += 1;
        }
        free = top + 2.0 * half + line / 2.0;
    }
}

impl Ends {
    /// Draws each label with a short line from its series.
    pub(super) fn draw(&self, drawing: &mut Drawing, frame: &Frame, size: Size) {
        let right = frame.rect.right();
        for (label, slot, from, to) in &self.labels {
            let (from, to) = (frame.rect.y + from, frame.rect.y + to);
            let stroke = Stroke { width: 1.0, ..Stroke::thin(Paint::Series(*slot)) };
            drawing.line((right + 2.0, from), (right + LEADER - 3.0, to), stroke);
            let at = (right + LEADER, to);
            drawing.text(Text::centred(label.clone(), at, Anchor::Start, size.text()));
        }
    }
}
