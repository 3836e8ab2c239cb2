//! What a temperature explains of a difference, and what is left: a loss may move the direction of a net, or only its scale.
//!
//! For each member one temperature is fitted by least negative log-likelihood, crosswise on the two halves of the test set, so that
//! no sample is measured at a scale that was fitted to it. On training data the fit degenerates once all margins are positive.

use serde::Serialize;

use super::comparison::{Counts, Spread, crossed};
use super::contrast::{BySeed, DifferenceEntry, contrast, family};
use super::member::counts;
use super::{Incomparable, RunGroup};
use crate::measure::{Calibration, Logits, LogitsError, Probabilities, calibration, fitted_scale};
use crate::model::{Counted, Measure};

/// Close-enough tolerance of the curves where no such measure is asked for.
const TOLERANCE: f64 = 0.05;

/// Mean largest probabilities at which curves are read.
const SHARPNESS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Scales of a curve: powers of √2 around the fitted one, 2⁻⁷ to 2⁷.
const HALF_STEPS: i32 = 14;

/// What is left of differences at equal sharpness.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matched {
    /// For each group its fitted temperatures, against the stored logits.
    pub temperatures: Vec<Spread>,
    /// Every probability measure again.
    pub measures: Vec<MatchedMeasure>,
    /// Close-enough against mean largest probability over all temperatures, for each group.
    pub curves: Vec<MatchedCurve>,
    /// Members for which no temperature is best.
    pub left_out: Vec<String>,
}

/// A measure at fitted temperatures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedMeasure {
    /// `test.close_enough(0.05)`, `test.nll`, `test.brier`, `test.ece`.
    pub measure: String,
    /// For each group.
    pub groups: Vec<Spread>,
    /// For each group but the first: the difference at equal sharpness, which is the part of the direction.
    pub differences: Vec<DifferenceEntry>,
    /// For each group but the first: the difference at the scale of each run.
    pub raw: Vec<Option<f64>>,
    /// For each group but the first: the part of it that a temperature explains.
    pub by_scale: Vec<Option<f64>>,
}

/// A curve over all temperatures. A higher one is a better direction, without any choice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedCurve {
    /// The group.
    pub group: String,
    /// The tolerance of close-enough.
    pub a: f64,
    /// Its points.
    pub points: Vec<CurvePoint>,
}

/// A point of a curve: means over the members that reach it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Mean largest probability.
    pub p_max: f64,
    /// Fraction of close-enough samples.
    pub close_enough: f64,
    /// Members.
    pub n: usize,
}

/// What is taken again.
#[derive(Clone, Copy)]
enum Taken {
    CloseEnough(f64),
    Nll,
    Brier,
    Ece,
}

/// A member at the scale of its run, and at the fitted one.
struct Scaled {
    raw: Side,
    matched: Side,
}

/// Logits at scale 1.
struct Side {
    logits: Logits,
    calibration: Calibration,
}

impl Side {
    fn of(logits: Logits) -> Self {
        let calibration = calibration(&logits, 1.0);
        Self { logits, calibration }
    }
}

