//! Normalisation: over the batch per channel, or per sample over groups of channels.
//!
//! In and out: blocks `[pixel][channel][16]`. Batch statistics need all blocks: each block gives partial results, which are put together
//! in block order. Invariant: lanes without a sample enter no statistic and get zero gradients.

mod batch;
mod group;

pub use batch::{
    BatchGrad, BatchNorm, Moments, add_grad_sums, batch_backward, batch_forward, block_moments,
    combine_moments, finish_grad_sums, running_update,
};
pub use group::{GroupGeometry, group_backward, group_forward};
