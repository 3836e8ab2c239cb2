//! `specc` compiles a `.net` file into a checked graph, differentiates and trains it, and measures its confidence.

pub mod check;
pub mod cli;
pub mod data;
pub mod diag;
#[cfg(feature = "exec")]
pub mod exec;
pub mod grad;
pub mod ir;
pub mod kernels;
pub mod loss;
pub mod lower;
pub mod measure;
pub mod model;
pub mod optim;
pub mod passes;
pub mod report;
pub mod store;
pub mod syntax;
pub mod train;
