//! The training loop: batches in order, steps, records, checkpoints, and the measures at the end.
//!
//! In: a [`crate::lower::Program`], a data set and a run directory. Out: the run directory filled.
//! The loop is deterministic: everything random is a function of (seed, epoch, sample), so a run that
//! was stopped at any step goes on with the same bits.

mod clock;
mod confirm;
mod evaluate;
mod observer;
mod record;
mod run;
mod samples;
mod schedule;
mod summary;
mod telemetry;

pub use clock::{Stopwatch, nanoseconds, unix_seconds};
pub use evaluate::{Evaluated, Evaluation, Measured, evaluate, evaluate_splits};
pub use observer::{Beginning, Observer, Progress, Silent};
pub use record::{EpochRecord, Means, ScalingRecord, StepRecord};
pub use run::{Ended, RunError, RunPlan, StopReason, StopSignal, train};
pub use samples::SplitSamples;
pub use schedule::{LearningRate, RunLength};
pub use summary::Summary;
pub use telemetry::{LayerScale, conserved_values, layer_scales};
