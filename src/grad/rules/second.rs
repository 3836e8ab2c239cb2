//! Derivatives of gradients, where a loss of a gradient may meet them: those of linear maps, pools and slices.

use super::{picture, size};
use crate::ir::{Emit, GradOp, NodeId, Op};

/// The gradient in operand `port`.
///
/// # Panics
/// When the gradient is not linear in its operands: no graph differentiates such an operation twice.
pub(super) fn adjoint(
    emit: &mut Emit<'_>,
    op: GradOp,
    inputs: &[NodeId],
    port: usize,
    dy: NodeId,
) -> NodeId {
    let x = inputs[0];
    match op {
        GradOp::Slice { axis, start, .. } => {
            let len = size(emit, x, axis);
            emit.op(Op::Slice { axis, start, len }, &[dy])
        }
        GradOp::LinearInput if port == 0 => emit.op(Op::Linear, &[dy, inputs[1]]),
        GradOp::LinearInput => emit.op(GradOp::LinearWeight, &[x, dy]),
        GradOp::LinearWeight if port == 0 => emit.op(Op::Linear, &[inputs[1], dy]),
        GradOp::LinearWeight => emit.op(GradOp::LinearInput, &[x, dy]),
        GradOp::ConvInput { conv, .. } if port == 0 => emit.op(Op::Conv(conv), &[dy, inputs[1]]),
        GradOp::ConvInput { conv, .. } => {
            let kernel = picture(&emit.graph[inputs[1]].shape);
            emit.op(GradOp::ConvWeight { conv, kernel }, &[x, dy])
        }
        GradOp::ConvWeight { conv, .. } if port == 0 => emit.op(Op::Conv(conv), &[inputs[1], dy]),
        GradOp::ConvWeight { conv, .. } => {
            let input = picture(&emit.graph[inputs[1]].shape);
            emit.op(GradOp::ConvInput { conv, input }, &[x, dy])
        }
        GradOp::AvgPool { pool, .. } => emit.op(Op::AvgPool(pool), &[dy]),
        GradOp::NormalizeRunning { eps } if port == 0 => {
            emit.op(GradOp::NormalizeRunning { eps }, &[dy, inputs[1]])
        }
        GradOp::PreluInput
        | GradOp::PreluSlope
        | GradOp::MaxPool(_)
        | GradOp::Normalize { .. }
        | GradOp::NormalizeRunning { .. }
        | GradOp::SpectralNorm => panic!("broken invariant: gradients are differentiated once"),
    }
}
