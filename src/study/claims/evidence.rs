//! What the runs say of the two sides of a line.
//!
//! In: a quantity and a seed. Out: its value, and what it counts sample by sample where it is a share of samples.

use std::collections::BTreeSet;

use crate::model::sweep::Quantity;
use crate::store::StoreError;
use crate::study::samples::{counts, value};
use crate::study::{Made, Study, StudyCell};
use crate::syntax::ast::BinaryOp;
use crate::train::StoredRun;

/// The finished runs of a study.
pub(super) struct Evidence<'a> {
    study: &'a Study,
    runs: Vec<(usize, u64, StoredRun)>,
}

/// A quantity sample by sample.
enum Samples {
    /// The same for all.
    All(f64),
    /// One number a sample of this split.
    Each(String, Vec<f64>),
}

impl<'a> Evidence<'a> {
    pub(super) fn of(study: &'a Study, made: &[Made]) -> Result<Self, StoreError> {
        let mut runs = vec![];
        for made in made.iter().filter(|made| made.summary.is_some()) {
            runs.push((made.run.cell, made.run.seed, StoredRun::open(&made.run.dir)?));
        }
        Ok(Self { study, runs })
    }

    /// The cells that have all these labels.
    pub(super) fn cells(&self, of: &[(String, String)]) -> impl Iterator<Item = &'a StudyCell> {
        let cells = self.study.cells.iter();
        cells.filter(move |cell| of.iter().all(|wanted| cell.labels.contains(wanted)))
    }

    /// The seeds that the sweep declares for the cells of a quantity; none where it is a number.
    pub(super) fn seeds(&self, of: &Quantity) -> BTreeSet<u64> {
        let cells = choices(of).into_iter().flat_map(|labels| self.cells(labels));
        cells.flat_map(|cell| &cell.seeds).copied().collect()
    }

    /// A quantity at one seed; `None` where a run is missing or has no such measure.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the grammar gives four operators")]
    pub(super) fn value(&self, of: &Quantity, seed: u64) -> Result<Option<f64>, StoreError> {
        Ok(match of {
            Quantity::Number(number) => Some(*number),
            Quantity::Measured(measure, labels) => {
                let mut values = vec![];
                for cell in self.cells(labels) {
                    let Some(run) = self.run(cell, seed) else { return Ok(None) };
                    let Some(value) = value(measure, run)? else { return Ok(None) };
                    values.push(value);
                }
                let n = values.len() as f64;
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / n)
            }
            Quantity::Binary(op, left, right) => {
                let sides = (self.value(left, seed)?, self.value(right, seed)?);
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
                    let Some(value) = self.value(operand, seed)? else { return Ok(None) };
                    let best =
                        |found: f64| if *is_max { found.max(value) } else { found.min(value) };
                    found = Some(found.map_or(value, best));
                }
                found
            }
        })
    }

    /// Left less right for every sample of the split that both count, at one seed; `None` where the difference is no mean over
    /// samples.
    pub(super) fn by_sample(
        &self,
        left: &Quantity,
        right: &Quantity,
        seed: u64,
    ) -> Result<Option<Vec<f64>>, StoreError> {
        let sides = (self.samples(left, seed)?, self.samples(right, seed)?);
        let (Some(left), Some(right)) = sides else { return Ok(None) };
        Ok(match combine(left, right, |l, r| l - r) {
            Some(Samples::Each(_, differences)) => Some(differences),
            Some(Samples::All(_)) | None => None,
        })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the grammar gives four operators")]
    fn samples(&self, of: &Quantity, seed: u64) -> Result<Option<Samples>, StoreError> {
        Ok(match of {
            Quantity::Number(number) => Some(Samples::All(*number)),
            Quantity::Measured(measure, labels) => {
                let Some((split, counted)) = measure.counted() else { return Ok(None) };
                let mut sum: Option<Samples> = None;
                let mut n = 0.0;
                for cell in self.cells(labels) {
                    let Some(run) = self.run(cell, seed) else { return Ok(None) };
                    let Some(own) = counts(run, split, counted)? else { return Ok(None) };
                    let own = Samples::Each(split.to_owned(), own);
                    sum = match sum {
                        None => Some(own),
                        Some(sum) => combine(sum, own, |l, r| l + r),
                    };
                    n += 1.0;
                    if sum.is_none() {
                        return Ok(None);
                    }
                }
                sum.and_then(|sum| combine(sum, Samples::All(n), |sum, n| sum / n))
            }
            Quantity::Binary(op, left, right) => {
                let sides = (self.samples(left, seed)?, self.samples(right, seed)?);
                let (Some(left), Some(right)) = sides else { return Ok(None) };
                let is_scalar = |side: &Samples| matches!(side, Samples::All(_));
                match op {
                    BinaryOp::Add => combine(left, right, |l, r| l + r),
                    BinaryOp::Sub => combine(left, right, |l, r| l - r),
                    // A product of two means is no mean.
                    BinaryOp::Mul if is_scalar(&left) || is_scalar(&right) => {
                        combine(left, right, |l, r| l * r)
                    }
                    BinaryOp::Div if is_scalar(&right) => combine(left, right, |l, r| l / r),
                    _ => None,
                }
            }
            Quantity::Extreme { .. } => None,
        })
    }

    fn run(&self, cell: &StudyCell, seed: u64) -> Option<&StoredRun> {
        let is_own = |(of, own_seed, _): &&(usize, u64, StoredRun)| {
            self.study.cells[*of].hash == cell.hash && *own_seed == seed
        };
        self.runs.iter().find(is_own).map(|(_, _, run)| run)
    }
}

/// Sample by sample; `None` where two splits meet.
fn combine(left: Samples, right: Samples, of: impl Fn(f64, f64) -> f64) -> Option<Samples> {
    Some(match (left, right) {
        (Samples::All(l), Samples::All(r)) => Samples::All(of(l, r)),
        (Samples::Each(split, l), Samples::All(r)) => {
            Samples::Each(split, l.into_iter().map(|l| of(l, r)).collect())
        }
        (Samples::All(l), Samples::Each(split, r)) => {
            Samples::Each(split, r.into_iter().map(|r| of(l, r)).collect())
        }
        (Samples::Each(split, l), Samples::Each(other, r)) => {
            if split != other || l.len() != r.len() {
                return None;
            }
            Samples::Each(split, l.into_iter().zip(r).map(|(l, r)| of(l, r)).collect())
        }
    })
}

/// The cells that the measures of a quantity are taken of.
pub(super) fn choices(of: &Quantity) -> Vec<&[(String, String)]> {
    match of {
        Quantity::Number(_) => vec![],
        Quantity::Measured(_, labels) => vec![labels],
        Quantity::Binary(_, left, right) => [choices(left), choices(right)].concat(),
        Quantity::Extreme { operands, .. } => operands.iter().flat_map(choices).collect(),
    }
}
