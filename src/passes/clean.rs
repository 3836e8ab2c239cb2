//! Removes what need not be computed: dead nodes, equal nodes, and arithmetic that changes nothing.

use std::collections::BTreeMap;

use super::simplify::simplify;
use crate::ir::{self, Graph, NodeId, Op, copy, rebuild};

/// A graph with the same outputs and updates and fewer nodes.
///
/// Results are equal to the last bit but for zeros, which may change their sign, and for constants,
/// which are folded in double precision. Tables keep their ids.
#[must_use]
pub fn clean(graph: &Graph) -> Graph {
    let mut current = checked(round(graph));
    loop {
        let next = checked(round(&current));
        if next.len() == current.len() {
            return next;
        }
        current = next;
    }
}

/// A graph that a rewrite made, after a look at its invariants where debug assertions are on.
fn checked(graph: Graph) -> Graph {
    debug_assert_eq!(ir::verify(&graph), Ok(()), "broken invariant: rewrites make sound graphs");
    graph
}

fn round(graph: &Graph) -> Graph {
    // What is known of the same operands.
    let mut known: BTreeMap<Vec<NodeId>, Vec<(Op, NodeId)>> = BTreeMap::new();
    rebuild(graph, |emit, node, inputs| {
        let of_operands = known.entry(inputs.to_vec()).or_default();
        if let Some((_, equal)) = of_operands.iter().find(|(op, _)| is_same(op, &node.op)) {
            return *equal;
        }
        let new = simplify(emit, node, inputs).unwrap_or_else(|| copy(emit, node, inputs));
        of_operands.push((node.op.clone(), new));
        new
    })
}

/// Whether two operations give the same bits on the same operands.
fn is_same(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Const(a), Op::Const(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::ir::{Emit, Kind, Shape, Unary};

    #[test]
    fn equal_nodes_meet_and_neutral_arithmetic_goes() {
        let span = Span::new(FileId(0), 0, 0);
        let mut graph = Graph::new();
        let x = graph.add_leaf(Op::Input, Shape::per_sample([3]), Kind::Real, span);
        let mut emit = Emit::new(&mut graph, span);
        let a = emit.unary(Unary::Exp, x);
        let b = emit.unary(Unary::Exp, x);
        let b = emit.times(b, 1.0);
        let unused = emit.neg(b);
        let _ = emit.neg(unused);
        let out = emit.add(a, b);
        graph.outputs.insert("out".to_owned(), out);
        let cleaned = clean(&graph);
        assert_eq!(cleaned.len(), 3, "input, exp, sum");
    }

    #[test]
    fn constants_fold_under_their_expansion() {
        let span = Span::new(FileId(0), 0, 0);
        let mut graph = Graph::new();
        let x = graph.add_leaf(Op::Input, Shape::per_sample([3]), Kind::Real, span);
        let mut emit = Emit::new(&mut graph, span);
        let two = emit.number_like(2.0, x);
        let three = emit.number_like(3.0, x);
        let six = emit.mul(two, three);
        let out = emit.mul(x, six);
        graph.outputs.insert("out".to_owned(), out);
        let cleaned = clean(&graph);
        assert!(cleaned.ids().any(|id| cleaned[id].op == Op::Const(6.0)));
        assert_eq!(cleaned.len(), 4, "input, constant, expansion, product");
    }
}
