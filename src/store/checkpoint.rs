//! Checkpoints: everything a run needs to go on with the same bits.
//!
//! `ckpt/resume.safetensors` holds all tensors, and in its metadata the position of the run with the
//! SHA-256 of both: one file, renamed into place, so it is never half new, and a flipped bit is noticed.
//! `last.safetensors` and `state.json` repeat the parameters and the position for other programs; they
//! are written after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::position::Checkpoint;
use super::tensors::{bytes_of, write_tensors};
use super::{StoreError, copies, read_tensors};
use crate::lower::{State, StateEntry};

const RESUME: &str = "resume.safetensors";
/// The metadata of the file: 64 hexadecimal digits, a space, the position as JSON.
const POSITION: &str = "position";
/// Buffers are stored under this prefix, except running statistics, which keep their PyTorch names.
const BUFFER: &str = "buffer/";

impl Checkpoint {
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
        let checkpoint = Self::sealed(ckpt)?;
        if let Some(checkpoint) = &checkpoint {
            copies::verify(checkpoint, ckpt)?;
        }
        Ok(checkpoint)
    }

    /// The checkpoint whatever its copies hold.
    pub(super) fn sealed(ckpt: &Path) -> Result<Option<Self>, StoreError> {
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
        Ok(Some(Self { position, state }))
    }
}

/// SHA-256, in hex, of a position and of tensors in the order of their names.
pub(super) fn digest<'a>(
    position: &str,
    tensors: impl IntoIterator<Item = &'a StateEntry>,
) -> String {
    let mut tensors: Vec<&StateEntry> = tensors.into_iter().collect();
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
