//! One split of a data set as executors see it.

use crate::data::{Dataset, Draw, Element, Pixels, Split};
use crate::kernels::augment::{Planes, Window};
use crate::lower::{Batch, RawSamples, Samples};

/// The samples of one part; augmentation is a function of (seed, epoch, sample).
#[derive(Clone, Copy, Debug)]
pub struct SplitSamples<'a> {
    dataset: &'a Dataset,
    split: &'a Split,
    /// The seed of augmentations, for samples that are trained on.
    seed: Option<u64>,
}

impl<'a> SplitSamples<'a> {
    /// The training samples under the augmentation of `seed`; epoch 0 of a batch turns it off.
    pub fn train(dataset: &'a Dataset, seed: u64) -> Self {
        Self { dataset, split: &dataset.train, seed: Some(seed) }
    }

    /// The samples that are held out to choose by, never augmented; `None` where there are none.
    pub fn val(dataset: &'a Dataset) -> Option<Self> {
        let split = dataset.val.as_ref()?;
        Some(Self { dataset, split, seed: None })
    }

    /// The test samples, never augmented.
    pub fn test(dataset: &'a Dataset) -> Self {
        Self { dataset, split: &dataset.test, seed: None }
    }

    /// Labels of the whole split in file order.
    pub fn all_labels(&self) -> &'a [u32] {
        self.split.labels()
    }

    fn gather<T: Element>(&self, batch: &Batch<'_>, out: &mut [T]) {
        match (self.seed, batch.epoch) {
            (None, _) | (Some(_), 0) => self.dataset.plain(self.split, batch.indices, out),
            (Some(seed), epoch) => {
                let epoch = u32::try_from(epoch).unwrap_or(u32::MAX);
                self.dataset.train_batch(batch.indices, seed, epoch, out);
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
        match self.split.pixels() {
            Pixels::U8(bytes) => {
                Some(RawSamples { bytes, normalization: self.dataset.normalization.affine() })
            }
            Pixels::F32(_) => None,
        }
    }

    fn windows(&self, batch: &Batch<'_>, out: &mut [Window]) -> bool {
        let augment = &self.dataset.augment;
        let &[channels, rows, columns] = self.dataset.shape.as_slice() else { return false };
        let Some(seed) = self.seed.filter(|_| batch.epoch != 0 && !augment.is_off()) else {
            return false;
        };
        let shape = Planes { channels, rows, columns };
        let epoch = u32::try_from(batch.epoch).unwrap_or(u32::MAX);
        for (out, sample) in out.iter_mut().zip(batch.indices) {
            *out = Draw::for_sample(augment, shape, seed, epoch, *sample).window(shape);
        }
        true
    }
}
