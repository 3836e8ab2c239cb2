//! Derivatives of operations on rows of classes.

use super::size;
use crate::ir::{ClassOp, Emit, NodeId};

/// The gradient in operand `port`; labels and other indices have none.
pub(super) fn adjoint(
    emit: &mut Emit<'_>,
    op: ClassOp,
    inputs: &[NodeId],
    id: NodeId,
    port: usize,
    dy: NodeId,
) -> Option<NodeId> {
    if port > 0 {
        return None;
    }
    let x = inputs[0];
    let gradient = match op {
        ClassOp::Softmax | ClassOp::SoftmaxExcept => softmax(emit, id, dy),
        ClassOp::LogSoftmax => {
            let p = emit.op(ClassOp::Softmax, &[x]);
            let total = emit.sum(dy, [1]);
            let total = emit.per_sample_like(total, x);
            let shared = emit.mul(p, total);
            emit.sub(dy, shared)
        }
        ClassOp::Gather => {
            let classes = size(emit, x, 1);
            emit.op(ClassOp::Scatter { classes }, &[dy, inputs[1]])
        }
        ClassOp::Scatter { .. } => emit.op(ClassOp::Gather, &[dy, inputs[1]]),
        ClassOp::LogNotLabel => log_not_label(emit, x, inputs[1], dy),
        ClassOp::SparsemaxThreshold => {
            let share = emit.op(ClassOp::SparsemaxSupport, &[x]);
            let dy = emit.per_sample_like(dy, x);
            emit.mul(share, dy)
        }
        ClassOp::ArgMax | ClassOp::ArgMaxExcept | ClassOp::SparsemaxSupport => return None,
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
    let p = emit.op(ClassOp::Softmax, &[x]);
    let p = emit.op(ClassOp::Gather, &[p, label]);
    let weight = emit.mul(dy, p);
    let others = emit.op(ClassOp::SoftmaxExcept, &[x, label]);
    let spread = emit.per_sample_like(weight, x);
    let others = emit.mul(spread, others);
    let classes = size(emit, x, 1);
    let own = emit.op(ClassOp::Scatter { classes }, &[weight, label]);
    emit.sub(others, own)
}
