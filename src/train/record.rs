//! The lines of `metrics.jsonl` (`formats.md`); what does not apply is `null`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LayerScale;
use crate::measure::Means;
use crate::model::{Watched, WatchedSplit};

/// One line of `metrics.jsonl`; `kind` tells which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// A step.
    Step(StepRecord),
    /// An epoch.
    Epoch(EpochRecord),
    /// Claims of the scaling analysis, tried.
    Scaling(ScalingRecord),
}

impl Record {
    /// As a line of the file, without its end.
    pub fn line(&self) -> String {
        line(self)
    }
}

/// One step; every value is taken before its update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// From 1.
    pub step: u64,
    /// From 1.
    pub epoch: u64,
    /// Learning rate after the schedule.
    pub lr: f64,
    /// Mean over the batch.
    pub loss: f64,
    /// Fraction of the batch with a positive margin.
    pub accuracy: f64,
    /// Fraction of the batch with a margin of at least delta.
    pub well: Option<f64>,
    /// Size of the parameters.
    #[serde(rename = "R")]
    pub size: Option<f64>,
    /// Scales of the loss by name: `r1`, `r2`, `lambda`.
    pub scales: BTreeMap<String, f64>,
    /// r2 / r1 where both exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2_over_r1: Option<f64>,
    /// What the step did to the weight of each layer.
    pub layers: BTreeMap<String, LayerScale>,
    /// What gradient flow conserves, by formula: Σ e ‖θ‖² before the update. `None` where it is not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conserved: Option<BTreeMap<String, f64>>,
    /// At the perturbed parameters, for SAM and ASAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perturbed: Option<Perturbed>,
}

/// The second phase of a SAM step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perturbed {
    /// Mean over the batch at the perturbed parameters.
    pub loss: f64,
    /// Fraction well classified there.
    pub well: Option<f64>,
    /// Size of the perturbed parameters.
    #[serde(rename = "R")]
    pub size: Option<f64>,
}

/// One epoch, or the part of one that a run ended in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u64,
    /// Steps so far.
    pub step: u64,
    /// Running means over the batches of the epoch.
    pub train: Means,
    /// Of held-out samples in evaluation mode, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val: Option<Means>,
    /// Evaluation mode, loss as trained.
    pub test: Means,
    /// Present and true where the epoch is not whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

impl EpochRecord {
    /// A measure of the epoch; `None` where there are no samples for it.
    pub fn watched(&self, watched: Watched) -> Option<f64> {
        let means = match watched.split {
            WatchedSplit::Train => self.train,
            WatchedSplit::Val => self.val?,
            WatchedSplit::Test => self.test,
        };
        Some(if watched.accuracy { means.accuracy } else { means.loss })
    }
}

/// The scaling claims tried in f64 at the parameters of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingRecord {
    /// Steps so far.
    pub step: u64,
    /// Epochs so far.
    pub epoch: u64,
    /// Claims of the analysis.
    pub claims: usize,
    /// How many of them were tried; fewer where the net is too large.
    pub tried: usize,
    /// The largest |z(T_c θ) − c^d z(θ)| / max |c^d z(θ)| over claims and factors.
    pub worst: Option<f64>,
    /// The claim with that error.
    pub claim: Option<String>,
}

/// One line of `timing.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimingRecord {
    /// From 1.
    pub epoch: u64,
    /// Wall-clock seconds of training, evaluation not included.
    pub seconds: f64,
    /// Training samples per second.
    pub samples_per_second: f64,
}

/// The epoch of a line of `timing.jsonl`, where it is one.
pub(super) fn timed_epoch(line: &str) -> Option<u64> {
    serde_json::from_str::<TimingRecord>(line).ok().map(|record| record.epoch)
}

pub(super) fn line(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records hold plain numbers")
}
