//! Optimisers as operations: the updates of a training step in PyTorch's semantics, their state, and averages of what they train.

mod average;
mod clip;
mod norm;
mod sharpness;
mod state;
mod update;

pub use average::{Averages, average, declare_averages, of_averages};
pub use clip::clip;
pub use sharpness::perturb;
pub use state::{Slot, declare};
pub use update::{Rates, attach};
