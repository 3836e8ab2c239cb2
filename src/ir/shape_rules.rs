//! The shape rule of every operation.

use super::{Conv, Graph, Kind, Norm, Op, Pool, Shape};

/// Operands do not fit an operation. `found` and `expected` are in the words of messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {found}, expected {expected}")]
pub struct ShapeError {
    /// The shapes met: `an input of shape [n, 16, 5, 5]`.
    pub found: String,
    /// What the rule asks for: `rank 2, [n, features]`.
    pub expected: String,
}

type Operand<'a> = (&'a Shape, Kind);

/// Shape and kind of the result of `op`.
///
/// # Errors
/// [`ShapeError`] when number, kinds or shapes of the operands break the rule of the operation.
#[expect(
    clippy::too_many_lines,
    reason = "one arm per operation; splitting would hide a missing one"
)]
pub fn infer(
    op: &Op,
    operands: &[Operand<'_>],
    graph: &Graph,
) -> Result<(Shape, Kind), ShapeError> {
    let real = |shape: Shape| Ok((shape, Kind::Real));
    match op {
        Op::Input | Op::Labels => {
            Err(error("a leaf without a shape", "a leaf added with its shape"))
        }
        Op::Param(id) => real(graph.param(*id).shape.clone()),
        Op::Buffer(id) => real(graph.buffer(*id).shape.clone()),
        Op::Hyper(_) | Op::Const(_) | Op::BatchCount => real(Shape::scalar()),
        Op::Unary(_) | Op::StopGradient | Op::DropoutMask { .. } | Op::Dropout { .. } => {
            let [x] = reals(operands)?;
            real(x.clone())
        }
        Op::Binary(_) => {
            let [a, b] = reals(operands)?;
            equal(a, b)?;
            real(a.clone())
        }
        Op::Select => {
            let [mask, a, b] = reals(operands)?;
            equal(mask, a)?;
            equal(a, b)?;
            real(a.clone())
        }
        Op::Prelu => {
            let [x, slope] = reals(operands)?;
            slopes(x, slope)?;
            real(x.clone())
        }
        Op::PreluGradInput => {
            let [x, slope, dy] = reals(operands)?;
            slopes(x, slope)?;
            equal(x, dy)?;
            real(x.clone())
        }
        Op::PreluGradSlope => {
            let [x, slope, dy] = reals(operands)?;
            slopes(x, slope)?;
            equal(x, dy)?;
            real(slope.clone())
        }
        Op::Reshape(shape) => {
            let [x] = reals(operands)?;
            if x.batched != shape.batched || x.elements() != shape.elements() {
                return Err(error(
                    format!("an input of shape {x}, {} elements", x.elements()),
                    format!("as many elements as {shape} holds, {}", shape.elements()),
                ));
            }
            real(shape.clone())
        }
        Op::Expand { shape, axes } => {
            let [x] = reals(operands)?;
            expand(x, shape, axes)?;
            real(shape.clone())
        }
        Op::Sum { axes } => {
            let [x] = reals(operands)?;
            sum(x, axes).map(|shape| (shape, Kind::Real))
        }
        Op::SumSquares => {
            let [_] = reals(operands)?;
            real(Shape::scalar())
        }
        Op::Concat { axis } => concat(operands, *axis).map(|shape| (shape, Kind::Real)),
        Op::Slice { axis, start, len } => {
            let [x] = reals(operands)?;
            let dim = inner_axis(x, *axis)?;
            if start.checked_add(*len).is_none_or(|end| end > x.dims[dim]) {
                return Err(error(
                    format!("an axis of size {}", x.dims[dim]),
                    format!("room for {len} elements from {start}"),
                ));
            }
            let mut shape = x.clone();
            shape.dims[dim] = *len;
            real(shape)
        }
        Op::Unslice { axis, start, full } => {
            let [x] = reals(operands)?;
            let dim = inner_axis(x, *axis)?;
            if start.checked_add(x.dims[dim]).is_none_or(|end| end > *full) {
                return Err(error(
                    format!("{} elements from {start}", x.dims[dim]),
                    format!("at most {full} in all"),
                ));
            }
            let mut shape = x.clone();
            shape.dims[dim] = *full;
            real(shape)
        }
        Op::Linear => {
            let [x, w] = reals(operands)?;
            let [inputs] = per_sample(x, "[n, features]")?;
            let [outputs, expected] = fixed(w, "[out, in]")?;
            if inputs != expected {
                return Err(error(
                    format!("an input of shape {x}"),
                    format!("{expected} features"),
                ));
            }
            real(Shape::per_sample([outputs]))
        }
        Op::LinearGradInput => {
            let [dy, w] = reals(operands)?;
            let [outputs] = per_sample(dy, "[n, out]")?;
            let [expected, inputs] = fixed(w, "[out, in]")?;
            if outputs != expected {
                return Err(error(format!("a gradient of shape {dy}"), format!("[n, {expected}]")));
            }
            real(Shape::per_sample([inputs]))
        }
        Op::LinearGradWeight => {
            let [dy, x] = reals(operands)?;
            let [outputs] = per_sample(dy, "[n, out]")?;
            let [inputs] = per_sample(x, "[n, in]")?;
            real(Shape::fixed([outputs, inputs]))
        }
        Op::Conv(conv) => {
            let [x, w] = reals(operands)?;
            conv_shape(conv, x, w).map(|shape| (shape, Kind::Real))
        }
        Op::ConvGradInput { conv, input } => {
            let [dy, w] = reals(operands)?;
            let [outputs, ..] = per_sample::<3>(dy, "[n, out, h, w]")?;
            let [expected, per_group, ..] = fixed::<4>(w, "[out, in / groups, kh, kw]")?;
            if outputs != expected {
                return Err(error(
                    format!("a gradient of shape {dy}"),
                    format!("{expected} channels"),
                ));
            }
            real(Shape::per_sample([per_group * conv.groups, input[0], input[1]]))
        }
        Op::ConvGradWeight { conv, kernel } => {
            let [dy, x] = reals(operands)?;
            let [outputs, ..] = per_sample::<3>(dy, "[n, out, h, w]")?;
            let [channels, ..] = per_sample::<3>(x, "[n, channels, h, w]")?;
            real(Shape::fixed([outputs, channels / conv.groups.max(1), kernel[0], kernel[1]]))
        }
        Op::MaxPool(pool) | Op::AvgPool(pool) => {
            let [x] = reals(operands)?;
            pool_shape(pool, x).map(|shape| (shape, Kind::Real))
        }
        Op::MaxPoolGrad(pool) => {
            let [x, dy] = reals(operands)?;
            equal(&pool_shape(pool, x)?, dy)?;
            real(x.clone())
        }
        Op::AvgPoolGrad { pool, input } => {
            let [dy] = reals(operands)?;
            let [channels, ..] = per_sample::<3>(dy, "[n, channels, h, w]")?;
            let x = Shape::per_sample([channels, input[0], input[1]]);
            equal(&pool_shape(pool, &x)?, dy)?;
            real(x)
        }
        Op::BatchNorm { .. } | Op::NormalizeRunning { .. } => {
            let [x, mean, var] = reals(operands)?;
            let channels = Shape::fixed([channels(x)?]);
            equal(&channels, mean)?;
            equal(&channels, var)?;
            real(x.clone())
        }
        Op::Normalize { norm, .. } => {
            let [x] = reals(operands)?;
            normalizable(norm, x)?;
            real(x.clone())
        }
        Op::NormalizeGrad { norm, .. } => {
            let [x, dy] = reals(operands)?;
            normalizable(norm, x)?;
            equal(x, dy)?;
            real(x.clone())
        }
        Op::NormalizeRunningGrad { .. } => {
            let [dy, var] = reals(operands)?;
            equal(&Shape::fixed([channels(dy)?]), var)?;
            real(dy.clone())
        }
        Op::BatchMean | Op::BatchVar => {
            let [x] = reals(operands)?;
            real(Shape::fixed([channels(x)?]))
        }
        Op::Softmax | Op::LogSoftmax | Op::SparsemaxSupport => {
            let [x] = reals(operands)?;
            let [_] = per_sample(x, "[n, classes]")?;
            real(x.clone())
        }
        Op::SparsemaxThreshold => {
            let [x] = reals(operands)?;
            let [_] = per_sample(x, "[n, classes]")?;
            real(Shape::per_sample([]))
        }
        Op::Gather | Op::LogNotLabel => {
            rows_and_labels(operands)?;
            real(Shape::per_sample([]))
        }
        Op::SoftmaxExcept => {
            let x = rows_and_labels(operands)?;
            real(x.clone())
        }
        Op::Scatter { classes } => {
            let [(v, Kind::Real), (labels, Kind::Index)] = operands else {
                return Err(error("other operands", "values [n] and indices [n]"));
            };
            equal(&Shape::per_sample([]), v)?;
            equal(&Shape::per_sample([]), labels)?;
            real(Shape::per_sample([*classes]))
        }
        Op::ArgMax => {
            let [x] = reals(operands)?;
            let [_] = per_sample(x, "[n, classes]")?;
            Ok((Shape::per_sample([]), Kind::Index))
        }
        Op::ArgMaxExcept => {
            let x = rows_and_labels(operands)?;
            if x.dims[0] < 2 {
                return Err(error(format!("logits of shape {x}"), "at least two classes"));
            }
            Ok((Shape::per_sample([]), Kind::Index))
        }
        Op::SpectralNorm => {
            let [w] = reals(operands)?;
            matrix(w)?;
            real(Shape::scalar())
        }
        Op::SpectralNormGrad => {
            let [w] = reals(operands)?;
            matrix(w)?;
            real(w.clone())
        }
    }
}

fn error(found: impl Into<String>, expected: impl Into<String>) -> ShapeError {
    ShapeError { found: found.into(), expected: expected.into() }
}

fn reals<'a, const N: usize>(operands: &[Operand<'a>]) -> Result<[&'a Shape; N], ShapeError> {
    if operands.len() != N {
        return Err(error(format!("{} operands", operands.len()), format!("{N}")));
    }
    if operands.iter().any(|(_, kind)| *kind != Kind::Real) {
        return Err(error("class indices", "real numbers"));
    }
    Ok(std::array::from_fn(|i| operands[i].0))
}

