//! What a panel shows for one label: a line with its band, steps, single values with intervals, or outlines of columns.

use super::number::drawable;
use super::palette::Slot;

/// A value of y at x, with the interval around it where it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// In units of the horizontal axis.
    pub x: f64,
    /// In units of the vertical axis.
    pub y: f64,
    /// The lower and the upper end around y.
    pub interval: Option<(f64, f64)>,
}

/// What bands and intervals mean; captions say it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    /// The mean, one standard deviation to each side.
    Deviation,
    /// A confidence interval of the mean at a level such as 0.95.
    Confidence(f64),
    /// From the smallest to the largest value.
    Range,
    /// From one quantile to another, such as 0.25 to 0.75.
    Quantiles(f64, f64),
    /// The error of reading values off a figure.
    Reading,
}

/// An interval's meaning and the number of values behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// What the interval is.
    pub meaning: Meaning,
    /// Over how many runs, seeds or samples.
    pub n: usize,
}

/// A label's data with the way it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(super) label: String,
    pub(super) slot: Slot,
    pub(super) shape: Shape,
    pub(super) spread: Option<Spread>,
    /// Values that were left out before, as they are not finite.
    pub(super) missing: usize,
}

/// How values are drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// A line through values, over its band and over faint lines of single runs.
    Line { points: Vec<Estimate>, faint: Vec<Vec<(f64, f64)>> },
    /// Steps: each value holds up to the next x.
    Steps(Vec<Estimate>),
    /// A mark for each value.
    Points(Vec<Estimate>),
    /// The outline of columns between edges.
    Columns { edges: Vec<f64>, heights: Vec<f64>, filled: bool },
}

impl Series {
    fn new(label: impl Into<String>, slot: Slot, shape: Shape) -> Self {
        Self { label: label.into(), slot, shape, spread: None, missing: 0 }
    }

