//! The invariants of a graph, checked from scratch.

use super::{Graph, Kind, NodeId, Op, Shape, ShapeError, Written, infer};

/// An invariant that does not hold: a fault of the program, never of a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// An operand that comes after its user.
    #[error("node %{} uses %{}, which comes later", node.0, operand.0)]
    Order {
        /// The user.
        node: NodeId,
        /// The operand.
        operand: NodeId,
    },
    /// Operands that the operation does not take.
    #[error("node %{}: {error}", node.0)]
    Operands {
        /// The node.
        node: NodeId,
        /// What does not fit.
        error: ShapeError,
    },
    /// A shape or kind other than the rule gives.
    #[error("node %{} has shape {found}, expected {expected}", node.0)]
    Shape {
        /// The node.
        node: NodeId,
        /// The shape it has.
        found: Shape,
        /// The shape of the rule.
        expected: Shape,
    },
    /// An id that no table holds.
    #[error("{what} does not exist")]
    Dangling {
        /// What is missing: `output loss`, `layer of node %3`.
        what: String,
    },
    /// An update of another shape or kind than its target.
    #[error("the update of {target} has shape {found}, expected {expected}")]
    Update {
        /// The parameter or buffer.
        target: String,
        /// The shape of the new value.
        found: Shape,
        /// The shape of the target.
        expected: Shape,
    },
    /// Two updates of one target.
    #[error("{target} is updated twice")]
    TwoUpdates {
        /// The parameter or buffer.
        target: String,
    },
}

/// Checks order, ids, shapes, kinds and updates.
///
/// # Errors
/// The first invariant that does not hold.
pub fn verify(graph: &Graph) -> Result<(), VerifyError> {
    let mut known = std::collections::BTreeSet::new();
    for id in graph.ids() {
        check_node(graph, id, &known)?;
        known.insert(id);
    }
    for (name, id) in &graph.outputs {
        if !known.contains(id) {
            return Err(dangling(format!("the node of output {name}")));
        }
    }
    let mut written = std::collections::BTreeSet::new();
    for update in &graph.updates {
        let (target, expected) = match update.target {
            Written::Param(id) => {
                let param = graph.params.get(id.0 as usize);
                let param = param.ok_or_else(|| dangling(format!("parameter {}", id.0)))?;
                (param.name.clone(), param.shape.clone())
            }
            Written::Buffer(id) => {
                let buffer = graph.buffers.get(id.0 as usize);
                let buffer = buffer.ok_or_else(|| dangling(format!("buffer {}", id.0)))?;
                (buffer.name.clone(), buffer.shape.clone())
            }
        };
        if !known.contains(&update.value) {
            return Err(dangling(format!("the new value of {target}")));
        }
        let value = &graph[update.value];
        if value.shape != expected || value.kind != Kind::Real {
            return Err(VerifyError::Update { target, found: value.shape.clone(), expected });
        }
        if !written.insert(update.target) {
            return Err(VerifyError::TwoUpdates { target });
        }
    }
    Ok(())
}

fn check_node(
    graph: &Graph,
    id: NodeId,
    known: &std::collections::BTreeSet<NodeId>,
) -> Result<(), VerifyError> {
    let node = &graph[id];
    let inputs = graph.inputs(id);
    if let Some(operand) = inputs.iter().find(|input| !known.contains(input)) {
        return Err(VerifyError::Order { node: id, operand: *operand });
    }
    if node.layer.is_some_and(|layer| layer.0 as usize >= graph.layers.len()) {
        return Err(dangling(format!("the layer of node %{}", id.0)));
    }
    let missing = if let Op::Param(param) = node.op {
        param.0 as usize >= graph.params.len()
    } else if let Op::Buffer(buffer) = node.op {
        buffer.0 as usize >= graph.buffers.len()
    } else {
        false
    };
    if missing {
        return Err(dangling(format!("the tensor of node %{}", id.0)));
    }
    if matches!(node.op, Op::Input | Op::Labels) {
        return Ok(());
    }
    let operands: Vec<_> = inputs.iter().map(|id| (&graph[*id].shape, graph[*id].kind)).collect();
    let (shape, kind) = infer(&node.op, &operands, graph)
        .map_err(|error| VerifyError::Operands { node: id, error })?;
    if shape != node.shape || kind != node.kind {
        return Err(VerifyError::Shape { node: id, found: node.shape.clone(), expected: shape });
    }
    Ok(())
}

fn dangling(what: String) -> VerifyError {
    VerifyError::Dangling { what }
}