fn equal(a: &Shape, b: &Shape) -> Result<(), ShapeError> {
    if a == b { Ok(()) } else { Err(error(format!("shapes {a} and {b}"), "equal shapes")) }
}

fn per_sample<const N: usize>(x: &Shape, form: &str) -> Result<[usize; N], ShapeError> {
    match <[usize; N]>::try_from(x.dims.as_slice()) {
        Ok(dims) if x.batched => Ok(dims),
        Ok(_) | Err(_) => {
            Err(error(format!("an input of shape {x}"), format!("rank {}, {form}", N + 1)))
        }
    }
}

fn fixed<const N: usize>(w: &Shape, form: &str) -> Result<[usize; N], ShapeError> {
    match <[usize; N]>::try_from(w.dims.as_slice()) {
        Ok(dims) if !w.batched => Ok(dims),
        Ok(_) | Err(_) => Err(error(format!("a weight of shape {w}"), form)),
    }
}

fn slopes(x: &Shape, slope: &Shape) -> Result<(), ShapeError> {
    let [count] = fixed(slope, "[1] or [channels]")?;
    if count == 1 || channels(x)? == count {
        Ok(())
    } else {
        Err(error(format!("{count} slopes for an input of shape {x}"), "one, or one per channel"))
    }
}

fn channels(x: &Shape) -> Result<usize, ShapeError> {
    match x.dims.first() {
        Some(channels) if x.batched => Ok(*channels),
        Some(_) | None => Err(error(format!("an input of shape {x}"), "[n, channels, …]")),
    }
}

