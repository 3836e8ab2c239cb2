//! Samples as they are stored, with their labels.
//!
//! In: values of samples of equal length, labels already checked. Out: the same in file order, cut where asked. Bytes stay bytes.

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
    /// The labels before some were made wrong on purpose.
    clean: Option<Vec<u32>>,
    sample_len: usize,
}

impl Split {
    /// Samples of equal length with one label each.
    pub(super) fn new(pixels: Pixels, labels: Vec<u32>) -> Self {
        let sample_len = pixels.len().checked_div(labels.len()).unwrap_or(0);
        Self { pixels, labels, clean: None, sample_len }
    }

    /// Puts other labels in the place of these, which stay known.
    pub(super) fn relabel(&mut self, labels: Vec<u32>) {
        self.clean = Some(std::mem::replace(&mut self.labels, labels));
    }

    /// Takes the labels back that were there before [`Split::relabel`].
    pub(super) fn restore(&mut self) {
        if let Some(clean) = self.clean.take() {
            self.labels = clean;
        }
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

    /// The class of each sample before some were made wrong on purpose, where that was done.
    pub fn clean_labels(&self) -> Option<&[u32]> {
        self.clean.as_deref()
    }

    /// The class of each sample as it was meant.
    pub(super) fn meant_labels(&self) -> &[u32] {
        self.clean.as_deref().unwrap_or(&self.labels)
    }

    /// The values as stored.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Keeps the first `n` samples.
    pub(super) fn truncate(&mut self, n: usize) {
        self.labels.truncate(n);
        if let Some(clean) = &mut self.clean {
            clean.truncate(n);
        }
        self.pixels.truncate(self.labels.len() * self.sample_len);
    }

    /// Cuts off and gives the samples from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let labels = self.labels.split_off(at);
        let clean = self.clean.as_mut().map(|clean| clean.split_off(at));
        let pixels = self.pixels.split_off(at * self.sample_len);
        Self { pixels, labels, clean, sample_len: self.sample_len }
    }

    /// The samples that are not marked, and those that are, each in file order.
    pub(super) fn partition(&self, marked: &[bool]) -> (Self, Self) {
        let part = |wanted: bool| {
            let chosen = || (0..self.len()).filter(|&i| marked[i] == wanted);
            let ranges = chosen().map(|i| self.range(i as u32));
            let pixels = match &self.pixels {
                Pixels::U8(values) => Pixels::U8(ranges.flat_map(|r| values[r].to_vec()).collect()),
                Pixels::F32(values) => {
                    Pixels::F32(ranges.flat_map(|r| values[r].to_vec()).collect())
                }
            };
            let labels = chosen().map(|i| self.labels[i]).collect();
            let clean = self.clean.as_ref().map(|clean| chosen().map(|i| clean[i]).collect());
            Self { pixels, labels, clean, sample_len: self.sample_len }
        };
        (part(false), part(true))
    }

    /// Where the values of a sample are.
    pub(super) fn range(&self, index: u32) -> std::ops::Range<usize> {
        let start = index as usize * self.sample_len;
        start..start + self.sample_len
    }
}
