//! Local rewrites of one operation that keep its value.

use crate::ir::{Binary, ClassOp, Emit, Graph, Node, NodeId, Op, Shape, Unary};

/// A node equal to `node` over `inputs` that is cheaper, or an operand itself; `None` when there is none.
#[expect(clippy::wildcard_enum_match_arm, reason = "operations without a rewrite stay as they are")]
pub(super) fn simplify(emit: &mut Emit<'_>, node: &Node, inputs: &[NodeId]) -> Option<NodeId> {
    match &node.op {
        Op::Unary(function) => unary(emit, *function, inputs[0]),
        Op::Binary(function) => binary(emit, *function, inputs[0], inputs[1]),
        Op::Select => select(emit, inputs),
        Op::Expand { shape, axes } => expand(emit, inputs[0], shape, axes),
        Op::Reshape(shape) => reshape(emit, inputs[0], shape),
        Op::Sum { axes } => sum(emit, inputs[0], axes),
        _ => None,
    }
}

fn unary(emit: &mut Emit<'_>, function: Unary, x: NodeId) -> Option<NodeId> {
    if let Op::Const(value) = emit.graph[x].op {
        return Some(emit.number(function.eval(value)));
    }
    if function == Unary::Neg && emit.graph[x].op == Op::Unary(Unary::Neg) {
        return emit.graph.inputs(x).first().copied();
    }
    let (shape, axes, inner) = expansion(emit.graph, x)?;
    let inner = unary(emit, function, inner).unwrap_or_else(|| emit.unary(function, inner));
    Some(emit.op(Op::Expand { shape, axes }, &[inner]))
}

fn binary(emit: &mut Emit<'_>, function: Binary, a: NodeId, b: NodeId) -> Option<NodeId> {
    let (constant_a, constant_b) = (constant(emit.graph, a), constant(emit.graph, b));
    if let (Op::Const(a), Op::Const(b)) = (&emit.graph[a].op, &emit.graph[b].op) {
        return Some(emit.number(function.eval(*a, *b)));
    }
    match function {
        Binary::Mul if constant_a == Some(1.0) => return Some(b),
        Binary::Mul | Binary::Div if constant_b == Some(1.0) => return Some(a),
        Binary::Add if constant_a == Some(0.0) => return Some(b),
        Binary::Add | Binary::Sub if constant_b == Some(0.0) => return Some(a),
        Binary::Sub if constant_a == Some(0.0) => return Some(emit.neg(b)),
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::Max
        | Binary::Min
        | Binary::Pow
        | Binary::Ge
        | Binary::Gt
        | Binary::Eq => {}
    }
    let (shape, axes, inner_a) = expansion(emit.graph, a)?;
    let (_, axes_b, inner_b) = expansion(emit.graph, b)?;
    if axes != axes_b {
        return None;
    }
    let inner = binary(emit, function, inner_a, inner_b)
        .unwrap_or_else(|| emit.binary(function, inner_a, inner_b));
    Some(emit.op(Op::Expand { shape, axes }, &[inner]))
}

fn select(emit: &mut Emit<'_>, inputs: &[NodeId]) -> Option<NodeId> {
    if inputs[1] == inputs[2] {
        return Some(inputs[1]);
    }
    let (shape, axes, mask) = expansion(emit.graph, inputs[0])?;
    let (_, axes_a, a) = expansion(emit.graph, inputs[1])?;
    let (_, axes_b, b) = expansion(emit.graph, inputs[2])?;
    if axes != axes_a || axes != axes_b {
        return None;
    }
    let inner = emit.select(mask, a, b);
    Some(emit.op(Op::Expand { shape, axes }, &[inner]))
}

fn expand(emit: &mut Emit<'_>, x: NodeId, shape: &Shape, axes: &[usize]) -> Option<NodeId> {
    if emit.graph[x].shape == *shape {
        return Some(x);
    }
    let (_, inner_axes, inner) = expansion(emit.graph, x)?;
    let axes = inner_axes.iter().map(|axis| axes[*axis]).collect();
    Some(emit.op(Op::Expand { shape: shape.clone(), axes }, &[inner]))
}

fn reshape(emit: &mut Emit<'_>, x: NodeId, shape: &Shape) -> Option<NodeId> {
    if emit.graph[x].shape == *shape {
        return Some(x);
    }
    if !matches!(emit.graph[x].op, Op::Reshape(_)) {
        return None;
    }
    let inner = emit.graph.inputs(x)[0];
    Some(emit.reshape(inner, shape.clone()))
}

/// A row of a scatter holds one value, which is then its sum.
fn sum(emit: &mut Emit<'_>, x: NodeId, axes: &[usize]) -> Option<NodeId> {
    if axes.is_empty() {
        return Some(x);
    }
    if matches!(emit.graph[x].op, Op::Class(ClassOp::Scatter { .. })) && axes == [1] {
        return emit.graph.inputs(x).first().copied();
    }
    None
}

fn expansion(graph: &Graph, id: NodeId) -> Option<(Shape, Vec<usize>, NodeId)> {
    if let Op::Expand { shape, axes } = &graph[id].op {
        Some((shape.clone(), axes.clone(), graph.inputs(id)[0]))
    } else {
        None
    }
}

fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    let id = expansion(graph, id).map_or(id, |(_, _, inner)| inner);
    if let Op::Const(value) = graph[id].op { Some(value) } else { None }
}
