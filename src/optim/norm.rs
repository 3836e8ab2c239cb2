//! The Euclidean norm of many tensors together.

use crate::ir::{Emit, NodeId, Op, Unary};

/// `sum` with the squares of one more tensor, `[]`.
pub(super) fn add_squares(emit: &mut Emit<'_>, sum: Option<NodeId>, tensor: NodeId) -> NodeId {
    let square = emit.op(Op::SumSquares, &[tensor]);
    sum.map_or(square, |sum| emit.add(sum, square))
}

/// The norm of what the squares are of, and `number` / (norm + `floor`); both `[]`.
pub(super) fn over_norm(
    emit: &mut Emit<'_>,
    number: f64,
    squares: NodeId,
    floor: f64,
) -> (NodeId, NodeId) {
    let norm = emit.unary(Unary::Sqrt, squares);
    let floor = emit.number(floor);
    let divisor = emit.add(norm, floor);
    let number = emit.number(number);
    (norm, emit.div(number, divisor))
}
