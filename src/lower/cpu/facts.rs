//! What is known about each node before kernels are chosen: its layout, the stage it belongs to, and what its lanes
//! without a sample hold.

use crate::ir::{Binary, ClassOp, GradOp, Graph, Homogeneity, Node, NodeId, Op, Shape, Unary};
use crate::kernels::pointwise::Access;

/// Side tables by node.
#[derive(Debug)]
pub(super) struct Facts<'g> {
    /// The graph.
    pub(super) graph: &'g Graph,
    /// Nodes that outputs and updates need.
    pub(super) live: Vec<NodeId>,
    inputs: Vec<Vec<NodeId>>,
    users: Vec<Vec<NodeId>>,
    /// Whether an output or an update wants the node.
    is_root: Vec<bool>,
    layout: Vec<[usize; 2]>,
    alias: Vec<NodeId>,
    level: Vec<usize>,
    /// Expansions that are zero on lanes without a sample.
    masked: Vec<bool>,
    zero: Vec<bool>,
}

impl<'g> Facts<'g> {
    /// Looks at a graph in training or evaluation mode.
    pub(super) fn new(graph: &'g Graph) -> Self {
        let n = graph.len();
        let live = graph.live();
        let mut facts = Self {
            graph,
            inputs: vec![vec![]; n],
            users: vec![vec![]; n],
            is_root: vec![false; n],
            layout: vec![[1, 1]; n],
            alias: graph.ids().collect(),
            level: vec![0; n],
            masked: vec![false; n],
            zero: vec![false; n],
            live,
        };
        for root in graph.outputs.values().copied().chain(graph.updates.iter().map(|u| u.value)) {
            facts.is_root[idx(root)] = true;
        }
        for id in facts.live.clone() {
            let inputs = graph.inputs(id);
            for input in &inputs {
                if facts.users[idx(*input)].last() != Some(&id) {
                    facts.users[idx(*input)].push(id);
                }
            }
            facts.inputs[idx(id)] = inputs;
        }
        facts.choose_layouts();
        facts.find_aliases();
        facts.find_levels();
        facts.find_zeros();
        facts
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.graph[id]
    }

    pub(super) fn op(&self, id: NodeId) -> &Op {
        &self.graph[id].op
    }

    pub(super) fn shape(&self, id: NodeId) -> &Shape {
        &self.graph[id].shape
    }

    pub(super) fn inputs(&self, id: NodeId) -> &[NodeId] {
        &self.inputs[idx(id)]
    }

    pub(super) fn users(&self, id: NodeId) -> &[NodeId] {
        &self.users[idx(id)]
    }

    pub(super) fn is_root(&self, id: NodeId) -> bool {
        self.is_root[idx(id)]
    }

    /// Channels and pixels.
    pub(super) fn layout(&self, id: NodeId) -> [usize; 2] {
        self.layout[idx(id)]
    }

    /// The node whose memory shows this one's elements.
    pub(super) fn storage(&self, id: NodeId) -> NodeId {
        self.alias[idx(id)]
    }

    /// Number of barriers before the node can be had.
    pub(super) fn level(&self, id: NodeId) -> usize {
        self.level[idx(id)]
    }

    /// Whether lanes without a sample are zero by themselves.
    pub(super) fn is_zero_padded(&self, id: NodeId) -> bool {
        self.zero[idx(id)]
    }

    /// Whether an expansion must be made zero on lanes without a sample.
    pub(super) fn is_masked(&self, id: NodeId) -> bool {
        self.masked[idx(id)]
    }

    /// A single number, kept in double precision.
    pub(super) fn is_scalar(&self, id: NodeId) -> bool {
        let shape = self.shape(id);
        !shape.batched && shape.dims.is_empty()
    }

    /// Runs in chains of element-wise operations.
    pub(super) fn is_element_wise(&self, id: NodeId) -> bool {
        matches!(self.op(id), Op::Unary(_) | Op::Binary(_) | Op::Select) && !self.is_scalar(id)
    }

    /// Is computed again wherever a chain reads it, since that is cheaper than memory.
    pub(super) fn is_inline(&self, id: NodeId) -> bool {
        match self.op(id) {
            Op::Expand { .. } => self.access(id).is_some(),
            Op::Unary(function) if function.homogeneity() == Homogeneity::Sign => {
                self.shape(id).batched && !self.is_scalar(id)
            }
            _ => false,
        }
    }

