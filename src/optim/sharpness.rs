//! The first phase of SAM and ASAM: put the parameters aside and climb.

use super::Slot;
use super::norm::{add_squares, over_norm};
use crate::diag::Span;
use crate::ir::{Emit, Graph, NodeId, ParamRole, Part, Unary, Update, Written};
use crate::model::{Sharpness, SharpnessKind};

/// Keeps ‖g‖ away from zero; far below any norm that matters, and representable in single precision.
const NORM_FLOOR: f64 = 1e-16;

/// Adds the updates that save each parameter and move it by e; returns the norm that divides, `[]`.
///
/// **Formula** SAM: e = ρ g / (‖g‖ + 10⁻¹⁶) · ASAM: e = ρ T² g / (‖T g‖ + 10⁻¹⁶) with T = |w| + η for weights and
/// gains and T = 1 for all others; one norm over all parameters that have a slot to save them.
/// Scales of the loss have none: they neither move nor enter the norm.
/// **Source** Foret et al. 2021 (SAM), Kwon et al. 2021 (ASAM).
pub fn perturb(
    graph: &mut Graph,
    sharpness: &Sharpness,
    origin: Span,
    slots: &[Slot],
    gradients: &[Option<NodeId>],
) -> NodeId {
    let mut directions = vec![];
    let mut squares = None;
    for (slot, gradient) in slots.iter().zip(gradients) {
        let (Some(saved), Some(gradient)) = (slot.saved, *gradient) else { continue };
        let (origin, layer, role) = {
            let param = graph.param(slot.param);
            (param.origin, param.layer, param.role)
        };
        let mut emit = Emit { graph, origin, layer, part: Part::Update };
        let param = emit.param(slot.param);
        let adaptive = adaptive_size(&mut emit, sharpness, role, param);
        let scaled = adaptive.map_or(gradient, |size| emit.mul(size, gradient));
        squares = Some(add_squares(&mut emit, squares, scaled));
        let direction = adaptive.map_or(scaled, |size| emit.mul(size, scaled));
        directions.push((slot.param, saved, param, direction));
    }
    let mut emit = Emit { part: Part::Update, ..Emit::new(graph, origin) };
    let squares = squares.unwrap_or_else(|| emit.number(0.0));
    let (norm, factor) = over_norm(&mut emit, sharpness.rho, squares, NORM_FLOOR);
    for (id, saved, param, direction) in directions {
        let mut emit = Emit { part: Part::Update, ..Emit::beside(graph, param) };
        let step = emit.scale(factor, direction);
        let moved = emit.add(param, step);
        graph.updates.push(Update { target: Written::Buffer(saved), value: param });
        graph.updates.push(Update { target: Written::Param(id), value: moved });
    }
    norm
}

/// T, or `None` where it is 1.
fn adaptive_size(
    emit: &mut Emit<'_>,
    sharpness: &Sharpness,
    role: ParamRole,
    param: NodeId,
) -> Option<NodeId> {
    let SharpnessKind::Asam { eta } = sharpness.kind else { return None };
    match role {
        ParamRole::Weight | ParamRole::Gain => {
            let size = emit.unary(Unary::Abs, param);
            let eta = emit.number_like(eta, param);
            Some(emit.add(size, eta))
        }
        ParamRole::Bias | ParamRole::Shift | ParamRole::Slope | ParamRole::Scale => None,
    }
}
