//! Measures: where every sample stands between wrong and well classified (paper §3).
//!
//! In: [`Logits`], checked values in f64 with their labels. Out: plain numbers, in the order asked
//! for by a [`Request`]. [`summarize`] gives the `train` and `test` objects of `summary.json`,
//! [`analyze`] what `specc analyze` adds to them. One file per measure; none reads a file or
//! knows a device. Sums run over the samples in file order, so equal inputs give equal bits.
//! A value that does not apply (no samples, no R, an infinite mean) is `None`, never NaN.

mod accuracy;
mod analysis;
mod calibration;
mod close_enough;
mod fraction;
mod histogram;
mod keyed;
mod logits;
mod margin;
mod masses;
mod means;
mod probability;
mod quantiles;
mod request;
mod rows;
mod stored;
mod summary;
mod super_class;
mod top_k;
mod well;

pub use accuracy::{
    ClassAccuracy, accuracy, accuracy_upper, average_accuracy, per_class, prediction,
};
pub use analysis::{Analysis, Histograms, analyze};
pub use calibration::{
    CALIBRATION_BINS, Calibration, GroupCalibration, ReliabilityBin, calibration, confusion,
    fitted_scale, super_confusion,
};
pub use close_enough::{chance_curve, close_enough};
pub use histogram::{BadEdges, Edges, Histogram, histogram};
pub use keyed::Keyed;
pub use logits::{Logits, LogitsError, MAX_CLASSES, Scalars};
pub use margin::{margins, normalized_margins};
pub use masses::{Masses, masses};
pub use means::Means;
pub use probability::{Probabilities, probability_scale};
pub use quantiles::{Distribution, quantile};
pub use request::{HistogramBins, Request};
pub use rows::RowSource;
pub use stored::{Bytes, StoredError, open_stored};
pub use summary::{SplitSummary, summarize};
pub use super_class::{SuperClassAccuracy, SuperClasses};
pub use top_k::{TopK, top_k};
pub use well::{WellCount, well_counts};
