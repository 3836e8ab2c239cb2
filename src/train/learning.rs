//! Whether a run learns: what its steps and epochs show, and what is wrong where it does not.
//!
//! In: the records of a run ([`Seen`] lasts through checkpoints), its parameters and measures at the end. Out:
//! [`Finding`]s. Nothing is looked at in a step that is not recorded, but for two flags.

use super::{EpochRecord, StepRecord};
use crate::check::numeric::{Interpreter, Point};
use crate::check::{Checked, Judgement, Mode};
use crate::ir::{LayerId, Op, Unary};
use crate::store::Seen;

/// Share of the base learning rate below which a step says nothing: at the end of a schedule updates round to nothing.
const JUDGED_RATE: f64 = 0.01;

/// Radians that rounding turns a weight by that only decays, in single precision.
const ROUNDING: f64 = 1e-7;

/// Steps before an unmoved weight says anything: a gain of 0 keeps what is before it from its first gradient.
const STEPS: u64 = 10;

/// Operations that looking for dead units may cost; in runs that do not learn otherwise, the second number.
const BUDGETS: [u64; 2] = [100_000_000, 3_000_000_000];

/// Most samples on which units are looked at.
const SAMPLES: u64 = 64;

/// Chance of as many right answers, below which they are more than chance.
const SIGNIFICANCE: f64 = 0.01;

/// What a run that does not learn shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Layers of which no unit is active.
    Dead {
        /// Their names.
        layers: Vec<String>,
        /// Training samples looked at.
        samples: usize,
    },
    /// Weights that stay where they are.
    Unmoved {
        /// Layers with the step since when.
        layers: Vec<(String, u64)>,
        /// Steps done.
        step: u64,
    },
    /// A loss that stays as it is.
    SameLoss {
        /// On the test set.
        loss: f64,
        /// Since this epoch.
        since: u64,
    },
    /// As many right answers as the largest class alone would give.
    Chance {
        /// Training set, then test set.
        splits: [Share; 2],
    },
    /// A delta that tells no samples apart.
    Delta {
        /// It.
        delta: f64,
        /// Whether every sample passed it; else none did.
        passed: bool,
    },
}

/// Right answers against the largest class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Samples.
    pub n: usize,
    /// Right answers.
    pub right: usize,
    /// Samples of the largest class.
    pub largest: usize,
}

impl Share {
    /// For these labels.
    pub fn new(labels: &[u32], accuracy: f64) -> Self {
        let mut counts = vec![0_usize; labels.iter().max().map_or(0, |most| *most as usize + 1)];
        for label in labels {
            counts[*label as usize] += 1;
        }
        let right = (accuracy * labels.len() as f64).round() as usize;
        Self { n: labels.len(), right, largest: counts.into_iter().max().unwrap_or(0) }
    }

    /// Whether guesses that are right with the share of the largest class give as many right answers, or more, with a chance
    /// above [`SIGNIFICANCE`]: P(X ≥ right) for X binomial.
    pub fn is_chance(&self) -> bool {
        if self.right == 0 || self.largest == self.n {
            return true;
        }
        let (n, p) = (self.n as f64, self.largest as f64 / self.n as f64);
        let term = |k: usize| {
            let k = k as f64;
            let ways = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
            libm::exp(ways + k * libm::log(p) + (n - k) * libm::log1p(-p))
        };
        (self.right..=self.n).map(term).sum::<f64>() > SIGNIFICANCE
    }
}

/// Notes the line of a step at a base rate of `lr`; `decays` where weights shrink without a gradient.
pub(super) fn see_step(seen: &mut Seen, record: &StepRecord, lr: f64, decays: bool) {
    if record.lr < JUDGED_RATE * lr {
        return;
    }
    for (name, scale) in &record.layers {
        let turned = scale.angle.unwrap_or(0.0);
        let rests = if decays { turned <= ROUNDING } else { turned == 0.0 };
        let known = seen.norms.get(name).map(|norm| norm.to_bits());
        if !rests {
            seen.unmoved.remove(name);
        } else if decays {
            seen.unmoved.entry(name.clone()).or_insert(record.step - 1);
        } else if known == Some(scale.norm.to_bits()) {
            seen.unmoved.entry(name.clone()).or_insert(seen.step);
        } else {
            seen.unmoved.insert(name.clone(), record.step - 1);
        }
        seen.norms.insert(name.clone(), scale.norm);
    }
    seen.step = record.step;
}

/// Notes the end of an epoch.
pub(super) fn see_epoch(seen: &mut Seen, record: &EpochRecord) {
    if seen.test_loss.map(f64::to_bits) != Some(record.test.loss.to_bits()) {
        seen.test_loss = Some(record.test.loss);
        seen.same_since = record.epoch;
    }
}

/// What is known at the end of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    /// What it has seen.
    pub(super) seen: &'a Seen,
    /// Steps done.
    pub(super) step: u64,
    /// The epoch that the last step was in.
    pub(super) epoch: u64,
    /// Whether it came to the end that the spec sets.
    pub(super) whole: bool,
    /// Training set, then test set.
    pub(super) splits: [Share; 2],
    /// The margin that samples pass, where there is one.
    pub(super) delta: Option<f64>,
}

