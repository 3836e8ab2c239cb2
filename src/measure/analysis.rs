//! What `specc analyze` tells beyond the summary of a split.

use serde::Serialize;

use super::fraction::finite;
use super::summary::under;
use super::{
    Calibration, ClassAccuracy, Edges, Histogram, HistogramBins, Keyed, Logits, Probabilities,
    Request, SplitSummary, SuperClasses, WellCount, calibration, confusion, histogram, margins,
    normalized_margins, per_class, summarize, super_confusion, well_counts,
};

/// All measures of one set of logits: the fields of the summary and those below in one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The fields of `summary.json`.
    #[serde(flatten)]
    pub summary: SplitSummary,
    /// Super-class accuracy where the largest logit with the lowest index decides.
    pub super_class_accuracy_first: Option<f64>,
    /// Super-class accuracy where ties count.
    pub super_class_accuracy_upper: Option<f64>,
    /// Accuracy of each class that occurs.
    pub per_class: Vec<ClassAccuracy>,
    /// Size of the well-classified set at each η.
    pub well_counts: Vec<WellCount>,
    /// Close-enough of a network that knows nothing, under `a`.
    pub close_enough_chance: Keyed<f64>,
    /// Close-enough on super-classes by the best member, under `a`.
    pub super_close_enough_best: Option<Keyed<Option<f64>>>,
    /// Close-enough on super-classes by summed probability, under `a`.
    pub super_close_enough_sum: Option<Keyed<Option<f64>>>,
    /// How far probabilities can be taken at their word; `None` without a finite scale.
    pub calibration: Option<Calibration>,
    /// How often a class (row) is taken for another (column); `None` above 200 classes.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The same between super-classes.
    pub super_confusion: Option<Vec<Vec<u64>>>,
    /// Histograms.
    pub histograms: Histograms,
}

/// Histograms over the samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histograms {
    /// Of the largest probability (Fig. 6).
    pub p_max: Option<Histogram>,
    /// Of the probability of the label (Fig. 7).
    pub p_label: Option<Histogram>,
    /// Of δp (19) over the misclassified samples, `m ≤ 0` (Fig. 8).
    pub delta_p: Option<Histogram>,
    /// Of the margins.
    pub margin: Option<Histogram>,
    /// Of the normalised margins; `None` where R is not defined.
    pub normalized_margin: Option<Histogram>,
}

/// Takes all measures at the points of `request`; see [`summarize`] for the other arguments.
pub fn analyze(
    logits: &Logits,
    loss: Option<f64>,
    probability_scale: f64,
    request: &Request,
) -> Analysis {
    let margins = margins(logits);
    let groups = SuperClasses::of(logits);
    let readings = groups.map(|groups| groups.accuracy());
    let scale = finite(probability_scale);
    let scaled_groups = groups.zip(scale);
    Analysis {
        summary: summarize(logits, loss, probability_scale, request),
        super_class_accuracy_first: readings.and_then(|it| it.first_maximum),
        super_class_accuracy_upper: readings.and_then(|it| it.optimistic),
        per_class: per_class(logits, &margins),
        well_counts: well_counts(&margins, &request.eta),
        close_enough_chance: under(&request.a, super::chance_curve(logits.n_classes(), &request.a)),
        super_close_enough_best: scaled_groups
            .map(|(it, scale)| under(&request.a, it.close_enough_best(scale, &request.a))),
        super_close_enough_sum: scaled_groups
            .map(|(it, scale)| under(&request.a, it.close_enough_sum(scale, &request.a))),
        calibration: scale.map(|scale| calibration(logits, scale)),
        confusion: confusion(logits),
        super_confusion: super_confusion(logits),
        histograms: histograms(logits, &margins, scale, &request.histograms),
    }
}

fn histograms(
    logits: &Logits,
    margins: &[f64],
    scale: Option<f64>,
    bins: &HistogramBins,
) -> Histograms {
    let unit = bins.probability.clone().or_else(|| Edges::equal(0.0, 1.0, bins.n_bins).ok());
    let probabilities = scale.map(|scale| Probabilities::new(logits, scale)).zip(unit);
    let normalized = logits.scalars().size.map(|size| normalized_margins(margins, size));
    Histograms {
        p_max: probabilities.as_ref().map(|(p, edges)| histogram(p.max.iter().copied(), edges)),
        p_label: probabilities.as_ref().map(|(p, edges)| histogram(p.label.iter().copied(), edges)),
        delta_p: probabilities.as_ref().map(|(p, edges)| {
            let wrong = p.delta.iter().zip(margins).filter(|(_, margin)| **margin <= 0.0);
            histogram(wrong.map(|(delta, _)| *delta), &edges.mirrored())
        }),
        margin: over_range(margins, bins.margin.as_ref(), bins.n_bins),
        normalized_margin: normalized
            .and_then(|values| over_range(&values, bins.normalized_margin.as_ref(), bins.n_bins)),
    }
}

/// A histogram over given edges, or over equal bins from the smallest to the largest value.
fn over_range(values: &[f64], edges: Option<&Edges>, n_bins: usize) -> Option<Histogram> {
    let edges = edges.cloned().or_else(|| {
        let (low, high) = values
            .iter()
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(*value), high.max(*value))
            });
        Edges::equal(low, high, n_bins).ok()
    })?;
    Some(histogram(values.iter().copied(), &edges))
}
