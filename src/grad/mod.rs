//! Reverse-mode differentiation at compile time: gradients are operations of the same graph.

mod differentiate;
mod joint;
mod rules;

pub use differentiate::differentiate;
pub use joint::{Joint, Phase, fits, joint};
