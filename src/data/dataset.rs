//! A data set in memory and the batches taken from it.
//!
//! In: pixels as stored, labels already checked. Out: normalised batches in `[n, channels, rows, columns]` order, in f32 or
//! f64. Bytes stay bytes until a batch is gathered; a batch depends on the indices, the seed and the epoch alone.

use sha2::{Digest, Sha256};

use super::augment::{Augment, Draw};
use super::normalize::{Element, Normalization};
use crate::kernels::augment::{Convert, Planes, augment};

/// Values of samples as they are stored, one sample after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// Bytes.
    U8(Vec<u8>),
    /// Finite floats.
    F32(Vec<f32>),
}

impl Pixels {
    /// Values of all samples together.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::U8(values) => values.truncate(len),
            Self::F32(values) => values.truncate(len),
        }
    }

    /// Cuts off and gives the values from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::U8(values) => Self::U8(values.split_off(at)),
            Self::F32(values) => Self::F32(values.split_off(at)),
        }
    }
}

/// The samples of one part, in file order.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pixels: Pixels,
    labels: Vec<u32>,
    sample_len: usize,
}

impl Split {
    /// Samples of equal length with one label each.
    pub(super) fn new(pixels: Pixels, labels: Vec<u32>) -> Self {
        let sample_len = pixels.len().checked_div(labels.len()).unwrap_or(0);
        Self { pixels, labels, sample_len }
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values of one sample.
    pub fn sample_len(&self) -> usize {
        self.sample_len
    }

    /// The class of each sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The values as stored.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Keeps the first `n` samples.
    pub(super) fn truncate(&mut self, n: usize) {
        self.labels.truncate(n);
        self.pixels.truncate(self.labels.len() * self.sample_len);
    }

    /// Cuts off and gives the samples from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let labels = self.labels.split_off(at);
        let pixels = self.pixels.split_off(at * self.sample_len);
        Self { pixels, labels, sample_len: self.sample_len }
    }

    /// Writes the normalised samples of these numbers to `out`, one after the other.
    ///
    /// `out` holds `indices.len() × sample_len` values; every index is below [`Split::len`].
    pub fn gather<T: Element>(&self, indices: &[u32], norm: &Normalization, out: &mut [T]) {
        debug_assert_eq!(out.len(), indices.len() * self.sample_len);
        let tables = T::tables(norm);
        for (&index, out) in indices.iter().zip(out.chunks_exact_mut(self.sample_len.max(1))) {
            let range = self.range(index);
            match &self.pixels {
                Pixels::U8(bytes) if !tables.is_empty() => {
                    let plane = self.sample_len / tables.len();
                    let planes = bytes[range].chunks_exact(plane);
                    for ((table, input), out) in
                        tables.iter().zip(planes).zip(out.chunks_exact_mut(plane))
                    {
                        for (value, &byte) in out.iter_mut().zip(input) {
                            *value = table[usize::from(byte)];
                        }
                    }
                }
                Pixels::U8(bytes) => convert(&bytes[range], norm, out),
                Pixels::F32(floats) => convert(&floats[range], norm, out),
            }
        }
    }

    /// As [`Split::gather`], with the random changes that `draws` gives for each sample number.
    ///
    /// Padding is the stored value 0 before normalisation; a cut-out hole is 0 after it.
    pub fn gather_augmented<T: Element>(
        &self,
        indices: &[u32],
        norm: &Normalization,
        shape: Planes,
        draws: impl Fn(u32) -> Draw,
        out: &mut [T],
    ) {
        debug_assert_eq!(out.len(), indices.len() * self.sample_len);
        let converter = Converter { norm };
        for (&index, out) in indices.iter().zip(out.chunks_exact_mut(self.sample_len.max(1))) {
            let window = draws(index).window(shape);
            let range = self.range(index);
            match &self.pixels {
                Pixels::U8(bytes) => augment(&bytes[range], shape, window, &converter, out),
                Pixels::F32(floats) => augment(&floats[range], shape, window, &converter, out),
            }
        }
    }

    fn range(&self, index: u32) -> std::ops::Range<usize> {
        let start = index as usize * self.sample_len;
        start..start + self.sample_len
    }
}

/// Values by the formula, for what has no table.
fn convert<S: Copy + Into<f64>, T: Element>(input: &[S], norm: &Normalization, out: &mut [T]) {
    let plane = (input.len() / norm.n_channels()).max(1);
    for (i, (value, &stored)) in out.iter_mut().zip(input).enumerate() {
        *value = T::from_f64(norm.value(i / plane, stored.into()));
    }
}

struct Converter<'a> {
    norm: &'a Normalization,
}

impl<T: Element> Convert<u8, T> for Converter<'_> {
    fn pixel(&self, channel: usize, value: u8) -> T {
        let tables = T::tables(self.norm);
        match tables.get(if tables.len() == 1 { 0 } else { channel }) {
            Some(table) => table[usize::from(value)],
            None => T::from_f64(self.norm.value(channel, f64::from(value))),
        }
    }

    fn padding(&self, channel: usize) -> T {
        T::from_f64(self.norm.value(channel, 0.0))
    }

    fn hole(&self) -> T {
        T::from_f64(0.0)
    }
}

impl<T: Element> Convert<f32, T> for Converter<'_> {
    fn pixel(&self, channel: usize, value: f32) -> T {
        T::from_f64(self.norm.value(channel, f64::from(value)))
    }

    fn padding(&self, channel: usize) -> T {
        T::from_f64(self.norm.value(channel, 0.0))
    }

    fn hole(&self) -> T {
        T::from_f64(0.0)
    }
}

/// A data set, ready to take batches from.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Number of classes; labels are below it.
    pub classes: usize,
    /// Training samples in file order.
    pub train: Split,
    /// Test samples in file order.
    pub test: Split,
    /// Names of the classes.
    pub class_names: Option<Vec<String>>,
    /// The super-class of each class.
    pub coarse_of_class: Option<Vec<u32>>,
    /// Names of the super-classes.
    pub coarse_names: Option<Vec<String>>,
    /// Stored values to inputs, for both parts.
    pub normalization: Normalization,
    /// Random changes of training samples.
    pub augment: Augment,
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

    /// Training samples without augmentation, for evaluation.
    pub fn train_plain<T: Element>(&self, indices: &[u32], out: &mut [T]) {
        self.train.gather(indices, &self.normalization, out);
    }

    /// Test samples.
    pub fn test_batch<T: Element>(&self, indices: &[u32], out: &mut [T]) {
        self.test.gather(indices, &self.normalization, out);
    }

    /// SHA-256 over shape, classes, stored values and labels of both parts, in hexadecimal: equal for equal data wherever
    /// it was read from.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        let mut number = |n: usize| hasher.update((n as u64).to_le_bytes());
        number(self.shape.len());
        self.shape.iter().copied().for_each(&mut number);
        number(self.classes);
        for split in [&self.train, &self.test] {
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

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
