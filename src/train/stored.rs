//! A run as its directory tells it, finished or not; only read.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::record::TimingRecord;
use super::{EpochRecord, Record, Summary};
use crate::store::{Identity, RunDir, StoreError, read_text};

/// The largest file of lines that is read, 1 GiB.
const MAX_LINES_BYTES: u64 = 1 << 30;

/// A run directory that nobody holds.
#[derive(Clone, Debug)]
pub struct StoredRun {
    path: PathBuf,
    identity: Identity,
    summary: Option<Summary>,
}

impl StoredRun {
    /// Looks at a run.
    ///
    /// # Errors
    /// [`StoreError::NotARun`], or a file of it that does not hold what it should.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let not_a_run = || StoreError::NotARun { path: path.to_owned() };
        let identity = RunDir::identity_in(path)?.ok_or_else(not_a_run)?;
        let summary = Summary::of_run(path)?;
        Ok(Self { path: path.to_owned(), identity, summary })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What makes it this run.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its measures, where it is finished.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// The lines of `metrics.jsonl` that are whole.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read or a line is of another kind.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        lines(&self.path.join("metrics.jsonl"))
    }

    /// The epochs among the records.
    ///
    /// # Errors
    /// As [`StoredRun::records`].
    pub fn epochs(&self) -> Result<Vec<EpochRecord>, StoreError> {
        let epoch = |record| match record {
            Record::Epoch(epoch) => Some(epoch),
            Record::Step(_) | Record::Scaling(_) => None,
        };
        Ok(self.records()?.into_iter().filter_map(epoch).collect())
    }

    /// How long its epochs took.
    ///
    /// # Errors
    /// As [`StoredRun::records`].
    pub fn times(&self) -> Result<Vec<TimingRecord>, StoreError> {
        lines(&self.path.join("timing.jsonl"))
    }
}

/// The whole lines of a file; none where there is no file.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, StoreError> {
    if !path.is_file() {
        return Ok(vec![]);
    }
    let text = read_text(path, MAX_LINES_BYTES)?;
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let read = |(number, line)| {
        serde_json::from_str(line)
            .map_err(|error| StoreError::damaged(path, format!("line {number}: {error}")))
    };
    (1..).zip(whole).map(read).collect()
}
