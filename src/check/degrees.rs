//! Degrees of all values that a result depends on, as linear forms in unknown exponents, and the equations that make them valid.
//!
//! In: a graph, the node to explain, how norms are judged. Out: a form per node and the equations `form = 0`.
//! Whenever exponents satisfy every equation, each listed degree is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rules::{Demand, Judgement, Operand, Outcome, Rule, View, rule};
use super::{Form, Mode, Number, Unknown};
use crate::ir::{Binary, Graph, ModalOp, NodeId, Norm, Op, ParamId, Unary};

/// The degree of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Degree {
    /// The value is identically 0 and has every degree.
    Nothing,
    /// One form.
    Form(Arc<Form>),
}

/// One equation between degrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The form that must be 0: `left − right`.
    pub form: Form,
    /// The operation that asks for it.
    pub node: NodeId,
    /// The operand whose degree is `left`.
    pub operand: NodeId,
    /// The operand whose degree is `right`; `None` where the operand must have degree 0.
    pub other: Option<NodeId>,
    /// The degree found on the left.
    pub left: Arc<Form>,
    /// The degree found on the right.
    pub right: Arc<Form>,
}

/// What is known about the degrees of one graph.
#[derive(Clone, Debug)]
pub struct Degrees {
    /// By view, then by node.
    found: [BTreeMap<NodeId, Degree>; 4],
    /// The equations in the order of the graph.
    pub equations: Vec<Equation>,
    /// Natural exponents of tensors that a norm removes: not needed, but what they would be without it.
    pub natural: Vec<Form>,
}

impl Degrees {
    /// Explains `roots`; values in `given` are taken as unknowns instead of being looked into.
    pub fn of(
        graph: &Graph,
        roots: &[NodeId],
        given: &BTreeMap<NodeId, Unknown>,
        judgement: Judgement,
    ) -> Self {
        let wanted = wanted(graph, roots, given, judgement);
        let mut degrees = Self { found: Default::default(), equations: vec![], natural: vec![] };
        for (id, want) in wanted {
            if let Some(unknown) = given.get(&id) {
                let degree = Degree::Form(Arc::new(Form::unknown(*unknown)));
                for table in &mut degrees.found {
                    table.insert(id, degree.clone());
                }
                continue;
            }
            for view in View::ALL.into_iter().filter(|view| want.views[*view as usize]) {
                let degree = match view_rule(graph, id, &want.inputs, judgement, view) {
                    Ok(rule) => {
                        degrees.natural.extend(degrees.natural(graph, id, &want.inputs, view));
                        degrees.apply(graph, id, &rule, &want.inputs)
                    }
                    Err(fallback) => degrees.found[fallback as usize]
                        .get(&id)
                        .cloned()
                        .unwrap_or(Degree::Nothing),
                };
                degrees.found[view as usize].insert(id, degree);
            }
        }
        degrees
    }

    /// The degree of a node, where it was needed.
    pub fn degree(&self, id: NodeId) -> Option<&Degree> {
        self.found[View::Exact as usize].get(&id)
    }

    /// The degree of a node as a form; 0 for what is identically 0.
    pub fn form(&self, id: NodeId) -> Arc<Form> {
        match self.degree(id) {
            Some(Degree::Form(form)) => Arc::clone(form),
            Some(Degree::Nothing) | None => Arc::default(),
        }
    }

    /// Where a sum loses a bias to a norm behind it: bias − rest, which the bias would need without the norm.
    fn natural(&self, graph: &Graph, id: NodeId, inputs: &[NodeId], view: View) -> Option<Form> {
        let lossy = matches!(view, View::Shift | View::ChannelsShift);
        if !lossy || graph[id].op != Op::Binary(Binary::Add) {
            return None;
        }
        let (rest, bias) = match (is_shift(graph, inputs[0]), is_shift(graph, inputs[1])) {
            (false, true) => (inputs[0], inputs[1]),
            (true, false) => (inputs[1], inputs[0]),
            (true, true) | (false, false) => return None,
        };
        let param = tensor(graph, bias)?;
        match self.found[view as usize].get(&rest) {
            Some(Degree::Form(rest)) => {
                Some(Form::unknown(Unknown::Param(param)).plus(&Number::MINUS_ONE, rest))
            }
            Some(Degree::Nothing) | None => None,
        }
    }

    fn apply(&mut self, graph: &Graph, id: NodeId, rule: &Rule, inputs: &[NodeId]) -> Degree {
        let found: Vec<Degree> = inputs
            .iter()
            .enumerate()
            .map(|(port, input)| {
                let operand = rule.operands.iter().find(|operand| operand.port == port);
                let view = operand.map_or(View::Exact, |operand| operand.view);
                self.found[view as usize].get(input).cloned().unwrap_or(Degree::Nothing)
            })
            .collect();
        for demand in &rule.demands {
            let (a, b) = match demand {
                Demand::Equal(a, b) => (*a, Some(*b)),
                Demand::Zero(a) => (*a, None),
            };
            let Degree::Form(left) = &found[a] else { continue };
            let right = match b.map(|b| &found[b]) {
                Some(Degree::Form(right)) => Arc::clone(right),
                Some(Degree::Nothing) => continue,
                None => Arc::default(),
            };
            let form = left.minus(&right);
            if !form.is_zero() {
                let (node, operand, other) = (id, inputs[a], b.map(|b| inputs[b]));
                self.equations.push(Equation {
                    form,
                    node,
                    operand,
                    other,
                    left: Arc::clone(left),
                    right,
                });
            }
        }
        result(graph, rule, inputs, &found)
    }
}

