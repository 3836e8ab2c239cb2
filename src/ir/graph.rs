//! The graph itself; the one file that knows petgraph.

use std::collections::BTreeMap;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;

use super::{Buffer, BufferId, Kind, Op, Param, ParamId, Shape, ShapeError, infer};
use crate::diag::Span;

/// A node of one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A layer as the user wrote it; several nodes may belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(pub u32);

/// A layer as the user wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// `conv1`, `fc1`, `relu3`: parameters are named after it.
    pub name: String,
    /// The word of the language: `conv`, `relu`.
    pub kind: String,
    /// The call.
    pub origin: Span,
    /// The innermost use of a block, or iteration, that it stands in.
    pub inside: Option<UseId>,
}

/// A block where it is used, or one iteration of a `repeat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseId(pub u32);

/// A block where it is used, or one iteration of a `repeat`: what layers have in common in the source.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// `wide(160, stride=2)`; of an iteration `repeat`.
    pub name: String,
    /// The use around it.
    pub inside: Option<UseId>,
    /// The call, or the statement.
    pub origin: Span,
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The net, its loss and the measures, as written.
    #[default]
    Forward,
    /// Made by differentiation.
    Backward,
    /// From gradients to new parameters and optimiser state.
    Update,
}

impl Part {
    /// The word for the part in tables and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Update => "update",
        }
    }
}

/// One operation with what is known about its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// The shape of the result.
    pub shape: Shape,
    /// Reals or indices.
    pub kind: Kind,
    /// The place in the source it comes from; gradients inherit it.
    pub origin: Span,
    /// The layer it belongs to; gradients inherit it.
    pub layer: Option<LayerId>,
    /// What it is there for; of equal nodes the first one counts.
    pub part: Part,
}

/// What an [`Update`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Written {
    /// A parameter.
    Param(ParamId),
    /// A buffer.
    Buffer(BufferId),
}

/// At the end of the phase, `target` takes the value of `value`; all updates happen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// What is written.
    pub target: Written,
    /// The new value, of the same shape.
    pub value: NodeId,
}

