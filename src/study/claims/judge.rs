//! Verdicts: what an interval over seeds says of a line.
//!
//! The difference of both sides is taken seed by seed where both have the same seeds, else by groups.

use serde::Serialize;

use super::evidence::{Evidence, choices};
use super::family::family;
use super::wanted::Wanted;
use crate::model::sweep::{Claim, Line};
use crate::stats::{Crossed, Difference, Groups, Sample, correlation, sign_flip};
use crate::store::StoreError;
use crate::study::{Made, Study};
use crate::syntax::ast::BinaryOp;

/// What is to be said of a claim or a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The whole interval satisfies it.
    Holds,
    /// No part of the interval does.
    Refuted,
    /// Neither, or too few runs.
    Open,
}

/// A claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// In words.
    pub claim: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Its lines.
    pub lines: Vec<JudgedLine>,
}

/// A line with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedLine {
    /// As written.
    pub line: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What it wants of its value.
    pub wanted: Wanted,
    /// The level of its intervals.
    pub level: f64,
    /// Whether it was taken seed by seed.
    pub paired: bool,
    /// Seeds that count; of the side with fewer of them where it was not.
    pub n: usize,
    /// Seeds that the sweep declares.
    pub declared: usize,
    /// Mean of the left side.
    pub left: Option<f64>,
    /// Mean of the right side.
    pub right: Option<f64>,
    /// Mean difference, left less right.
    pub difference: Option<f64>,
    /// Student's interval of the difference, Welch's where not paired.
    pub interval: Option<[f64; 2]>,
    /// The interval on new images too, where both sides are shares of the samples of one split.
    pub interval_new_images: Option<[f64; 2]>,
    /// Seeds in which the left side is larger, of pairs.
    pub wins: Option<usize>,
    /// Correlation of both sides over the seeds.
    pub correlation: Option<f64>,
    /// Sign-flip p of no difference between the sides, which holds the margin of the line; Welch's where not paired.
    pub p: Option<f64>,
    /// The smallest p that so many seeds allow.
    pub p_floor: Option<f64>,
    /// p over all lines of the file together.
    pub p_family: Option<f64>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl JudgedLine {
    /// What the bounds are of, with its interval.
    pub fn value(&self) -> Option<(f64, [f64; 2])> {
        let threshold = self.wanted.threshold;
        let value = self.difference? + threshold;
        Some((value, self.interval?.map(|end| end + threshold)))
    }
}

/// Judges claims by the finished runs of a study.
///
/// # Errors
/// [`StoreError`] when a run cannot be read.
pub(super) fn judge(
    claims: &[Claim],
    study: &Study,
    made: &[Made],
) -> Result<Vec<Judged>, StoreError> {
    let evidence = Evidence::of(study, made)?;
    let lines: Vec<(&Claim, &Line)> =
        claims.iter().flat_map(|claim| claim.lines.iter().map(move |line| (claim, line))).collect();
    let mut weighed = vec![];
    for (claim, line) in &lines {
        weighed.push(weigh(&evidence, line, claim.level)?);
    }
    let p_family = family(&weighed);
    let mut judged = weighed
        .into_iter()
        .zip(p_family)
        .zip(&lines)
        .map(|((weighed, p_family), (claim, line))| weighed.judge(claim, line, p_family));
    let of = |claim: &Claim| {
        let lines: Vec<JudgedLine> = judged.by_ref().take(claim.lines.len()).collect();
        let all = |verdict: Verdict| lines.iter().all(|line| line.verdict == verdict);
        let verdict = if lines.iter().any(|line| line.verdict == Verdict::Refuted) {
            Verdict::Refuted
        } else if all(Verdict::Holds) {
            Verdict::Holds
        } else {
            Verdict::Open
        };
        Judged { claim: claim.text.clone(), verdict, lines }
    };
    Ok(claims.iter().map(of).collect())
}

/// What the runs say of a line, before it is judged.
pub(super) struct Weighed {
    is_paired: bool,
    /// Seeds that count; of the left side where the sides have other ones.
    pub(super) seeds: Vec<u64>,
    /// Left less right by seed; none where the sides have other seeds.
    pub(super) differences: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    /// Seeds that the sweep declares for each side.
    declared: [usize; 2],
    interval_new_images: Option<[f64; 2]>,
    notes: Vec<String>,
}

