//! Points, rectangles, and what of a line lies inside one.

/// A place in pixels; y grows downwards.
pub type Point = (f64, f64);

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// From left to right, ≥ 0.
    pub width: f64,
    /// From top to bottom, ≥ 0.
    pub height: f64,
}

impl Rect {
    /// The right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Whether the two share more than an edge.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// Whether a point lies inside or on the edge.
    pub fn contains(&self, (x, y): Point) -> bool {
        x >= self.x && x <= self.right() && y >= self.y && y <= self.bottom()
    }

    /// The point of the rectangle that is nearest.
    pub(super) fn nearest(&self, (x, y): Point) -> Point {
        (x.max(self.x).min(self.right()), y.max(self.y).min(self.bottom()))
    }
}

/// The pieces of a line that lie inside.
pub(super) fn clip(points: &[Point], rect: &Rect) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = vec![];
    for pair in points.windows(2) {
        let Some((from, to)) = segment(pair[0], pair[1], rect) else { continue };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// The part of a segment inside, after Liang and Barsky.
fn segment(from: Point, to: Point, rect: &Rect) -> Option<(Point, Point)> {
    if rect.contains(from) && rect.contains(to) {
        return Some((from, to));
    }
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (delta, before, after) in [
        (dx, from.0 - rect.x, rect.right() - from.0),
        (dy, from.1 - rect.y, rect.bottom() - from.1),
    ] {
        if delta == 0.0 {
            if before < 0.0 || after < 0.0 {
                return None;
            }
            continue;
        }
        let (a, b) = (-before / delta, after / delta);
        enter = enter.max(a.min(b));
        leave = leave.min(a.max(b));
    }
    let along = |t: f64| rect.nearest((from.0 + t * dx, from.1 + t * dy));
    (enter <= leave).then(|| (along(enter), along(leave)))
}

/// A line with at most four points in each column of `column` pixels: its first, lowest, highest and last. Looks the same.
pub(super) fn thin(points: &[Point], column: f64) -> Vec<Point> {
    let mut out: Vec<Point> = vec![];
    let mut start = 0;
    while start < points.len() {
        let cell = (points[start].0 / column).floor();
        let len = points[start..].iter().take_while(|p| (p.0 / column).floor() == cell).count();
        let group = &points[start..start + len.max(1)];
        start += group.len();
        if group.len() <= 4 {
            out.extend(group);
            continue;
        }
        let by = |wanted: f64| {
            let better = |a: &usize, b: &usize| {
                (group[*a].1 * wanted).total_cmp(&(group[*b].1 * wanted)).then(b.cmp(a))
            };
            (0..group.len()).max_by(better).unwrap_or(0)
        };
        let mut kept = vec![0, by(1.0), by(-1.0), group.len() - 1];
        kept.sort_unstable();
        kept.dedup();
        out.extend(kept.into_iter().map(|i| group[i]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Rect, clip, thin};

    #[test]
    fn lines_end_at_the_edges() {
        let rect = Rect { x: 0.0, y: 0.0, width: 10.0, height: 10.0 };
        let pieces = clip(&[(-5.0, 5.0), (5.0, 5.0), (5.0, 25.0), (8.0, 25.0), (8.0, 5.0)], &rect);
        assert_eq!(
            pieces,
            [vec![(0.0, 5.0), (5.0, 5.0), (5.0, 10.0)], vec![(8.0, 10.0), (8.0, 5.0)]]
        );
        assert!(clip(&[(-5.0, -5.0), (-1.0, 20.0)], &rect).is_empty());
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let line: Vec<_> = (0..1000).map(|i| (f64::from(i) / 100.0, f64::from(i % 7))).collect();
        let thinned = thin(&line, 1.0);
        assert!((30..=40).contains(&thinned.len()));
        assert!(thinned.iter().any(|p| p.1 == 6.0) && thinned.iter().any(|p| p.1 == 0.0));
    }
}
