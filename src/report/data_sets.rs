//! What `specc data list` says: the known sets and where they are.

use std::path::PathBuf;

use serde::Serialize;

use crate::data::fetch::Package;
use crate::data::{self, DataError, Locations, NamedSet, Verified};
use crate::grid::{Columns, Side};

/// Where a set is, and how many samples are there.
#[derive(Debug)]
pub enum State {
    /// Part of the program.
    Embedded,
    /// Its folder, with the numbers of training and test samples.
    Here(PathBuf, usize, usize),
    /// Its folder, and what is wrong there.
    Damaged(PathBuf, DataError),
    /// Nowhere.
    Missing,
}

/// Looks for a set.
pub fn state(set: NamedSet, locations: &Locations) -> State {
    if set.folder().is_none() {
        return State::Embedded;
    }
    let Ok(folder) = locations.find(set) else { return State::Missing };
    match data::counts(set, locations) {
        Ok((n_train, n_test)) => State::Here(folder, n_train, n_test),
        Err(error) => State::Damaged(folder, error),
    }
}

/// The known sets, `specc.data/1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataSets {
    schema: &'static str,
    sets: Vec<DataSet>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct DataSet {
    name: &'static str,
    shape: [usize; 3],
    classes: usize,
    state: &'static str,
    path: Option<String>,
    n_train: Option<usize>,
    n_test: Option<usize>,
    problem: Option<String>,
}

/// The document.
pub fn document(locations: &Locations) -> DataSets {
    let entry = |set: NamedSet| {
        let (state, folder, counts, problem) = match state(set, locations) {
            State::Embedded => ("embedded", None, Some(set.published_counts()), None),
            State::Here(folder, train, test) => ("here", Some(folder), Some((train, test)), None),
            State::Damaged(folder, error) => {
                ("damaged", Some(folder), None, Some(error.to_string()))
            }
            State::Missing => ("missing", None, None, None),
        };
        DataSet {
            name: set.name(),
            shape: set.sample_shape(),
            classes: set.classes(),
            state,
            path: folder.map(|folder| folder.display().to_string()),
            n_train: counts.map(|(train, _)| train),
            n_test: counts.map(|(_, test)| test),
            problem,
        }
    };
    DataSets { schema: "specc.data/1", sets: NamedSet::ALL.map(entry).into() }
}

/// The table.
pub fn text(locations: &Locations) -> String {
    let numbers = [Side::Right; 4];
    let mut columns = Columns::new([Side::Left].into_iter().chain(numbers).chain([Side::Left]));
    columns.row(["name", "training", "test", "shape", "classes", "where"].map(str::to_owned));
    for set in NamedSet::ALL {
        let (mut n_train, mut n_test) = set.published_counts();
        let place = match state(set, locations) {
            State::Embedded => "part of the program".to_owned(),
            State::Here(folder, train, test) => {
                (n_train, n_test) = (train, test);
                folder.display().to_string()
            }
            State::Damaged(_, error) => format!("damaged: {error}"),
            State::Missing => {
                let bytes = Package::published(set).map_or(0, |package| package.bytes());
                format!("not here: `specc data fetch {}` ({})", set.name(), megabytes(bytes))
            }
        };
        let shape = set.sample_shape().map(|size| size.to_string()).join("x");
        let (name, classes) = (set.name().to_owned(), set.classes().to_string());
        columns.row([name, n_train.to_string(), n_test.to_string(), shape, classes, place]);
    }
    columns.text()
}

/// What was found when a set was read completely.
pub fn verified(set: NamedSet, found: &Verified) -> String {
    let place = match &found.folder {
        None => "part of the program".to_owned(),
        Some(folder) => folder.display().to_string(),
    };
    let (name, n_train, n_test) = (set.name(), found.n_train, found.n_test);
    let mut text = format!("{name}: {n_train} training and {n_test} test samples, {place}\n");
    for name in &found.hashed {
        text.extend(["  ", name, ": sound, SHA-256 as published\n"]);
    }
    for name in &found.structure_only {
        text.extend(["  ", name, ": sound; no SHA-256 is known for it\n"]);
    }
    text
}

/// `168.5 MB`.
pub fn megabytes(bytes: u64) -> String {
    if bytes < 100_000 {
        return format!("{:.1} kB", bytes as f64 / 1e3);
    }
    format!("{:.1} MB", bytes as f64 / 1e6)
}