    /// Channels and pixels of a sum over samples that has one result for every vector of a pixel, if it is one.
    pub(super) fn channel_sum(&self, id: NodeId) -> Option<[usize; 2]> {
        let Op::Sum { axes } = self.op(id) else { return None };
        let x = self.inputs(id)[0];
        let (from, to) = (self.shape(x), self.shape(id));
        if !from.batched || to.batched {
            return None;
        }
        let inner: Vec<usize> =
            axes.iter().filter(|axis| **axis > 0).map(|axis| axis - 1).collect();
        let [channels, pixels] = self.layout(x);
        let is_per_channel = from.dims.len() == 3 && inner == [1, 2]
            || inner.is_empty() && pixels == 1
            || inner.len() == from.dims.len();
        let n = to.elements().max(1);
        is_per_channel.then_some([n, channels * pixels / n])
    }

    /// How chains read an expansion, if they can.
    pub(super) fn access(&self, id: NodeId) -> Option<Access> {
        let Op::Expand { shape, axes } = self.op(id) else { return None };
        let source = self.inputs(id)[0];
        if axes.is_empty() && self.is_scalar(source) {
            return Some(Access::Scalar);
        }
        if !shape.batched {
            return None;
        }
        let [channels, pixels] = self.layout(id);
        let all: Vec<usize> = (1..shape.rank()).collect();
        let is_picture = shape.dims.len() == 3;
        match axes.as_slice() {
            [0] => Some(Access::Lane),
            [1] if is_picture => Some(Access::Channel { channels }),
            [0, 1] if is_picture => Some(Access::LaneChannel { channels }),
            axes if axes == all => Some(Access::Element { channels, pixels }),
            _ => None,
        }
    }

    /// Gives each node its layout; a rank-1 tensor keeps the pixel order of a picture where nothing but matrix products and
    /// chains meet it.
    fn choose_layouts(&mut self) {
        for id in self.live.clone() {
            let shape = self.shape(id);
            self.layout[idx(id)] = match shape.dims.as_slice() {
                &[channels, height, width] if shape.batched => [channels, height * width],
                _ => [shape.elements(), 1],
            };
        }
        let mut parent: Vec<usize> = (0..self.graph.len()).collect();
        let is_flat = |id: NodeId| {
            let shape = self.shape(id);
            shape.batched && shape.dims.len() == 1
        };
        for id in &self.live {
            if !is_flat(*id) {
                continue;
            }
            if self.is_element_wise(*id) || matches!(self.op(*id), Op::StopGradient) {
                for input in self.inputs(*id) {
                    if !matches!(self.op(*input), Op::Expand { .. }) {
                        union(&mut parent, idx(*id), idx(*input));
                    }
                }
            }
        }
        // Per component: the picture it comes from or goes to, unless something else meets it.
        let mut picture: Vec<Option<[usize; 2]>> = vec![None; self.graph.len()];
        let mut is_bad = vec![false; self.graph.len()];
        for id in &self.live {
            let flat = is_flat(*id);
            let component = find(&mut parent, idx(*id));
            let mut suggest = |layout: [usize; 2], component: usize| {
                if picture[component].is_some_and(|known| known != layout) {
                    is_bad[component] = true;
                }
                picture[component] = Some(layout);
            };
            match self.op(*id) {
                Op::Reshape(_) => {
                    let from = self.inputs(*id)[0];
                    let (a, b) = (self.shape(from), self.shape(*id));
                    if a.batched && a.dims.len() == 3 && flat {
                        suggest(self.layout[idx(from)], component);
                    } else if is_flat(from) && b.dims.len() == 3 {
                        let from = find(&mut parent, idx(from));
                        suggest(self.layout[idx(*id)], from);
                    } else {
                        is_bad[component] = true;
                        let from = find(&mut parent, idx(from));
                        is_bad[from] = true;
                    }
                }
                Op::Grad(GradOp::LinearInput) | Op::DropoutMask { .. } | Op::StopGradient => {}
                Op::Expand { .. } => {
                    let from = find(&mut parent, idx(self.inputs(*id)[0]));
                    is_bad[from] = true;
                    let inline_only =
                        self.users(*id).iter().all(|user| self.is_element_wise(*user));
                    is_bad[component] |= !inline_only || self.is_root(*id);
                }
                op => {
                    if flat && !self.is_element_wise(*id) {
                        is_bad[component] = true;
                    }
                    for (port, input) in self.inputs(*id).iter().enumerate() {
                        let fits = matches!(
                            (op, port),
                            (Op::Linear, 0) | (Op::Grad(GradOp::LinearWeight), 1)
                        ) || self.is_element_wise(*id);
                        if is_flat(*input) && !fits {
                            let from = find(&mut parent, idx(*input));
                            is_bad[from] = true;
                        }
                    }
                }
            }
            if self.is_root(*id) {
                is_bad[component] = true;
            }
        }
        for id in self.live.clone() {
            let shape = self.shape(id);
            let component = find(&mut parent, idx(id));
            if shape.batched
                && shape.dims.len() == 1
                && !is_bad[component]
                && let Some(layout) = picture[component]
            {
                self.layout[idx(id)] = layout;
            }
        }
        // Expansions take the layout of the chain that reads them.
        for id in self.live.clone() {
            if matches!(self.op(id), Op::Expand { .. })
                && let Some(user) = self.users(id).iter().find(|user| self.is_element_wise(**user))
            {
                self.layout[idx(id)] = self.layout[idx(*user)];
            }
        }
    }