/// The degree of a result from those of its operands.
fn result(graph: &Graph, rule: &Rule, inputs: &[NodeId], found: &[Degree]) -> Degree {
    match &rule.result {
        Outcome::Unknown(unknown) => Degree::Form(Arc::new(Form::unknown(*unknown))),
        Outcome::Nothing => Degree::Nothing,
        Outcome::Sum(terms) => {
            if let [(port, factor)] = terms.as_slice()
                && factor.is_one()
            {
                return representative(graph, rule, *port, inputs, found);
            }
            let mut form = Form::zero();
            for (port, factor) in terms {
                match &found[*port] {
                    Degree::Nothing => return Degree::Nothing,
                    Degree::Form(operand) => form = form.plus(factor, operand),
                }
            }
            Degree::Form(Arc::new(form))
        }
    }
}

/// Among operands that must have equal degrees, the one with the shortest form speaks for all:
/// behind a residual sum degrees stay as short as the skip. A bias never speaks for its layer.
fn representative(
    graph: &Graph,
    rule: &Rule,
    port: usize,
    inputs: &[NodeId],
    found: &[Degree],
) -> Degree {
    let length = |degree: &Degree| match degree {
        Degree::Nothing => usize::MAX,
        Degree::Form(form) => form.terms().len(),
    };
    let mut candidates = vec![port];
    for demand in &rule.demands {
        if let Demand::Equal(a, b) = demand {
            candidates.extend([*a, *b]);
        }
    }
    let worth = |candidate: &usize| {
        let degree = &found[*candidate];
        let bias = is_tensor(graph, inputs[*candidate]);
        (*degree == Degree::Nothing, bias, length(degree), *candidate != port)
    };
    candidates
        .iter()
        .min_by_key(|candidate| worth(candidate))
        .map_or(Degree::Nothing, |best| found[*best].clone())
}

/// Whether a node is a parameter or its broadcast.
fn is_tensor(graph: &Graph, id: NodeId) -> bool {
    tensor(graph, id).is_some()
}

/// The parameter behind a node that is a parameter or a broadcast of one.
pub(super) fn tensor(graph: &Graph, id: NodeId) -> Option<ParamId> {
    if let Op::Param(param) = &graph[id].op {
        return Some(*param);
    }
    let spread = matches!(&graph[id].op, Op::Expand { .. } | Op::Reshape(_));
    if spread { tensor(graph, *graph.inputs(id).first()?) } else { None }
}

struct Wanted {
    inputs: Vec<NodeId>,
    /// By view.
    views: [bool; 4],
}

/// The nodes to look at, operands first, and in which views.
fn wanted(
    graph: &Graph,
    roots: &[NodeId],
    given: &BTreeMap<NodeId, Unknown>,
    judgement: Judgement,
) -> Vec<(NodeId, Wanted)> {
    let mut pending: BTreeMap<NodeId, [bool; 4]> = BTreeMap::new();
    for root in roots {
        pending.entry(*root).or_default()[View::Exact as usize] = true;
    }
    let mut nodes = vec![];
    // Operands have smaller ids: whoever wants something of the last one has been seen.
    while let Some((id, mut views)) = pending.pop_last() {
        let inputs = graph.inputs(id);
        if !given.contains_key(&id) {
            let mut asked: Vec<Operand> = vec![];
            // Fallbacks go to views that come earlier.
            for view in View::ALL.into_iter().rev() {
                if views[view as usize] {
                    match view_rule(graph, id, &inputs, judgement, view) {
                        Ok(rule) => asked.extend(rule.operands),
                        Err(fallback) => views[fallback as usize] = true,
                    }
                }
            }
            for operand in asked {
                pending.entry(inputs[operand.port]).or_default()[operand.view as usize] = true;
            }
        }
        nodes.push((id, Wanted { inputs, views }));
    }
    nodes.reverse();
    nodes
}

/// The rule of an operation for one view of its result; where it has none of its own, the stricter view to take instead.
fn view_rule(
    graph: &Graph,
    id: NodeId,
    inputs: &[NodeId],
    judgement: Judgement,
    view: View,
) -> Result<Rule, View> {
    match view {
        View::Exact => Ok(rule(&graph[id].op, inputs.len(), judgement)),
        View::Shift => shift_rule(graph, id, inputs, judgement).ok_or(View::Exact),
        View::Channels => channel_rule(graph, id, inputs, judgement, view).ok_or(View::Exact),
        View::ChannelsShift => channel_rule(graph, id, inputs, judgement, view).ok_or(View::Shift),
    }
}

