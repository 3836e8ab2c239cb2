//! From a [`DataSpec`] to a [`Description`] at compile time, and to a [`Dataset`] at run time.

use std::path::{Path, PathBuf};

use super::cifar::{self, Layout};
use super::dataset::{Dataset, Fingerprint};
use super::error::DataError;
use super::hold_out::{self, Part, hold_out};
use super::locations::Locations;
use super::named::NamedSet;
use super::normalize::Normalization;
use super::own::{self, Own};
use super::rounding::Merged;
use super::spec::{DataSpec, Source};
use super::split::Split;
use super::{digits, files, idx, synthetic};

/// What a compiler needs to know of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Shape of one sample.
    pub sample_shape: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Training samples in use; `None` where the files of a named set are not at hand.
    pub n_train: Option<usize>,
    /// Samples held out of the training samples to choose by; 0 where none are asked for, `None` as for `n_train`.
    pub n_val: Option<usize>,
    /// Test samples in use; `None` where the files of a named set are not at hand.
    pub n_test: Option<usize>,
}

/// What `spec` asks for, without reading samples: named sets are known, files of one's own are asked for their headers (a
/// table is read through once).
///
/// # Errors
/// Settings that cannot be met; files of one's own that are missing or damaged. Missing or damaged files of a named set are no
/// error here: their numbers are `None`.
pub fn describe(spec: &DataSpec, locations: &Locations) -> Result<Description, DataError> {
    let (sample_shape, classes, counts) = match &spec.source {
        Source::Named(set) => {
            let classes = if spec.coarse { set.coarse_classes() } else { Some(set.classes()) };
            let classes = classes.ok_or(DataError::NoCoarse)?;
            (set.sample_shape().to_vec(), classes, named_counts(*set, locations).ok())
        }
        Source::Csv(source) => announced(own::describe_csv(source, locations)?),
        Source::Npy(source) => announced(own::describe_npy(source, locations)?),
        Source::Synthetic(source) => {
            synthetic::check(source)?;
            let counts = Some((source.n_train, source.n_test));
            (source.shape.clone(), source.classes, counts)
        }
    };
    check(spec, &sample_shape)?;
    let Some((train, test)) = counts else {
        return Ok(Description { sample_shape, classes, n_train: None, n_val: None, n_test: None });
    };
    let train = wanted("training", spec.subset, train)?;
    let (train, val) = match &spec.val {
        Some(val) => hold_out::counts(train, val, Part::Val)?,
        None => (train, 0),
    };
    let test = wanted("test", spec.test_subset, test)?;
    let [n_train, n_val, n_test] = [train, val, test].map(Some);
    Ok(Description { sample_shape, classes, n_train, n_val, n_test })
}

fn announced(own: own::Announced) -> (Vec<usize>, usize, Option<(usize, usize)>) {
    let (shape, classes, n_train, n_test) = own;
    (shape, classes, Some((n_train, n_test)))
}

/// Reads the data; afterwards every label is below `classes`, both parts hold at least one sample, all values are finite.
///
/// # Errors
/// Anything that is missing, damaged, foreign, too large or not what `spec` asks for.
pub fn load(spec: &DataSpec, locations: &Locations) -> Result<Dataset, DataError> {
    let mut parts = match &spec.source {
        Source::Named(set) => named(*set, spec, locations)?,
        Source::Csv(source) => Parts::own(own::read_csv(source, locations)?),
        Source::Npy(source) => Parts::own(own::read_npy(source, locations)?),
        Source::Synthetic(source) => {
            let (train, test) = synthetic::generate(source)?;
            Parts::new(source.shape.clone(), source.classes, train, test)
        }
    };
    if spec.coarse && !parts.coarse {
        return Err(DataError::NoCoarse);
    }
    check(spec, &parts.shape)?;
    let n_train = wanted("training", spec.subset, parts.train.len())?;
    let n_test = wanted("test", spec.test_subset, parts.test.len())?;
    parts.train.truncate(n_train);
    parts.test.truncate(n_test);
    let (train, val) = trained_and_chosen_by(parts.train, parts.classes, spec)?;
    let divisor = parts.divisor;
    let n_channels = parts.shape.first().copied().unwrap_or(1);
    Ok(Dataset {
        normalization: Normalization::new(spec.normalize, divisor, &train, n_channels),
        shape: parts.shape,
        classes: parts.classes,
        train,
        val,
        test: parts.test,
        class_names: parts.class_names,
        coarse_of_class: parts.coarse_of_class,
        coarse_names: parts.coarse_names,
        merged: parts.merged,
        augment: spec.augment,
        fingerprint: Fingerprint::default(),
    })
}

/// The training samples without those that are held out to choose by, with the wrong labels that are asked for.
fn trained_and_chosen_by(
    mut train: Split,
    classes: usize,
    spec: &DataSpec,
) -> Result<(Split, Option<Split>), DataError> {
    // Labels are drawn by the place of a sample in the file, so before any is held out.
    if let Some(noise) = spec.label_noise {
        let labels = noise.disturbed(train.labels(), classes);
        train.relabel(labels);
    }
    let Some(held_out) = &spec.val else { return Ok((train, None)) };
    let (train, mut val) = hold_out(train, classes, held_out, Part::Val)?;
    val.restore();
    Ok((train, Some(val)))
}

/// What does not depend on the samples.
fn check(spec: &DataSpec, shape: &[usize]) -> Result<(), DataError> {
    for (name, subset) in [("subset", spec.subset), ("test_subset", spec.test_subset)] {
        if subset == Some(0) {
            let found = "0".to_owned();
            return Err(DataError::Setting { name, found, expected: "at least 1" });
        }
    }
    spec.augment.check(shape)
}

