//! One split of a data set as executors see it.

use crate::data::{Dataset, Draw, Element, Pixels};
use crate::kernels::augment::{Planes, Window};
use crate::lower::{Batch, RawSamples, Samples};

/// Training or test samples; augmentation is a function of (seed, epoch, sample).
#[derive(Clone, Copy, Debug)]
pub struct SplitSamples<'a> {
    dataset: &'a Dataset,
    test: bool,
    seed: u64,
}

impl<'a> SplitSamples<'a> {
    /// The training samples under the augmentation of `seed`; epoch 0 of a batch turns it off.
    pub fn train(dataset: &'a Dataset, seed: u64) -> Self {
        Self { dataset, test: false, seed }
    }

    /// The test samples, never augmented.
    pub fn test(dataset: &'a Dataset) -> Self {
        Self { dataset, test: true, seed: 0 }
    }

    /// Labels of the whole split in file order.
    pub fn all_labels(&self) -> &'a [u32] {
        if self.test { self.dataset.test.labels() } else { self.dataset.train.labels() }
    }

    fn gather<T: Element>(&self, batch: &Batch<'_>, out: &mut [T]) {
        match (self.test, u32::try_from(batch.epoch)) {
            (true, _) => self.dataset.test_batch(batch.indices, out),
            (false, Ok(0)) => self.dataset.train_plain(batch.indices, out),
            (false, epoch) => {
                let epoch = epoch.unwrap_or(u32::MAX);
                self.dataset.train_batch(batch.indices, self.seed, epoch, out);
            }
        }
    }
}

impl Samples for SplitSamples<'_> {
    fn sample_len(&self) -> usize {
        self.dataset.sample_len()
    }

    fn gather_f32(&self, batch: &Batch<'_>, out: &mut [f32]) {
        self.gather(batch, out);
    }

    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]) {
        self.gather(batch, out);
    }

    fn labels(&self, batch: &Batch<'_>, out: &mut [u32]) {
        let labels = self.all_labels();
        for (out, index) in out.iter_mut().zip(batch.indices) {
            *out = labels[*index as usize];
        }
    }

    fn raw(&self) -> Option<RawSamples<'_>> {
        let split = if self.test { &self.dataset.test } else { &self.dataset.train };
        match split.pixels() {
            Pixels::U8(bytes) => {
                Some(RawSamples { bytes, normalization: self.dataset.normalization.affine() })
            }
            Pixels::F32(_) => None,
        }
    }

    fn windows(&self, batch: &Batch<'_>, out: &mut [Window]) -> bool {
        let augment = &self.dataset.augment;
        let &[channels, rows, columns] = self.dataset.shape.as_slice() else { return false };
        if self.test || batch.epoch == 0 || augment.is_off() {
            return false;
        }
        let shape = Planes { channels, rows, columns };
        let epoch = u32::try_from(batch.epoch).unwrap_or(u32::MAX);
        for (out, sample) in out.iter_mut().zip(batch.indices) {
            *out = Draw::for_sample(augment, shape, self.seed, epoch, *sample).window(shape);
        }
        true
    }
}
