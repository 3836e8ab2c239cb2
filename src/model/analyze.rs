//! The `analyze` item: lists that replace those of the summary.

use crate::diag::Span;

/// What is measured besides the summary; `None` keeps the list of the measures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analyze {
    /// Gaps of close-enough.
    pub a: Option<Vec<f64>>,
    /// Thresholds of the margin.
    pub eta: Option<Vec<f64>>,
    /// Thresholds of the normalised margin.
    pub mu: Option<Vec<f64>>,
    /// Ranks of top-k.
    pub k: Option<Vec<usize>>,
    /// Where the ranks stand.
    pub k_span: Option<Span>,
    /// Log the conserved quantities while training.
    pub conserved: bool,
}
