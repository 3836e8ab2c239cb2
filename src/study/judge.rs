//! Claims judged by the runs that are there.
//!
//! In: claims, and the runs of a study. Out: a verdict for each claim with the numbers of each line. The difference of both
//! sides is taken seed by seed over the seeds that every measure of the line has; a claim holds when all of its lines do.

use std::collections::BTreeSet;

use serde::Serialize;

use super::samples::value;
use super::{Made, Study, StudyCell};
use crate::model::sweep::{Claim, Line, Quantity};
use crate::stats::{Difference, Groups, Sample, correlation, sign_flip};
use crate::store::StoreError;
use crate::syntax::ast::BinaryOp;
use crate::train::StoredRun;

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
    /// Seeds that count.
    pub n: usize,
    /// Seeds that the sweep declares.
    pub declared: usize,
    /// Mean of the left side.
    pub left: Option<f64>,
    /// Mean of the right side.
    pub right: Option<f64>,
    /// Mean difference, left less right.
    pub difference: Option<f64>,
    /// Student's interval of the difference.
    pub interval: Option<[f64; 2]>,
    /// Seeds in which the left side is larger.
    pub wins: usize,
    /// Correlation of both sides over the seeds.
    pub correlation: Option<f64>,
    /// Sign-flip p of no difference.
    pub p: Option<f64>,
    /// The smallest p that so many seeds allow.
    pub p_floor: Option<f64>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Judges claims by the finished runs of a study.
///
/// # Errors
/// [`StoreError`] when a run cannot be read.
pub fn judge(claims: &[Claim], study: &Study, made: &[Made]) -> Result<Vec<Judged>, StoreError> {
    let mut runs: Vec<(usize, u64, StoredRun)> = vec![];
    for made in made.iter().filter(|made| made.summary.is_some()) {
        runs.push((made.run.cell, made.run.seed, StoredRun::open(&made.run.dir)?));
    }
    let runs = Runs { study, runs };
    claims.iter().map(|claim| runs.judge(claim)).collect()
}

struct Runs<'a> {
    study: &'a Study,
    runs: Vec<(usize, u64, StoredRun)>,
}

