//! Checkpoints: everything a run needs to go on with the same bits.
//!
//! `ckpt/resume.safetensors` holds all tensors, and in its metadata the position of the run with the
//! SHA-256 of both: one file, renamed into place, so it is never half new, and a flipped bit is noticed.
//! `last.safetensors` and `state.json` repeat the parameters and the position for other programs; they
//! are written after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::tensors::{bytes_of, write_tensors};
use super::{Seen, StoreError, copies, read_tensors};
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

const RESUME: &str = "resume.safetensors";
/// The metadata of the file: 64 hexadecimal digits, a space, the position as JSON.
const POSITION: &str = "position";
/// Buffers are stored under this prefix, except running statistics, which keep their PyTorch names.
const BUFFER: &str = "buffer/";

impl Checkpoint {
    /// Precision of the run.
    pub fn dtype(&self) -> DType {
        match self.state.params.first().map(|entry| &entry.values) {
            Some(HostTensor::F64(_)) => DType::F64,
            Some(HostTensor::F32(_)) | None => DType::F32,
        }
    }

    /// Writes the three files of a checkpoint into `ckpt`.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the previous checkpoint stays usable then.
    pub fn write(&self, ckpt: &Path) -> Result<(), StoreError> {
        let position =
            serde_json::to_string(&self.position).expect("a position holds finite numbers");
        let mut tensors = self.state.params.clone();
        tensors.extend(self.state.buffers.iter().map(|buffer| {
            let mut buffer = buffer.clone();
            buffer.name.insert_str(0, BUFFER);
            buffer
        }));
        let sealed = format!("{} {position}", digest(&position, &tensors));
        let metadata = BTreeMap::from([(POSITION.to_owned(), sealed)]);
        write_tensors(&ckpt.join(RESUME), &tensors, &metadata)?;
        copies::write(self, ckpt)
    }

    /// Writes `last.safetensors` and `state.json` again where they are missing or older than this checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn renew_copies(&self, ckpt: &Path) -> Result<(), StoreError> {
        copies::renew(self, ckpt)
    }

    /// Reads a checkpoint; `None` when there is none yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the file is not one of ours, or missing beside its copies;
    /// [`StoreError::DamagedCopy`] when one of these is not.
    pub fn read(ckpt: &Path) -> Result<Option<Self>, StoreError> {
        let path = ckpt.join(RESUME);
        if !path.exists() {
            return match copies::NAMES.iter().find(|name| ckpt.join(name).exists()) {
                None => Ok(None),
                Some(copy) => {
                    let reason = format!("no such file, though `{copy}` is there");
                    Err(StoreError::damaged(&path, reason))
                }
            };
        }
        let file = read_tensors(&path)?;
        let sealed = file.metadata.get(POSITION).and_then(|text| text.split_once(' '));
        let (expected, position) =
            sealed.ok_or_else(|| StoreError::damaged(&path, "no position of a run"))?;
        let found = digest(position, &file.tensors);
        if found != expected {
            let reason = format!("contents with SHA-256 {found}, expected {expected}");
            return Err(StoreError::damaged(&path, reason));
        }
        let position = serde_json::from_str(position)
            .map_err(|e| StoreError::damaged(&path, format!("an unreadable position ({e})")))?;
        let mut state = State::default();
        for mut entry in file.tensors {
            match entry.name.strip_prefix(BUFFER).map(str::to_owned) {
                Some(name) => {
                    entry.name = name;
                    state.buffers.push(entry);
                }
                None => state.params.push(entry),
            }
        }
        let checkpoint = Self { position, state };
        copies::verify(&checkpoint, ckpt)?;
        Ok(Some(checkpoint))
    }
}

/// SHA-256, in hex, of a position and of tensors in the order of their names.
fn digest(position: &str, tensors: &[StateEntry]) -> String {
    let mut tensors: Vec<&StateEntry> = tensors.iter().collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hasher = Sha256::new();
    hasher.update(position);
    for tensor in tensors {
        let (dtype, bytes) = bytes_of(&tensor.values);
        hasher.update(format!("\n{} {dtype:?} {:?}\n", tensor.name, tensor.shape));
        hasher.update(bytes);
    }
    hasher.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(super) fn is_running_statistic(name: &str) -> bool {
    name.ends_with(".running_mean") || name.ends_with(".running_var")
}
