//! Where a NaN or an infinity came from: the phase is walked once more and each value looked at.
//!
//! Not every infinity is at fault: a masked `log 0` never reaches the loss. The culprit is the first value in the order of
//! execution from which a chain of non-finite values leads to the loss or to an update.

use super::ops::Context;
use super::tensor::{Real, is_finite};
use super::walk::walk;
use crate::ir::Op;
use crate::lower::reference::{ReferencePhase, ReferencePlan, ReferenceStep};
use crate::lower::{ExecError, ValueId};

/// The error for a phase whose values in `broken` are not finite.
///
/// # Errors
/// [`ExecError`] when the phase cannot be walked again.
pub(super) fn find<T: Real>(
    plan: &ReferencePlan,
    phase: &ReferencePhase,
    ctx: &Context<'_>,
    broken: &[ValueId],
) -> Result<ExecError, ExecError> {
    let mut is_bad = vec![false; phase.steps.len()];
    walk::<T>(phase, ctx, |idx, value| {
        is_bad[idx] = !is_finite(value)?;
        Ok(())
    })?;
    let writer = |value: ValueId| phase.value(value).first;
    let mut reached = vec![false; phase.steps.len()];
    for value in broken {
        reached[writer(*value)] = true;
    }
    let mut culprit = None;
    for (idx, step) in phase.steps.iter().enumerate().rev() {
        if reached[idx] && is_bad[idx] {
            culprit = Some(idx);
            for input in &step.inputs {
                reached[writer(*input)] = true;
            }
        }
    }
    // A value that is finite in the run's dtype may overflow when it is stored; then the update itself is named.
    let idx = culprit.or_else(|| broken.first().map(|value| writer(*value)));
    let Some((idx, step)) = idx.and_then(|idx| Some((idx, phase.steps.get(idx)?))) else {
        return Ok(ExecError::NotFinite { what: "a value".to_owned(), layer: None, origin: None });
    };
    let layer = step.layer.map(|id| plan.tables.layer(id).to_owned());
    Ok(ExecError::NotFinite {
        what: describe(plan, phase, idx, step, layer.as_deref()),
        layer,
        origin: Some(step.origin),
    })
}

fn describe(
    plan: &ReferencePlan,
    phase: &ReferencePhase,
    idx: usize,
    step: &ReferenceStep,
    layer: Option<&str>,
) -> String {
    let op = &step.op;
    if matches!(op, Op::Input) {
        return "an input".to_owned();
    }
    if let Op::Param(id) = op {
        return format!("`{}`", plan.tables.params[id.0 as usize].name);
    }
    if let Op::Buffer(id) = op {
        return format!("`{}`", plan.tables.buffers[id.0 as usize].name);
    }
    if phase.outputs.loss.is_some_and(|value| phase.value(value).first == idx) {
        return "the loss".to_owned();
    }
    if let (Op::BatchMean | Op::BatchVar, Some(layer)) = (op, layer) {
        return format!("the statistics of `{layer}`");
    }
    match (layer, feeds_loss(phase)[idx]) {
        (Some(layer), true) => format!("the output of `{layer}`"),
        (Some(layer), false) => format!("the gradient in `{layer}`"),
        (None, true) => "the loss".to_owned(),
        (None, false) => "the gradient of the loss".to_owned(),
    }
}

/// For each step whether the loss depends on it: these are the forward pass.
fn feeds_loss(phase: &ReferencePhase) -> Vec<bool> {
    let mut feeds = vec![false; phase.steps.len()];
    if let Some(value) = phase.outputs.loss {
        feeds[phase.value(value).first] = true;
    }
    for (idx, step) in phase.steps.iter().enumerate().rev() {
        if feeds[idx] {
            for input in &step.inputs {
                feeds[phase.value(*input).first] = true;
            }
        }
    }
    feeds
}