fn inner_axis(x: &Shape, axis: usize) -> Result<usize, ShapeError> {
    axis.checked_sub(usize::from(x.batched))
        .filter(|dim| *dim < x.dims.len())
        .ok_or_else(|| error(format!("axis {axis} of shape {x}"), "an axis other than the batch"))
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

fn pool_shape(pool: &Pool, x: &Shape) -> Result<Shape, ShapeError> {
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

fn normalizable(norm: &Norm, x: &Shape) -> Result<(), ShapeError> {
    let channels = channels(x)?;
    match norm {
        Norm::Batch | Norm::Layer => Ok(()),
        Norm::Group(groups) if *groups > 0 && channels % groups == 0 => Ok(()),
        Norm::Group(groups) => Err(error(
            format!("an input of shape {x}"),
            format!("channels in {groups} equal groups"),
        )),
    }
}

fn rows_and_labels<'a>(operands: &[Operand<'a>]) -> Result<&'a Shape, ShapeError> {
    let [(x, Kind::Real), (labels, Kind::Index)] = operands else {
        return Err(error("other operands", "values [n, classes] and indices [n]"));
    };
    let [_] = per_sample(x, "[n, classes]")?;
    equal(&Shape::per_sample([]), labels)?;
    Ok(x)
}

fn matrix(w: &Shape) -> Result<(), ShapeError> {
    if !w.batched && w.dims.len() >= 2 {
        Ok(())
    } else {
        Err(error(format!("a weight of shape {w}"), "[out, …], rank 2 or more"))
    }
}