    /// A line through points; values that are not finite leave gaps.
    pub fn line(
        label: impl Into<String>,
        slot: Slot,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, y)| Estimate { x, y, interval: None }).collect();
        Self::new(label, slot, Shape::Line { points, faint: vec![] })
    }

    /// A line with a band whose meaning the caption tells.
    pub fn band(
        label: impl Into<String>,
        slot: Slot,
        points: Vec<Estimate>,
        spread: Spread,
    ) -> Self {
        let shape = Shape::Line { points, faint: vec![] };
        Self { spread: Some(spread), ..Self::new(label, slot, shape) }
    }

    /// Marks with error bars whose meaning the caption tells.
    pub fn points(
        label: impl Into<String>,
        slot: Slot,
        points: Vec<Estimate>,
        spread: Spread,
    ) -> Self {
        Self { spread: Some(spread), ..Self::new(label, slot, Shape::Points(points)) }
    }

    /// Marks for single values.
    pub fn scatter(
        label: impl Into<String>,
        slot: Slot,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, y)| Estimate { x, y, interval: None }).collect();
        Self::new(label, slot, Shape::Points(points))
    }

    /// A step line: each y holds from its x to the next one.
    pub fn steps(
        label: impl Into<String>,
        slot: Slot,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, y)| Estimate { x, y, interval: None }).collect();
        Self::new(label, slot, Shape::Steps(points))
    }

    /// The share of values up to each x; values that are not finite are left out and counted.
    pub fn ecdf(label: impl Into<String>, slot: Slot, values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter_map(drawable).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let mut points: Vec<(f64, f64)> = vec![];
        if let Some(first) = sorted.first() {
            points.push((*first, 0.0));
        }
        for (i, x) in sorted.iter().enumerate() {
            let y = (i as f64 + 1.0) / n;
            match points.last_mut() {
                Some(last) if last.0 == *x && i > 0 => last.1 = y,
                _ => points.push((*x, y)),
            }
        }
        let missing = values.len() - sorted.len();
        Self { missing, ..Self::steps(label, slot, points) }
    }

    /// The share of values in each column between ascending `edges`, as an outline. The last column holds its right edge; the
    /// caption counts values outside and those that are not finite.
    pub fn histogram(label: impl Into<String>, slot: Slot, values: &[f64], edges: &[f64]) -> Self {
        let mut counts = vec![0_usize; edges.len().saturating_sub(1)];
        let last = edges.len().saturating_sub(2);
        let mut missing = 0;
        for value in values {
            let behind = edges.partition_point(|edge| edge <= value);
            let at_end = edges.last() == Some(value);
            match counts.get_mut(if at_end { last } else { behind.wrapping_sub(1) }) {
                Some(count) if value.is_finite() => *count += 1,
                _ => missing += 1,
            }
        }
        let n = (values.len() - missing).max(1) as f64;
        let heights = counts.iter().map(|count| *count as f64 / n).collect();
        Self { missing, ..Self::columns(label, slot, edges.to_vec(), heights) }
    }

    /// The outline of columns of given heights between ascending edges, one more than heights.
    pub fn columns(
        label: impl Into<String>,
        slot: Slot,
        edges: Vec<f64>,
        heights: Vec<f64>,
    ) -> Self {
        Self::new(label, slot, Shape::Columns { edges, heights, filled: false })
    }

    /// Columns with filled insides, for a group that stands alone; other shapes stay as they are.
    #[must_use]
    pub fn filled(mut self) -> Self {
        if let Shape::Columns { filled, .. } = &mut self.shape {
            *filled = true;
        }
        self
    }

    /// With faint lines of the single runs behind a line; other shapes stay as they are.
    #[must_use]
    pub fn over(mut self, runs: Vec<Vec<(f64, f64)>>) -> Self {
        if let Shape::Line { faint, .. } = &mut self.shape {
            *faint = runs;
        }
        self
    }

    /// What it is called.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its values with their intervals; of columns those at their middles.
    pub fn estimates(&self) -> Vec<Estimate> {
        match &self.shape {
            Shape::Line { points, faint: _ } | Shape::Steps(points) | Shape::Points(points) => {
                points.clone()
            }
            Shape::Columns { edges, heights, filled: _ } => edges
                .windows(2)
                .zip(heights)
                .map(|(edge, y)| Estimate {
                    x: f64::midpoint(edge[0], edge[1]),
                    y: *y,
                    interval: None,
                })
                .collect(),
        }
    }

    /// Every x and every y that it draws.
    pub(super) fn extent(&self) -> (Vec<f64>, Vec<f64>) {
        let points = self.estimates();
        let intervals = points.iter().filter_map(|p| p.interval).flat_map(|(a, b)| [a, b]);
        let mut y: Vec<f64> = points.iter().map(|p| p.y).chain(intervals).collect();
        let mut x: Vec<f64> = points.iter().map(|p| p.x).collect();
        match &self.shape {
            Shape::Line { faint, points: _ } => {
                let all = faint.iter().flatten();
                x.extend(all.clone().map(|p| p.0));
                y.extend(all.map(|p| p.1));
            }
            Shape::Columns { edges, heights: _, filled: _ } => {
                x.clone_from(edges);
                y.push(0.0);
            }
            Shape::Steps(_) | Shape::Points(_) => {}
        }
        (x, y)
    }
}

/// `n` columns of equal width from the smallest to the largest finite value of all groups: their edges.
pub fn edges(groups: &[&[f64]], n: usize) -> Vec<f64> {
    let values = groups.iter().flat_map(|group| group.iter().copied());
    let domain = super::scale::Domain::around(values, false, super::scale::Padding::Tight);
    let n = n.max(1);
    let part = |i: usize| i as f64 / n as f64;
    (0..=n).map(|i| domain.low * (1.0 - part(i)) + domain.high * part(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Series, edges};
    use crate::chart::Slot;

    #[test]
    fn shares_add_up_and_what_is_left_out_is_counted() {
        let values = [0.0, 0.1, 0.5, 1.0, f64::NAN, 7.0];
        let drawn = Series::histogram("a", Slot(0), &values, &[0.0, 0.5, 1.0]);
        let heights: Vec<f64> = drawn.estimates().iter().map(|p| p.y).collect();
        assert_eq!((heights, drawn.missing), (vec![0.5, 0.5], 2));
        let drawn = Series::ecdf("a", Slot(0), &[2.0, 1.0, 2.0, f64::INFINITY]);
        let points: Vec<_> = drawn.estimates().iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(points, [(1.0, 0.0), (1.0, 1.0 / 3.0), (2.0, 1.0)]);
        assert_eq!(edges(&[&[0.0, 1.0], &[2.0]], 2), [0.0, 1.0, 2.0]);
    }
}
