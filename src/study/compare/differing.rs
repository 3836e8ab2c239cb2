//! In what the specs of two groups differ, by keys of the language.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::RunGroup;
use crate::diag::FileId;
use crate::model;
use crate::store::{StoreError, read_text};
use crate::syntax;

/// The largest `resolved.net` that is read: what the parser takes.
const MAX_BYTES: u64 = 1 << 20;

/// A key with the value that each group has there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// `data.normalize`, `train.lr`, `net`, or `block wide`.
    pub key: String,
    /// By group; nothing where a group does not have it, or where its runs differ among themselves.
    pub values: Vec<Option<String>>,
}

/// The keys in which resolved specs of groups differ. Groups without specs differ in nothing.
pub(super) fn differing(groups: &[RunGroup]) -> Result<Vec<Differing>, StoreError> {
    let mut settings: Vec<Option<BTreeMap<String, String>>> = vec![];
    for group in groups {
        let mut own: Option<BTreeMap<String, String>> = None;
        for row in group.rows() {
            let found = of_spec(&row.run.path().join("resolved.net"))?;
            match &mut own {
                None => own = Some(found),
                // What differs within a group is none of its values.
                Some(own) => own.retain(|key, value| found.get(key) == Some(value)),
            }
        }
        settings.push(own);
    }
    let mut keys: Vec<&String> = settings.iter().flatten().flat_map(BTreeMap::keys).collect();
    keys.sort();
    keys.dedup();
    let value = |own: &Option<BTreeMap<String, String>>, key: &str| own.as_ref()?.get(key).cloned();
    let entry = |key: &String| Differing {
        key: key.clone(),
        values: settings.iter().map(|own| value(own, key)).collect(),
    };
    let differs = |entry: &Differing| {
        let mut known = entry.values.iter().zip(&settings).filter(|(_, own)| own.is_some());
        let first = known.next().map(|(value, _)| value);
        known.any(|(value, _)| Some(value) != first)
    };
    Ok(keys.into_iter().map(entry).filter(differs).collect())
}

/// Every setting of a resolved spec but its seeds, by key.
fn of_spec(path: &Path) -> Result<BTreeMap<String, String>, StoreError> {
    let (spec, problems) = syntax::parse(FileId(0), &read_text(path, MAX_BYTES)?);
    if let Some(problem) = problems.first() {
        return Err(StoreError::damaged(path, problem.title.clone()));
    }
    let mut found = model::settings(&spec);
    found.remove("train.seeds");
    Ok(found)
}
