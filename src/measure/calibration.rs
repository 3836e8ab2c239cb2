//! How far probabilities can be taken at their word.

use serde::Serialize;

use super::fraction::finite;
use super::margin::margin;
use super::probability::softmax;
use super::{Logits, prediction};

/// Bins of the expected calibration error.
pub const CALIBRATION_BINS: usize = 15;

/// Classes up to which the confusion of classes is told.
const MAX_CONFUSION: usize = 200;

/// Calibration at a stated scale of the logits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean of −ln p_y.
    pub nll: Option<f64>,
    /// Mean of Σ_k (p_k − 1[k = y])², from 0 to 2.
    pub brier: Option<f64>,
    /// Σ_bins n_bin / n · |accuracy − mean of p_max| over 15 bins of equal width.
    pub ece: Option<f64>,
    /// The same over 15 bins of as many samples, as far as n divides.
    pub ece_adaptive: Option<f64>,
    /// The bins of equal width.
    pub reliability: Vec<ReliabilityBin>,
    /// The same for the samples of each class that occurs.
    pub per_class: Vec<GroupCalibration>,
    /// The same for super-classes; `None` without them.
    pub per_super_class: Option<Vec<GroupCalibration>>,
}

/// Calibration of the samples of one class or super-class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GroupCalibration {
    /// The class or super-class.
    pub label: usize,
    /// Samples; at least 1.
    pub n: usize,
    /// Fraction of them with a positive margin.
    pub accuracy: f64,
    /// Mean of their largest probability.
    pub confidence: f64,
    /// Mean of −ln p_y.
    pub nll: Option<f64>,
    /// Mean of Σ_k (p_k − 1[k = y])².
    pub brier: f64,
    /// Expected calibration error over 15 bins of equal width.
    pub ece: f64,
}

/// Samples whose largest probability lies in (low, high].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The lower end; not in the bin.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Samples.
    pub n: usize,
    /// Mean of their largest probability.
    pub confidence: Option<f64>,
    /// Fraction of them with a positive margin.
    pub accuracy: Option<f64>,
}

/// **What** calibration of `softmax(s z)`; a sample is right where its margin is positive, as in accuracy.
///
/// **Source** Guo et al., On Calibration of Modern Neural Networks (2017), equation (3); Brier, Monthly Weather Review 78
/// (1950); bins of equal mass: Nguyen and O'Connor (2015). `scale` is finite.
pub fn calibration(logits: &Logits, scale: f64) -> Calibration {
    let scratch = || vec![0.0; logits.n_classes()];
    let samples = logits.map_rows_with(scratch, |p, z, label| {
        let max = softmax(z, scale, p);
        let brier = p.iter().enumerate().map(|(k, p)| square(p - own(k == label))).sum::<f64>();
        let is_right = margin(z, label) > 0.0;
        Sample { max, nll: surprise(z, label, scale), brier, is_right }
    });
    let n = samples.len();
    let mean = |sum: f64| (n > 0).then(|| sum / n as f64).and_then(finite);
    let reliability = by_width(samples.iter());
    let mut ordered: Vec<(f64, bool)> = samples.iter().map(|s| (s.max, s.is_right)).collect();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let chunk = |i: usize| &ordered[i * n / CALIBRATION_BINS..(i + 1) * n / CALIBRATION_BINS];
    let gaps = (0..CALIBRATION_BINS).map(|i| gap(chunk(i))).sum();
    let groups = |k: usize, of: &dyn Fn(usize) -> usize| {
        let mut groups: Vec<Vec<&Sample>> = vec![vec![]; k];
        for (sample, label) in samples.iter().zip(logits.labels()) {
            groups[of(*label)].push(sample);
        }
        let some = groups.into_iter().enumerate().filter(|(_, own)| !own.is_empty());
        some.filter_map(|(group, own)| GroupCalibration::of(group, &own)).collect::<Vec<_>>()
    };
    let n_super_classes = logits.n_super_classes();
    Calibration {
        nll: mean(samples.iter().map(|s| s.nll).sum()),
        brier: mean(samples.iter().map(|s| s.brier).sum()),
        ece: mean(width_gaps(&reliability)),
        ece_adaptive: mean(gaps),
        per_class: groups(logits.n_classes(), &|label| label),
        per_super_class: logits.super_classes().map(|of| groups(n_super_classes, &|l| of[l])),
        reliability,
    }
}