/// The rule of an operation that keeps channels apart: its operands are seen in the same view, and nothing is asked of their
/// degrees, which may differ from channel to channel. `None` for all others.
fn channel_rule(
    graph: &Graph,
    id: NodeId,
    inputs: &[NodeId],
    judgement: Judgement,
    view: View,
) -> Option<Rule> {
    let shift = view == View::ChannelsShift;
    let through = |ports: &[usize], view: View| {
        let operands = ports.iter().map(|port| Operand { port: *port, view }).collect();
        Some(Rule { operands, demands: vec![], result: Outcome::Nothing })
    };
    let trained = judgement.mode == Mode::Train;
    match &graph[id].op {
        Op::Concat { axis: 1 } => through(&(0..inputs.len()).collect::<Vec<_>>(), view),
        // These bend at 0, so a shift does not pass.
        Op::Unary(Unary::Relu | Unary::Abs | Unary::LeakyRelu(_)) => through(&[0], View::Channels),
        Op::MaxPool(_) | Op::Slice { .. } => through(&[0], view),
        Op::AvgPool(pool) if pool.pad == [0, 0] || !shift => through(&[0], view),
        Op::Binary(Binary::Mul) if is_shift(graph, inputs[1]) => through(&[0], view),
        Op::Binary(Binary::Mul) if is_shift(graph, inputs[0]) => through(&[1], view),
        Op::Binary(Binary::Add) if shift && is_shift(graph, inputs[1]) => through(&[0], view),
        Op::Binary(Binary::Add) if shift && is_shift(graph, inputs[0]) => through(&[1], view),
        // Statistics of the batch give each channel a factor and a shift, whatever eps is.
        Op::Modal(ModalOp::BatchNorm { .. }) if trained => through(&[0], View::ChannelsShift),
        Op::Normalize { norm: Norm::Batch, .. } => through(&[0], View::ChannelsShift),
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Select
        | Op::Prelu
        | Op::DropoutMask { .. }
        | Op::StopGradient
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Sum { .. }
        | Op::SumSquares
        | Op::Concat { .. }
        | Op::Linear
        | Op::Conv(_)
        | Op::AvgPool(_)
        | Op::Normalize { .. }
        | Op::NormalizeRunning { .. }
        | Op::BatchMean
        | Op::BatchVar
        | Op::SpectralNorm
        | Op::Class(_)
        | Op::Modal(_)
        | Op::Grad(_) => None,
    }
}

/// The rule of an operation for its result up to a shift per channel (the same for all samples and places of a picture);
/// `None` where such a shift does not pass through the operation as a shift.
fn shift_rule(graph: &Graph, id: NodeId, inputs: &[NodeId], judgement: Judgement) -> Option<Rule> {
    let node = &graph[id];
    let plain = || rule(&node.op, inputs.len(), judgement);
    let shifted = |ports: &[usize]| {
        let mut rule = plain();
        for operand in &mut rule.operands {
            if ports.contains(&operand.port) {
                operand.view = View::Shift;
            }
        }
        Some(rule)
    };
    match &node.op {
        Op::Expand { .. } if is_shift(graph, id) => {
            Some(Rule { operands: vec![], demands: vec![], result: Outcome::Nothing })
        }
        Op::Unary(Unary::Neg) | Op::StopGradient | Op::MaxPool(_) | Op::Slice { .. } => {
            shifted(&[0])
        }
        Op::Modal(ModalOp::Dropout { .. }) if judgement.mode == Mode::Eval => shifted(&[0]),
        Op::Reshape(shape) if shape.dims.len() == 1 => shifted(&[0]),
        Op::Sum { axes } if axes.iter().all(|axis| *axis >= 2) => shifted(&[0]),
        Op::AvgPool(pool) if pool.pad == [0, 0] => shifted(&[0]),
        Op::Linear => shifted(&[0]),
        Op::Conv(conv) if conv.pad == [0, 0] => shifted(&[0]),
        Op::Binary(Binary::Add | Binary::Sub) => shifted(&[0, 1]),
        Op::Binary(Binary::Mul) if is_shift(graph, inputs[1]) => shifted(&[0]),
        Op::Binary(Binary::Mul) if is_shift(graph, inputs[0]) => shifted(&[1]),
        Op::Concat { axis: 1 } => shifted(&(0..inputs.len()).collect::<Vec<_>>()),
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Select
        | Op::Prelu
        | Op::DropoutMask { .. }
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Sum { .. }
        | Op::SumSquares
        | Op::Concat { .. }
        | Op::Conv(_)
        | Op::AvgPool(_)
        | Op::Normalize { .. }
        | Op::NormalizeRunning { .. }
        | Op::BatchMean
        | Op::BatchVar
        | Op::SpectralNorm
        | Op::Class(_)
        | Op::Modal(_)
        | Op::Grad(_) => None,
    }
}

/// Whether a node is a value per channel (or one number) spread over samples and places.
fn is_shift(graph: &Graph, id: NodeId) -> bool {
    let node = &graph[id];
    let Op::Expand { shape, axes } = &node.op else { return false };
    let source = graph.inputs(id);
    let unbatched = source.first().is_some_and(|source| !graph[*source].shape.batched);
    unbatched && shape.batched && (axes.is_empty() || axes.as_slice() == [1])
}
