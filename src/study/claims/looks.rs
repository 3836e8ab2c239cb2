//! What was said of claims before: a verdict that follows another one on fewer seeds is a second look.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Judged, Verdict};
use crate::store::{StoreError, read_json, write_shared};

/// The largest `verdicts.json` that is read, 16 MiB.
const MAX_BYTES: u64 = 16 << 20;

/// `verdicts.json` beside the runs, `specc.verdicts/1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Looks {
    schema: String,
    looks: Vec<Look>,
}

/// A verdict that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    claim: String,
    line: String,
    n: usize,
    verdict: String,
}

/// Adds to each line what was said of it on fewer seeds, and keeps what is said now. Only verdicts on all declared seeds count
/// as looks.
///
/// # Errors
/// [`StoreError`] where `verdicts.json` of the folder cannot be read or written.
pub(super) fn look(judged: &mut [Judged], root: &Path) -> Result<(), StoreError> {
    let file: PathBuf = root.join("verdicts.json");
    let none = || Looks { schema: "specc.verdicts/1".to_owned(), looks: vec![] };
    let mut looks: Looks = read_json(&file, MAX_BYTES)?.unwrap_or_else(none);
    let before = looks.looks.len();
    for claim in judged {
        for line in &mut claim.lines {
            let is_own = |look: &&Look| look.claim == claim.claim && look.line == line.line;
            let earlier = looks.looks.iter().filter(is_own).filter(|look| look.n < line.n);
            if let Some(last) = earlier.max_by_key(|look| look.n) {
                line.notes.push(format!("second look: {} at n = {}", last.verdict, last.n));
            }
            let is_known = looks.looks.iter().filter(is_own).any(|look| look.n == line.n);
            let is_look = line.n >= 2 && line.n == line.declared;
            if is_look && !is_known {
                looks.looks.push(Look {
                    claim: claim.claim.clone(),
                    line: line.line.clone(),
                    n: line.n,
                    verdict: Verdict::name(line.verdict).to_owned(),
                });
            }
        }
    }
    if looks.looks.len() == before {
        return Ok(());
    }
    let text = serde_json::to_string_pretty(&looks).expect("plain values");
    write_shared(&file, format!("{text}\n").as_bytes())
}
