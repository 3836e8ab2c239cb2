//! Super-classes: the answer is right if it lies in the label's group of classes.

use super::Logits;
use super::close_enough::within;
use super::fraction::fraction_of;
use super::probability::softmax;

/// Three readings of super-class accuracy (20), which differ where largest logits tie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuperClassAccuracy {
    /// The largest logit with the lowest index lies in the super-class of the label.
    pub first_maximum: Option<f64>,
    /// All largest logits do: ties in the arg-max count as not correct (paper §5, 4).
    pub pessimistic: Option<f64>,
    /// One of the largest logits does.
    pub optimistic: Option<f64>,
}

/// Logits together with the super-class of every class.
#[derive(Clone, Copy, Debug)]
pub struct SuperClasses<'a> {
    logits: &'a Logits,
    of_class: &'a [usize],
}

impl<'a> SuperClasses<'a> {
    /// The super-classes of `logits`, where they are known.
    pub fn of(logits: &'a Logits) -> Option<Self> {
        logits.super_classes().map(|of_class| Self { logits, of_class })
    }

    /// Super-class accuracy.
    ///
    /// **What** the fraction of samples whose arg-max class lies in the label's super-class.
    /// **Source** paper (20).
    pub fn accuracy(&self) -> SuperClassAccuracy {
        let readings = self.logits.map_rows(|row, label| {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut hits = row
                .iter()
                .zip(self.of_class)
                .filter(|(value, _)| **value >= max)
                .map(|(_, super_class)| *super_class == self.of_class[label]);
            let first = hits.next().unwrap_or(false);
            hits.fold((first, first, first), |(first, all, any), hit| {
                (first, all && hit, any || hit)
            })
        });
        SuperClassAccuracy {
            first_maximum: fraction_of(&readings, |(first, _, _)| first),
            pessimistic: fraction_of(&readings, |(_, all, _)| all),
            optimistic: fraction_of(&readings, |(_, _, any)| any),
        }
    }

    /// Close-enough on super-classes by the best member, for each a of `tolerances`.
    ///
    /// **Formula** `max_{i ∈ S(y)} p_i ≥ max_i p_i − a`, `p = softmax(scale · z)`.
    /// **Source** paper §3 Fig. 9, reading decided in §5, 12.
    pub fn close_enough_best(&self, scale: f64, tolerances: &[f64]) -> Vec<Option<f64>> {
        self.close_enough(scale, tolerances, f64::max)
    }

    /// Close-enough on super-classes by summed probability, for each a of `tolerances`.
    ///
    /// **Formula** `P_{S(y)} ≥ max_S P_S − a`, `P_S = Σ_{i ∈ S} p_i`, `p = softmax(scale · z)`.
    /// **Source** paper §3 Fig. 9, reading decided in §5, 12.
    pub fn close_enough_sum(&self, scale: f64, tolerances: &[f64]) -> Vec<Option<f64>> {
        self.close_enough(scale, tolerances, |group, p| group + p)
    }

    fn close_enough(
        &self,
        scale: f64,
        tolerances: &[f64],
        join: impl Fn(f64, f64) -> f64 + Sync,
    ) -> Vec<Option<f64>> {
        let logits = self.logits;
        let scratch = || (vec![0.0; logits.n_classes()], vec![0.0; logits.n_super_classes()]);
        let found = logits.map_rows_with(scratch, |(probabilities, groups), row, label| {
            softmax(row, scale, probabilities);
            groups.fill(0.0);
            for (probability, super_class) in probabilities.iter().zip(self.of_class) {
                groups[*super_class] = join(groups[*super_class], *probability);
            }
            (groups[self.of_class[label]], groups.iter().copied().fold(0.0, f64::max))
        });
        let (own, best): (Vec<f64>, Vec<f64>) = found.into_iter().unzip();
        tolerances.iter().map(|a| within(&own, &best, *a)).collect()
    }
}
