//! Values that are 0 whatever the parameters and the samples: they have every degree, and nothing before them matters.

use crate::ir::{Binary, Graph, ModalOp, NodeId, Op, Unary};

/// For each node, whether its form alone makes it 0: products with 0, x − x, x + (−1) · x, and what follows from them.
pub(super) fn zeros(graph: &Graph) -> Vec<bool> {
    let mut zero = vec![false; graph.len()];
    for id in graph.ids() {
        let inputs = graph.inputs(id);
        let is = |port: usize| inputs.get(port).is_some_and(|input| zero[input.0 as usize]);
        zero[id.0 as usize] = match &graph[id].op {
            Op::Const(value) => *value == 0.0,
            Op::Binary(Binary::Add) => {
                (is(0) && is(1))
                    || negates(graph, inputs[0], inputs[1])
                    || negates(graph, inputs[1], inputs[0])
            }
            Op::Binary(Binary::Sub) => (is(0) && is(1)) || inputs[0] == inputs[1],
            Op::Binary(Binary::Div) => is(0) && !is(1),
            Op::Binary(Binary::Max | Binary::Min) => is(0) && is(1),
            Op::Unary(function) => function.keeps_zero() && is(0),
            Op::StopGradient
            | Op::Prelu
            | Op::Modal(ModalOp::Dropout { .. })
            | Op::Reshape(_)
            | Op::Expand { .. }
            | Op::Sum { .. }
            | Op::SumSquares
            | Op::Slice { .. }
            | Op::MaxPool(_)
            | Op::AvgPool(_) => is(0),
            Op::Binary(Binary::Mul) | Op::Linear | Op::Conv(_) => is(0) || is(1),
            Op::Concat { .. } => (0..inputs.len()).all(is),
            Op::Input
            | Op::Labels
            | Op::Param(_)
            | Op::Buffer(_)
            | Op::Hyper(_)
            | Op::BatchCount
            | Op::Binary(_)
            | Op::Select
            | Op::DropoutMask { .. }
            | Op::Modal(ModalOp::BatchNorm { .. })
            | Op::Normalize { .. }
            | Op::NormalizeRunning { .. }
            | Op::BatchMean
            | Op::BatchVar
            | Op::SpectralNorm
            | Op::Class(_)
            | Op::Grad(_) => false,
        };
    }
    zero
}

/// Whether `b` is −`a`.
fn negates(graph: &Graph, a: NodeId, b: NodeId) -> bool {
    let inputs = graph.inputs(b);
    if graph[b].op == Op::Unary(Unary::Neg) {
        return inputs[0] == a;
    }
    let (x, y) = match inputs.as_slice() {
        [x, y] if graph[b].op == Op::Binary(Binary::Mul) => (*x, *y),
        _other => return false,
    };
    (x == a && is_minus_one(graph, y)) || (y == a && is_minus_one(graph, x))
}

fn is_minus_one(graph: &Graph, id: NodeId) -> bool {
    constant(graph, id) == Some(-1.0)
}

/// The number that every element of a value is, where its form says so.
fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    let first = || graph.inputs(id).first().and_then(|input| constant(graph, *input));
    if let Op::Const(value) = &graph[id].op {
        return Some(*value);
    }
    if graph[id].op == Op::Unary(Unary::Neg) {
        return first().map(|value| -value);
    }
    if matches!(&graph[id].op, Op::Expand { .. } | Op::Reshape(_)) { first() } else { None }
}
