//! The derivative rule of every operation.

use crate::ir::{Binary, Emit, NodeId, Op, Shape, Unary};

/// The part of the gradient that reaches operand `port` of `id`, whose own gradient is `dy`.
///
/// `None` where the operation is constant in that operand almost everywhere.
#[expect(
    clippy::too_many_lines,
    reason = "one arm per operation; splitting would hide a missing one"
)]
pub(super) fn adjoint(emit: &mut Emit<'_>, id: NodeId, port: usize, dy: NodeId) -> Option<NodeId> {
    let op = emit.graph[id].op.clone();
    let inputs = emit.graph.inputs(id);
    let x = *inputs.first()?;
    let gradient = match op {
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::DropoutMask { .. }
        | Op::StopGradient
        | Op::ArgMax
        | Op::ArgMaxExcept
        | Op::SparsemaxSupport => return None,
        // The label and other indices.
        Op::Gather | Op::Scatter { .. } | Op::SoftmaxExcept | Op::LogNotLabel if port > 0 => {
            return None;
        }

        Op::Unary(function) => return unary(emit, function, x, id, dy),
        Op::Binary(function) => return binary(emit, function, &inputs, id, port, dy),
        Op::Select => {
            let zero = emit.number_like(0.0, dy);
            match port {
                0 => return None,
                1 => emit.select(x, dy, zero),
                _ => emit.select(x, zero, dy),
            }
        }
        Op::Prelu if port == 0 => emit.op(Op::PreluGradInput, &[x, inputs[1], dy]),
        Op::Prelu => emit.op(Op::PreluGradSlope, &[x, inputs[1], dy]),

        Op::Reshape(_) => {
            let shape = emit.shape(x);
            emit.reshape(dy, shape)
        }
        Op::Expand { axes, .. } => emit.sum_except(dy, &axes),
        Op::Sum { axes } => {
            let shape = emit.shape(x);
            let kept = (0..shape.rank()).filter(|axis| !axes.contains(axis)).collect();
            emit.op(Op::Expand { shape, axes: kept }, &[dy])
        }
        Op::SumSquares => {
            let twice = emit.times(dy, 2.0);
            emit.scale(twice, x)
        }
        Op::Concat { axis } => {
            let sizes: Vec<_> = inputs.iter().map(|input| size(emit, *input, axis)).collect();
            let start = sizes[..port].iter().sum();
            emit.op(Op::Slice { axis, start, len: sizes[port] }, &[dy])
        }
        Op::Slice { axis, start, .. } => {
            let full = size(emit, x, axis);
            emit.op(Op::Unslice { axis, start, full }, &[dy])
        }
        Op::Unslice { axis, start, .. } => {
            let len = size(emit, x, axis);
            emit.op(Op::Slice { axis, start, len }, &[dy])
        }

        Op::Linear if port == 0 => emit.op(Op::LinearGradInput, &[dy, inputs[1]]),
        Op::Linear => emit.op(Op::LinearGradWeight, &[dy, x]),
        Op::LinearGradInput if port == 0 => emit.op(Op::Linear, &[dy, inputs[1]]),
        Op::LinearGradInput => emit.op(Op::LinearGradWeight, &[x, dy]),
        Op::LinearGradWeight if port == 0 => emit.op(Op::Linear, &[inputs[1], dy]),
        Op::LinearGradWeight => emit.op(Op::LinearGradInput, &[x, dy]),
        Op::Conv(conv) if port == 0 => {
            let input = picture(&emit.graph[x].shape);
            emit.op(Op::ConvGradInput { conv, input }, &[dy, inputs[1]])
        }
        Op::Conv(conv) => {
            let kernel = picture(&emit.graph[inputs[1]].shape);
            emit.op(Op::ConvGradWeight { conv, kernel }, &[dy, x])
        }
        Op::ConvGradInput { conv, .. } if port == 0 => emit.op(Op::Conv(conv), &[dy, inputs[1]]),
        Op::ConvGradInput { conv, .. } => {
            let kernel = picture(&emit.graph[inputs[1]].shape);
            emit.op(Op::ConvGradWeight { conv, kernel }, &[x, dy])
        }
        Op::ConvGradWeight { conv, .. } if port == 0 => emit.op(Op::Conv(conv), &[inputs[1], dy]),
        Op::ConvGradWeight { conv, .. } => {
            let input = picture(&emit.graph[inputs[1]].shape);
            emit.op(Op::ConvGradInput { conv, input }, &[x, dy])
        }

        Op::MaxPool(pool) => emit.op(Op::MaxPoolGrad(pool), &[x, dy]),
        Op::AvgPool(pool) => {
            let input = picture(&emit.graph[x].shape);
            emit.op(Op::AvgPoolGrad { pool, input }, &[dy])
        }
        Op::AvgPoolGrad { pool, .. } => emit.op(Op::AvgPool(pool), &[dy]),

        Op::Normalize { norm, eps } => emit.op(Op::NormalizeGrad { norm, eps }, &[x, dy]),
        Op::NormalizeRunning { eps } => running(emit, &inputs, eps, id, port, dy),
        Op::NormalizeRunningGrad { eps } if port == 0 => {
            emit.op(Op::NormalizeRunningGrad { eps }, &[dy, inputs[1]])
        }
        Op::BatchMean => {
            let count = channel_count(emit, x);
            let share = emit.scale_inverse(count, dy);
            per_channel(emit, share, x)
        }
        Op::BatchVar => batch_var(emit, x, dy),

        Op::Softmax | Op::SoftmaxExcept => softmax(emit, id, dy),
        Op::LogSoftmax => {
            let p = emit.op(Op::Softmax, &[x]);
            let total = emit.sum(dy, [1]);
            let total = emit.per_sample_like(total, x);
            let shared = emit.mul(p, total);
            emit.sub(dy, shared)
        }
        Op::Gather => {
            let classes = size(emit, x, 1);
            emit.op(Op::Scatter { classes }, &[dy, inputs[1]])
        }
        Op::Scatter { .. } => emit.op(Op::Gather, &[dy, inputs[1]]),
        Op::LogNotLabel => log_not_label(emit, x, inputs[1], dy),
        Op::SparsemaxThreshold => {
            let share = emit.op(Op::SparsemaxSupport, &[x]);
            let dy = emit.per_sample_like(dy, x);
            emit.mul(share, dy)
        }

        Op::SpectralNorm => {
            let outer = emit.op(Op::SpectralNormGrad, &[x]);
            emit.scale(dy, outer)
        }

        Op::BatchNorm { .. } | Op::Dropout { .. } => {
            panic!("broken invariant: a graph is specialised before it is differentiated")
        }
        Op::PreluGradInput
        | Op::PreluGradSlope
        | Op::MaxPoolGrad(_)
        | Op::NormalizeGrad { .. }
        | Op::NormalizeRunningGrad { .. }
        | Op::SpectralNormGrad => {
            panic!("broken invariant: gradients are differentiated once")
        }
    };
    Some(gradient)
}