/// What is wrong at the end; the cause goes before what follows from it, which is then left out.
///
/// `point` gives the final parameters with so many training samples.
pub(super) fn findings(
    end: &End<'_>,
    checked: &Checked,
    point: impl Fn(usize) -> Option<Point>,
) -> Vec<Finding> {
    let chance = end.splits.iter().all(Share::is_chance);
    let fits = end.splits[0].right == end.splits[0].n;
    let mut findings = vec![];
    let unmoved: Vec<(String, u64)> = match end.step {
        ..STEPS => vec![],
        // Where every sample is right, many losses have nothing more to say.
        _ if fits => vec![],
        step => {
            let long = |(_, since): &(&String, &u64)| chance || step - **since >= STEPS;
            let unmoved = end.seen.unmoved.iter().filter(long);
            unmoved.map(|(name, since)| (name.clone(), *since)).collect()
        }
    };
    let suspicious = chance || !unmoved.is_empty();
    let dead = dead(checked, BUDGETS[usize::from(suspicious)], point);
    let same = end.epoch.saturating_sub(end.seen.same_since);
    if let Some((layers, samples)) = dead {
        findings.push(Finding::Dead { layers, samples });
    } else if !unmoved.is_empty() {
        findings.push(Finding::Unmoved { layers: unmoved, step: end.step });
    } else if let Some(loss) = end.seen.test_loss.filter(|_| same >= 1 && !fits) {
        findings.push(Finding::SameLoss { loss, since: end.seen.same_since });
    }
    if end.whole && chance {
        findings.push(Finding::Chance { splits: end.splits });
    }
    if let Some(delta) = end.delta
        && end.whole
        && end.seen.passed != end.seen.missed
    {
        findings.push(Finding::Delta { delta, passed: end.seen.passed });
    }
    findings
}

/// Layers of rectifiers that are 0 everywhere on some training samples, as many as `budget` allows, and how many these were.
fn dead(
    checked: &Checked,
    budget: u64,
    point: impl Fn(usize) -> Option<Point>,
) -> Option<(Vec<String>, usize)> {
    let graph = checked.graph();
    let cost = Point::operations(&checked.total(), 1, 1).max(1);
    let point = point((budget / cost).min(SAMPLES) as usize).filter(|point| point.n > 0)?;
    let judgement = Judgement { mode: Mode::Eval, limit: false };
    let mut dead: Vec<LayerId> = vec![];
    let interpreter = Interpreter::new(graph, checked.logits(), judgement);
    interpreter.visit(&point, &mut |id, value| {
        if graph[id].op == Op::Unary(Unary::Relu)
            && value.iter().all(|x| *x == 0.0)
            && let Some(layer) = graph[id].layer
        {
            dead.push(layer);
        }
    })?;
    let name = |layer: &LayerId| graph.layers[layer.0 as usize].name.clone();
    (!dead.is_empty()).then(|| (dead.iter().map(name).collect(), point.n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{LayerScale, Means};

    #[test]
    fn chance_is_the_largest_class_within_a_binomial_bound() {
        let share = |right| Share { n: 1000, right, largest: 100 };
        // Mean 100, deviation 9.49: P(X ≥ 122) = 0.0130, P(X ≥ 123) = 0.0101, P(X ≥ 124) = 0.0078.
        assert!(share(0).is_chance() && share(100).is_chance() && share(122).is_chance());
        assert!(!share(124).is_chance() && !share(1000).is_chance());
        let skewed = Share { n: 1000, right: 900, largest: 900 };
        assert!(skewed.is_chance());
        let two = Share::new(&[1, 1, 2, 0], 0.5);
        assert_eq!(two, Share { n: 4, right: 2, largest: 2 });
    }

    fn line(step: u64, lr: f64, norm: f64, angle: f64) -> StepRecord {
        let scale = LayerScale { norm, angle: Some(angle), effective_lr: None };
        StepRecord {
            step,
            epoch: 1,
            lr,
            loss: 0.0,
            accuracy: 0.0,
            well: None,
            size: None,
            scales: [].into(),
            r2_over_r1: None,
            layers: [("fc".to_owned(), scale)].into(),
            conserved: None,
            perturbed: None,
        }
    }

    #[test]
    fn a_weight_is_unmoved_from_line_to_line() {
        let mut seen = Seen::default();
        let mut see = |line: StepRecord, decays| {
            see_step(&mut seen, &line, 0.1, decays);
            seen.unmoved.get("fc").copied()
        };
        assert_eq!(see(line(10, 0.1, 1.0, 0.0), false), Some(9));
        assert_eq!(see(line(20, 0.1, 1.0, 0.0), false), Some(9), "since before the first line");
        assert_eq!(see(line(30, 0.1, 1.0, 0.0), false), Some(9));
        // At a rate of nothing it proves nothing to stay.
        assert_eq!(see(line(40, 1e-9, 1.0, 0.0), false), Some(9));
        assert_eq!(see(line(50, 0.1, 1.1, 0.0), false), Some(49), "it had moved in between");
        assert_eq!(see(line(60, 0.1, 1.1, 1e-9), false), None);
        assert_eq!(see(line(70, 0.1, 1.0, 1e-9), true), Some(69), "it only shrinks");
        assert_eq!(see(line(80, 0.1, 0.9, 1e-9), true), Some(69));
    }

    #[test]
    fn a_loss_is_the_same_since_an_epoch() {
        let mut seen = Seen::default();
        for (epoch, loss) in [(1, 0.5), (2, 0.25), (3, 0.25), (4, 0.25)] {
            let test = Means { loss, accuracy: 0.1 };
            let train = Means::default();
            let record = EpochRecord { epoch, step: epoch, train, val: None, test, partial: false };
            see_epoch(&mut seen, &record);
        }
        assert_eq!((seen.same_since, seen.test_loss), (2, Some(0.25)));
    }
}
