//! The derivative rule of every operation.

mod class;
mod function;
mod norm;
mod second;

use crate::ir::{Emit, GradOp, NodeId, Op, Shape};

/// The part of the gradient that reaches operand `port` of `id`, whose own gradient is `dy`.
///
/// `None` where the operation is constant in that operand almost everywhere.
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
        | Op::StopGradient => return None,

        Op::Unary(function) => return function::unary(emit, function, x, id, dy),
        Op::Binary(function) => return function::binary(emit, function, &inputs, id, port, dy),
        Op::Class(op) => return class::adjoint(emit, op, &inputs, id, port, dy),
        Op::Grad(op) => second::adjoint(emit, op, &inputs, port, dy),
        Op::Select => {
            let zero = emit.number_like(0.0, dy);
            match port {
                0 => return None,
                1 => emit.select(x, dy, zero),
                _ => emit.select(x, zero, dy),
            }
        }
        Op::Prelu if port == 0 => emit.op(GradOp::PreluInput, &[x, inputs[1], dy]),
        Op::Prelu => emit.op(GradOp::PreluSlope, &[x, inputs[1], dy]),

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
            emit.op(GradOp::Slice { axis, start, full }, &[dy])
        }

        Op::Linear if port == 0 => emit.op(GradOp::LinearInput, &[dy, inputs[1]]),
        Op::Linear => emit.op(GradOp::LinearWeight, &[dy, x]),
        Op::Conv(conv) if port == 0 => {
            let input = picture(&emit.graph[x].shape);
            emit.op(GradOp::ConvInput { conv, input }, &[dy, inputs[1]])
        }
        Op::Conv(conv) => {
            let kernel = picture(&emit.graph[inputs[1]].shape);
            emit.op(GradOp::ConvWeight { conv, kernel }, &[dy, x])
        }

        Op::MaxPool(pool) => emit.op(GradOp::MaxPool(pool), &[x, dy]),
        Op::AvgPool(pool) => {
            let input = picture(&emit.graph[x].shape);
            emit.op(GradOp::AvgPool { pool, input }, &[dy])
        }

        Op::Normalize { norm, eps } => emit.op(GradOp::Normalize { norm, eps }, &[x, dy]),
        Op::NormalizeRunning { eps } => norm::running(emit, &inputs, eps, id, port, dy),
        Op::BatchMean => norm::batch_mean(emit, x, dy),
        Op::BatchVar => norm::batch_var(emit, x, dy),

        Op::SpectralNorm => {
            let outer = emit.op(GradOp::SpectralNorm, &[x]);
            emit.scale(dy, outer)
        }
        Op::Modal(_) => {
            panic!("broken invariant: a graph is specialised before it is differentiated")
        }
    };
    Some(gradient)
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
