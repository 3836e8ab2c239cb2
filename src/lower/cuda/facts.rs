//! What selection and code generation ask about a graph.

use super::PlanOptions;
use crate::ir::{ClassOp, GradOp, Graph, NodeId, Op, Shape};
use crate::lower::Precision;

/// A graph with its live nodes, operands and users at hand.
pub(super) struct Facts<'g> {
    pub(super) graph: &'g Graph,
    /// Samples of a full batch.
    pub(super) batch: usize,
    /// Replicas that step together.
    pub(super) replicas: usize,
    pub(super) precision: Precision,
    pub(super) live: Vec<NodeId>,
    inputs: Vec<Vec<NodeId>>,
    users: Vec<Vec<NodeId>>,
    wanted: Vec<bool>,
}

/// How a node is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Read from where it lies: parameters, kept tensors, numbers of the step.
    Leaf,
    /// A single number in double precision.
    Scalar,
    /// From elements of the operands, one by one.
    Light,
    /// From a few elements of a window of an operand.
    Window,
    /// From a whole row of class values.
    Row,
    /// A sum over many elements.
    Sum,
    /// A matrix product.
    Product,
}

impl<'g> Facts<'g> {
    pub(super) fn new(graph: &'g Graph, options: PlanOptions) -> Self {
        let mut facts = Self {
            graph,
            batch: options.batch,
            replicas: options.replicas,
            precision: options.precision,
            live: graph.live(),
            inputs: vec![vec![]; graph.len()],
            users: vec![vec![]; graph.len()],
            wanted: vec![false; graph.len()],
        };
        for id in &facts.live {
            let inputs = graph.inputs(*id);
            for input in &inputs {
                facts.users[input.0 as usize].push(*id);
            }
            facts.inputs[id.0 as usize] = inputs;
        }
        for update in &graph.updates {
            facts.wanted[update.value.0 as usize] = true;
        }
        if let Some(logits) = graph.output("logits") {
            facts.wanted[logits.0 as usize] = true;
        }
        facts
    }

    pub(super) fn op(&self, id: NodeId) -> &'g Op {
        &self.graph[id].op
    }

    pub(super) fn shape(&self, id: NodeId) -> &'g Shape {
        &self.graph[id].shape
    }

    pub(super) fn inputs(&self, id: NodeId) -> &[NodeId] {
        &self.inputs[id.0 as usize]
    }

    pub(super) fn users(&self, id: NodeId) -> &[NodeId] {
        &self.users[id.0 as usize]
    }

    /// The node of the largest singular value of `w`, with which its vectors are found.
    pub(super) fn singular_value(&self, w: NodeId) -> NodeId {
        let norm = self.users(w).iter().find(|user| *self.op(**user) == Op::SpectralNorm);
        *norm.expect("a gradient of a singular value comes with the value")
    }

    /// Whether an update or the logits want the tensor itself.
    pub(super) fn is_wanted(&self, id: NodeId) -> bool {
        self.wanted[id.0 as usize]
    }

    /// Elements for a full batch.
    pub(super) fn elements(&self, id: NodeId) -> usize {
        let shape = self.shape(id);
        shape.elements() * if shape.batched { self.batch } else { 1 }
    }

    /// The node whose memory a view shows.
    pub(super) fn root(&self, id: NodeId) -> NodeId {
        let mut id = id;
        while let (Op::Reshape(_), [input]) = (self.op(id), self.inputs(id)) {
            if self.is_scalar(*input) || self.is_scalar(id) {
                break;
            }
            id = *input;
        }
        id
    }

    /// Whether the node shows the memory of its operand in another shape.
    pub(super) fn is_view(&self, id: NodeId) -> bool {
        matches!(self.op(id), Op::Reshape(_)) && !self.is_scalar(id)
    }

    pub(super) fn is_scalar(&self, id: NodeId) -> bool {
        self.shape(id).rank() == 0
    }

    /// Whether a result element depends on the operand's element at the same position only.
    pub(super) fn is_same_index(&self, id: NodeId) -> bool {
        matches!(
            self.op(id),
            Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Reshape(_) | Op::StopGradient
        )
    }

    /// Whether the node sums rows of class values.
    pub(super) fn is_row_sum(&self, id: NodeId) -> bool {
        let Op::Sum { axes } = self.op(id) else { return false };
        let x = self.shape(self.inputs(id)[0]);
        axes.as_slice() == [1] && x.batched && x.rank() == 2 && x.dims[0] <= MAX_ROW
    }

    pub(super) fn class(&self, id: NodeId) -> Class {
        let is_scalar = self.is_scalar(id);
        match self.op(id) {
            Op::Input
            | Op::Labels
            | Op::Param(_)
            | Op::Buffer(_)
            | Op::Hyper(_)
            | Op::Const(_)
            | Op::BatchCount => Class::Leaf,
            Op::SumSquares | Op::SpectralNorm => Class::Scalar,
            Op::Sum { .. } if is_scalar => Class::Scalar,
            Op::Sum { .. } if self.is_row_sum(id) => Class::Row,
            Op::Sum { .. } => Class::Sum,
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Select
            | Op::StopGradient
            | Op::Reshape(_)
            | Op::Expand { .. }
                if is_scalar =>
            {
                Class::Scalar
            }
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Select
            | Op::StopGradient
            | Op::Reshape(_)
            | Op::Expand { .. }
            | Op::DropoutMask { .. }
            | Op::Concat { .. }
            | Op::Slice { .. }
            | Op::Grad(GradOp::Slice { .. } | GradOp::SpectralNorm)
            | Op::Class(ClassOp::Scatter { .. }) => Class::Light,
            Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::Grad(GradOp::MaxPool(_) | GradOp::AvgPool { .. }) => Class::Window,
            Op::Class(_) => Class::Row,
            Op::Linear
            | Op::Conv(_)
            | Op::Grad(
                GradOp::LinearInput
                | GradOp::LinearWeight
                | GradOp::ConvInput { .. }
                | GradOp::ConvWeight { .. },
            ) => Class::Product,
            Op::Prelu
            | Op::Normalize { .. }
            | Op::NormalizeRunning { .. }
            | Op::BatchMean
            | Op::BatchVar
            | Op::Modal(_)
            | Op::Grad(
                GradOp::PreluInput
                | GradOp::PreluSlope
                | GradOp::Normalize { .. }
                | GradOp::NormalizeRunning { .. },
            ) => panic!("broken invariant: `decompose` leaves no such operation"),
        }
    }

    /// Elements that one result of a sum adds up, for a full batch.
    pub(super) fn extent(&self, id: NodeId) -> usize {
        let x = self.inputs(id)[0];
        self.elements(x) / self.elements(id).max(1)
    }
}

/// Longest row that a warp takes.
const MAX_ROW: usize = 1 << 13;
