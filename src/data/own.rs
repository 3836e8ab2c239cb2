//! Data of the user's own: tables and arrays, each with a training and a test part.

use std::path::Path;

use super::classes::Classes;
use super::error::DataError;
use super::files;
use super::hold_out::{Part, counts, hold_out, nonempty};
use super::locations::Locations;
use super::npy;
use super::rounding::{Merged, Rounding};
use super::spec::{CsvSource, HeldOut, NpyPair, NpySource};
use super::split::{Pixels, Split};
use super::synthetic::MAX_CLASSES;
use super::table::{self, Table, TableFormat};

/// What own data turns out to be.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) shape: Vec<usize>,
    pub(super) classes: usize,
    pub(super) names: Option<Vec<String>>,
    pub(super) train: Split,
    pub(super) test: Split,
    /// Features that single precision makes coarser.
    pub(super) merged: Vec<Merged>,
}

/// What own data announces: shape, classes, training and test samples.
pub(super) type Announced = (Vec<usize>, usize, usize, usize);

/// Reads a table and its test rows.
pub(super) fn read_csv(source: &CsvSource, locations: &Locations) -> Result<Own, DataError> {
    let parts = csv_tables(source, locations, true)?;
    let names = parts.classes.names.filter(|names| names.len() == parts.classes.count);
    let width = parts.train.width;
    let whole = |features, labels: Vec<u32>| Split::new(Pixels::F32(features), labels);
    let whole_train = whole(parts.train.features, parts.train_labels);
    let merged = parts.train.rounding.merged();
    let (train, test) = match parts.test {
        Some((table, labels)) => (whole_train, whole(table.features, labels)),
        None => hold_out(whole_train, parts.classes.count, &source.test, Part::Test)?,
    };
    Ok(Own { shape: vec![width], classes: parts.classes.count, names, train, test, merged })
}

/// Reads a table without keeping it.
pub(super) fn describe_csv(
    source: &CsvSource,
    locations: &Locations,
) -> Result<Announced, DataError> {
    let parts = csv_tables(source, locations, false)?;
    let n = parts.train.labels.len();
    let (n_train, n_test) = match &parts.test {
        Some((table, _)) => (n, table.labels.len()),
        None => counts(n, &source.test, Part::Test)?,
    };
    Ok((vec![parts.train.width], parts.classes.count, n_train, n_test))
}

/// The byte between two fields.
fn delimiter(found: char) -> Result<u8, DataError> {
    let good = found == '\t' || found.is_ascii_graphic() || found == ' ';
    if good && !found.is_ascii_alphanumeric() && !"\"+-._".contains(found) {
        return Ok(found as u8);
    }
    let found = format!("{found:?}");
    let expected = "a character that is part of no number or name, such as `,`, `;` or a tab";
    Err(DataError::Setting { name: "delimiter", found, expected })
}

/// The length of the files of a table.
pub(super) fn csv_bytes(source: &CsvSource, locations: &Locations) -> Result<u64, DataError> {
    let paths = match &source.test {
        HeldOut::Files(test) => vec![&source.path, test],
        HeldOut::First(_) | HeldOut::Last(_) | HeldOut::Random { .. } => vec![&source.path],
    };
    total_bytes(&paths, locations)
}

/// The length of the files of arrays.
pub(super) fn npy_bytes(source: &NpySource, locations: &Locations) -> Result<u64, DataError> {
    let test = match &source.test {
        HeldOut::Files(test) => Some(test),
        HeldOut::First(_) | HeldOut::Last(_) | HeldOut::Random { .. } => None,
    };
    let pairs = std::iter::once(&source.train).chain(test);
    total_bytes(&pairs.flat_map(|pair| [&pair.images, &pair.labels]).collect::<Vec<_>>(), locations)
}

fn total_bytes(paths: &[&String], locations: &Locations) -> Result<u64, DataError> {
    paths.iter().map(|path| files::length(&locations.resolve(path)?)).sum()
}

struct CsvParts {
    train: Table,
    train_labels: Vec<u32>,
    test: Option<(Table, Vec<u32>)>,
    classes: Classes,
}

fn csv_tables(
    source: &CsvSource,
    locations: &Locations,
    keep: bool,
) -> Result<CsvParts, DataError> {
    let format = TableFormat {
        label: source.label.as_deref(),
        header: source.header,
        delimiter: delimiter(source.delimiter)?,
        keep,
    };
    let file = locations.resolve(&source.path)?;
    let train = table::read(&file, format)?;
    nonempty("training", train.labels.len())?;
    let classes = Classes::of(&file, &train, source.classes, source.label_base)?;
    let train_labels = classes.labels(&file, &train)?;
    if let (None, [(label, _)]) = (source.classes, &train.names[..]) {
        // Too few samples for two parts are the first thing to say.
        counts(train.labels.len(), &source.test, Part::Test)?;
        return Err(DataError::OneClass { file, label: label.clone() });
    }
    check_classes(classes.count)?;
    let test = match &source.test {
        HeldOut::Files(path) => {
            let train_file = file;
            let file = locations.resolve(path)?;
            let table = table::read(&file, format)?;
            nonempty("test", table.labels.len())?;
            if table.width != train.width {
                return Err(DataError::Shapes {
                    train: vec![train.width],
                    test: vec![table.width],
                });
            }
            same_features((&train_file, &train), (&file, &table))?;
            let labels = classes.labels(&file, &table)?;
            Some((table, labels))
        }
        HeldOut::First(_) | HeldOut::Last(_) | HeldOut::Random { .. } => None,
    };
    Ok(CsvParts { train, train_labels, test, classes })
}

