//! The whole computation of a run: forward, backward and updates in one graph per phase.

use crate::ir::Graph;

/// Graphs that share parameters and buffers (equal tables in every graph).
///
/// Outputs of a training phase: `loss` (mean over the batch), `correct` and, where a delta is known,
/// `well` (counts), `R` where defined; all of values before the updates of the phase.
/// Outputs of `eval`: `logits` `[n, k]`, `loss` (mean over the batch), `correct`.
/// Outputs of `size`: `R` and `log_R`, from the parameters alone; `None` where no R is defined.
#[derive(Clone, Debug)]
pub struct Joint {
    /// Phases of a training step, run in order on the same batch: one, or two for SAM.
    pub train: Vec<Phase>,
    /// Logits and loss in evaluation mode; no updates.
    pub eval: Graph,
    /// R(θ) alone, to start the scales and for records.
    pub size: Option<Graph>,
}

/// One phase of a training step.
#[derive(Clone, Debug)]
pub struct Phase {
    /// `step`, or `perturb` and `descend`.
    pub name: &'static str,
    /// Outputs and updates as [`Joint`] says.
    pub graph: Graph,
}