/// Takes the probability measures among `measures` again at equal sharpness, beside log-likelihood, Brier score and calibration.
///
/// # Errors
/// [`Incomparable`] where stored logits cannot be read.
pub fn match_scale(
    groups: &[RunGroup],
    measures: &[Measure],
    level: f64,
) -> Result<Matched, Incomparable> {
    let mut taken: Vec<(String, Taken)> = vec![];
    for measure in measures {
        if let Some(("test", Counted::CloseEnough(a))) = measure.counted() {
            taken.push((measure.to_string(), Taken::CloseEnough(a)));
        }
    }
    let a = taken.iter().find_map(|(_, taken)| tolerance(*taken)).unwrap_or(TOLERANCE);
    for (name, what) in [("nll", Taken::Nll), ("brier", Taken::Brier), ("ece", Taken::Ece)] {
        taken.push((format!("test.{name}"), what));
    }
    let mut left_out = vec![];
    let (mut temperatures, mut curves) = (vec![], vec![]);
    // By group: seed and logits of each member.
    let mut scaled: Vec<Vec<(u64, Scaled)>> = vec![];
    for group in groups {
        let (mut own, mut fits) = (vec![], BySeed::new());
        let mut curve: Vec<Vec<f64>> = SHARPNESS.iter().map(|_| vec![]).collect();
        for member in &group.members {
            let Some((logits, scale)) = member.logits("test")? else { continue };
            let damaged = |error: LogitsError| Incomparable::Usage(error.to_string());
            let found = Scaled::of(&logits, scale).map_err(damaged)?;
            let Some((found, fitted)) = found else {
                left_out.push(format!(
                    "`{}`: no temperature is best for its logits",
                    member.path().display()
                ));
                continue;
            };
            fits.entry(member.seed).or_default().push(1.0 / fitted);
            for (values, reached) in curve.iter_mut().zip(along(&logits, fitted, a)) {
                values.extend(reached);
            }
            own.push((member.seed, found));
        }
        temperatures.push(Spread::of(&fits));
        let points = SHARPNESS.iter().zip(curve).filter(|(_, values)| !values.is_empty());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let point = |(p_max, values): (&f64, Vec<f64>)| CurvePoint {
            p_max: *p_max,
            close_enough: mean(&values),
            n: values.len(),
        };
        curves.push(MatchedCurve {
            group: group.name.clone(),
            a,
            points: points.map(point).collect(),
        });
        scaled.push(own);
    }
    let measures = at_equal_sharpness(groups, &taken, &scaled, level);
    Ok(Matched { temperatures, measures, curves, left_out })
}

fn at_equal_sharpness(
    groups: &[RunGroup],
    taken: &[(String, Taken)],
    scaled: &[Vec<(u64, Scaled)>],
    level: f64,
) -> Vec<MatchedMeasure> {
    let values = |taken: Taken, side: fn(&Scaled) -> &Side| -> Vec<BySeed> {
        let of_group = |members: &Vec<(u64, Scaled)>| {
            let mut values = BySeed::new();
            for (seed, scaled) in members {
                if let Some(value) = taken.value(side(scaled)) {
                    values.entry(*seed).or_default().push(value);
                }
            }
            values
        };
        scaled.iter().map(of_group).collect()
    };
    let mut found = vec![];
    let mut all: Vec<Vec<BySeed>> = vec![];
    for (name, what) in taken {
        let raw = values(*what, |scaled| &scaled.raw);
        let matched = values(*what, |scaled| &scaled.matched);
        let others = || groups.iter().enumerate().skip(1);
        let mut differences: Vec<DifferenceEntry> = others()
            .map(|(at, group)| contrast(&group.name, &matched[at], &matched[0], level))
            .collect();
        let raw: Vec<Option<f64>> = others()
            .map(|(at, group)| contrast(&group.name, &raw[at], &raw[0], level).mean)
            .collect();
        if let Taken::CloseEnough(a) = what {
            for (at, entry) in differences.iter_mut().enumerate().filter(|(_, entry)| entry.paired)
            {
                entry.interval_new_images = crossed(sides(&scaled[at + 1], &scaled[0], *a), level);
            }
        }
        let by_scale =
            raw.iter().zip(&differences).map(|(raw, left)| Some((*raw)? - left.mean?)).collect();
        let groups = matched.iter().map(Spread::of).collect();
        found.push(MatchedMeasure { measure: name.clone(), groups, differences, raw, by_scale });
        all.push(matched);
    }
    for other in 1..groups.len() {
        let values: Vec<(&BySeed, &BySeed)> =
            all.iter().map(|values| (&values[other], &values[0])).collect();
        let entries = found.iter_mut().map(|entry| &mut entry.differences[other - 1]);
        family(&values, entries.collect());
    }
    found
}

