//! From logits to the loss and the measures of a step.

use super::scales::{ScaleParam, Scales, uses_size};
use super::{LossError, base, custom};
use crate::ir::{Binary, ClassOp, Emit, Graph, NodeId, Op, Shape};
use crate::loss::formula::Formula;
use crate::model::{Base, Divisor, Form, Loss, On, Per};

/// What a loss is a loss of.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Raw logits z, `[n, k]`, k ≥ 2.
    pub logits: NodeId,
    /// Labels, `[n]`.
    pub labels: NodeId,
    /// R(θ), `[]`, where defined.
    pub size: Option<NodeId>,
}

/// A loss as operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    /// Mean over the batch, `[]`.
    pub loss: NodeId,
    /// Loss per sample, `[n]`.
    pub per_sample: NodeId,
    /// Margin of the raw logits, `[n]`.
    pub margin: NodeId,
    /// Number of samples with a positive margin, `[]`.
    pub correct: NodeId,
    /// Number of well-classified samples, `[]`, where a delta is known.
    pub well: Option<NodeId>,
}

/// Adds the loss of `subject` to `graph`.
///
/// `well_delta` gives the margin of the `well` count for losses without a delta of their own.
/// The mask of well-classified samples carries no gradient.
///
/// # Errors
/// [`LossError`] when the logits are not `[n, classes]` with two classes or more, when the form needs
/// a size and there is none, or when a loss defined in a `.net` file cannot be translated.
pub fn attach(
    graph: &mut Graph,
    loss: &Loss,
    scales: &Scales,
    subject: &Subject,
    well_delta: Option<f64>,
) -> Result<Objective, LossError> {
    let shape = &graph[subject.logits].shape;
    if !shape.batched || shape.dims.len() != 1 || shape.dims[0] < 2 {
        let found = shape.to_string();
        return Err(LossError::Logits { span: loss.span, found });
    }
    if uses_size(&loss.form) && subject.size.is_none() {
        return Err(LossError::NoSize { span: loss.span });
    }
    let mut emit = Emit::new(graph, loss.span);
    let margin = Formula::margin(&mut emit, subject.logits, subject.labels);
    let divisor = divisor(&mut emit, loss, scales, subject.size);
    let mask = mask(&mut emit, &loss.form, margin, divisor, well_delta);
    let scaled = scaled_logits(&mut emit, loss, scales, subject.logits, divisor, mask);
    let weights = class_weights(&mut emit, loss, scales, scaled)?;
    let formula = Formula::new(&mut emit, scaled, subject.labels);
    let per_sample = if let Base::Custom(custom) = &loss.base {
        custom::translate(formula, custom, loss.span)?
    } else {
        base::attach(formula, &loss.base, weights)
    };
    let total = emit.sum(per_sample, [0]);
    let count = match (&loss.base, weights) {
        (Base::WeightedCrossEntropy(weighted), Some(weights)) if weighted.per == Per::Weight => {
            let own = emit.op(ClassOp::Gather, &[weights, subject.labels]);
            emit.sum(own, [0])
        }
        _ => emit.op(Op::BatchCount, &[]),
    };
    let mean = emit.div(total, count);
    let zero = emit.number_like(0.0, margin);
    let correct = emit.binary(Binary::Gt, margin, zero);
    let correct = emit.sum(correct, [0]);
    let well = mask.map(|mask| emit.sum(mask, [0]));
    Ok(Objective { loss: mean, per_sample, margin, correct, well })
}

/// The weight of each class for every sample, `[n, k]`.
fn class_weights(
    emit: &mut Emit<'_>,
    loss: &Loss,
    scales: &Scales,
    logits: NodeId,
) -> Result<Option<NodeId>, LossError> {
    let Some(buffer) = scales.class_weights else { return Ok(None) };
    let shape = emit.shape(logits);
    let weights = emit.buffer(buffer);
    let (found, classes) = (emit.shape(weights).dims[0], shape.dims[0]);
    if found != classes {
        return Err(LossError::Weights { span: loss.span, found, classes });
    }
    Ok(Some(emit.op(Op::Expand { shape, axes: vec![1] }, &[weights])))
}

/// The R that divides the logits, `[]`.
fn divisor(
    emit: &mut Emit<'_>,
    loss: &Loss,
    scales: &Scales,
    size: Option<NodeId>,
) -> Option<NodeId> {
    if !uses_size(&loss.form) {
        return None;
    }
    match loss.divisor {
        Divisor::Current => size,
        Divisor::Detached => size.map(|size| emit.op(Op::StopGradient, &[size])),
        Divisor::Initial => scales.initial_size.map(|buffer| {
            let buffer = emit.buffer(buffer);
            emit.reshape(buffer, Shape::scalar())
        }),
    }
}

/// 1 on well-classified samples, `[n]`: m ≥ delta, or m / R ≥ delta.
fn mask(
    emit: &mut Emit<'_>,
    form: &Form,
    margin: NodeId,
    divisor: Option<NodeId>,
    well_delta: Option<f64>,
) -> Option<NodeId> {
    let (delta, on) = match form {
        Form::Plain | Form::SingleScale { .. } => (well_delta?, On::Raw),
        Form::TwoScale { delta, on, .. } | Form::Separation { delta, on, .. } => (*delta, *on),
    };
    let margin = match (on, divisor) {
        (On::Normalized, Some(size)) => emit.scale_inverse(size, margin),
        (On::Normalized, None) | (On::Raw, _) => margin,
    };
    let delta = emit.number_like(delta, margin);
    Some(emit.binary(Binary::Ge, margin, delta))
}

/// The logits that the base loss sees, `[n, k]`.
fn scaled_logits(
    emit: &mut Emit<'_>,
    loss: &Loss,
    scales: &Scales,
    logits: NodeId,
    divisor: Option<NodeId>,
    mask: Option<NodeId>,
) -> NodeId {
    match (&loss.form, mask) {
        (Form::Plain, _) | (Form::TwoScale { .. } | Form::Separation { .. }, None) => logits,
        (Form::SingleScale { .. }, _) => {
            let factor = factor(emit, scales.r1, divisor);
            emit.scale(factor, logits)
        }
        (Form::TwoScale { .. }, Some(mask)) => {
            let well = factor(emit, scales.r2, divisor);
            let other = factor(emit, scales.r1, divisor);
            choose(emit, mask, well, other, logits)
        }
        (Form::Separation { .. }, Some(mask)) => {
            let well = factor(emit, scales.lambda, None);
            let other = emit.number(1.0);
            choose(emit, mask, well, other, logits)
        }
    }
}

/// scale / R, or the scale itself, `[]`.
fn factor(emit: &mut Emit<'_>, scale: Option<ScaleParam>, divisor: Option<NodeId>) -> NodeId {
    let scale = match scale {
        Some(scale) => {
            let param = emit.param(scale.param);
            emit.reshape(param, Shape::scalar())
        }
        None => emit.number(1.0),
    };
    divisor.map_or(scale, |size| emit.div(scale, size))
}

fn choose(
    emit: &mut Emit<'_>,
    mask: NodeId,
    well: NodeId,
    other: NodeId,
    logits: NodeId,
) -> NodeId {
    let well = emit.spread_like(well, mask);
    let other = emit.spread_like(other, mask);
    let factor = emit.select(mask, well, other);
    let factor = emit.per_sample_like(factor, logits);
    emit.mul(factor, logits)
}
