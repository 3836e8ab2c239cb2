//! The integration tests, in one binary: one module per area.
#![allow(
    dead_code,
    clippy::manual_is_multiple_of,
    clippy::needless_range_loop,
    clippy::single_match_else,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "tests read files, draw at random, and share helpers that not every feature uses"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests they serve")]

mod analyze;
#[cfg(feature = "exec")]
mod benches;
#[cfg(feature = "exec")]
mod cases;
mod charts;
mod check;
#[cfg(feature = "exec")]
mod cli;
mod close;
#[cfg(feature = "exec")]
mod cpu;
mod data;
mod dump;
#[cfg(feature = "exec")]
mod exec;
#[cfg(feature = "exec")]
mod exec_ops;
#[cfg(feature = "exec")]
mod experiment;
mod explain;
mod export;
mod fmt;
mod golden;
#[cfg(feature = "exec")]
mod golden_run;
mod grad;
mod interp;
#[cfg(feature = "exec")]
mod joints;
mod kernels;
mod layers;
mod loss;
mod lsp;
mod measure;
mod model;
mod nets;
mod optim;
mod pictures;
mod pipeline;
mod props;
mod random;
mod reference;
mod render;
mod stages;
mod stats;
mod suite;
mod syntax;
mod touches;
#[cfg(feature = "exec")]
mod training;
#[cfg(feature = "exec")]
mod trajectories;
#[cfg(feature = "exec")]
mod work;
