//! A portrait as files in a folder, one a stage, so that it can be compared later.

use std::path::{Path, PathBuf};

use super::{Portrait, STAGES, Sheet, Stage};
use crate::store::{StoreError, read_text, write_files};

/// The largest file of a stage that is read.
const MAX_BYTES: u64 = 1 << 26;

/// The file of a stage.
fn name(stage: Stage) -> String {
    format!("{}.json", stage.name())
}

/// The stages that a folder keeps.
pub fn kept_stages(folder: &Path) -> Vec<Stage> {
    STAGES.into_iter().filter(|stage| folder.join(name(*stage)).exists()).collect()
}

impl Portrait {
    /// What a folder keeps of these stages.
    ///
    /// # Errors
    /// [`StoreError`] where a file cannot be read or holds something else.
    pub fn read(folder: &Path, stages: &[Stage]) -> Result<Self, StoreError> {
        let mut kept = Self { stages: [].into() };
        for stage in stages {
            let path = folder.join(name(*stage));
            if path.exists() {
                let text = read_text(&path, MAX_BYTES)?;
                let sheet: Sheet = serde_json::from_str(&text)
                    .map_err(|error| StoreError::damaged(&path, error.to_string()))?;
                kept.stages.insert(*stage, sheet);
            }
        }
        Ok(kept)
    }

    /// Keeps the stages that `kept` lacks in a folder, and with `update` those that it has otherwise; the files that were written.
    ///
    /// # Errors
    /// [`StoreError`] where a file cannot be written.
    pub fn keep(
        &self,
        folder: &Path,
        kept: &Self,
        update: bool,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let mut files = vec![];
        for (stage, sheet) in &self.stages {
            let is_new = !kept.stages.contains_key(stage);
            let is_other = kept.stages.get(stage) != Some(sheet);
            if is_new || (update && is_other) {
                let text = serde_json::to_string_pretty(sheet).expect("a sheet holds plain text");
                files.push((name(*stage), text + "\n"));
            }
        }
        write_files(folder, &files)?;
        Ok(files.into_iter().map(|(name, _)| folder.join(name)).collect())
    }
}