    fn find_aliases(&mut self) {
        for id in self.live.clone() {
            let Some(from) = self.inputs(id).first().copied() else { continue };
            let (a, b) = (self.layout(from), self.layout(id));
            let is_plain = |[channels, pixels]: [usize; 2]| channels == 1 || pixels == 1;
            let shows = match self.op(id) {
                Op::StopGradient => true,
                Op::Reshape(shape) if shape.batched => a == b || is_plain(a) && is_plain(b),
                Op::Reshape(_) => self.is_scalar(from) == self.is_scalar(id),
                _ => false,
            };
            if shows {
                self.alias[idx(id)] = self.alias[idx(from)];
            }
        }
    }

    fn find_levels(&mut self) {
        for id in self.live.clone() {
            let batched = self.shape(id).batched;
            let level = self.inputs(id).iter().map(|input| {
                self.level[idx(*input)] + usize::from(self.shape(*input).batched && !batched)
            });
            self.level[idx(id)] = level.max().unwrap_or(0);
        }
    }

    fn find_zeros(&mut self) {
        let mut is_forward = vec![false; self.graph.len()];
        for id in self.graph.outputs.values() {
            is_forward[idx(*id)] = true;
        }
        for id in self.live.iter().rev() {
            if is_forward[idx(*id)] {
                for input in self.inputs(*id) {
                    is_forward[idx(*input)] = true;
                }
            }
        }
        for id in self.live.clone() {
            let shape = self.shape(id);
            if let Op::Expand { .. } = self.op(id)
                && shape.batched
                && !self.shape(self.inputs(id)[0]).batched
                && !is_forward[idx(id)]
            {
                // Seeds of gradients; never what something is divided by.
                let divides = self.users(id).iter().any(|user| match self.op(*user) {
                    Op::Binary(Binary::Div | Binary::Pow) => self.inputs(*user)[1] == id,
                    Op::Unary(Unary::Log | Unary::Power(_)) => true,
                    _ => false,
                });
                self.masked[idx(id)] = !divides;
            }
            self.zero[idx(id)] = self.shape(id).batched && self.stays_zero(id);
        }
    }

    /// Whether the result is zero on lanes where the operands that are known to be zero are.
    fn stays_zero(&self, id: NodeId) -> bool {
        let zero = |port: usize| self.inputs(id).get(port).is_some_and(|i| self.zero[idx(*i)]);
        match self.op(id) {
            Op::Expand { .. } => self.masked[idx(id)] || zero(0),
            Op::Unary(function) => function.keeps_zero() && zero(0),
            Op::Binary(Binary::Mul) => zero(0) || zero(1),
            Op::Binary(Binary::Add | Binary::Sub | Binary::Max | Binary::Min) => zero(0) && zero(1),
            Op::Select => zero(1) && zero(2),
            Op::Binary(Binary::Div)
            | Op::StopGradient
            | Op::Reshape(_)
            | Op::Sum { .. }
            | Op::Slice { .. }
            | Op::Linear
            | Op::Conv(_)
            | Op::AvgPool(_)
            | Op::Class(ClassOp::Gather | ClassOp::Scatter { .. })
            | Op::Grad(
                GradOp::Slice { .. }
                | GradOp::LinearInput
                | GradOp::ConvInput { .. }
                | GradOp::AvgPool { .. },
            ) => zero(0),
            Op::Grad(GradOp::MaxPool(_) | GradOp::Normalize { .. }) => zero(1),
            Op::Concat { .. } => (0..self.inputs(id).len()).all(zero),
            _ => false,
        }
    }
}

pub(super) fn idx(id: NodeId) -> usize {
    id.0 as usize
}

fn find(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

fn union(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (find(parent, a), find(parent, b));
    parent[a.max(b)] = a.min(b);
}
