//! What the runs of a study that are left would take.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{Share, Study, StudyRun};
use crate::store::RunDir;
use crate::train::StoredRun;

/// Time and disk of runs that are not done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Runs at once.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
    /// Seconds until all are done; `None` where a cell has neither a finished run nor its data at hand.
    pub seconds: Option<f64>,
    /// Bytes that they add to the folder; `None` as for the time.
    pub bytes: Option<u64>,
    /// The data that is at hand, each set once.
    pub data: Vec<DataAtHand>,
}

/// Data of the runs that are left, and what begun runs of the same cells were made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataAtHand {
    /// Its name in the spec: `cifar100`, `csv`.
    pub source: String,
    /// SHA-256, in hex.
    pub fingerprint: String,
    /// Begun runs with the same data.
    pub same: usize,
    /// Begun runs with other data.
    pub other: usize,
}

/// What there is to know of the data of a run.
#[derive(Clone, Copy, Debug)]
pub struct SampleCounts<'a> {
    /// Training samples.
    pub train: usize,
    /// Test samples.
    pub test: usize,
    /// The fingerprint of the data.
    pub fingerprint: &'a str,
}

/// Bytes of documents and lines of a run beside its tensors, about.
const BYTES_OF_TEXT: u64 = 64 << 10;

/// Works it out for runs of a study: by finished runs of the same cell, else by `step_seconds` of a run and by its `samples`.
pub fn estimate<'d>(
    study: &Study,
    runs: &[StudyRun],
    share: Share,
    step_seconds: impl Fn(&StudyRun) -> Option<f64>,
    samples: impl Fn(&StudyRun) -> Option<SampleCounts<'d>>,
) -> Estimate {
    let mut known: BTreeMap<&str, (Option<f64>, Option<u64>)> = BTreeMap::new();
    let (mut seconds, mut bytes) = (Some(0.0), Some(0));
    for run in runs.iter().filter(|run| !run.is_done()) {
        let cell = &study.cells[run.cell];
        let (whole, size) = *known.entry(&cell.hash).or_insert_with(|| {
            let is_like = |other: &&StudyRun| study.cells[other.cell].hash == cell.hash;
            let done = runs.iter().filter(is_like).find(|run| run.is_done());
            if let Some(done) = done {
                return (seconds_of(&done.dir), Some(size_of(&done.dir)));
            }
            let samples = samples(run);
            let steps = samples.as_ref().map(|samples| cell.spec.train.steps(samples.train) as f64);
            let seconds = step_seconds(run).zip(steps).map(|(step, steps)| step * steps);
            let bytes = samples.map(|SampleCounts { train, test, .. }| {
                let logits = (train + test) * (cell.spec.classes * 4 + 8);
                BYTES_OF_TEXT + logits as u64
            });
            (seconds, bytes)
        });
        let left = whole.map(|whole| (whole - seconds_of(&run.dir).unwrap_or(0.0)).max(0.0));
        seconds = seconds.zip(left).map(|(sum, left)| sum + left);
        bytes = bytes.zip(size).map(|(sum, size)| sum + size);
    }
    let mut data: Vec<DataAtHand> = vec![];
    for run in runs {
        let Some(SampleCounts { fingerprint, .. }) = samples(run) else { continue };
        let at = data.iter().position(|set| set.fingerprint == fingerprint).unwrap_or_else(|| {
            let source = study.cells[run.cell].spec.data.source.name().to_owned();
            data.push(DataAtHand {
                source,
                fingerprint: fingerprint.to_owned(),
                same: 0,
                other: 0,
            });
            data.len() - 1
        });
        match RunDir::identity_in(&run.dir).ok().flatten().and_then(|identity| identity.data) {
            Some(own) if own == fingerprint => data[at].same += 1,
            Some(_) => data[at].other += 1,
            None => {}
        }
    }
    let seconds = seconds.map(|seconds: f64| seconds / share.jobs.max(1) as f64);
    Estimate { jobs: share.jobs, threads: share.threads, seconds, bytes, data }
}

/// Seconds that a run was trained so far.
fn seconds_of(run: &Path) -> Option<f64> {
    let times = StoredRun::open(run).and_then(|run| run.times()).ok()?;
    Some(times.iter().map(|time| time.seconds).sum())
}

/// Bytes of all files of a run.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

impl Estimate {
    /// `left: about 98 min with 2 jobs of 1 thread, 12 MB`, and a line for each data set.
    pub fn text(&self, duration: impl Fn(f64) -> String) -> String {
        let time = self.seconds.map_or("time unknown, since data is missing".to_owned(), |s| {
            format!("about {}", duration(s))
        });
        let jobs = if self.jobs == 1 { "1 job".to_owned() } else { format!("{} jobs", self.jobs) };
        let threads =
            if self.threads == 1 { "1 thread" } else { &format!("{} threads", self.threads) };
        let disk = self.bytes.map_or(String::new(), |b| format!(", {:.1} MB", b as f64 / 1e6));
        let mut text = format!("left: {time} with {jobs} of {threads}{disk}\n");
        for DataAtHand { source, fingerprint, same, other } in &self.data {
            let short: String = fingerprint.chars().take(12).collect();
            let beside = match (same, other) {
                (0, 0) => String::new(),
                (_, 0) => ", the same as in the runs that are there".to_owned(),
                (_, n) => format!(", other data than in {n} of the runs that are there (E0702)"),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "data: {source} {short}{beside}");
        }
        text
    }
}
