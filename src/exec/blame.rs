//! Where a NaN or an infinity came from: the phase is walked once more and each value looked at.
//!
//! Not every infinity is at fault: a masked `log 0` never reaches the loss. The culprit is the first value in the order of
//! execution from which a chain of non-finite values leads to the loss or to an update.

use super::ops::Context;
use super::reference::walk;
use super::tensor::{Real, is_finite};
use crate::ir::Op;
use crate::lower::{ExecError, Kernel, Plan, SlotId, Stage, Step};

/// The error for a phase whose values in `broken` are not finite.
///
/// # Errors
/// [`ExecError`] when the phase cannot be walked again.
pub(super) fn find<T: Real>(
    plan: &Plan,
    stage: &Stage,
    ctx: &Context<'_>,
    broken: &[SlotId],
) -> Result<ExecError, ExecError> {
    let mut is_bad = vec![false; stage.steps.len()];
    walk::<T>(stage, ctx, |idx, value| {
        is_bad[idx] = !is_finite(value)?;
        Ok(())
    })?;
    let writer = |slot: SlotId| stage.slot(slot).first;
    let mut reached = vec![false; stage.steps.len()];
    for slot in broken {
        reached[writer(*slot)] = true;
    }
    let mut culprit = None;
    for (idx, step) in stage.steps.iter().enumerate().rev() {
        if reached[idx] && is_bad[idx] {
            culprit = Some(idx);
            for input in &step.inputs {
                reached[writer(*input)] = true;
            }
        }
    }
    // A value that is finite in the run's dtype may overflow when it is stored; then the update itself is named.
    let idx = culprit.or_else(|| broken.first().map(|slot| writer(*slot)));
    let Some((idx, step)) = idx.and_then(|idx| Some((idx, stage.steps.get(idx)?))) else {
        return Ok(ExecError::NotFinite { what: "a value".to_owned(), layer: None, origin: None });
    };
    let layer = step.layer.map(|id| plan.layers[id.0 as usize].name.clone());
    Ok(ExecError::NotFinite {
        what: describe(plan, stage, idx, step, layer.as_deref()),
        layer,
        origin: Some(step.origin),
    })
}

fn describe(plan: &Plan, stage: &Stage, idx: usize, step: &Step, layer: Option<&str>) -> String {
    let Kernel::Op(op) = &step.kernel;
    if matches!(op, Op::Input) {
        return "an input".to_owned();
    }
    if let Op::Param(id) = op {
        return format!("`{}`", plan.params[id.0 as usize].name);
    }
    if let Op::Buffer(id) = op {
        return format!("`{}`", plan.buffers[id.0 as usize].name);
    }
    if stage.output("loss").is_some_and(|slot| stage.slot(slot).first == idx) {
        return "the loss".to_owned();
    }
    if let (Op::BatchMean | Op::BatchVar, Some(layer)) = (op, layer) {
        return format!("the statistics of `{layer}`");
    }
    match (layer, feeds_loss(stage)[idx]) {
        (Some(layer), true) => format!("the output of `{layer}`"),
        (Some(layer), false) => format!("the gradient in `{layer}`"),
        (None, true) => "the loss".to_owned(),
        (None, false) => "the gradient of the loss".to_owned(),
    }
}

/// For each step whether the loss depends on it: these are the forward pass.
fn feeds_loss(stage: &Stage) -> Vec<bool> {
    let mut feeds = vec![false; stage.steps.len()];
    if let Some(slot) = stage.output("loss") {
        feeds[stage.slot(slot).first] = true;
    }
    for (idx, step) in stage.steps.iter().enumerate().rev() {
        if feeds[idx] {
            for input in &step.inputs {
                feeds[stage.slot(*input).first] = true;
            }
        }
    }
    feeds
}