/// What calibration takes of a sample.
#[derive(Clone, Copy, Debug)]
struct Sample {
    max: f64,
    nll: f64,
    brier: f64,
    is_right: bool,
}

impl GroupCalibration {
    fn of(group: usize, samples: &[&Sample]) -> Option<Self> {
        let mean = |of: fn(&Sample) -> f64| {
            finite(samples.iter().map(|sample| of(sample)).sum::<f64>() / samples.len() as f64)
        };
        let bins = by_width(samples.iter().copied());
        Some(Self {
            label: group,
            n: samples.len(),
            accuracy: mean(|sample| own(sample.is_right))?,
            confidence: mean(|sample| sample.max)?,
            nll: mean(|sample| sample.nll),
            brier: mean(|sample| sample.brier)?,
            ece: finite(width_gaps(&bins) / samples.len() as f64)?,
        })
    }
}

/// Σ n · |accuracy − confidence| over bins.
fn width_gaps(bins: &[ReliabilityBin]) -> f64 {
    let gaps = bins.iter().filter_map(|b| Some(b.n as f64 * (b.accuracy? - b.confidence?).abs()));
    gaps.sum()
}

fn own(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn square(x: f64) -> f64 {
    x * x
}

/// −ln p_y without a small p_y in between.
fn surprise(z: &[f64], label: usize, scale: f64) -> f64 {
    let top = z.iter().map(|z| scale * z).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = z.iter().map(|z| libm::exp(scale * z - top)).sum();
    libm::log(sum) + top - scale * z[label]
}

fn by_width<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<ReliabilityBin> {
    let mut sums = [(0_usize, 0.0, 0_usize); CALIBRATION_BINS];
    for Sample { max: p, is_right, .. } in samples {
        let above = (p * CALIBRATION_BINS as f64).ceil() as usize;
        let (n, sum, right) = &mut sums[above.clamp(1, CALIBRATION_BINS) - 1];
        (*n, *sum, *right) = (*n + 1, *sum + p, *right + usize::from(*is_right));
    }
    let bin = |(i, (n, sum, right)): (usize, (usize, f64, usize))| ReliabilityBin {
        low: i as f64 / CALIBRATION_BINS as f64,
        high: (i + 1) as f64 / CALIBRATION_BINS as f64,
        n,
        confidence: (n > 0).then(|| sum / n as f64),
        accuracy: (n > 0).then(|| right as f64 / n as f64),
    };
    sums.into_iter().enumerate().map(bin).collect()
}

/// n · |accuracy − mean confidence| of some samples.
fn gap(samples: &[(f64, bool)]) -> f64 {
    samples.iter().map(|(p, is_right)| own(*is_right) - p).sum::<f64>().abs()
}

/// **What** how often a sample of a class (row) is taken for another (column); the first of equal logits decides. `None`
/// above 200 classes.
pub fn confusion(logits: &Logits) -> Option<Vec<Vec<u64>>> {
    let k = logits.n_classes();
    (k <= MAX_CONFUSION).then(|| counts(logits, k, |class| class))
}

/// **What** the same between super-classes; `None` without them.
pub fn super_confusion(logits: &Logits) -> Option<Vec<Vec<u64>>> {
    let of = logits.super_classes()?;
    let k = logits.n_super_classes();
    (k <= MAX_CONFUSION).then(|| counts(logits, k, |class| of[class]))
}

fn counts(logits: &Logits, k: usize, of: impl Fn(usize) -> usize) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; k]; k];
    for (label, predicted) in logits.map_rows(|z, label| (label, prediction(z))) {
        counts[of(label)][of(predicted)] += 1;
    }
    counts
}

