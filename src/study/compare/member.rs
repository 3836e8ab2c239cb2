//! A member of a group: a finished run, or a file of logits of another program.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Incomparable;
use crate::measure::{Logits, Probabilities, Request, margins, probability_scale, summarize};
use crate::model::{Counted, Measure};
use crate::store::StoreError;
use crate::study::Row;
use crate::study::samples::{logits, open, value};

/// A run, or a file whose logits are those of a test set.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its seed; of a file the number at the end of its name, else its place in the group.
    pub(crate) seed: u64,
    pub(super) source: Source,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Run(Box<Row>),
    /// What a summary would say of the logits.
    File {
        path: PathBuf,
        summary: Value,
    },
}

impl Member {
    pub(super) fn of_run(row: Row) -> Self {
        Self { seed: row.run.identity().seed, source: Source::Run(Box::new(row)) }
    }

    /// The `place`th file of a group.
    pub(super) fn of_file(path: &Path, place: usize) -> Result<Self, Incomparable> {
        let logits = open(path)?;
        let scale = probability_scale(logits.scalars());
        let summary = summarize(&logits, None, scale, &Request::standard(logits.n_classes()));
        let scalars = logits.scalars();
        let summary = json!({
            "test": summary,
            "R": scalars.size,
            "scales": { "r1": scalars.r1, "r2": scalars.r2, "lambda": scalars.lambda },
        });
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let stem = stem.unwrap_or_default();
        let digits = stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let seed = stem[digits..].parse().unwrap_or(place as u64);
        Ok(Self { seed, source: Source::File { path: path.to_owned(), summary } })
    }

    pub(super) fn run(&self) -> Option<&Row> {
        match &self.source {
            Source::Run(row) => Some(row),
            Source::File { .. } => None,
        }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        match &self.source {
            Source::Run(row) => row.run.path(),
            Source::File { path, .. } => path,
        }
    }

    /// A measure; `None` where it has none.
    pub(super) fn value(&self, measure: &Measure) -> Result<Option<f64>, StoreError> {
        match &self.source {
            Source::Run(row) => value(measure, &row.run),
            Source::File { summary, .. } if measure.epoch().is_none() => Ok(measure.find(summary)),
            Source::File { .. } => Ok(None),
        }
    }

    /// The logits of a split, and the scale of probabilities.
    pub(super) fn logits(&self, split: &str) -> Result<Option<(Logits, f64)>, StoreError> {
        match &self.source {
            Source::Run(row) => logits(&row.run, split),
            Source::File { path, .. } if split == "test" => {
                let logits = open(path)?;
                let scale = probability_scale(logits.scalars());
                Ok(Some((logits, scale)))
            }
            Source::File { .. } => Ok(None),
        }
    }

    /// For each sample of a split 1 where it counts, else 0.
    pub(super) fn counts(
        &self,
        split: &str,
        counted: Counted,
    ) -> Result<Option<Vec<f64>>, StoreError> {
        Ok(self.logits(split)?.map(|(logits, scale)| counts(&logits, scale, counted)))
    }

    /// Training samples, test samples, classes; as far as they are known.
    pub(super) fn sizes(&self) -> [Option<u64>; 3] {
        match &self.source {
            Source::Run(row) => row.run.summary().map_or([None; 3], |summary| {
                [summary.train.n, summary.test.n, summary.test.classes].map(|n| Some(n as u64))
            }),
            Source::File { summary, .. } => {
                [None, summary["test"]["n"].as_u64(), summary["test"]["classes"].as_u64()]
            }
        }
    }
}

/// For each sample 1 where it counts, else 0.
pub(super) fn counts(logits: &Logits, scale: f64, counted: Counted) -> Vec<f64> {
    let share = |holds: bool| f64::from(u8::from(holds));
    match counted {
        Counted::Correct => margins(logits).iter().map(|margin| share(*margin > 0.0)).collect(),
        Counted::CloseEnough(a) => {
            let probabilities = Probabilities::new(logits, scale);
            let pairs = probabilities.label.iter().zip(&probabilities.max);
            pairs.map(|(label, max)| share(*label >= max - a)).collect()
        }
    }
}
