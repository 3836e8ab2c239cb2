//! p-values that hold for all lines of a file together.

use std::collections::BTreeMap;

use super::judge::Weighed;
use crate::stats::{holm_of_sets, joint};

/// For each line its p over all of them: max-T over lines of the same seeds, Holm over the sets of seeds. `None` for lines
/// that were not taken seed by seed.
pub(super) fn family(lines: &[Weighed]) -> Vec<Option<f64>> {
    let mut sets: BTreeMap<&[u64], Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.differences.is_empty()) {
        sets.entry(&line.seeds).or_default().push(at);
    }
    let within: Vec<Vec<f64>> = sets
        .values()
        .map(|members| {
            joint(&members.iter().map(|at| lines[*at].differences.as_slice()).collect::<Vec<_>>())
        })
        .collect();
    let mut found = vec![None; lines.len()];
    for (members, adjusted) in sets.values().zip(holm_of_sets(&within)) {
        for (at, p) in members.iter().zip(adjusted) {
            found[*at] = Some(p);
        }
    }
    found
}