/// Operations in the order they were added, which is always a topological order.
///
/// Nodes are only added, never changed, so shapes stay right once inferred.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: StableDiGraph<Node, u32>,
    /// Trainable tensors by [`ParamId`].
    pub params: Vec<Param>,
    /// Buffers by [`BufferId`].
    pub buffers: Vec<Buffer>,
    /// Layers by [`LayerId`].
    pub layers: Vec<Layer>,
    /// Uses of blocks by [`UseId`]; an outer one comes before those inside.
    pub uses: Vec<Use>,
    /// Results by name: `logits`, `loss`, `R`, …
    pub outputs: BTreeMap<String, NodeId>,
    /// Writes at the end of the phase.
    pub updates: Vec<Update>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty graph with the parameters, buffers and layers of this one under the same ids.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            params: self.params.clone(),
            buffers: self.buffers.clone(),
            layers: self.layers.clone(),
            uses: self.uses.clone(),
            ..Self::default()
        }
    }

    /// Adds an operation of the forward pass after its operands.
    ///
    /// # Errors
    /// [`ShapeError`] when the operands do not fit the operation.
    pub fn add(
        &mut self,
        op: Op,
        inputs: &[NodeId],
        origin: Span,
        layer: Option<LayerId>,
    ) -> Result<NodeId, ShapeError> {
        self.add_to(Part::Forward, op, inputs, origin, layer)
    }

    /// Adds an operation of `part` after its operands.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn add_to(
        &mut self,
        part: Part,
        op: Op,
        inputs: &[NodeId],
        origin: Span,
        layer: Option<LayerId>,
    ) -> Result<NodeId, ShapeError> {
        let operands: Vec<_> = inputs.iter().map(|id| (&self[*id].shape, self[*id].kind)).collect();
        let (shape, kind) = infer(&op, &operands, self)?;
        let index = self.nodes.add_node(Node { op, shape, kind, origin, layer, part });
        for (port, input) in inputs.iter().enumerate() {
            self.nodes.add_edge(NodeIndex::new(input.0 as usize), index, port as u32);
        }
        Ok(NodeId(index.index() as u32))
    }

    /// Adds a leaf of known shape ([`Op::Input`] and [`Op::Labels`] have no operands to infer it from).
    pub fn add_leaf(&mut self, op: Op, shape: Shape, kind: Kind, origin: Span) -> NodeId {
        let index =
            self.nodes.add_node(Node { op, shape, kind, origin, layer: None, part: Part::Forward });
        NodeId(index.index() as u32)
    }

    /// Adds a parameter and the node that reads it.
    pub fn add_param(&mut self, param: Param) -> (ParamId, NodeId) {
        let id = ParamId(self.params.len() as u32);
        let node = Node {
            op: Op::Param(id),
            shape: param.shape.clone(),
            kind: Kind::Real,
            origin: param.origin,
            layer: param.layer,
            part: Part::Forward,
        };
        self.params.push(param);
        (id, NodeId(self.nodes.add_node(node).index() as u32))
    }

    /// Adds a buffer to the table alone.
    pub fn keep(&mut self, buffer: Buffer) -> BufferId {
        self.buffers.push(buffer);
        BufferId(self.buffers.len() as u32 - 1)
    }

    /// Adds a buffer and the node that reads it.
    pub fn add_buffer(
        &mut self,
        buffer: Buffer,
        origin: Span,
        layer: Option<LayerId>,
    ) -> (BufferId, NodeId) {
        let shape = buffer.shape.clone();
        let id = self.keep(buffer);
        let node = Node {
            op: Op::Buffer(id),
            shape,
            kind: Kind::Real,
            origin,
            layer,
            part: Part::Forward,
        };
        (id, NodeId(self.nodes.add_node(node).index() as u32))
    }

    /// Adds a layer.
    pub fn add_layer(&mut self, layer: Layer) -> LayerId {
        self.layers.push(layer);
        LayerId(self.layers.len() as u32 - 1)
    }

    /// The operands of a node in order.
    pub fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<_> = self
            .nodes
            .edges_directed(index(id), Direction::Incoming)
            .map(|edge| (*edge.weight(), NodeId(edge.source().index() as u32)))
            .collect();
        edges.sort_unstable();
        edges.into_iter().map(|(_, source)| source).collect()
    }

    /// The nodes that take this one as an operand, in order, without repeats.
    pub fn users(&self, id: NodeId) -> Vec<NodeId> {
        let mut users: Vec<_> = self
            .nodes
            .neighbors_directed(index(id), Direction::Outgoing)
            .map(|user| NodeId(user.index() as u32))
            .collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// All nodes, operands before users.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.nodes.node_indices().map(|index| NodeId(index.index() as u32))
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A parameter by its id.
    pub fn param(&self, id: ParamId) -> &Param {
        &self.params[id.0 as usize]
    }

    /// A buffer by its id.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.0 as usize]
    }

    /// A layer by its id.
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.0 as usize]
    }

    /// The node behind a named output.
    pub fn output(&self, name: &str) -> Option<NodeId> {
        self.outputs.get(name).copied()
    }

    /// The nodes that the outputs and updates need, operands first.
    pub fn live(&self) -> Vec<NodeId> {
        let mut needed = vec![false; self.nodes.node_count()];
        for root in self.outputs.values().copied().chain(self.updates.iter().map(|u| u.value)) {
            needed[root.0 as usize] = true;
        }
        for id in self.ids().rev() {
            if needed[id.0 as usize] {
                for input in self.nodes.neighbors_directed(index(id), Direction::Incoming) {
                    needed[input.index()] = true;
                }
            }
        }
        self.ids().filter(|id| needed[id.0 as usize]).collect()
    }
}

impl std::ops::Index<NodeId> for Graph {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[index(id)]
    }
}

fn index(id: NodeId) -> NodeIndex {
    NodeIndex::new(id.0 as usize)
}