/// `y` is the node itself: where the derivative is simple in the result, the operand need not be kept.
fn unary(emit: &mut Emit<'_>, function: Unary, x: NodeId, y: NodeId, dy: NodeId) -> Option<NodeId> {
    let factor = match function {
        Unary::Neg => return Some(emit.neg(dy)),
        Unary::Abs => emit.unary(Unary::Sign, x),
        Unary::Exp => y,
        Unary::Log => return Some(emit.div(dy, x)),
        Unary::Sqrt => {
            let half = emit.times(dy, 0.5);
            return Some(emit.div(half, y));
        }
        Unary::Square => emit.times(x, 2.0),
        Unary::Power(power) => {
            let slope = emit.unary(Unary::Power(power - 1.0), x);
            emit.times(slope, power)
        }
        // The sign of the result is that of the operand.
        Unary::Relu => emit.unary(Unary::Step, y),
        Unary::LeakyRelu(slope) if slope >= 0.0 => emit.unary(Unary::LeakyStep(slope), y),
        Unary::LeakyRelu(slope) => emit.unary(Unary::LeakyStep(slope), x),
        Unary::Tanh => {
            let square = emit.unary(Unary::Square, y);
            let one = emit.number_like(1.0, y);
            emit.sub(one, square)
        }
        Unary::Sigmoid => {
            let one = emit.number_like(1.0, y);
            let rest = emit.sub(one, y);
            emit.mul(y, rest)
        }
        Unary::Gelu => emit.unary(Unary::GeluGrad, x),
        Unary::Silu => emit.unary(Unary::SiluGrad, x),
        Unary::Sign | Unary::Step | Unary::LeakyStep(_) => return None,
        Unary::GeluGrad | Unary::SiluGrad => {
            panic!("broken invariant: gradients are differentiated once")
        }
    };
    Some(emit.mul(dy, factor))
}

