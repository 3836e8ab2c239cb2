//! Wrong labels on purpose: some training samples are given another class.
//!
//! In: the labels of the training set in file order, and how they are to be disturbed. Out: labels of which each is drawn for
//! itself, by its place in the file: the same ones whatever subset is used, whatever the seed of the run.

use crate::kernels::philox::{Philox, Stream};

/// Epoch of [`Stream::Data`] under which labels are drawn; generated samples use 0 to 2, held out ones 3 and 5.
const EPOCH: u32 = 4;

/// How labels are disturbed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelNoise {
    /// Which class a disturbed sample gets.
    pub kind: NoiseKind,
    /// The probability with which a sample gets another class, above 0 and at most 1.
    pub rate: f64,
    /// Seed of the draws, apart from the seeds of the runs.
    pub seed: u64,
}

/// Which class a disturbed sample gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoiseKind {
    /// Each other class with equal probability.
    Symmetric,
    /// The next class, behind the last one the first.
    Pairs,
}

impl NoiseKind {
    /// The name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Symmetric => "symmetric",
            Self::Pairs => "pairs",
        }
    }
}

impl LabelNoise {
    /// The disturbed labels of samples of so many classes, at least two.
    ///
    /// **What** for each sample one uniform number of [`Stream::Data`] at epoch 4 and the sample: below `rate` the label changes,
    /// by [`NoiseKind::Symmetric`] to a class drawn from the others.
    /// **Source** Zhang and Sabuncu 2018 (symmetric), Han et al. 2018 (pairs).
    pub(super) fn disturbed(self, labels: &[u32], classes: usize) -> Vec<u32> {
        let philox = Philox::new(self.seed, Stream::Data);
        let classes = classes as u32;
        let one = |(sample, &label): (u32, &u32)| {
            let mut draws = philox.draws(EPOCH, sample);
            if draws.uniform_f64() >= self.rate {
                return label;
            }
            let step = match self.kind {
                NoiseKind::Symmetric => 1 + draws.below(classes - 1),
                NoiseKind::Pairs => 1,
            };
            (label + step) % classes
        };
        (0..).zip(labels).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(kind: NoiseKind, rate: f64) -> LabelNoise {
        LabelNoise { kind, rate, seed: 7 }
    }

    #[test]
    fn as_many_labels_change_as_the_rate_says_and_to_the_classes_it_says() {
        let labels: Vec<u32> = (0..30_000).map(|i| i % 5).collect();
        for kind in [NoiseKind::Symmetric, NoiseKind::Pairs] {
            let found = noise(kind, 0.3).disturbed(&labels, 5);
            let changed: Vec<u32> = labels
                .iter()
                .zip(&found)
                .filter(|(a, b)| a != b)
                .map(|(a, b)| (b + 5 - a) % 5)
                .collect();
            let share = changed.len() as f64 / labels.len() as f64;
            assert!((share - 0.3).abs() < 0.01, "{share}");
            for step in 1..5 {
                let n = changed.iter().filter(|found| **found == step).count() as f64;
                let expected = match kind {
                    NoiseKind::Symmetric => 0.25,
                    NoiseKind::Pairs => f64::from(u8::from(step == 1)),
                };
                assert!((n / changed.len() as f64 - expected).abs() < 0.02, "{kind:?} {step}: {n}");
            }
        }
        assert!(noise(NoiseKind::Pairs, 1.0).disturbed(&[0, 1], 2) == [1, 0]);
    }

    #[test]
    fn a_sample_is_drawn_for_itself() {
        let labels: Vec<u32> = (0..200).map(|i| i % 10).collect();
        let all = noise(NoiseKind::Symmetric, 0.5).disturbed(&labels, 10);
        assert_eq!(noise(NoiseKind::Symmetric, 0.5).disturbed(&labels[..50], 10), all[..50]);
    }
}
