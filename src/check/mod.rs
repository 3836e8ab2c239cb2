//! What can be known about a graph before it runs: costs, scaling, and the size R that follows.

mod normalizer;

pub use normalizer::{Factor, FactorNorm, Normalizer};
