//! What a data set is made of, as far as it deserves a word.
//!
//! In: a [`Dataset`] as loaded and the [`DataSpec`] that asked for it. Out: findings in a fixed order, each with its numbers and
//! what can be done. The data is sound in any case: a finding is a warning, and nothing of a run depends on it.

mod classes;
mod features;
mod finding;
mod repeats;

pub use finding::{Absent, Finding, Remedy, Share};

use super::dataset::Dataset;
use super::error::DataError;
use super::load::load;
use super::locations::Locations;
use super::named::NamedSet;
use super::own;
use super::spec::{DataSpec, Source};

/// Bytes that [`glance`] reads at most: a tenth of a second, so that checking a spec stays immediate.
pub const GLANCE_BYTES: u64 = 16 << 20;

/// Everything that deserves a word.
pub fn composition(data: &Dataset, spec: &DataSpec) -> Vec<Finding> {
    let mut findings = classes::findings(data, spec);
    findings.extend(repeats::findings(data));
    findings.extend(features::findings(data, spec.normalize));
    if !data.merged.is_empty() {
        let (features, of) = (data.merged.clone(), data.sample_len());
        findings.push(Finding::Merged { features, of });
    }
    findings
}

/// As [`composition`], before a run: `None` where more than [`GLANCE_BYTES`] would have to be read, and for a named set whose
/// files are not at hand or damaged.
///
/// # Errors
/// Those of [`load`], for data of one's own.
pub fn glance(spec: &DataSpec, locations: &Locations) -> Result<Option<Vec<Finding>>, DataError> {
    if bytes(spec, locations)? > GLANCE_BYTES {
        return Ok(None);
    }
    match (load(spec, locations), &spec.source) {
        (Ok(data), _) => Ok(Some(composition(&data, spec))),
        (Err(_), Source::Named(_)) => Ok(None),
        (Err(error), Source::Csv(_) | Source::Npy(_) | Source::Synthetic(_)) => Err(error),
    }
}

/// How much [`load`] reads, or generates.
fn bytes(spec: &DataSpec, locations: &Locations) -> Result<u64, DataError> {
    let of_samples = |n: usize, sample: &[usize], value: u64| {
        let size = |bytes: u64, &size: &usize| bytes.saturating_mul(size as u64);
        sample.iter().fold(value.saturating_mul(n as u64), size)
    };
    Ok(match &spec.source {
        Source::Named(set) => {
            let (train, test) = set.published_counts();
            let n = match set {
                NamedSet::Digits | NamedSet::Mnist => train + test,
                NamedSet::Cifar10 | NamedSet::Cifar100 => {
                    spec.subset.unwrap_or(train) + spec.test_subset.unwrap_or(test)
                }
            };
            of_samples(n, &set.sample_shape(), 1)
        }
        Source::Csv(source) => own::csv_bytes(source, locations)?,
        Source::Npy(source) => own::npy_bytes(source, locations)?,
        Source::Synthetic(source) => of_samples(source.n_train + source.n_test, &source.shape, 4),
    })
}
