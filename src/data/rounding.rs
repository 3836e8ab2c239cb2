//! Whole numbers that single precision makes one.
//!
//! In: features as they were written, beside what is kept of them. Out: the features that tell fewer samples apart than the file does.

use std::collections::{BTreeMap, BTreeSet};

/// The smallest size from which single precision skips whole numbers.
const SKIPS: f64 = 16_777_216.0;

/// Most different numbers looked at, so that no table makes this large.
const LOOKED_AT: usize = 1 << 16;

/// A feature in which different whole numbers became one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merged {
    /// The feature, from 0.
    pub feature: usize,
    /// The first two of them.
    pub numbers: (f64, f64),
}

/// What has been seen of large whole numbers.
#[derive(Debug, Default)]
pub(super) struct Rounding {
    /// The first number that was rounded to these bits in this feature.
    first: BTreeMap<(usize, u32), f64>,
    told: BTreeSet<usize>,
    merged: Vec<Merged>,
}

impl Rounding {
    /// Looks at a feature that is `written` in the file.
    pub(super) fn see(&mut self, feature: usize, written: f64) {
        if written.abs() < SKIPS || written.fract() != 0.0 || self.told.contains(&feature) {
            return;
        }
        let key = (feature, (written as f32).to_bits());
        match self.first.get(&key) {
            Some(&first) if first.to_bits() != written.to_bits() => {
                self.told.insert(feature);
                self.merged.push(Merged { feature, numbers: (first, written) });
            }
            None if self.first.len() < LOOKED_AT => {
                self.first.insert(key, written);
            }
            Some(_) | None => {}
        }
    }

    /// The features concerned, in ascending order.
    pub(super) fn merged(mut self) -> Vec<Merged> {
        self.merged.sort_by_key(|merged| merged.feature);
        self.merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_merge_within_a_feature_from_two_to_the_24_on() {
        let mut rounding = Rounding::default();
        for (feature, written) in [
            (1, 16_777_216.0),
            (0, 16_777_217.0),
            (1, 16_777_218.0),
            (2, 0.1),
            (2, 0.100_000_001),
            (3, -3e9),
            (3, -3e9),
            (1, 16_777_217.0),
            (1, 16_777_219.0),
            (3, -3e9 - 1.0),
        ] {
            rounding.see(feature, written);
        }
        let found: Vec<_> = rounding.merged().iter().map(|it| (it.feature, it.numbers)).collect();
        assert_eq!(
            found,
            [(1, (16_777_216.0, 16_777_217.0)), (3, (-3e9, -3e9 - 1.0))],
            "features of their own, whole numbers only"
        );
    }
}
