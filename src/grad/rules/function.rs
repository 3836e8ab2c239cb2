//! Derivatives of element-wise functions.

use crate::ir::{Binary, Emit, NodeId, Unary};

/// The gradient in x of y = f(x); `None` where it is 0 almost everywhere.
///
/// `y` is the node itself: where the derivative is simple in the result, the operand need not be kept.
pub(super) fn unary(
    emit: &mut Emit<'_>,
    function: Unary,
    x: NodeId,
    y: NodeId,
    dy: NodeId,
) -> Option<NodeId> {
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

/// The gradient in operand `port` of y = f(a, b).
pub(super) fn binary(
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
