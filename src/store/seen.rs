//! What a run remembers of its past, so that its end can tell whether it learned anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What steps and epochs so far have shown; a run that goes on from a checkpoint remembers it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The step of the last line that was judged; 0 before the first one.
    pub step: u64,
    /// ‖θ‖ of each weight at that line, by layer.
    pub norms: BTreeMap<String, f64>,
    /// Layers whose weight has not moved, with the step since when.
    pub unmoved: BTreeMap<String, u64>,
    /// Loss on the test set after the last epoch.
    pub test_loss: Option<f64>,
    /// The epoch since when that loss is the same to the bit.
    pub same_since: u64,
    /// Whether some sample had a margin of at least delta when it was trained on.
    pub passed: bool,
    /// Whether some sample had a smaller one.
    pub missed: bool,
}