fn binary(
    emit: &mut Emit<'_>,
    function: Binary,
    inputs: &[NodeId],
    y: NodeId,
    port: usize,
    dy: NodeId,
) -> Option<NodeId> {
    let (a, b) = (inputs[0], inputs[1]);
    let gradient = match (function, port) {
        (Binary::Add, _) | (Binary::Sub, 0) => dy,
        (Binary::Sub, _) => emit.neg(dy),
        (Binary::Mul, 0) => emit.mul(dy, b),
        (Binary::Mul, _) => emit.mul(dy, a),
        (Binary::Div, 0) => emit.div(dy, b),
        (Binary::Div, _) => {
            // −dy (a / b) / b, without b², which may overflow.
            let slope = emit.div(y, b);
            let part = emit.mul(dy, slope);
            emit.neg(part)
        }
        (Binary::Max | Binary::Min, _) => {
            let (larger, smaller) = if function == Binary::Max { (a, b) } else { (b, a) };
            let first = emit.binary(Binary::Ge, larger, smaller);
            let zero = emit.number_like(0.0, dy);
            if port == 0 { emit.select(first, dy, zero) } else { emit.select(first, zero, dy) }
        }
        (Binary::Pow, 0) => {
            let one = emit.number_like(1.0, b);
            let less = emit.sub(b, one);
            let power = emit.binary(Binary::Pow, a, less);
            let slope = emit.mul(b, power);
            emit.mul(dy, slope)
        }
        (Binary::Pow | Binary::Ge | Binary::Gt | Binary::Eq, _) => return None,
    };
    Some(gradient)
}

/// y (dy − Σ dy y); also right where y is zero at the label.
fn softmax(emit: &mut Emit<'_>, y: NodeId, dy: NodeId) -> NodeId {
    let weighted = emit.mul(dy, y);
    let mean = emit.sum(weighted, [1]);
    let mean = emit.per_sample_like(mean, y);
    let centred = emit.sub(dy, mean);
    emit.mul(y, centred)
}

/// p_y (q − [i = y]) with q the softmax over the others: no difference of close numbers.
fn log_not_label(emit: &mut Emit<'_>, x: NodeId, label: NodeId, dy: NodeId) -> NodeId {
    let p = emit.op(Op::Softmax, &[x]);
    let p = emit.op(Op::Gather, &[p, label]);
    let weight = emit.mul(dy, p);
    let others = emit.op(Op::SoftmaxExcept, &[x, label]);
    let spread = emit.per_sample_like(weight, x);
    let others = emit.mul(spread, others);
    let classes = size(emit, x, 1);
    let own = emit.op(Op::Scatter { classes }, &[weight, label]);
    emit.sub(others, own)
}

fn running(
    emit: &mut Emit<'_>,
    inputs: &[NodeId],
    eps: f64,
    y: NodeId,
    port: usize,
    dy: NodeId,
) -> NodeId {
    let variance = inputs[2];
    if port == 2 {
        let weighted = emit.mul(dy, y);
        let total = emit.sum_except(weighted, &[1]);
        let half = emit.times(total, -0.5);
        let eps = emit.number_like(eps, variance);
        let spread = emit.add(variance, eps);
        return emit.div(half, spread);
    }
    let dx = emit.op(Op::NormalizeRunningGrad { eps }, &[dy, variance]);
    if port == 0 {
        return dx;
    }
    let total = emit.sum_except(dx, &[1]);
    emit.neg(total)
}

/// 2 (x − mean) dy / max(count − 1, 1).
fn batch_var(emit: &mut Emit<'_>, x: NodeId, dy: NodeId) -> NodeId {
    let count = channel_count(emit, x);
    let one = emit.number(1.0);
    let less = emit.sub(count, one);
    let divisor = emit.binary(Binary::Max, less, one);
    let twice = emit.times(dy, 2.0);
    let share = emit.scale_inverse(divisor, twice);
    let share = per_channel(emit, share, x);
    let mean = emit.op(Op::BatchMean, &[x]);
    let mean = per_channel(emit, mean, x);
    let centred = emit.sub(x, mean);
    emit.mul(share, centred)
}

/// Elements of one channel over batch and picture, `[]`.
fn channel_count(emit: &mut Emit<'_>, x: NodeId) -> NodeId {
    let elements = emit.graph[x].shape.dims.iter().skip(1).product::<usize>();
    let batch = emit.op(Op::BatchCount, &[]);
    emit.times(batch, elements as f64)
}

fn per_channel(emit: &mut Emit<'_>, values: NodeId, x: NodeId) -> NodeId {
    let shape = emit.shape(x);
    emit.op(Op::Expand { shape, axes: vec![1] }, &[values])
}

fn size(emit: &Emit<'_>, x: NodeId, axis: usize) -> usize {
    let shape = &emit.graph[x].shape;
    shape.dims[axis - usize::from(shape.batched)]
}

/// The last two sizes: height and width of a picture or a kernel.
fn picture(shape: &Shape) -> [usize; 2] {
    match shape.dims.as_slice() {
        [.., height, width] => [*height, *width],
        _ => panic!("broken invariant: pictures and kernels have two axes"),
    }
}
