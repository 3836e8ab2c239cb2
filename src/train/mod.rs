//! The training loop: batches in order, steps, records, checkpoints, and the measures at the end.
//!
//! In: the programs of one or several runs ([`crate::lower::Replicas`]), a data set and run directories. Out: the run
//! directories filled. A [`Session`] is the loop.
//! The loop is deterministic: everything random is a function of (seed, epoch, sample), so a run that
//! was stopped at any step goes on with the same bits.

mod clock;
mod confirm;
mod evaluate;
mod learning;
mod observer;
mod plan;
mod record;
mod run;
mod samples;
mod schedule;
mod session;
mod stored;
mod summary;
mod telemetry;
mod warning;

pub use crate::measure::Means;
pub use clock::{Stopwatch, nanoseconds, unix_seconds};
pub use evaluate::{Evaluated, Evaluation, Measured, evaluate, evaluate_splits, means};
pub use learning::{Finding, Share};
pub use observer::{Beginning, Observer, Progress, Silent};
pub use plan::{Ended, RunError, RunPlan, StopReason, StopSignal};
pub use record::{EpochRecord, Record, ScalingRecord, StepRecord, TimingRecord};
pub use run::Entry;
pub use samples::SplitSamples;
pub use schedule::{LearningRate, RunLength};
pub use session::Session;
pub use stored::StoredRun;
pub use summary::Summary;
pub use telemetry::{LayerScale, conserved_values, layer_scales};
pub use warning::{Resolved, Seen, Spot, Warning};
