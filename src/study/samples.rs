//! The samples of a stored run one by one.

#![expect(clippy::disallowed_methods, reason = "the logits of runs are read here")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::measure::{Logits, Probabilities, margins, open_stored, probability_scale};
use crate::model::{Counted, Measure};
use crate::store::{StoreError, StoredFile};
use crate::train::StoredRun;

/// The logits of a split, and the scale at which the run takes probabilities; `None` where the run stores none.
///
/// # Errors
/// [`StoreError`] where the file cannot be read or holds no logits.
pub fn logits(run: &StoredRun, split: &str) -> Result<Option<(Logits, f64)>, StoreError> {
    let path = run.path().join("logits").join(format!("{split}.safetensors"));
    if !path.is_file() {
        return Ok(None);
    }
    let logits = open(&path)?;
    let stored = run.summary().and_then(|summary| match split {
        "train" => summary.train.probability_scale,
        "val" => summary.val.as_ref()?.probability_scale,
        _ => summary.test.probability_scale,
    });
    let scale = stored.unwrap_or_else(|| probability_scale(logits.scalars()));
    Ok(Some((logits, scale)))
}

/// The logits in a file.
///
/// # Errors
/// As [`logits`].
pub fn open(path: &Path) -> Result<Logits, StoreError> {
    let io = |error| StoreError::io("read", path, error);
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    open_stored(Arc::new(StoredFile::new(file, length)))
        .map_err(|error| StoreError::Logits { path: path.to_owned(), error: Box::new(error) })
}

/// The value of a measure in a run; `None` where the run does not have it, or not yet.
pub(super) fn value(measure: &Measure, run: &StoredRun) -> Result<Option<f64>, StoreError> {
    let document = match measure.epoch() {
        None => run.summary().map(serde_json::to_value),
        Some(epoch) => {
            let epochs = run.epochs()?;
            let whole = epochs.iter().find(|record| record.epoch == epoch && !record.partial);
            whole.map(serde_json::to_value)
        }
    };
    Ok(document.and_then(Result::ok).and_then(|document| measure.find(&document)))
}

/// The same, and shares of samples at points that the summary does not have, from stored logits.
///
/// # Errors
/// [`StoreError`] when a file of the run cannot be read.
pub fn measured(measure: &Measure, run: &StoredRun) -> Result<Option<f64>, StoreError> {
    if let Some(found) = value(measure, run)? {
        return Ok(Some(found));
    }
    let Some((split, counted)) = measure.counted() else { return Ok(None) };
    let counts = counts(run, split, counted)?.unwrap_or_default();
    Ok((!counts.is_empty()).then(|| counts.iter().sum::<f64>() / counts.len() as f64))
}

/// For each sample of a split 1 where it counts, else 0.
pub(super) fn counts(
    run: &StoredRun,
    split: &str,
    counted: Counted,
) -> Result<Option<Vec<f64>>, StoreError> {
    let Some((logits, scale)) = logits(run, split)? else { return Ok(None) };
    let share = |holds: bool| f64::from(u8::from(holds));
    Ok(Some(match counted {
        Counted::Correct => margins(&logits).iter().map(|margin| share(*margin > 0.0)).collect(),
        Counted::CloseEnough(a) => {
            let probabilities = Probabilities::new(&logits, scale);
            let pairs = probabilities.label.iter().zip(&probabilities.max);
            pairs.map(|(label, max)| share(*label >= max - a)).collect()
        }
    }))
}
