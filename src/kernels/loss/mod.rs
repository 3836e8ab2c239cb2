//! Kernels over the class axis of one block of logits `[class][16]`.
//!
//! In: logits of 16 samples, labels of the active ones. Out: one number per lane, or a block of the same shape. Invariant: lanes of
//! samples that do not exist give exactly zero; classes are visited in order.

mod cross_entropy;
mod lanewise;

pub use cross_entropy::{CrossEntropy, softmax_cross_entropy};
pub use lanewise::{
    LogProbability, argmax, class_max, class_sum, gather, log_softmax, log_softmax_backward,
    log_sum_exp, margin, softmax, softmax_backward,
};

use super::LANES;

/// One number for each sample of a block.
pub type Lanes = [f32; LANES];

/// Labels as floats, -1 for lanes without a sample.
///
/// # Panics
/// When there are more than 16 labels or one is not a class.
fn label_lanes(labels: &[u32], n_classes: usize) -> Lanes {
    assert!(labels.len() <= LANES, "at most 16 samples");
    let mut lanes = [-1.0; LANES];
    for (lane, &label) in lanes.iter_mut().zip(labels) {
        assert!((label as usize) < n_classes, "labels are classes");
        *lane = label as f32;
    }
    lanes
}

/// Number of classes of a block.
///
/// # Panics
/// When the block is empty, not whole vectors, or has more classes than floats can count.
fn n_classes(block: &[f32]) -> usize {
    let n = block.len() / LANES;
    assert!(block.len().is_multiple_of(LANES) && n > 0 && n < 1 << 24, "whole classes");
    n
}
