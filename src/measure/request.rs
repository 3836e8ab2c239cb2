//! Which points of the measures are wanted.

use super::Edges;

/// The points at which measures are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Tolerances a of close-enough accuracy.
    pub a: Vec<f64>,
    /// Thresholds η on the margin.
    pub eta: Vec<f64>,
    /// Thresholds μ on the normalised margin.
    pub mu: Vec<f64>,
    /// The k of top-k.
    pub k: Vec<usize>,
    /// Bins of the histograms.
    pub histograms: HistogramBins,
}

/// Bins of the histograms.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramBins {
    /// Number of bins of equal width where no edges are given.
    pub n_bins: usize,
    /// Edges for probabilities; mirrored at 0 for their differences. Without them 0 to 1.
    pub probability: Option<Edges>,
    /// Edges for margins. Without them from the smallest to the largest margin.
    pub margin: Option<Edges>,
    /// Edges for normalised margins. Without them from the smallest to the largest.
    pub normalized_margin: Option<Edges>,
}

impl Request {
    /// The points of `summary.json` for K classes.
    ///
    /// a as in the paper's figures; k = 1, 3, 5, 10 as far as there are classes; η the thresholds
    /// of the paper's experiments; μ = 0, where right and wrong part, and four decades, because
    /// R of a trained network lies between about 1 and 10⁴ and margins near 1.
    pub fn standard(n_classes: usize) -> Self {
        Self {
            a: vec![0.0, 0.01, 0.02, 0.03, 0.05, 0.1],
            eta: vec![0.0, 0.01, 0.1, 1.0, 10.0, 100.0],
            mu: vec![0.0, 0.0001, 0.001, 0.01, 0.1],
            k: [1, 3, 5, 10].into_iter().filter(|k| *k <= n_classes).collect(),
            histograms: HistogramBins::default(),
        }
    }
}

impl Default for HistogramBins {
    /// 16 bins: their edges between 0 and 1 are exact in binary.
    fn default() -> Self {
        Self { n_bins: 16, probability: None, margin: None, normalized_margin: None }
    }
}