fn wanted(part: &'static str, asked: Option<usize>, found: usize) -> Result<usize, DataError> {
    let asked = asked.unwrap_or(found).max(1);
    if asked > found { Err(DataError::TooFew { part, asked, found }) } else { Ok(asked) }
}

/// A data set before subsets and normalisation.
struct Parts {
    shape: Vec<usize>,
    classes: usize,
    train: Split,
    test: Split,
    divisor: f64,
    /// Whether the classes are coarse labels.
    coarse: bool,
    class_names: Option<Vec<String>>,
    coarse_of_class: Option<Vec<u32>>,
    coarse_names: Option<Vec<String>>,
    merged: Vec<Merged>,
}

impl Parts {
    fn new(shape: Vec<usize>, classes: usize, train: Split, test: Split) -> Self {
        let divisor = match train.pixels() {
            super::Pixels::U8(_) => 255.0,
            super::Pixels::F32(_) => 1.0,
        };
        Self {
            shape,
            classes,
            train,
            test,
            divisor,
            coarse: false,
            class_names: None,
            coarse_of_class: None,
            coarse_names: None,
            merged: vec![],
        }
    }

    fn own(own: Own) -> Self {
        let (class_names, merged) = (own.names, own.merged);
        Self { class_names, merged, ..Self::new(own.shape, own.classes, own.train, own.test) }
    }
}

fn named(set: NamedSet, spec: &DataSpec, locations: &Locations) -> Result<Parts, DataError> {
    let shape = set.sample_shape().to_vec();
    let parts = |train, test| Parts::new(shape.clone(), set.classes(), train, test);
    // One more than asked for would change nothing: a file that is too short is noticed by its length.
    let most = |subset: Option<usize>| subset.unwrap_or(usize::MAX);
    match set {
        NamedSet::Digits => {
            let (train, test) = digits::read();
            Ok(Parts { divisor: digits::LARGEST, ..parts(train, test) })
        }
        NamedSet::Mnist => {
            let folder = locations.find(set)?;
            Ok(parts(idx::read(&folder, "train")?, idx::read(&folder, "t10k")?))
        }
        NamedSet::Cifar10 => {
            let folder = locations.find(set)?;
            let (train, test) = cifar10_files(&folder);
            let train = cifar::read(&train, Layout::Cifar10, most(spec.subset))?;
            let test = cifar::read(&test, Layout::Cifar10, most(spec.test_subset))?;
            let class_names = label_names(&folder, "batches.meta.txt", set.classes())?;
            Ok(Parts { class_names, ..parts(train.into_split(false), test.into_split(false)) })
        }
        NamedSet::Cifar100 => {
            let folder = locations.find(set)?;
            let (train_file, test_file) = cifar100_files(&folder);
            let train = cifar::read(&train_file, Layout::Cifar100, most(spec.subset))?;
            let test = cifar::read(&test_file, Layout::Cifar100, most(spec.test_subset))?;
            let coarse_of_class =
                cifar::coarse_of_class(&[(&train_file[0], &train), (&test_file[0], &test)])?;
            let fine_names = label_names(&folder, "fine_label_names.txt", set.classes())?;
            let coarse_classes = set.coarse_classes().unwrap_or_default();
            let coarse_names = label_names(&folder, "coarse_label_names.txt", coarse_classes)?;
            let (train, test) = (train.into_split(spec.coarse), test.into_split(spec.coarse));
            if spec.coarse {
                let classes = coarse_classes;
                let parts = Parts { classes, coarse: true, ..parts(train, test) };
                return Ok(Parts { class_names: coarse_names, ..parts });
            }
            Ok(Parts {
                class_names: fine_names,
                coarse_of_class: Some(coarse_of_class),
                coarse_names,
                ..parts(train, test)
            })
        }
    }
}

/// The numbers of training and test samples that the files of a named set hold, by length or header.
pub(super) fn named_counts(
    set: NamedSet,
    locations: &Locations,
) -> Result<(usize, usize), DataError> {
    let sum = |files: &[PathBuf], layout| {
        Ok::<usize, DataError>(cifar::counts(files, layout)?.iter().sum())
    };
    match set {
        NamedSet::Digits => Ok(set.published_counts()),
        NamedSet::Mnist => {
            let folder = locations.find(set)?;
            Ok((idx::count(&folder, "train")?, idx::count(&folder, "t10k")?))
        }
        NamedSet::Cifar10 => {
            let (train, test) = cifar10_files(&locations.find(set)?);
            Ok((sum(&train, Layout::Cifar10)?, sum(&test, Layout::Cifar10)?))
        }
        NamedSet::Cifar100 => {
            let (train, test) = cifar100_files(&locations.find(set)?);
            Ok((sum(&train, Layout::Cifar100)?, sum(&test, Layout::Cifar100)?))
        }
    }
}

fn cifar10_files(folder: &Path) -> (Vec<PathBuf>, [PathBuf; 1]) {
    (cifar::cifar10_batches(folder), [folder.join("test_batch.bin")])
}

fn cifar100_files(folder: &Path) -> ([PathBuf; 1], [PathBuf; 1]) {
    ([folder.join("train.bin")], [folder.join("test.bin")])
}

/// Names of classes, where there is a file of as many names as classes.
fn label_names(
    folder: &Path,
    name: &str,
    classes: usize,
) -> Result<Option<Vec<String>>, DataError> {
    Ok(files::names(&folder.join(name))?.filter(|names| names.len() == classes))
}
