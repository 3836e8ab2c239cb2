//! Whether files are the published ones.
//!
//! In: a set and where it lies. Out: for each file what could be said about it: its structure, and its SHA-256 where one was
//! published (MNIST) or recorded when the set was fetched (`SHA256SUMS` beside the files).

use std::path::{Path, PathBuf};

use super::error::DataError;
use super::fetch::{Content, Package};
use super::files;
use super::load::load;
use super::locations::Locations;
use super::named::NamedSet;
use super::spec::{DataSpec, Source};
use super::sums::{SUMS_FILE, sha256_of};

/// What verification found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The folder; `None` for what is part of the program.
    pub folder: Option<PathBuf>,
    /// Training samples.
    pub n_train: usize,
    /// Test samples.
    pub n_test: usize,
    /// Names of the files whose SHA-256 is the published or recorded one.
    pub hashed: Vec<String>,
    /// Names of the files that could be checked by structure only.
    pub structure_only: Vec<String>,
}

/// Reads a set completely: structure, labels, and hashes where they are known.
///
/// # Errors
/// The first thing wrong; [`DataError::Hash`] for files that are sound but not the published ones.
pub fn verify(set: NamedSet, locations: &Locations) -> Result<Verified, DataError> {
    let data = load(&DataSpec::new(Source::Named(set)), locations)?;
    let mut verified = Verified {
        folder: None,
        n_train: data.train.len(),
        n_test: data.test.len(),
        hashed: vec![],
        structure_only: vec![],
    };
    let Some(package) = Package::published(set) else { return Ok(verified) };
    let folder = locations.find(set)?;
    let sums = known_sums(&package, &folder)?;
    for name in set.file_names() {
        let file = folder.join(name);
        if !files::exists(&file) {
            continue;
        }
        match sums.iter().find(|(known, _)| known == name) {
            None => verified.structure_only.push((*name).to_owned()),
            Some((_, expected)) => {
                let found = sha256_of(&file)?;
                if found != *expected {
                    return Err(DataError::Hash { file, found, expected: expected.clone() });
                }
                verified.hashed.push((*name).to_owned());
            }
        }
    }
    verified.folder = Some(folder);
    Ok(verified)
}

/// Numbers of training and test samples of a set by the lengths and headers of its files, without reading them.
///
/// # Errors
/// What is missing, or plainly wrong at first sight.
pub fn counts(set: NamedSet, locations: &Locations) -> Result<(usize, usize), DataError> {
    super::load::named_counts(set, locations)
}

fn known_sums(package: &Package, folder: &Path) -> Result<Vec<(String, String)>, DataError> {
    match package.content {
        Content::Files => {
            Ok(package.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect())
        }
        Content::Archive { .. } => {
            let lines = files::names(&folder.join(SUMS_FILE))?.unwrap_or_default();
            Ok(lines
                .iter()
                .filter_map(|line| line.split_once(char::is_whitespace))
                .map(|(sum, name)| (name.trim().trim_start_matches('*').to_owned(), sum.to_owned()))
                .collect())
        }
    }
}