/// Takes both sides at every seed: at the same ones where both have the same, else each at its own.
fn weigh(evidence: &Evidence<'_>, line: &Line, level: f64) -> Result<Weighed, StoreError> {
    let mut notes = vec![];
    for of in choices(&line.left).into_iter().chain(choices(&line.right)) {
        let n = evidence.cells(of).count();
        if n > 1 {
            let labels: Vec<String> = of.iter().map(|(axis, l)| format!("{axis}={l}")).collect();
            let of = if labels.is_empty() { "every cell".to_owned() } else { labels.join(", ") };
            notes.push(format!("{of}: the mean over {n} cells"));
        }
    }
    notes.dedup();
    let (own, other) = (evidence.seeds(&line.left), evidence.seeds(&line.right));
    let is_paired = own == other || own.is_empty() || other.is_empty();
    let mut weighed = Weighed {
        is_paired,
        seeds: vec![],
        differences: vec![],
        left: vec![],
        right: vec![],
        declared: [own.len(), other.len()],
        interval_new_images: None,
        notes,
    };
    if !is_paired {
        weighed.notes.push("the sides have other seeds: Welch's interval".to_owned());
        for seed in own {
            if let Some(value) = evidence.value(&line.left, seed)? {
                weighed.seeds.push(seed);
                weighed.left.push(value);
            }
        }
        for seed in other {
            weighed.right.extend(evidence.value(&line.right, seed)?);
        }
        return Ok(weighed);
    }
    let seeds = if own.is_empty() { other } else { own };
    weighed.declared = [seeds.len(); 2];
    let mut crossed: Option<Crossed> = None;
    let mut is_counted = true;
    for seed in seeds {
        let sides = (evidence.value(&line.left, seed)?, evidence.value(&line.right, seed)?);
        let (Some(left), Some(right)) = sides else { continue };
        weighed.seeds.push(seed);
        weighed.left.push(left);
        weighed.right.push(right);
        weighed.differences.push(left - right);
        if is_counted {
            let found = evidence.by_sample(&line.left, &line.right, seed)?;
            is_counted = found.is_some();
            if let Some(found) = found {
                crossed.get_or_insert_with(|| Crossed::new(found.len())).push(&found);
            }
        }
    }
    let interval = crossed.filter(|_| is_counted).and_then(|crossed| crossed.interval(level));
    weighed.interval_new_images = interval.map(|interval| [interval.low, interval.high]);
    Ok(weighed)
}

impl Weighed {
    fn judge(self, claim: &Claim, line: &Line, p_family: Option<f64>) -> JudgedLine {
        let is_paired = self.is_paired;
        let (n, declared) = if is_paired {
            (self.differences.len(), self.declared[0])
        } else {
            // The side that is furthest from its end, or the smaller one.
            let sides = [self.left.len(), self.right.len()].into_iter().zip(self.declared);
            let short = |(n, declared): &(usize, usize)| (n == declared, *n);
            sides.min_by_key(short).unwrap_or_default()
        };
        let groups = if is_paired {
            Groups::Paired(&self.differences)
        } else {
            Groups::Apart(&self.left, &self.right)
        };
        let found = Difference::of(groups);
        let interval = found.interval(claim.level).map(|interval| [interval.low, interval.high]);
        let is_short = n < declared || (n as u64) < claim.seeds;
        let verdict = match interval {
            Some(interval) if !is_short => verdict(line, interval),
            Some(_) | None => Verdict::Open,
        };
        let mut notes = self.notes;
        if n < declared {
            notes.push(format!("{n} of {declared} seeds, no verdict yet"));
        } else if (n as u64) < claim.seeds {
            notes.push(format!("{n} seeds, fewer than the {} that count", claim.seeds));
        }
        if verdict == Verdict::Holds && n < 6 {
            notes.push("rests on normality: fewer than 6 seeds".to_owned());
        }
        if n > 0 && is_paired && self.differences.iter().all(|difference| *difference == 0.0) {
            notes.push(format!("identical in {n} of {n} seeds"));
        }
        let mean = |values: &[f64]| (!values.is_empty()).then(|| Sample::of(values).mean);
        let flipped = sign_flip(&self.differences, 0.0);
        let wins = self.differences.iter().filter(|difference| **difference > 0.0).count();
        JudgedLine {
            line: line.text.clone(),
            verdict,
            wanted: Wanted::of(line),
            level: claim.level,
            paired: is_paired,
            n,
            declared,
            left: mean(&self.left),
            right: mean(&self.right),
            difference: (n > 0).then_some(found.mean),
            interval,
            interval_new_images: self.interval_new_images,
            wins: is_paired.then_some(wins),
            correlation: is_paired.then(|| correlation(&self.left, &self.right)).flatten(),
            p: if is_paired { flipped.map(|flipped| flipped.p) } else { found.p(0.0) },
            p_floor: flipped.map(|flipped| flipped.floor),
            p_family,
            notes,
        }
    }
}

/// What an interval of left less right says of a line.
#[expect(clippy::wildcard_enum_match_arm, reason = "claims compare by these or by `==`")]
fn verdict(line: &Line, [low, high]: [f64; 2]) -> Verdict {
    let (holds, refuted) = match line.op {
        BinaryOp::Lt => (high < 0.0, low >= 0.0),
        BinaryOp::Le => (high <= 0.0, low > 0.0),
        BinaryOp::Gt => (low > 0.0, high <= 0.0),
        BinaryOp::Ge => (low >= 0.0, high < 0.0),
        _ => (low >= -line.within && high <= line.within, low > line.within || high < -line.within),
    };
    match (holds, refuted) {
        (true, _) => Verdict::Holds,
        (false, true) => Verdict::Refuted,
        (false, false) => Verdict::Open,
    }
}

impl Verdict {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Refuted => "refuted",
            Self::Open => "open",
        }
    }
}
