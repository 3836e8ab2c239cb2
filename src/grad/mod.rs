//! Reverse-mode differentiation at compile time: gradients are operations of the same graph.

mod joint;

pub use joint::{Joint, Phase};
