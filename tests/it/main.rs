//! The integration tests, in one binary: one module per area.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests they serve")]

mod analyze;
#[cfg(feature = "exec")]
mod cases;
mod check;
#[cfg(feature = "exec")]
mod cli;
#[cfg(feature = "exec")]
mod cpu;
mod data;
mod dump;
#[cfg(feature = "exec")]
mod exec;
#[cfg(feature = "exec")]
mod exec_ops;
mod explain;
mod fmt;
mod golden;
mod grad;
mod interp;
mod kernels;
mod layers;
mod loss;
mod measure;
mod model;
mod nets;
mod optim;
mod pipeline;
mod props;
mod reference;
mod render;
mod suite;
mod syntax;
#[cfg(feature = "exec")]
mod trajectories;
