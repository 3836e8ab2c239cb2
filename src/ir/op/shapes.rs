//! The shape rules of operations, and what rules are made of.

use super::{Conv, Norm, Op, Pool};
use crate::ir::{Graph, Kind, Shape};

/// Operands do not fit an operation. `found` and `expected` are in the words of messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {found}, expected {expected}")]
pub struct ShapeError {
    /// The shapes met: `an input of shape [n, 16, 5, 5]`.
    pub found: String,
    /// What the rule asks for: `rank 2, [n, features]`.
    pub expected: String,
}

/// Shape and kind of an operand.
pub(super) type Operand<'a> = (&'a Shape, Kind);

/// Shape and kind of the result of `op`.
///
/// # Errors
/// [`ShapeError`] when number, kinds or shapes of the operands break the rule of the operation.
pub fn infer(
    op: &Op,
    operands: &[Operand<'_>],
    graph: &Graph,
) -> Result<(Shape, Kind), ShapeError> {
    let shape = match op {
        Op::Input | Op::Labels => {
            return Err(error("a leaf without a shape", "a leaf added with its shape"));
        }
        Op::Class(op) => return op.infer(operands),
        Op::Modal(op) => op.infer(operands)?,
        Op::Grad(op) => op.infer(operands)?,
        Op::Param(id) => graph.param(*id).shape.clone(),
        Op::Buffer(id) => graph.buffer(*id).shape.clone(),
        Op::Hyper(_) | Op::Const(_) | Op::BatchCount => Shape::scalar(),
        Op::Unary(_) | Op::StopGradient | Op::DropoutMask { .. } => {
            let [x] = reals(operands)?;
            x.clone()
        }
        Op::Binary(_) => {
            let [a, b] = reals(operands)?;
            equal(a, b)?;
            a.clone()
        }
        Op::Select => {
            let [mask, a, b] = reals(operands)?;
            equal(mask, a)?;
            equal(a, b)?;
            a.clone()
        }
        Op::Prelu => {
            let [x, slope] = reals(operands)?;
            slopes(x, slope)?;
            x.clone()
        }
        Op::Reshape(shape) => {
            let [x] = reals(operands)?;
            reshape(x, shape)?;
            shape.clone()
        }
        Op::Expand { shape, axes } => {
            let [x] = reals(operands)?;
            expand(x, shape, axes)?;
            shape.clone()
        }
        Op::Sum { axes } => {
            let [x] = reals(operands)?;
            sum(x, axes)?
        }
        Op::SumSquares => {
            let [_] = reals(operands)?;
            Shape::scalar()
        }
        Op::Concat { axis } => concat(operands, *axis)?,
        Op::Slice { axis, start, len } => {
            let [x] = reals(operands)?;
            slice(x, *axis, *start, *len)?
        }
        Op::Linear => {
            let [x, w] = reals(operands)?;
            linear(x, w)?
        }
        Op::Conv(conv) => {
            let [x, w] = reals(operands)?;
            conv_shape(conv, x, w)?
        }
        Op::MaxPool(pool) | Op::AvgPool(pool) => {
            let [x] = reals(operands)?;
            pool_shape(pool, x)?
        }
        Op::Normalize { norm, .. } => {
            let [x] = reals(operands)?;
            normalizable(*norm, x)?;
            x.clone()
        }
        Op::NormalizeRunning { .. } => {
            let [x, mean, var] = reals(operands)?;
            with_statistics(x, mean, var)?;
            x.clone()
        }
        Op::BatchMean | Op::BatchVar => {
            let [x] = reals(operands)?;
            Shape::fixed([channels(x)?])
        }
        Op::SpectralNorm => {
            let [w] = reals(operands)?;
            matrix(w)?;
            Shape::scalar()
        }
    };
    Ok((shape, Kind::Real))
}

pub(super) fn error(found: impl Into<String>, expected: impl Into<String>) -> ShapeError {
    ShapeError { found: found.into(), expected: expected.into() }
}

pub(super) fn reals<'a, const N: usize>(
    operands: &[Operand<'a>],
) -> Result<[&'a Shape; N], ShapeError> {
    if operands.len() != N {
        return Err(error(format!("{} operands", operands.len()), format!("{N}")));
    }
    if operands.iter().any(|(_, kind)| *kind != Kind::Real) {
        return Err(error("class indices", "real numbers"));
    }
    Ok(std::array::from_fn(|i| operands[i].0))
}

pub(super) fn equal(a: &Shape, b: &Shape) -> Result<(), ShapeError> {
    if a == b { Ok(()) } else { Err(error(format!("shapes {a} and {b}"), "equal shapes")) }
}

pub(super) fn per_sample<const N: usize>(x: &Shape, form: &str) -> Result<[usize; N], ShapeError> {
    match <[usize; N]>::try_from(x.dims.as_slice()) {
        Ok(dims) if x.batched => Ok(dims),
        Ok(_) | Err(_) => {
            Err(error(format!("an input of shape {x}"), format!("rank {}, {form}", N + 1)))
        }
    }
}

pub(super) fn fixed<const N: usize>(w: &Shape, form: &str) -> Result<[usize; N], ShapeError> {
    match <[usize; N]>::try_from(w.dims.as_slice()) {
        Ok(dims) if !w.batched => Ok(dims),
        Ok(_) | Err(_) => Err(error(format!("a weight of shape {w}"), form)),
    }
}

pub(super) fn slopes(x: &Shape, slope: &Shape) -> Result<(), ShapeError> {
    let [count] = fixed(slope, "[1] or [channels]")?;
    if count == 1 || channels(x)? == count {
        Ok(())
    } else {
        Err(error(format!("{count} slopes for an input of shape {x}"), "one, or one per channel"))
    }
}

pub(super) fn channels(x: &Shape) -> Result<usize, ShapeError> {
    match x.dims.first() {
        Some(channels) if x.batched => Ok(*channels),
        Some(_) | None => Err(error(format!("an input of shape {x}"), "[n, channels, …]")),
    }
}

pub(super) fn inner_axis(x: &Shape, axis: usize) -> Result<usize, ShapeError> {
    axis.checked_sub(usize::from(x.batched))
        .filter(|dim| *dim < x.dims.len())
        .ok_or_else(|| error(format!("axis {axis} of shape {x}"), "an axis other than the batch"))
}

fn reshape(x: &Shape, shape: &Shape) -> Result<(), ShapeError> {
    if x.batched == shape.batched && x.elements() == shape.elements() {
        return Ok(());
    }
    Err(error(
        format!("an input of shape {x}, {} elements", x.elements()),
        format!("as many elements as {shape} holds, {}", shape.elements()),
    ))
}

fn expand(x: &Shape, shape: &Shape, axes: &[usize]) -> Result<(), ShapeError> {
    // A batch of one marks the symbolic axis; it is compared by name, not by size.
    let from = x.sizes(usize::MAX);
    let to = shape.sizes(usize::MAX);
    let increasing = axes.windows(2).all(|pair| pair[0] < pair[1]);
    let fits = axes.len() == from.len()
        && axes.iter().zip(&from).all(|(axis, size)| to.get(*axis) == Some(size))
        && (!x.batched || (shape.batched && axes[0] == 0));
    if increasing && fits {
        Ok(())
    } else {
        Err(error(format!("an input of shape {x}"), format!("axes of {shape}")))
    }
}

fn sum(x: &Shape, axes: &[usize]) -> Result<Shape, ShapeError> {
    let increasing = axes.windows(2).all(|pair| pair[0] < pair[1]);
    if !increasing || axes.last().is_some_and(|axis| *axis >= x.rank()) {
        return Err(error(format!("axes {axes:?} of shape {x}"), "increasing axes of the input"));
    }
    let offset = usize::from(x.batched);
    let dims = x
        .dims
        .iter()
        .enumerate()
        .filter(|(i, _)| !axes.contains(&(i + offset)))
        .map(|(_, dim)| *dim)
        .collect();
    Ok(Shape { batched: x.batched && !axes.contains(&0), dims })
}

fn concat(operands: &[Operand<'_>], axis: usize) -> Result<Shape, ShapeError> {
    let Some((first, _)) = operands.first() else {
        return Err(error("nothing to join", "at least one input"));
    };
    let dim = inner_axis(first, axis)?;
    let mut shape = (*first).clone();
    shape.dims[dim] = 0;
    for (x, kind) in operands {
        let mut rest = (*x).clone();
        let fits = *kind == Kind::Real && rest.dims.len() == shape.dims.len();
        let size = if fits { std::mem::replace(&mut rest.dims[dim], shape.dims[dim]) } else { 0 };
        if !fits || rest != shape {
            return Err(error(
                format!("inputs of shapes {first} and {x}"),
                format!("shapes that differ in axis {axis} only"),
            ));
        }
        shape.dims[dim] = shape.dims[dim].saturating_add(size);
    }
    Ok(shape)
}

fn slice(x: &Shape, axis: usize, start: usize, len: usize) -> Result<Shape, ShapeError> {
    let dim = inner_axis(x, axis)?;
    if start.checked_add(len).is_none_or(|end| end > x.dims[dim]) {
        return Err(error(
            format!("an axis of size {}", x.dims[dim]),
            format!("room for {len} elements from {start}"),
        ));
    }
    let mut shape = x.clone();
    shape.dims[dim] = len;
    Ok(shape)
}

fn linear(x: &Shape, w: &Shape) -> Result<Shape, ShapeError> {
    let [inputs] = per_sample(x, "[n, features]")?;
    let [outputs, expected] = fixed(w, "[out, in]")?;
    if inputs == expected {
        return Ok(Shape::per_sample([outputs]));
    }
    Err(error(format!("an input of shape {x}"), format!("{expected} features")))
}

fn conv_shape(conv: &Conv, x: &Shape, w: &Shape) -> Result<Shape, ShapeError> {
    let [channels, height, width] = per_sample(x, "[n, channels, h, w]")?;
    let [outputs, per_group, kh, kw] = fixed(w, "[out, in / groups, kh, kw]")?;
    if conv.groups == 0 || channels % conv.groups != 0 || outputs % conv.groups != 0 {
        return Err(error(
            format!("{channels} input and {outputs} output channels"),
            format!("multiples of {} groups", conv.groups),
        ));
    }
    if per_group != channels / conv.groups {
        return Err(error(
            format!("an input of shape {x}"),
            format!("{} channels", per_group.saturating_mul(conv.groups)),
        ));
    }
    let height = windows(height, kh, conv.stride[0], conv.pad[0]);
    let width = windows(width, kw, conv.stride[1], conv.pad[1]);
    match (height, width) {
        (Some(height), Some(width)) => Ok(Shape::per_sample([outputs, height, width])),
        (_, None) | (None, _) => Err(error(
            format!("an input of shape {x}"),
            format!(
                "a picture of at least {kh} × {kw} with its padding, and a stride of at least 1"
            ),
        )),
    }
}

pub(super) fn pool_shape(pool: &Pool, x: &Shape) -> Result<Shape, ShapeError> {
    let [channels, height, width] = per_sample(x, "[n, channels, h, w]")?;
    let padded =
        pool.pad.iter().zip(&pool.kernel).any(|(pad, kernel)| pad.saturating_mul(2) > *kernel);
    if padded {
        return Err(error(
            format!("padding {} for windows of {}", pool.pad[0], pool.kernel[0]),
            "at most half a window",
        ));
    }
    let height = windows(height, pool.kernel[0], pool.stride[0], pool.pad[0]);
    let width = windows(width, pool.kernel[1], pool.stride[1], pool.pad[1]);
    match (height, width) {
        (Some(height), Some(width)) => Ok(Shape::per_sample([channels, height, width])),
        (_, None) | (None, _) => Err(error(
            format!("an input of shape {x}"),
            format!("a picture of at least {} × {}", pool.kernel[0], pool.kernel[1]),
        )),
    }
}

/// Number of windows along one axis; `None` when not even one fits.
fn windows(size: usize, kernel: usize, stride: usize, pad: usize) -> Option<usize> {
    let room = size.checked_add(pad.checked_mul(2)?)?.checked_sub(kernel)?;
    if kernel == 0 { None } else { Some(room.checked_div(stride)? + 1) }
}

pub(super) fn normalizable(norm: Norm, x: &Shape) -> Result<(), ShapeError> {
    let channels = channels(x)?;
    match norm {
        Norm::Batch | Norm::Layer => Ok(()),
        Norm::Group(groups) if groups > 0 && channels % groups == 0 => Ok(()),
        Norm::Group(groups) => Err(error(
            format!("an input of shape {x}"),
            format!("channels in {groups} equal groups"),
        )),
    }
}

/// A mean and a variance per channel of x.
pub(super) fn with_statistics(x: &Shape, mean: &Shape, var: &Shape) -> Result<(), ShapeError> {
    let channels = Shape::fixed([channels(x)?]);
    equal(&channels, mean)?;
    equal(&channels, var)
}

pub(super) fn matrix(w: &Shape) -> Result<(), ShapeError> {
    if !w.batched && w.dims.len() >= 2 {
        Ok(())
    } else {
        Err(error(format!("a weight of shape {w}"), "[out, …], rank 2 or more"))
    }
}
