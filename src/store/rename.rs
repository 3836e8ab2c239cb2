//! A run under another hash: its documents say the new one, and its directory has the name that goes with it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::run_dir::{IDENTITY, Identity, RunDir};
use super::{Checkpoint, StoreError, read_json, write_atomic};

/// The largest `summary.json` that is read, 16 MiB.
const MAX_SUMMARY_BYTES: u64 = 16 << 20;

impl RunDir {
    /// Gives the run in `path` the hash of `identity`, and its directory the name `name`; `None` keeps the name.
    /// Gives the new path. A call that was interrupted is finished by the next one.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has the run, [`StoreError::Foreign`] when there is something of the new name
    /// already; else what cannot be read or written.
    pub fn rename(
        path: &Path,
        identity: &Identity,
        name: Option<&str>,
    ) -> Result<PathBuf, StoreError> {
        let held = Self::hold(path)?;
        let target = name.map_or_else(|| path.to_owned(), |name| path.with_file_name(name));
        if target != path && target.exists() {
            let found = target.display().to_string();
            return Err(StoreError::Foreign { path: path.to_owned(), found });
        }
        let ckpt = path.join("ckpt");
        if let Some(mut checkpoint) = Checkpoint::sealed(&ckpt)? {
            checkpoint.position.spec_hash.clone_from(&identity.spec_hash);
            checkpoint.write(&ckpt)?;
        }
        let summary = path.join("summary.json");
        if let Some(Value::Object(mut fields)) = read_json(&summary, MAX_SUMMARY_BYTES)? {
            fields.insert("spec_hash".to_owned(), identity.spec_hash.clone().into());
            let text = serde_json::to_string_pretty(&fields).expect("read from JSON");
            write_atomic(&summary, format!("{text}\n").as_bytes())?;
        }
        drop(held);
        if target != path {
            fs::rename(path, &target).map_err(|error| StoreError::io("move", path, error))?;
        }
        // Last, since it says that all is done.
        write_atomic(&target.join(IDENTITY), identity.text().as_bytes())?;
        Ok(target)
    }
}