impl Runs<'_> {
    fn judge(&self, claim: &Claim) -> Result<Judged, StoreError> {
        let lines: Vec<JudgedLine> =
            claim.lines.iter().map(|line| self.line(claim, line)).collect::<Result<_, _>>()?;
        let all = |verdict: Verdict| lines.iter().all(|line| line.verdict == verdict);
        let verdict = if lines.iter().any(|line| line.verdict == Verdict::Refuted) {
            Verdict::Refuted
        } else if all(Verdict::Holds) {
            Verdict::Holds
        } else {
            Verdict::Open
        };
        Ok(Judged { claim: claim.text.clone(), verdict, lines })
    }

    fn line(&self, claim: &Claim, line: &Line) -> Result<JudgedLine, StoreError> {
        let mut seeds = BTreeSet::new();
        let mut notes = vec![];
        for of in choices(&line.left).into_iter().chain(choices(&line.right)) {
            let cells: Vec<&StudyCell> = self.cells(of).collect();
            seeds.extend(cells.iter().flat_map(|cell| &cell.seeds).copied());
            if cells.len() > 1 {
                let labels: Vec<String> =
                    of.iter().map(|(axis, l)| format!("{axis}={l}")).collect();
                let of =
                    if labels.is_empty() { "every cell".to_owned() } else { labels.join(", ") };
                notes.push(format!("{of}: the mean over {} cells", cells.len()));
            }
        }
        notes.dedup();
        let (mut left, mut right) = (vec![], vec![]);
        for seed in &seeds {
            let sides = (self.quantity(&line.left, *seed)?, self.quantity(&line.right, *seed)?);
            if let (Some(l), Some(r)) = sides {
                left.push(l);
                right.push(r);
            }
        }
        let differences: Vec<f64> = left.iter().zip(&right).map(|(l, r)| l - r).collect();
        let (n, declared) = (differences.len(), seeds.len());
        let found = Difference::of(Groups::Paired(&differences));
        let interval = found.interval(claim.level).map(|interval| [interval.low, interval.high]);
        let is_short = n < declared || (n as u64) < claim.seeds;
        let verdict = match interval {
            Some(interval) if !is_short => verdict(line, interval),
            Some(_) | None => Verdict::Open,
        };
        if n < declared {
            notes.push(format!("{n} of {declared} seeds, no verdict yet"));
        } else if (n as u64) < claim.seeds {
            notes.push(format!("{n} seeds, fewer than the {} that count", claim.seeds));
        }
        if verdict == Verdict::Holds && n < 6 {
            notes.push("rests on normality: fewer than 6 seeds".to_owned());
        }
        if n > 0 && differences.iter().all(|difference| *difference == 0.0) {
            notes.push(format!("identical in {n} of {n} seeds"));
        }
        let mean = |values: &[f64]| (n > 0).then(|| Sample::of(values).mean);
        let flipped = sign_flip(&differences, 0.0);
        Ok(JudgedLine {
            line: line.text.clone(),
            verdict,
            n,
            declared,
            left: mean(&left),
            right: mean(&right),
            difference: (n > 0).then_some(found.mean),
            interval,
            wins: differences.iter().filter(|difference| **difference > 0.0).count(),
            correlation: correlation(&left, &right),
            p: flipped.map(|flipped| flipped.p),
            p_floor: flipped.map(|flipped| flipped.floor),
            notes,
        })
    }

    fn cells<'a>(&'a self, of: &'a [(String, String)]) -> impl Iterator<Item = &'a StudyCell> {
        self.study
            .cells
            .iter()
            .filter(move |cell| of.iter().all(|wanted| cell.labels.contains(wanted)))
    }

    /// A quantity at one seed; `None` where a run is missing or has no such measure.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the grammar gives four operators")]
    fn quantity(&self, of: &Quantity, seed: u64) -> Result<Option<f64>, StoreError> {
        Ok(match of {
            Quantity::Number(number) => Some(*number),
            Quantity::Measured(measure, labels) => {
                let mut values = vec![];
                for cell in self.cells(labels) {
                    let is_own = |(of, own_seed, _): &&(usize, u64, StoredRun)| {
                        self.study.cells[*of].hash == cell.hash && *own_seed == seed
                    };
                    let Some((_, _, run)) = self.runs.iter().find(is_own) else { return Ok(None) };
                    let Some(value) = value(measure, run)? else { return Ok(None) };
                    values.push(value);
                }
                (!values.is_empty()).then(|| Sample::of(&values).mean)
            }
            Quantity::Binary(op, left, right) => {
                let sides = (self.quantity(left, seed)?, self.quantity(right, seed)?);
                let (Some(left), Some(right)) = sides else { return Ok(None) };
                let value = match op {
                    BinaryOp::Add => left + right,
                    BinaryOp::Sub => left - right,
                    BinaryOp::Mul => left * right,
                    _ => left / right,
                };
                value.is_finite().then_some(value)
            }
            Quantity::Extreme { is_max, operands } => {
                let mut found: Option<f64> = None;
                for operand in operands {
                    let Some(value) = self.quantity(operand, seed)? else { return Ok(None) };
                    let best =
                        |found: f64| if *is_max { found.max(value) } else { found.min(value) };
                    found = Some(found.map_or(value, best));
                }
                found
            }
        })
    }
}

/// The cells that the measures of a quantity are taken of.
fn choices(of: &Quantity) -> Vec<&[(String, String)]> {
    match of {
        Quantity::Number(_) => vec![],
        Quantity::Measured(_, labels) => vec![labels],
        Quantity::Binary(_, left, right) => [choices(left), choices(right)].concat(),
        Quantity::Extreme { operands, .. } => operands.iter().flat_map(choices).collect(),
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

/// All verdicts as text.
pub fn verdicts_text(judged: &[Judged]) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let mut lines = vec![];
    for claim in judged {
        lines.push(format!("{:<8} {}", claim.verdict.name(), claim.claim));
        for line in &claim.lines {
            let lead = if claim.lines.len() > 1 { line.verdict.name() } else { "" };
            lines.push(format!("         {lead:<8} {}", line.line).trim_end().to_owned());
            let interval = line
                .interval
                .map_or(String::new(), |[low, high]| format!(", interval [{low:.4}, {high:.4}]"));
            lines.push(format!(
                "                  left {}, right {}, diff {}{interval} · n = {} · wins {}/{} · p {} (smallest {})",
                number(line.left),
                number(line.right),
                number(line.difference),
                line.n,
                line.wins,
                line.n,
                number(line.p),
                number(line.p_floor),
            ));
            lines.extend(line.notes.iter().map(|note| format!("                  {note}")));
        }
    }
    let count = |verdict: Verdict| judged.iter().filter(|claim| claim.verdict == verdict).count();
    let counts = [Verdict::Holds, Verdict::Refuted, Verdict::Open]
        .map(|verdict| (count(verdict), verdict.name()));
    let counts = counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}"));
    lines.push(counts.collect::<Vec<_>>().join(", "));
    lines.join("\n") + "\n"
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
