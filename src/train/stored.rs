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

    /// The records with about `most` of the steps, evenly from the first to the last: enough for a curve of a long run.
    ///
    /// # Errors
    /// As [`StoredRun::records`].
    pub fn thinned_records(&self, most: usize) -> Result<Vec<Record>, StoreError> {
        let is_step = |line: &str| line.starts_with("{\"kind\":\"step\"");
        chosen_lines(&self.path.join("metrics.jsonl"), |lines| {
            let steps = lines.iter().filter(|(_, line)| is_step(line)).count();
            let every = steps.div_ceil(most.max(1)).max(1);
            let mut step = 0;
            lines.retain(|(_, line)| {
                step += usize::from(is_step(line));
                !is_step(line) || step == steps || (step - 1).is_multiple_of(every)
            });
        })
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
    chosen_lines(path, |_| ())
}

/// The same for those numbered lines that `choose` keeps.
fn chosen_lines<T: DeserializeOwned>(
    path: &Path,
    choose: impl FnOnce(&mut Vec<(usize, &str)>),
) -> Result<Vec<T>, StoreError> {
    if !path.is_file() {
        return Ok(vec![]);
    }
    let text = read_text(path, MAX_LINES_BYTES)?;
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let mut numbered: Vec<(usize, &str)> = (1..).zip(whole).collect();
    choose(&mut numbered);
    let read = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| StoreError::damaged(path, format!("line {number}: {error}")))
    };
    numbered.into_iter().map(read).collect()
}
