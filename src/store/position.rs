//! What a checkpoint holds: the position of a run and all its tensors.

use serde::{Deserialize, Serialize};

use super::{Best, Seen};
use crate::lower::{DType, HostTensor, State, StateEntry};

/// Where a run stands between two steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub step: u64,
    /// The epoch of the next step, from 1.
    pub epoch: u64,
    /// Batches of that epoch already used; with seed and epoch it fixes order and augmentation.
    pub batch_of_epoch: u64,
    /// Samples of that epoch already seen.
    pub samples_of_epoch: u64,
    /// Sum over those samples of their loss.
    pub loss_sum: f64,
    /// How many of them had a positive margin.
    pub correct: u64,
    /// The seed of all Philox streams.
    pub seed: u64,
    /// Length of `metrics.jsonl` before the lines of [`Position::tail`].
    pub metrics_bytes: u64,
    /// The lines of `metrics.jsonl` that depend on whether the run ends here.
    pub tail: Tail,
    /// What the steps and epochs so far have shown; nothing in checkpoints that are older.
    #[serde(default)]
    pub seen: Seen,
    /// The best epoch so far, where the spec asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Identifies the run.
    pub spec_hash: String,
}

/// What follows in `metrics.jsonl` after the last step of a command; empty elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// All lines, for a run that ends here.
    pub ended: String,
    /// Those that stay when it goes on: not the ones that only mark an early stop.
    pub continued: String,
    /// [`Position::seen`] with all these lines.
    #[serde(default)]
    pub seen: Option<Seen>,
}

/// A position with the tensors that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Where the run stands.
    pub position: Position,
    /// All tensors of the program.
    pub state: State,
}

impl Checkpoint {
    /// Precision of the run.
    pub fn dtype(&self) -> DType {
        match self.state.params.first().map(|entry| &entry.values) {
            Some(HostTensor::F64(_)) => DType::F64,
            Some(HostTensor::F32(_)) | None => DType::F32,
        }
    }

    /// Parameters and running statistics.
    pub(super) fn shown(&self) -> impl Iterator<Item = &StateEntry> {
        shown(&self.state)
    }
}

/// Parameters and running statistics.
pub(super) fn shown(state: &State) -> impl Iterator<Item = &StateEntry> {
    let statistics = state.buffers.iter().filter(|b| is_running_statistic(&b.name));
    state.params.iter().chain(statistics)
}

fn is_running_statistic(name: &str) -> bool {
    name.ends_with(".running_mean") || name.ends_with(".running_var")
}
