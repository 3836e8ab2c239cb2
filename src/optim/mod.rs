//! Optimisers as operations: the updates of a training step in PyTorch's semantics, and their state.

mod sharpness;
mod state;
mod update;

pub use sharpness::perturb;
pub use state::{Slot, declare};
pub use update::{Rates, attach};
