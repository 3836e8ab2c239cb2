//! `ckpt/best.safetensors`: the weights of the best epoch so far, as evaluation saw them.
//!
//! It is written before the checkpoint that names it, so a process that was killed between leaves a file that the run, when it
//! goes on, writes again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::checkpoint::digest;
use super::position::shown;
use super::tensors::write_tensors;
use super::{StoreError, read_tensors};
use crate::lower::State;
use crate::measure::Means;

const BEST: &str = "best.safetensors";

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The measure that says so: `val.accuracy`.
    pub measure: String,
    /// Its value there.
    pub value: f64,
    /// The epoch, from 1.
    pub epoch: u64,
    /// Steps behind it.
    pub step: u64,
    /// Means of the held-out samples behind it, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val: Option<Means>,
    /// Means of the test samples behind it.
    pub test: Means,
    /// SHA-256, in hex, of its tensors; empty until they are written.
    pub sha256: String,
}

impl Best {
    /// Writes the weights of `state` as those of this epoch.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn write(&mut self, state: &State, ckpt: &Path) -> Result<(), StoreError> {
        let measured = state.clone().measured();
        self.sha256 = digest(BEST, shown(&measured));
        write_tensors(&ckpt.join(BEST), shown(&measured), &BTreeMap::new())
    }

    /// `state` with the weights of this epoch.
    ///
    /// # Errors
    /// [`StoreError::DamagedBest`] where the file is missing or holds something else.
    pub fn read(&self, state: &State, ckpt: &Path) -> Result<State, StoreError> {
        let path = ckpt.join(BEST);
        let damaged = |reason: String| StoreError::DamagedBest { path: path.clone(), reason };
        if !path.is_file() {
            return Err(damaged("no such file".to_owned()));
        }
        let tensors = read_tensors(&path).map_err(|error| damaged(error.to_string()))?.tensors;
        let found = digest(BEST, &tensors);
        if found != self.sha256 {
            let expected = &self.sha256;
            return Err(damaged(format!("contents with SHA-256 {found}, expected {expected}")));
        }
        Ok(state.clone().with(&tensors))
    }
}
