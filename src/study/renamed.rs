//! Runs of earlier versions under the identity and the name that they have now.
//!
//! In: folders. Out: what was renamed. `resolved.net` of a run states every value, so its identity is worked out anew from it
//! without the spec and the data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{SweepDocument, find};
use crate::diag::FileId;
use crate::experiment::{hash_of_resolved, run_name};
use crate::store::{IDENTITY_EDITION, Identity, RunDir, StoreError, read_text};
use crate::syntax;

/// The largest `resolved.net` that is read: what the parser takes.
const MAX_BYTES: u64 = 1 << 20;

/// A run that got a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
}

/// What was renamed, a line a run.
pub fn renamed_text(renamed: &[Renamed]) -> String {
    let line = |run: &Renamed| format!("{} → {}\n", run.from.display(), run.to.display());
    let lines: String = renamed.iter().map(line).collect();
    if lines.is_empty() { "all runs have today's identity".to_owned() } else { lines }
}

/// The same as a document, `specc.runs/1`.
pub fn renamed_document(renamed: &[Renamed]) -> Value {
    let entry = |run: &Renamed| json!({ "from": run.from, "to": run.to });
    json!({
        "schema": "specc.runs/1",
        "ok": true,
        "renamed": renamed.iter().map(entry).collect::<Vec<_>>(),
    })
}

/// How many runs directly in a folder have an identity of an earlier version.
pub fn earlier(root: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(root) else { return 0 };
    let is_earlier = |path: PathBuf| {
        let identity = RunDir::identity_in(&path).ok().flatten();
        identity.is_some_and(|identity| identity.edition != IDENTITY_EDITION)
    };
    entries.flatten().filter(|entry| is_earlier(entry.path())).count()
}

/// Renames every run below some folders that has an identity of an earlier version. A call that was interrupted is finished
/// by the next one.
///
/// # Errors
/// [`StoreError`] of the first run that is in use or cannot be read or written; those before it are renamed.
pub fn rename(roots: &[PathBuf]) -> Result<Vec<Renamed>, StoreError> {
    let mut later: BTreeMap<PathBuf, Vec<(String, Identity)>> = BTreeMap::new();
    let mut runs = vec![];
    for row in find(roots)? {
        let (path, old) = (row.run.path().to_owned(), row.run.identity().clone());
        if old.edition == IDENTITY_EDITION {
            continue;
        }
        let file = path.join("resolved.net");
        let (tree, problems) = syntax::parse(FileId(0), &read_text(&file, MAX_BYTES)?);
        if let Some(problem) = problems.first() {
            return Err(StoreError::damaged(&file, problem.title.clone()));
        }
        let hash = hash_of_resolved(&tree, &old.dtype, &old.executor, old.init.as_deref());
        let new = Identity { spec_hash: hash, edition: IDENTITY_EDITION, ..old.clone() };
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        later.entry(folder).or_default().push((old.spec_hash.clone(), new.clone()));
        let has_usual_name = path
            .file_name()
            .is_some_and(|name| name.to_str() == Some(&run_name(&old.spec_hash, old.seed)));
        let name = has_usual_name.then(|| run_name(&new.spec_hash, new.seed));
        runs.push((path, new, name));
    }
    // Labels first: runs that are not renamed yet are found by the next call.
    for (folder, identities) in later {
        if let Some(mut sweep) = SweepDocument::read(&folder)? {
            for cell in &mut sweep.cells {
                if let Some((_, new)) = identities.iter().find(|(old, _)| *old == cell.hash) {
                    cell.hash.clone_from(&new.spec_hash);
                }
            }
            sweep.write(&folder)?;
        }
    }
    let mut renamed = vec![];
    for (from, identity, name) in runs {
        let to = RunDir::rename(&from, &identity, name.as_deref())?;
        renamed.push(Renamed { from, to });
    }
    Ok(renamed)
}
