//! What figures need of one set of logits, taken once.

use crate::measure::{
    Calibration, Edges, Logits, Probabilities, calibration, close_enough, confusion, histogram,
    margins, normalized_margins, per_class, prediction, quantile, super_confusion,
};

/// Columns of the histograms of probabilities.
pub(super) const COLUMNS: usize = 20;

/// Points between 10ᵏ and 10ᵏ⁺¹ of the thresholds on margins.
const POINTS: i32 = 8;

/// The decades of thresholds on margins: R of trained nets lies between 1 and 10⁴.
const DECADES: std::ops::Range<i32> = -6..5;

/// The levels at which margins of a class are told.
pub(super) const LEVELS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Curves, histograms and calibration.
    Curves,
    /// Every sample and every class too.
    Samples,
}

/// Measures of a set of logits at fixed points, so that those of several runs can be laid over each other.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Samples.
    pub(super) n: usize,
    /// Classes.
    pub(super) classes: usize,
    /// The scale of the logits in probabilities.
    pub(super) scale: f64,
    /// Close-enough accuracy at each of [`tolerances`].
    pub(super) close: Vec<f64>,
    /// Shares of samples by the largest probability, from 0 to 1 in [`COLUMNS`].
    pub(super) p_max: Vec<f64>,
    /// The same by the probability of the label.
    pub(super) p_label: Vec<f64>,
    /// Shares of the misclassified samples by δp, from −1 to 0.
    pub(super) delta: Vec<f64>,
    /// Misclassified samples.
    pub(super) wrong: usize,
    /// Samples with a margin above each of [`thresholds`].
    pub(super) well: Vec<usize>,
    /// Samples with a normalised margin above each of them; `None` without R.
    pub(super) well_normalized: Option<Vec<usize>>,
    /// Calibration.
    pub(super) calibration: Calibration,
    /// Samples and accuracy of each class that occurs.
    pub(super) per_class: Vec<(usize, usize, f64)>,
    /// Every sample and every class.
    pub(super) samples: Option<Samples>,
}

/// Every sample and every class.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub(super) labels: Vec<usize>,
    pub(super) predictions: Vec<usize>,
    pub(super) margins: Vec<f64>,
    pub(super) p_label: Vec<f64>,
    pub(super) p_max: Vec<f64>,
    pub(super) confusion: Option<Vec<Vec<u64>>>,
    pub(super) super_confusion: Option<Vec<Vec<u64>>>,
    /// The super-class of each class.
    pub(super) super_classes: Option<Vec<usize>>,
    /// R, where it is known.
    pub(super) size: Option<f64>,
}

/// Tolerances a of close-enough accuracy: 0 to 0.5, among them those of `summary.json`.
pub(super) fn tolerances() -> Vec<f64> {
    (0..=50).map(|i| f64::from(i) / 100.0).collect()
}

/// Thresholds on margins, evenly by their logarithm.
pub(super) fn thresholds() -> Vec<f64> {
    let points = DECADES.start * POINTS..=DECADES.end * POINTS;
    points.map(|i| libm::pow(10.0, f64::from(i) / f64::from(POINTS))).collect()
}

impl Taken {
    /// Takes everything at a scale of probabilities.
    pub fn of(logits: &Logits, scale: f64, detail: Detail) -> Self {
        let margins = margins(logits);
        let size = logits.scalars().size.filter(|size| *size > 0.0);
        let p = Probabilities::new(logits, scale);
        let n = logits.n_samples();
        let unit = Edges::equal(0.0, 1.0, COLUMNS).expect("twenty columns from 0 to 1 are edges");
        let share = |values: &mut dyn Iterator<Item = f64>, edges: &Edges, of: usize| -> Vec<f64> {
            let counts = histogram(values, edges).counts;
            counts.into_iter().map(|count| count as f64 / of.max(1) as f64).collect()
        };
        let wrong = margins.iter().filter(|margin| **margin <= 0.0).count();
        let mut deltas =
            p.delta.iter().zip(&margins).filter(|(_, margin)| **margin <= 0.0).map(|(d, _)| *d);
        let well_normalized = size.map(|size| counts_above(&normalized_margins(&margins, size)));
        Self {
            n,
            classes: logits.n_classes(),
            scale,
            close: close_enough(&p, &tolerances())
                .into_iter()
                .map(|share| share.unwrap_or(f64::NAN))
                .collect(),
            p_max: share(&mut p.max.iter().copied(), &unit, n),
            p_label: share(&mut p.label.iter().copied(), &unit, n),
            delta: share(&mut deltas, &unit.mirrored(), wrong),
            wrong,
            well: counts_above(&margins),
            well_normalized,
            calibration: calibration(logits, scale),
            per_class: per_class(logits, &margins)
                .into_iter()
                .map(|class| (class.label, class.n, class.accuracy))
                .collect(),
            samples: (detail == Detail::Samples).then(|| Samples {
                labels: logits.labels().to_vec(),
                predictions: logits.map_rows(|row, _| prediction(row)),
                p_label: p.label,
                p_max: p.max,
                confusion: confusion(logits),
                super_confusion: super_confusion(logits),
                super_classes: logits.super_classes().map(<[usize]>::to_vec),
                size,
                margins,
            }),
        }
    }
}

impl Samples {
    /// Samples and quantiles at [`LEVELS`] of the margins of each group of samples, in the order of the groups.
    pub(super) fn quantiles(
        &self,
        groups: usize,
        of: impl Fn(usize) -> usize,
    ) -> Vec<(usize, usize, [f64; 7])> {
        let mut margins: Vec<Vec<f64>> = vec![vec![]; groups];
        for (label, margin) in self.labels.iter().zip(&self.margins) {
            margins[of(*label)].push(*margin);
        }
        let some = margins.into_iter().enumerate().filter(|(_, own)| !own.is_empty());
        some.map(|(group, mut own)| {
            own.sort_by(f64::total_cmp);
            let at = LEVELS.map(|level| quantile(&own, level).unwrap_or(f64::NAN));
            (group, own.len(), at)
        })
        .collect()
    }
}

/// How many values lie above each of [`thresholds`].
fn counts_above(values: &[f64]) -> Vec<usize> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let above = |eta: f64| sorted.len() - sorted.partition_point(|value| *value <= eta);
    thresholds().into_iter().map(above).collect()
}