/// **What** the scale s > 0 with the least mean of −ln p_y, to nine digits; 1 / s is the temperature.
///
/// **Formula** the mean is convex in s, with slope mean of Σ_k p_k z_k − z_y and curvature mean of the variance of z under p; the
/// zero of the slope is found by Newton's steps, by bisection where they leave the bracket. `None` where it only falls (every
/// label has the largest logit) or only grows.
pub fn fitted_scale(logits: &Logits) -> Option<f64> {
    let tops = logits.map_rows(|z, _| z.iter().fold(0.0_f64, |top, z| top.max(z.abs())));
    let largest = tops.into_iter().fold(0.0_f64, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return None;
    }
    let scratch = || vec![0.0; logits.n_classes()];
    let slopes = |scale: f64| -> (f64, f64) {
        let of_row = |p: &mut Vec<f64>, z: &[f64], label: usize| {
            softmax(z, scale, p);
            let mean = p.iter().zip(z).map(|(p, z)| p * z).sum::<f64>();
            let variance = p.iter().zip(z).map(|(p, z)| p * square(z - mean)).sum::<f64>();
            (mean - z[label], variance)
        };
        let rows = logits.map_rows_with(scratch, of_row);
        rows.into_iter().fold((0.0, 0.0), |(slope, curve), (s, c)| (slope + s, curve + c))
    };
    // Beyond these, probabilities are those of guessing, or of certainty.
    let (mut low, mut high) = (1e-6 / largest, 1e6 / largest);
    if slopes(low).0 >= 0.0 || slopes(high).0 <= 0.0 {
        return None;
    }
    let mut scale = 1.0_f64.clamp(low, high);
    while high / low > 1.0 + 1e-9 {
        let (slope, curvature) = slopes(scale);
        if slope < 0.0 {
            low = scale;
        } else {
            high = scale;
        }
        let newton = scale - slope / curvature;
        if (newton / scale - 1.0).abs() < 1e-10 {
            return Some(newton);
        }
        let is_inside = newton > low && newton < high;
        scale = if is_inside { newton } else { (low * high).sqrt() };
    }
    Some((low * high).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(n: usize, k: usize) -> Logits {
        let z = |i: usize, c: usize| {
            let (i, c) = (i as f64, c as f64);
            3.0 * (1.7 * i + 0.9 * c * c + 0.3).sin()
                + if c as usize == i as usize % 5 { 1.5 } else { 0.0 }
        };
        let values = (0..n).flat_map(|i| (0..k).map(move |c| z(i, c))).collect();
        let labels: Vec<i64> = (0..n).map(|i| ((i * i + i / 3) % k) as i64).collect();
        Logits::new(values, k, &labels).unwrap()
    }

    #[test]
    fn without_samples_there_is_no_calibration() {
        let found = calibration(&Logits::new(vec![], 3, &[]).unwrap(), 1.0);
        assert_eq!(
            (found.nll, found.brier, found.ece, found.ece_adaptive),
            (None, None, None, None)
        );
        assert_eq!(fitted_scale(&Logits::new(vec![0.0; 6], 3, &[0, 1]).unwrap()), None);
        assert_eq!(fitted_scale(&Logits::new(vec![1.0, 0.0], 2, &[0]).unwrap()), None);
    }

    #[test]
    fn extreme_logits_keep_it_finite() {
        let logits = Logits::new(vec![1e300, -1e300, 0.0, 0.0], 2, &[1, 0]).unwrap();
        for scale in [0.0, 1e-300, 1.0] {
            let found = calibration(&logits, scale);
            assert!(found.brier.is_some_and(|brier| (0.0..=2.0).contains(&brier)));
            assert!(found.ece.is_some_and(|ece| (0.0..=1.0).contains(&ece)));
        }
    }

    #[test]
    fn rows_of_the_confusion_are_classes() {
        let logits = Logits::new(vec![2.0, 1.0, 0.0, 3.0, 1.0, 1.0], 2, &[0, 0, 1]).unwrap();
        assert_eq!(confusion(&logits), Some(vec![vec![1, 1], vec![1, 0]]));
    }

    #[test]
    fn numbers_are_those_of_numpy() {
        let logits = waves(203, 7);
        for (scale, numbers) in [
            (
                0.4,
                [
                    2.247_636_067_882_095_5,
                    0.936_679_604_866_709,
                    0.156_856_516_567_474_93,
                    0.168_007_639_278_533_24,
                ],
            ),
            (
                1.0,
                [
                    3.443_654_036_249_948,
                    1.132_447_218_813_587,
                    0.368_682_467_313_008_97,
                    0.374_957_064_062_912_85,
                ],
            ),
        ] {
            let found = calibration(&logits, scale);
            let found = [found.nll, found.brier, found.ece, found.ece_adaptive].map(Option::unwrap);
            for (found, expected) in found.into_iter().zip(numbers) {
                assert!((found - expected).abs() < 1e-12, "{scale}: {found} {expected}");
            }
        }
        // SciPy's `brentq` on the slope.
        let fitted = fitted_scale(&logits).unwrap();
        assert!((fitted / 0.006_130_355_414_912_289 - 1.0).abs() < 1e-8, "{fitted}");
    }
}