/// What both sides count sample by sample, for the seeds that both have.
fn sides(group: &[(u64, Scaled)], baseline: &[(u64, Scaled)], a: f64) -> Vec<(Counts, Counts)> {
    let of = |scaled: &Scaled| Some(counts(&scaled.matched.logits, 1.0, Counted::CloseEnough(a)));
    let pair = |(seed, left): &(u64, Scaled)| {
        let right = baseline.iter().find(|(other, _)| other == seed)?;
        Some((of(left), of(&right.1)))
    };
    group.iter().filter_map(pair).collect()
}

fn tolerance(taken: Taken) -> Option<f64> {
    if let Taken::CloseEnough(a) = taken { Some(a) } else { None }
}

impl Taken {
    fn value(self, side: &Side) -> Option<f64> {
        match self {
            Self::CloseEnough(a) => close_enough(&side.logits, 1.0, a).map(|(_, close)| close),
            Self::Nll => side.calibration.nll,
            Self::Brier => side.calibration.brier,
            Self::Ece => side.calibration.ece,
        }
    }
}

/// Mean largest probability, and the fraction of close-enough samples.
fn close_enough(logits: &Logits, scale: f64, a: f64) -> Option<(f64, f64)> {
    let p = Probabilities::new(logits, scale);
    let n = p.max.len() as f64;
    let close = p.label.iter().zip(&p.max).filter(|(label, max)| **label >= **max - a).count();
    (n > 0.0).then(|| (p.max.iter().sum::<f64>() / n, close as f64 / n))
}

/// Close-enough at each mean largest probability of [`SHARPNESS`], by interpolation between temperatures.
fn along(logits: &Logits, fitted: f64, a: f64) -> Vec<Option<f64>> {
    let scale = |step: i32| fitted * 2.0_f64.powf(f64::from(step) / 2.0);
    let points: Vec<(f64, f64)> = (-HALF_STEPS..=HALF_STEPS)
        .filter_map(|step| close_enough(logits, scale(step), a))
        .collect();
    let at = |wanted: &f64| {
        let pair = points.windows(2).find(|pair| pair[0].0 <= *wanted && *wanted <= pair[1].0)?;
        let (from, to) = (pair[0], pair[1]);
        let share = if to.0 > from.0 { (wanted - from.0) / (to.0 - from.0) } else { 0.0 };
        Some(from.1 + share * (to.1 - from.1))
    };
    SHARPNESS.iter().map(at).collect()
}

impl Scaled {
    /// With the geometric mean of both fitted scales; `None` where a half has none.
    fn of(logits: &Logits, scale: f64) -> Result<Option<(Self, f64)>, LogitsError> {
        let even = half(logits, 0)?;
        let odd = half(logits, 1)?;
        let (Some(of_even), Some(of_odd)) = (fitted_scale(&even), fitted_scale(&odd)) else {
            return Ok(None);
        };
        // Every sample at the scale of the other half.
        let matched = scaled(logits, |sample| if sample % 2 == 0 { of_odd } else { of_even })?;
        let raw = scaled(logits, |_| scale)?;
        let both = Self { raw: Side::of(raw), matched: Side::of(matched) };
        Ok(Some((both, (of_even * of_odd).sqrt())))
    }
}

/// The samples of even or of odd number.
fn half(logits: &Logits, odd: usize) -> Result<Logits, LogitsError> {
    let rows = logits.map_rows(|z, label| (z.to_vec(), label));
    let own = rows.into_iter().skip(odd).step_by(2);
    let (values, labels): (Vec<Vec<f64>>, Vec<i64>) =
        own.map(|(z, label)| (z, label as i64)).unzip();
    Logits::new(values.concat(), logits.n_classes(), &labels)
}

/// Every sample at a scale of its own.
fn scaled(logits: &Logits, scale: impl Fn(usize) -> f64) -> Result<Logits, LogitsError> {
    let rows = logits.map_rows(|z, _| z.to_vec());
    let values = rows.into_iter().enumerate().flat_map(|(sample, z)| {
        let scale = scale(sample);
        z.into_iter().map(move |z| z * scale)
    });
    let labels: Vec<i64> = logits.labels().iter().map(|label| *label as i64).collect();
    Logits::new(values.collect(), logits.n_classes(), &labels)
}
