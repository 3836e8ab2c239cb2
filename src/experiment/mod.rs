//! A compiled spec as something to run: on which machine, under which name, in which directory, with which seeds.
//!
//! In: a [`crate::compile::Compiled`] spec and [`Options`]. Out: an [`Experiment`], which makes the starting state and the
//! program of every seed, and [`run`]s seeds in their directories. Training, evaluation and timing start from here, so that
//! they agree on what a run is. Nothing is printed: a [`crate::train::Observer`] hears of everything worth telling.

mod environment;
mod error;
mod gpu;
mod identity;
mod initial;
mod log;
mod machine;
mod prepare;
mod resolved;
mod run;
pub mod timing;
mod together;
mod trained;

#[cfg(feature = "cuda")]
pub use crate::exec::cuda::gpu::{GpuInfo, devices as gpus, python_folders, toolkit_folders};
pub use environment::{environment, spec_folder};
pub use error::ExperimentError;
pub use gpu::GpuPlaces;
pub use identity::{hash_of_resolved, resolved_text, run_name, spec_hash};
pub use initial::{NameMapError, Problem};
pub use log::{duration, epoch_line};
pub use machine::{Device, Machine, UnknownDevice};
pub use prepare::{Experiment, LOG_EVERY, Options};
pub use run::{Existing, everywhere, run, run_together};
pub use together::{Member, may_step_together, programs};
pub use trained::{At, Trained, compile_run};

pub use crate::train::Ended;