/// Two tables with headers name the same features in the same order; without a header there is nothing to compare.
fn same_features(train: (&Path, &Table), test: (&Path, &Table)) -> Result<(), DataError> {
    let (Some(names), Some(others)) = (&train.1.header, &test.1.header) else { return Ok(()) };
    let Some(first) = names.iter().zip(others).position(|(name, other)| name != other) else {
        return Ok(());
    };
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    };
    Err(DataError::Features {
        train_file: train.0.to_path_buf(),
        test_file: test.0.to_path_buf(),
        number: first + 1,
        train: names[first].clone(),
        test: others[first].clone(),
        reordered: sorted(names) == sorted(others),
    })
}

/// Reads arrays and their test part.
pub(super) fn read_npy(source: &NpySource, locations: &Locations) -> Result<Own, DataError> {
    let (shape, classes, _, _) = describe_npy(source, locations)?;
    let mut rounding = Rounding::default();
    let read = |pair: &NpyPair, rounding: &mut Rounding| {
        let images = npy::open_samples(&locations.resolve(&pair.images)?)?;
        let labels = npy::open_labels(&locations.resolve(&pair.labels)?)?;
        Ok(Split::new(images.samples(rounding)?, labels.labels(classes, source.label_base)?))
    };
    let whole = read(&source.train, &mut rounding)?;
    let (train, test) = match &source.test {
        HeldOut::Files(pair) => {
            let test = read(pair, &mut Rounding::default())?;
            match (whole.pixels(), test.pixels()) {
                (Pixels::U8(_), Pixels::U8(_)) | (Pixels::F32(_), Pixels::F32(_)) => (whole, test),
                _ => {
                    return Err(DataError::Setting {
                        name: "test",
                        found: "another element type than the training array".to_owned(),
                        expected: "bytes in both arrays, or floats in both",
                    });
                }
            }
        }
        HeldOut::First(_) | HeldOut::Last(_) | HeldOut::Random { .. } => {
            hold_out(whole, classes, &source.test, Part::Test)?
        }
    };
    let merged = rounding.merged();
    Ok(Own { shape, classes, names: None, train, test, merged })
}

/// Reads headers, and the training labels where `classes` is not stated.
pub(super) fn describe_npy(
    source: &NpySource,
    locations: &Locations,
) -> Result<Announced, DataError> {
    let (shape, n) = npy_header(&source.train, locations)?;
    nonempty("training", n)?;
    let classes = if let Some(classes) = source.classes {
        classes
    } else {
        let file = locations.resolve(&source.train.labels)?;
        let labels = npy::open_labels(&file)?.labels(MAX_CLASSES, source.label_base)?;
        let [smallest, largest] =
            [labels.iter().min(), labels.iter().max()].map(|it| it.copied().unwrap_or(0));
        if smallest == largest {
            counts(n, &source.test, Part::Test)?;
            let label = (largest + source.label_base).to_string();
            return Err(DataError::OneClass { file, label });
        }
        largest as usize + 1
    };
    check_classes(classes)?;
    let (n_train, n_test) = match &source.test {
        HeldOut::Files(pair) => {
            let (test_shape, n_test) = npy_header(pair, locations)?;
            nonempty("test", n_test)?;
            if test_shape != shape {
                return Err(DataError::Shapes { train: shape, test: test_shape });
            }
            (n, n_test)
        }
        HeldOut::First(_) | HeldOut::Last(_) | HeldOut::Random { .. } => {
            counts(n, &source.test, Part::Test)?
        }
    };
    Ok((shape, classes, n_train, n_test))
}

fn npy_header(pair: &NpyPair, locations: &Locations) -> Result<(Vec<usize>, usize), DataError> {
    let (images, labels) = (locations.resolve(&pair.images)?, locations.resolve(&pair.labels)?);
    let (samples, n_labels) = (npy::open_samples(&images)?, npy::open_labels(&labels)?.len());
    let n = samples.len();
    if n != n_labels {
        let (n_images, n_labels) = (n as u64, n_labels as u64);
        return Err(DataError::Count { images, n_images, labels, n_labels });
    }
    Ok((samples.shape[1..].to_vec(), n))
}

fn check_classes(classes: usize) -> Result<(), DataError> {
    if (2..=MAX_CLASSES).contains(&classes) {
        return Ok(());
    }
    let found = classes.to_string();
    Err(DataError::Setting { name: "classes", found, expected: "from 2 to 65536" })
}
