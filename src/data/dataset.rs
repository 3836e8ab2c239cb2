//! A data set in memory and the batches taken from it.
//!
//! In: both parts, their labels already checked. Out: normalised batches in `[n, channels, rows, columns]` order, in f32 or
//! f64; a batch depends on the indices, the seed and the epoch alone.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::augment::{Augment, Draw};
use super::normalize::{Element, Normalization};
use super::rounding::Merged;
use super::split::{Pixels, Split};
use super::sums::hex;
use crate::kernels::augment::Planes;

/// A data set, ready to take batches from.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Number of classes; labels are below it.
    pub classes: usize,
    /// Training samples in file order.
    pub train: Split,
    /// Samples held out of the training samples to choose by, in file order.
    pub val: Option<Split>,
    /// Test samples in file order.
    pub test: Split,
    /// Names of the classes.
    pub class_names: Option<Vec<String>>,
    /// The super-class of each class.
    pub coarse_of_class: Option<Vec<u32>>,
    /// Names of the super-classes.
    pub coarse_names: Option<Vec<String>>,
    /// Features of data of one's own in which different whole numbers became one.
    pub merged: Vec<Merged>,
    /// Stored values to inputs, for both parts.
    pub normalization: Normalization,
    /// Random changes of training samples.
    pub augment: Augment,
    pub(super) fingerprint: Fingerprint,
}

/// A fingerprint that is computed once; it says nothing that the data do not.
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprint(OnceLock<String>);

impl PartialEq for Fingerprint {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Dataset {
    /// Values of one sample.
    pub fn sample_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// A training batch of one epoch: normalised, and augmented where the spec says so. The same numbers for the same
    /// `(seed, epoch)`, whatever else is in the batch.
    pub fn train_batch<T: Element>(&self, indices: &[u32], seed: u64, epoch: u32, out: &mut [T]) {
        match (self.augment.is_off(), self.shape.as_slice()) {
            (false, &[channels, rows, columns]) => {
                let shape = Planes { channels, rows, columns };
                let draws = |sample| Draw::for_sample(&self.augment, shape, seed, epoch, sample);
                self.train.gather_augmented(indices, &self.normalization, shape, draws, out);
            }
            _ => self.train.gather(indices, &self.normalization, out),
        }
    }

    /// Samples of `split`, one of these data, as they are.
    pub fn plain<T: Element>(&self, split: &Split, indices: &[u32], out: &mut [T]) {
        split.gather(indices, &self.normalization, out);
    }

    /// SHA-256 over shape, classes, stored values and labels of all parts, in hexadecimal: equal for equal data wherever
    /// it was read from.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.0.get_or_init(|| self.hash())
    }

    fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut number = |n: usize| hasher.update((n as u64).to_le_bytes());
        number(self.shape.len());
        self.shape.iter().copied().for_each(&mut number);
        number(self.classes);
        for split in [Some(&self.train), self.val.as_ref(), Some(&self.test)].into_iter().flatten()
        {
            hasher.update((split.len() as u64).to_le_bytes());
            match split.pixels() {
                Pixels::U8(bytes) => hasher.update(bytes),
                Pixels::F32(floats) => {
                    for value in floats {
                        hasher.update(value.to_le_bytes());
                    }
                }
            }
            split.labels().iter().for_each(|label| hasher.update(label.to_le_bytes()));
        }
        hex(&hasher.finalize())
    }
}
