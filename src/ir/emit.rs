//! Adds operations to a graph whose operands are known to fit, as compiler stages do after `build`.
//!
//! Every added node gets the origin and layer of the emitter, so that errors at run time find their line.

use super::{
    Binary, BufferId, Graph, Kind, LayerId, Node, NodeId, Op, ParamId, Part, Shape, Unary,
};
use crate::diag::Span;

/// A graph with the place that new nodes are said to come from.
#[derive(Debug)]
pub struct Emit<'g> {
    /// The graph that grows.
    pub graph: &'g mut Graph,
    /// Origin of new nodes.
    pub origin: Span,
    /// Layer of new nodes.
    pub layer: Option<LayerId>,
    /// What new nodes are there for.
    pub part: Part,
}

impl<'g> Emit<'g> {
    /// Emits nodes of the forward pass that belong to `origin` and to no layer.
    pub fn new(graph: &'g mut Graph, origin: Span) -> Self {
        Self { graph, origin, layer: None, part: Part::Forward }
    }

    /// Emits nodes with the origin, layer and part of `node`.
    pub fn beside(graph: &'g mut Graph, node: NodeId) -> Self {
        let Node { origin, layer, part, .. } = graph[node];
        Self { graph, origin, layer, part }
    }

    /// Adds an operation.
    ///
    /// # Panics
    /// When the operands do not fit: callers know the shapes they combine.
    pub fn op(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        self.graph
            .add_to(self.part, op.into(), inputs, self.origin, self.layer)
            .expect("operands of emitted operations fit by construction")
    }

    /// Shape of a node.
    pub fn shape(&self, id: NodeId) -> Shape {
        self.graph[id].shape.clone()
    }

    /// The node that reads a parameter; one is added if there is none.
    pub fn param(&mut self, id: ParamId) -> NodeId {
        self.leaf(Op::Param(id))
    }

    /// The node that reads a buffer; one is added if there is none.
    pub fn buffer(&mut self, id: BufferId) -> NodeId {
        self.leaf(Op::Buffer(id))
    }

    /// The node of the labels; one is added if there is none.
    pub fn labels(&mut self) -> NodeId {
        let known = self.graph.ids().find(|id| self.graph[*id].op == Op::Labels);
        known.unwrap_or_else(|| {
            self.graph.add_leaf(Op::Labels, Shape::per_sample([]), Kind::Index, self.origin)
        })
    }

    fn leaf(&mut self, op: Op) -> NodeId {
        let known = self.graph.ids().find(|id| self.graph[*id].op == op);
        known.unwrap_or_else(|| self.op(op, &[]))
    }

    /// One operand.
    pub fn unary(&mut self, function: Unary, x: NodeId) -> NodeId {
        self.op(function, &[x])
    }

    /// Two operands of equal shape.
    pub fn binary(&mut self, function: Binary, a: NodeId, b: NodeId) -> NodeId {
        self.op(function, &[a, b])
    }

    /// a + b.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Add, a, b)
    }

    /// a − b.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Sub, a, b)
    }

    /// a · b.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Mul, a, b)
    }

    /// a / b.
    pub fn div(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.binary(Binary::Div, a, b)
    }

    /// −x.
    pub fn neg(&mut self, x: NodeId) -> NodeId {
        self.unary(Unary::Neg, x)
    }

    /// A constant, `[]`.
    pub fn number(&mut self, value: f64) -> NodeId {
        self.op(Op::Const(value), &[])
    }

    /// A constant in every element of a tensor shaped like `x`.
    pub fn number_like(&mut self, value: f64, x: NodeId) -> NodeId {
        let value = self.number(value);
        self.spread_like(value, x)
    }

    /// A number `[]` in every element of `shape`.
    pub fn spread(&mut self, number: NodeId, shape: &Shape) -> NodeId {
        if self.graph[number].shape == *shape {
            return number;
        }
        self.op(Op::Expand { shape: shape.clone(), axes: vec![] }, &[number])
    }

    /// A number `[]` in every element of a tensor shaped like `x`.
    pub fn spread_like(&mut self, number: NodeId, x: NodeId) -> NodeId {
        let shape = self.shape(x);
        self.spread(number, &shape)
    }

    /// Values per sample, `[n]`, repeated along the other axes of `x`, `[n, …]`.
    pub fn per_sample_like(&mut self, values: NodeId, x: NodeId) -> NodeId {
        let shape = self.shape(x);
        if self.graph[values].shape == shape {
            return values;
        }
        self.op(Op::Expand { shape, axes: vec![0] }, &[values])
    }

    /// c · x.
    pub fn times(&mut self, x: NodeId, factor: f64) -> NodeId {
        let factor = self.number_like(factor, x);
        self.mul(x, factor)
    }

    /// Number `[]` times tensor.
    pub fn scale(&mut self, number: NodeId, x: NodeId) -> NodeId {
        let factor = self.spread_like(number, x);
        self.mul(factor, x)
    }

    /// Tensor divided by number `[]`.
    pub fn scale_inverse(&mut self, number: NodeId, x: NodeId) -> NodeId {
        let divisor = self.spread_like(number, x);
        self.div(x, divisor)
    }

    /// Sum over `axes`, the batch counted as an axis.
    pub fn sum(&mut self, x: NodeId, axes: impl Into<Vec<usize>>) -> NodeId {
        let axes = axes.into();
        if axes.is_empty() { x } else { self.op(Op::Sum { axes }, &[x]) }
    }

    /// Sum over all axes but `kept`.
    pub fn sum_except(&mut self, x: NodeId, kept: &[usize]) -> NodeId {
        let axes: Vec<_> =
            (0..self.graph[x].shape.rank()).filter(|axis| !kept.contains(axis)).collect();
        self.sum(x, axes)
    }

    /// a where the mask is not 0, else b.
    pub fn select(&mut self, mask: NodeId, a: NodeId, b: NodeId) -> NodeId {
        self.op(Op::Select, &[mask, a, b])
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: NodeId, shape: Shape) -> NodeId {
        if self.graph[x].shape == shape { x } else { self.op(Op::Reshape(shape), &[x]) }
    }

    /// Elements of one channel of `x` over batch and picture, `[]`.
    pub fn channel_count(&mut self, x: NodeId) -> NodeId {
        let pixels: usize = self.graph[x].shape.dims.iter().skip(1).product();
        let batch = self.op(Op::BatchCount, &[]);
        self.times(batch, pixels as f64)
    }

    /// One number a channel as a tensor like `x`.
    pub fn spread_channels(&mut self, values: NodeId, x: NodeId) -> NodeId {
        let shape = self.shape(x);
        self.op(Op::Expand { shape, axes: vec![1] }, &[values])
    }
}
