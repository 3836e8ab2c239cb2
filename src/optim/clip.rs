//! Gradients that are too long, shortened all alike.

use super::norm::{add_squares, over_norm};
use crate::diag::Span;
use crate::ir::{Binary, Emit, Graph, NodeId, Part};

/// Keeps the norm that divides away from zero.
const FLOOR: f64 = 1e-6;

/// The gradients of `slots` times one factor, so that their norm together is at most about `max_norm`.
///
/// **Formula** g ← g · min(1, c / (‖g‖ + 10⁻⁶)), ‖g‖ the Euclidean norm over all that is trained, scales of the loss
/// included; `clip_grad_norm_` of PyTorch.
/// **Source** Pascanu, Mikolov and Bengio 2013.
pub fn clip(
    graph: &mut Graph,
    max_norm: f64,
    origin: Span,
    gradients: &[Option<NodeId>],
) -> Vec<Option<NodeId>> {
    let mut squares = None;
    for gradient in gradients.iter().flatten() {
        let mut emit = Emit { part: Part::Update, ..Emit::beside(graph, *gradient) };
        squares = Some(add_squares(&mut emit, squares, *gradient));
    }
    let Some(squares) = squares else { return gradients.to_vec() };
    let mut emit = Emit { part: Part::Update, ..Emit::new(graph, origin) };
    let (_, factor) = over_norm(&mut emit, max_norm, squares, FLOOR);
    let one = emit.number(1.0);
    let factor = emit.binary(Binary::Min, one, factor);
    let shortened = |gradient: &Option<NodeId>| {
        gradient.map(|gradient| {
            let mut emit = Emit { part: Part::Update, ..Emit::beside(graph, gradient) };
            emit.scale(factor, gradient)
        })
    };
    gradients.iter().map(shortened).collect()
}
