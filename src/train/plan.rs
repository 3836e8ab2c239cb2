//! What a run is asked to do, and how it ends.

use super::{Resolved, RunLength, Summary};
use crate::check::numeric::Trial;
use crate::check::{Checked, Conserved};
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, Span, ToDiagnostic};
use crate::lower::ExecError;
use crate::measure;
use crate::model::{Loss, Train};
use crate::store::{Position, StoreError};

/// What a run is asked to do; the runs of a session share the data, the batch and the length.
#[derive(Clone, Debug)]
pub struct RunPlan<'a> {
    /// Batch, length, schedule.
    pub train: &'a Train,
    /// The data.
    pub dataset: &'a Dataset,
    /// Stop early after so many steps.
    pub max_steps: Option<u64>,
    /// Whether each epoch has an order of its own; file order otherwise.
    pub shuffle: bool,
    /// Steps between lines of `metrics.jsonl`, ≥ 1.
    pub log_every: u64,
    /// Identity of the runs but for their seeds.
    pub spec_hash: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// Threads used.
    pub threads: usize,
    /// `f32` or `f64`.
    pub dtype: String,
    /// Trainable numbers of the net.
    pub n_params: u64,
    /// The net.
    pub checked: &'a Checked,
    /// The loss.
    pub loss: &'a Loss,
    /// The head of the net in the spec.
    pub net: Span,
    /// `resolved.net`.
    pub resolved: &'a dyn Resolved,
    /// Quantities to log with every step; `None` where they are not asked for.
    pub conserved: Option<&'a [Conserved]>,
    /// Scaling claims to try at every checkpoint of an epoch.
    pub trial: Option<&'a Trial<'a>>,
}

impl RunPlan<'_> {
    /// Steps that this command does in all.
    pub fn target(&self) -> u64 {
        let total = RunLength::new(self.train, self.dataset.train.len()).steps;
        self.max_steps.map_or(total, |most| most.min(total))
    }

    /// Whether a run that stands there has nothing left to do.
    pub fn is_over(&self, position: &Position) -> bool {
        position.step >= self.target() || self.has_given_up(position)
    }

    /// Whether a run has waited for a better epoch as long as it may.
    pub fn has_given_up(&self, position: &Position) -> bool {
        let Some((patience, best)) = self.train.patience.zip(position.best.as_ref()) else {
            return false;
        };
        let whole = position.epoch - 1;
        position.batch_of_epoch == 0 && whole - best.epoch >= patience
    }
}

/// Why a run stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The user asked (SIGINT).
    Interrupt,
    /// The system asked (SIGTERM, SIGUSR1).
    Preempt,
}

/// Asked before every step.
pub trait StopSignal {
    /// Whether to stop now, after a checkpoint.
    fn reason(&self) -> Option<StopReason>;
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// All steps done, everything measured and written.
    Finished(Box<Summary>),
    /// A checkpoint is written; the same command goes on from it.
    Stopped(StopReason, u64),
}

/// A run that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A step failed.
    #[error("step {step}: {source}")]
    Step {
        /// The step, from 1.
        step: u64,
        /// The epoch, from 1.
        epoch: u64,
        /// The batch of the epoch, from 1.
        batch: u64,
        /// What happened.
        source: ExecError,
    },
    /// Evaluation failed.
    #[error("evaluation: {0}")]
    Evaluation(#[from] ExecError),
    /// A file of the run could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The logits cannot be measured.
    #[error("measures: {0}")]
    Measure(#[from] measure::LogitsError),
}

impl ToDiagnostic for RunError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Step { step, epoch, batch, source } => source
                .to_diagnostic()
                .note(format!("at step {step} (epoch {epoch}, batch {batch})")),
            Self::Evaluation(source) => source.to_diagnostic(),
            Self::Store(error) => error.to_diagnostic(),
            Self::Measure(error) => {
                let title = "training diverged: the logits are not finite";
                Diagnostic::new(Code::E0713, title)
                    .note(format!("found: {error}"))
                    .help("lower `lr`, or check the scale of the inputs with `normalize`")
            }
        }
    }
}
