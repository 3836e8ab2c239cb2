//! Copies a graph node by node through a function; the shape of every rewrite of whole graphs.

use super::{Emit, Graph, Node, NodeId, Op, Update};

/// A new graph with the tables, outputs and updates of `graph`, holding what `node_of` makes of each live node.
///
/// `node_of` gets the new graph (emitting beside the old node), the old node and its operands in the
/// new graph, and returns the node that stands for it; dead nodes are left out.
///
/// # Panics
/// Never: operands come before their users in every graph, and outputs and updates are live.
pub fn rebuild(
    graph: &Graph,
    mut node_of: impl FnMut(&mut Emit<'_>, &Node, &[NodeId]) -> NodeId,
) -> Graph {
    let mut new = graph.emptied();
    let mut image = vec![None; graph.len()];
    for id in graph.live() {
        let inputs: Vec<NodeId> = graph
            .inputs(id)
            .iter()
            .map(|input| image[input.0 as usize].expect("operands come before their users"))
            .collect();
        let node = &graph[id];
        let Node { origin, layer, part, .. } = *node;
        let mut emit = Emit { graph: &mut new, origin, layer, part };
        image[id.0 as usize] = Some(node_of(&mut emit, node, &inputs));
    }
    let of = |id: NodeId| image[id.0 as usize].expect("roots are live");
    new.outputs = graph.outputs.iter().map(|(name, id)| (name.clone(), of(*id))).collect();
    let updates = graph.updates.iter();
    let updates = updates.map(|update| Update { target: update.target, value: of(update.value) });
    let own = std::mem::take(&mut new.updates);
    new.updates = updates.chain(own).collect();
    new
}

/// Copies a node as it is.
pub fn copy(emit: &mut Emit<'_>, node: &Node, inputs: &[NodeId]) -> NodeId {
    if matches!(node.op, Op::Input | Op::Labels) {
        emit.graph.add_leaf(node.op.clone(), node.shape.clone(), node.kind, node.origin)
    } else {
        emit.op(node.op.clone(), inputs)
    }
}
