//! Histograms over stated bins.

use serde::{Deserialize, Serialize};

/// Bin edges: at least two, finite, strictly increasing.
#[derive(Clone, Debug, PartialEq)]
pub struct Edges(Vec<f64>);

/// The numbers are no bin edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bin edges are at least two finite numbers, each above the one before")]
pub struct BadEdges;

impl Edges {
    /// Checks edges as given.
    ///
    /// # Errors
    /// Fewer than two, not finite, or not increasing.
    pub fn new(edges: Vec<f64>) -> Result<Self, BadEdges> {
        let finite = edges.iter().all(|edge| edge.is_finite());
        let increasing = edges.windows(2).all(|pair| pair[0] < pair[1]);
        if edges.len() >= 2 && finite && increasing { Ok(Self(edges)) } else { Err(BadEdges) }
    }

    /// `n_bins` bins of equal width from `low` to `high`.
    ///
    /// # Errors
    /// No bins, or an interval too narrow to be divided.
    pub fn equal(low: f64, high: f64, n_bins: usize) -> Result<Self, BadEdges> {
        let edge = |idx: usize| {
            let share = idx as f64 / n_bins as f64;
            low * (1.0 - share) + high * share
        };
        Self::new((0..=n_bins).map(edge).collect())
    }

    /// The edges with their signs turned, in increasing order: `[0, .5, 1]` gives `[-1, -.5, 0]`.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        // Adding 0 turns -0 into 0, which is what a reader expects to see.
        Self(self.0.iter().rev().map(|edge| 0.0 - edge).collect())
    }

    /// The edges, one more than there are bins.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }
}

/// Counts of values in bins `[e_i, e_{i+1})`, the last one closed on the right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// Number of values in each bin.
    pub counts: Vec<usize>,
    /// `count / (values inside · width)`; 0 everywhere where no value lies inside.
    pub density: Vec<f64>,
    /// Number of values below the first edge.
    pub below: usize,
    /// Number of values above the last edge.
    pub above: usize,
}

/// Sorts `values` into bins; a NaN counts nowhere.
pub fn histogram(values: impl IntoIterator<Item = f64>, edges: &Edges) -> Histogram {
    let edges = edges.as_slice();
    let last = edges.len() - 1;
    let (mut counts, mut below, mut above) = (vec![0; last], 0, 0);
    for value in values.into_iter().filter(|value| !value.is_nan()) {
        match edges.partition_point(|edge| *edge <= value) {
            0 => below += 1,
            bin if bin <= last => counts[bin - 1] += 1,
            _ if value <= edges[last] => counts[last - 1] += 1,
            _ => above += 1,
        }
    }
    let inside: usize = counts.iter().sum();
    let density = counts
        .iter()
        .zip(edges.windows(2))
        .map(|(count, bin)| match count {
            0 => 0.0,
            _ => *count as f64 / (inside as f64 * (bin[1] - bin[0])),
        })
        .collect();
    Histogram { edges: edges.to_vec(), counts, density, below, above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bin_holds_its_right_edge() {
        let edges = Edges::new(vec![0.0, 1.0, 2.0]).unwrap();
        let found = histogram([-0.1, 0.0, 1.0, 2.0, 2.1, f64::NAN], &edges);
        assert_eq!((found.below, found.counts, found.above), (1, vec![1, 2], 1));
        assert_eq!(found.density, [1.0 / 3.0, 2.0 / 3.0]);
    }

    #[test]
    fn edges_are_checked() {
        assert!(Edges::new(vec![1.0]).is_err());
        assert!(Edges::new(vec![1.0, 1.0]).is_err());
        assert!(Edges::new(vec![0.0, f64::NAN]).is_err());
        assert!(Edges::equal(0.0, 1.0, 0).is_err());
        let mirrored = Edges::equal(0.0, 1.0, 4).unwrap().mirrored();
        assert_eq!(mirrored.as_slice(), [-1.0, -0.75, -0.5, -0.25, 0.0]);
        assert!(mirrored.as_slice()[4].is_sign_positive());
    }
}
