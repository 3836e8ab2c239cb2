//! What a `data` item of a spec asks for, as plain values.

use std::convert::Infallible;

use super::augment::Augment;
use super::named::NamedSet;
use super::noise::LabelNoise;

/// The data of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSpec {
    /// Where the samples come from.
    pub source: Source,
    /// How stored values become inputs.
    pub normalize: Normalize,
    /// Use only the first `n` training samples in file order.
    pub subset: Option<usize>,
    /// Use only the first `n` test samples in file order.
    pub test_subset: Option<usize>,
    /// The part of these training samples that is held out to choose by; none trains on it.
    pub val: Option<HeldOut<Infallible>>,
    /// Wrong labels among the training samples; held-out ones keep theirs.
    pub label_noise: Option<LabelNoise>,
    /// Draw a new order of the training samples each epoch; otherwise file order.
    pub shuffle: bool,
    /// Use the coarse labels as classes (CIFAR-100).
    pub coarse: bool,
    /// Random changes of the training images.
    pub augment: Augment,
}

impl DataSpec {
    /// A source with the defaults of the language: `normalize=unit`, everything, shuffled, no augmentation.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            normalize: Normalize::Unit,
            subset: None,
            test_subset: None,
            val: None,
            label_noise: None,
            shuffle: true,
            coarse: false,
            augment: Augment::default(),
        }
    }
}

/// Where samples come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A set known by name.
    Named(NamedSet),
    /// A table of numbers.
    Csv(CsvSource),
    /// NumPy arrays.
    Npy(NpySource),
    /// Generated.
    Synthetic(Synthetic),
}

impl Source {
    /// What a spec calls it: `cifar100`, `csv`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Named(set) => set.name(),
            Self::Csv(_) => "csv",
            Self::Npy(_) => "npy",
            Self::Synthetic(_) => "synthetic",
        }
    }
}

/// How stored values become inputs. `x / 255` stands for `x / 16` with digits and for `x` with data that is not bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalize {
    /// `x / 255`.
    #[default]
    Unit,
    /// `(x / 255 - 0.5) / 0.5`.
    Half,
    /// `(x / 255 - mean) / deviation` per channel, over the training samples in use.
    Standard,
}

/// How the test part of data that comes in one piece is found; counts are rounded to the nearest whole sample, halves up.
#[derive(Clone, Debug, PartialEq)]
pub enum HeldOut<F> {
    /// Files of their own.
    Files(F),
    /// This fraction of the samples, from the start of the file; the rest trains.
    First(f64),
    /// This fraction of the samples, from the end of the file; the rest trains.
    Last(f64),
    /// This fraction of the samples, drawn from each class in proportion; the rest trains. Both parts keep file order.
    Random {
        /// The fraction.
        fraction: f64,
        /// Seed of the draw, apart from the seeds of the runs.
        seed: u64,
    },
}

/// A table: one row a sample, one column the label, all others features in column order.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvSource {
    /// The file with the training rows, relative to the folder of the spec or a data folder.
    pub path: String,
    /// The test rows: another file of the same columns, or part of the rows.
    pub test: HeldOut<String>,
    /// The label column by its name in the header; without it the last column.
    pub label: Option<String>,
    /// Whether the first row is a header; `None`: it is one if a field of it other than the last is not a number.
    pub header: Option<bool>,
    /// The number of classes; `None`: what the labels of the training file show.
    pub classes: Option<usize>,
    /// The label of class 0, where labels are numbers: 0 or 1.
    pub label_base: u32,
    /// What stands between two fields: one character of ASCII.
    pub delimiter: char,
}

/// Arrays in `.npy` files: samples along the first axis.
#[derive(Clone, Debug, PartialEq)]
pub struct NpySource {
    /// Training samples and labels.
    pub train: NpyPair,
    /// The test samples.
    pub test: HeldOut<NpyPair>,
    /// The number of classes; `None`: what the largest label of the training file shows.
    pub classes: Option<usize>,
    /// The label of class 0: 0 or 1.
    pub label_base: u32,
}

/// The two arrays of a split, relative to the folder of the spec or a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyPair {
    /// `[n, …]` of u8, f32 or f64.
    pub images: String,
    /// `[n]` of u8, i32 or i64.
    pub labels: String,
}

/// Generated samples; the same for equal values of all fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// The pattern.
    pub kind: SyntheticKind,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Number of classes; sample `i` is of class `i mod classes`.
    pub classes: usize,
    /// Training samples.
    pub n_train: usize,
    /// Test samples.
    pub n_test: usize,
    /// Standard deviation of the normal noise added to every coordinate.
    pub noise: f64,
    /// Seed of the data, apart from the seeds of the runs.
    pub seed: u64,
}

/// The pattern of generated samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntheticKind {
    /// A standard normal centre for each class; any shape.
    Blobs,
    /// One turn of a spiral arm for each class; shape `[2]`.
    Spirals,
    /// Two half circles that reach into each other; shape `[2]`, two classes.
    Moons,
}

impl SyntheticKind {
    /// The name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blobs => "blobs",
            Self::Spirals => "spirals",
            Self::Moons => "moons",
        }
    }
}
