//! Rewrites of whole graphs that hold for every target; each makes a new graph with equal outputs and updates.

mod clean;
mod simplify;

pub use clean::clean;
