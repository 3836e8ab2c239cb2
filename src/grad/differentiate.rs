//! The reverse sweep: adjoints from one output back to the nodes asked for.

use super::rules::adjoint;
use crate::ir::{Emit, Graph, NodeId, Part};

/// Adds the derivatives of the sum of `output`'s elements with respect to each node of `wrt`.
///
/// Only paths from `wrt` to `output` are followed, so that no gradient of the network's input is
/// computed unless it is asked for. A node gets `None` when no differentiable path leads from it to `output`.
/// Every new node has the origin and layer of the node it is the gradient of.
///
/// # Panics
/// When such a path holds an operation without a mode ([`crate::ir::specialize`] removes them) or a
/// gradient operation that has no derivative of its own.
pub fn differentiate(graph: &mut Graph, output: NodeId, wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    let forward = graph.len();
    let mut depends = vec![false; forward];
    for id in wrt {
        depends[id.0 as usize] = true;
    }
    let ids: Vec<_> = graph.ids().collect();
    for id in &ids {
        if !depends[id.0 as usize] {
            depends[id.0 as usize] = graph.inputs(*id).iter().any(|i| depends[i.0 as usize]);
        }
    }
    let mut adjoints: Vec<Option<NodeId>> = vec![None; forward];
    if depends[output.0 as usize] {
        let one = backward(graph, output).number_like(1.0, output);
        adjoints[output.0 as usize] = Some(one);
    }
    for id in ids.iter().rev() {
        let Some(dy) = adjoints[id.0 as usize] else { continue };
        for (port, input) in graph.inputs(*id).into_iter().enumerate() {
            if !depends[input.0 as usize] {
                continue;
            }
            let mut emit = backward(graph, *id);
            let Some(part) = adjoint(&mut emit, *id, port, dy) else { continue };
            debug_assert_eq!(emit.graph[part].shape, emit.graph[input].shape);
            let total = adjoints[input.0 as usize].map_or(part, |known| emit.add(known, part));
            adjoints[input.0 as usize] = Some(total);
        }
    }
    wrt.iter().map(|id| adjoints[id.0 as usize]).collect()
}

/// Emits gradients of `node`.
fn backward(graph: &mut Graph, node: NodeId) -> Emit<'_> {
    Emit { part: Part::Backward, ..Emit::beside(graph, node) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::ir::{Kind, Op, Shape, Unary};
    use crate::passes::clean;

    #[test]
    fn gradients_are_backward_and_what_equals_a_forward_node_stays_forward() {
        let span = Span::new(FileId(0), 0, 0);
        let mut graph = Graph::new();
        let x = graph.add_leaf(Op::Input, Shape::per_sample([3]), Kind::Real, span);
        let mut emit = Emit::new(&mut graph, span);
        let y = emit.unary(Unary::Tanh, x);
        let square = emit.unary(Unary::Square, y);
        graph.outputs.insert("square".to_owned(), square);
        let forward = graph.len();
        let dx = differentiate(&mut graph, square, &[x])[0].unwrap();
        graph.outputs.insert("dx".to_owned(), dx);
        assert!(graph.ids().all(|id| {
            let part = if (id.0 as usize) < forward { Part::Forward } else { Part::Backward };
            graph[id].part == part
        }));
        // The gradient of tanh squares y as well.
        let cleaned = clean(&graph);
        let squares: Vec<Part> = cleaned
            .ids()
            .filter(|id| cleaned[*id].op == Op::Unary(Unary::Square))
            .map(|id| cleaned[id].part)
            .collect();
        assert_eq!(squares, [Part::Forward]);
    }
}
