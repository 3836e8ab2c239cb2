//! `summary.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Warning;
use crate::measure::SplitSummary;
use crate::store::{Best, StoreError, read_json};

/// What a finished run amounts to (`specc.summary/1`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// `specc.summary/1`.
    pub schema: String,
    /// SHA-256 of the run's identity, in hex.
    pub spec_hash: String,
    /// The seed.
    pub seed: u64,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// `avx512`, `avx2`, …
    pub isa: String,
    /// Threads used.
    pub threads: usize,
    /// `f32` or `f64`.
    pub dtype: String,
    /// Trainable numbers of the net, scales of the loss not counted.
    pub params: u64,
    /// Whole epochs done.
    pub epochs: u64,
    /// Steps done.
    pub steps: u64,
    /// Scales of the loss at the end: `r1`, `r2`, `lambda`.
    pub scales: BTreeMap<String, f64>,
    /// Size of the parameters at the end.
    #[serde(rename = "R")]
    pub size: Option<f64>,
    /// Settings that could not act, and what shows that the run did not learn; places are lines of `resolved.net`.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// The best epoch, where the spec asks for it; its weights are in `ckpt/best.safetensors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Present and true where training ended since no epoch was better.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped_early: bool,
    /// Measures on the training set, in evaluation mode without augmentation.
    pub train: SplitSummary,
    /// Measures on the samples that are held out to choose by, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val: Option<SplitSummary>,
    /// Measures on the test set.
    pub test: SplitSummary,
}

/// The largest `summary.json` that is read, 16 MiB; real ones have a few KiB.
const MAX_BYTES: u64 = 16 << 20;

impl Summary {
    /// The summary of the run in a directory; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or is none.
    pub fn of_run(run: &Path) -> Result<Option<Self>, StoreError> {
        read_json(&run.join("summary.json"), MAX_BYTES)
    }
}
