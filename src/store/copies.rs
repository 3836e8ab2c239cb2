//! `last.safetensors` and `state.json`: what a checkpoint shows to other programs.
//!
//! They repeat `resume.safetensors` and are written after it, so a process that was killed between leaves older ones.
//! Nothing is read from them to go on, but one that was changed by someone else is reported before it is written over.

use std::collections::BTreeMap;
use std::path::Path;

use super::position::{Checkpoint, Position};
use super::tensors::write_tensors;
use super::{StoreError, read_tensors, read_text, write_atomic};
use crate::lower::StateEntry;

/// The files by name, in the order in which they are written.
pub(super) const NAMES: [&str; 2] = [LAST, STATE];

const LAST: &str = "last.safetensors";
const STATE: &str = "state.json";

/// Longest `state.json`: the lines of `metrics.jsonl` in it are few.
const MAX_STATE_BYTES: u64 = 1 << 26;

/// Writes both files.
pub(super) fn write(checkpoint: &Checkpoint, ckpt: &Path) -> Result<(), StoreError> {
    write_tensors(&ckpt.join(LAST), checkpoint.shown(), &BTreeMap::new())?;
    let text = serde_json::to_string_pretty(&checkpoint.position);
    let mut text = text.expect("a position holds finite numbers");
    text.push('\n');
    write_atomic(&ckpt.join(STATE), text.as_bytes())
}

/// Writes both files where one is missing or older than the checkpoint.
pub(super) fn renew(checkpoint: &Checkpoint, ckpt: &Path) -> Result<(), StoreError> {
    let current =
        ckpt.join(LAST).exists() && step(checkpoint, ckpt)? == Some(checkpoint.position.step);
    if current { Ok(()) } else { write(checkpoint, ckpt) }
}

/// Checks that the files that are there come from this run, and from this checkpoint where they are as new.
pub(super) fn verify(checkpoint: &Checkpoint, ckpt: &Path) -> Result<(), StoreError> {
    let step = step(checkpoint, ckpt)?;
    let path = ckpt.join(LAST);
    if !path.exists() {
        return Ok(());
    }
    let damaged = |reason: String| StoreError::DamagedCopy { path: path.clone(), reason };
    let found = read_tensors(&path).map_err(as_copy)?.tensors;
    let mut expected: Vec<&StateEntry> = checkpoint.shown().collect();
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    let names = |entries: &[&StateEntry]| {
        entries.iter().map(|entry| format!("{} {:?}", entry.name, entry.shape)).collect::<Vec<_>>()
    };
    let found: Vec<&StateEntry> = found.iter().collect();
    if names(&found) != names(&expected) {
        let mut other = names(&found);
        other.retain(|name| !names(&expected).contains(name));
        let other = other.into_iter().next();
        return Err(damaged(match other {
            Some(name) => format!("the tensor {name}, which the net does not have"),
            None => format!("{} tensors, expected {}", found.len(), expected.len()),
        }));
    }
    let differs = |(a, b): &(&&StateEntry, &&StateEntry)| a.values != b.values;
    match found.iter().zip(&expected).find(differs) {
        Some((entry, _)) if step == Some(checkpoint.position.step) => {
            Err(damaged(format!("other values of `{}` than in `resume.safetensors`", entry.name)))
        }
        Some(_) | None => Ok(()),
    }
}

/// The step of `state.json`, if there is one: that of the checkpoint, or an older one.
fn step(checkpoint: &Checkpoint, ckpt: &Path) -> Result<Option<u64>, StoreError> {
    let path = ckpt.join(STATE);
    if !path.exists() {
        return Ok(None);
    }
    let damaged = |reason: String| StoreError::DamagedCopy { path: path.clone(), reason };
    let text = read_text(&path, MAX_STATE_BYTES).map_err(as_copy)?;
    let found: Position = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("an unreadable position ({error})")))?;
    let own = &checkpoint.position;
    if found.seed != own.seed || found.spec_hash != own.spec_hash || found.step > own.step {
        return Err(damaged("the position of another run".to_owned()));
    }
    let step = found.step;
    // How `metrics.jsonl` goes on may be settled anew without a step.
    let same =
        Position { metrics_bytes: own.metrics_bytes, tail: own.tail.clone(), ..found } == *own;
    if step == own.step && !same {
        return Err(damaged("another position than in `resume.safetensors`".to_owned()));
    }
    Ok(Some(step))
}

fn as_copy(error: StoreError) -> StoreError {
    if let StoreError::Damaged { path, reason } = error {
        return StoreError::DamagedCopy { path, reason };
    }
    error
}
