//! Degrees of all values that a result depends on, as linear forms in unknown exponents, and the equations that make them valid.
//!
//! In: a graph, the node to explain, how norms are judged. Out: a form per node and the equations `form = 0`.
//! Whenever exponents satisfy every equation, each listed degree is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rules::{Demand, Judgement, Operand, Outcome, Rule, rule};
use super::{Form, Number, Statistics, Unknown};
use crate::ir::{Binary, Graph, NodeId, Op, ParamId, Unary};

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
    exact: Vec<Option<Degree>>,
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
        let mut degrees =
            Self { exact: vec![None; graph.len()], equations: vec![], natural: vec![] };
        let mut shifted: Vec<Option<Degree>> = vec![None; graph.len()];
        for (id, want) in wanted {
            if let Some(unknown) = given.get(&id) {
                let degree = Degree::Form(Arc::new(Form::unknown(*unknown)));
                degrees.exact[id.0 as usize] = Some(degree.clone());
                shifted[id.0 as usize] = Some(degree);
                continue;
            }
            if want.exact {
                let rule = rule(&graph[id].op, want.inputs.len(), judgement);
                let degree = degrees.apply(graph, id, &rule, &want.inputs, &shifted);
                degrees.exact[id.0 as usize] = Some(degree);
            }
            if want.up_to_shift {
                let degree = match shift_rule(graph, id, &want.inputs, judgement) {
                    Some(rule) => {
                        degrees.natural.extend(natural(graph, id, &want.inputs, &shifted));
                        degrees.apply(graph, id, &rule, &want.inputs, &shifted)
                    }
                    None => degrees.exact[id.0 as usize].clone().unwrap_or(Degree::Nothing),
                };
                shifted[id.0 as usize] = Some(degree);
            }
        }
        degrees
    }

    /// The degree of a node, where it was needed.
    pub fn degree(&self, id: NodeId) -> Option<&Degree> {
        self.exact.get(id.0 as usize)?.as_ref()
    }

    /// The degree of a node as a form; 0 for what is identically 0.
    pub fn form(&self, id: NodeId) -> Arc<Form> {
        match self.degree(id) {
            Some(Degree::Form(form)) => Arc::clone(form),
            Some(Degree::Nothing) | None => Arc::default(),
        }
    }

    fn apply(
        &mut self,
        graph: &Graph,
        id: NodeId,
        rule: &Rule,
        inputs: &[NodeId],
        shifted: &[Option<Degree>],
    ) -> Degree {
        let up_to_shift = |port: usize| {
            rule.operands.iter().any(|operand| operand.port == port && operand.up_to_shift)
        };
        let found: Vec<Degree> = inputs
            .iter()
            .enumerate()
            .map(|(port, input)| {
                let table = if up_to_shift(port) { shifted } else { &self.exact };
                table[input.0 as usize].clone().unwrap_or(Degree::Nothing)
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
    exact: bool,
    up_to_shift: bool,
}

/// The nodes to look at, operands first, and in which way.
fn wanted(
    graph: &Graph,
    roots: &[NodeId],
    given: &BTreeMap<NodeId, Unknown>,
    judgement: Judgement,
) -> Vec<(NodeId, Wanted)> {
    let mut exact = vec![false; graph.len()];
    let mut up_to_shift = vec![false; graph.len()];
    for root in roots {
        exact[root.0 as usize] = true;
    }
    let mut nodes = vec![];
    for id in graph.ids().rev() {
        let index = id.0 as usize;
        if !exact[index] && !up_to_shift[index] {
            continue;
        }
        let inputs = graph.inputs(id);
        if !given.contains_key(&id) {
            let mut asked: Vec<Operand> = vec![];
            let mut need_exact = exact[index];
            if up_to_shift[index] {
                match shift_rule(graph, id, &inputs, judgement) {
                    Some(rule) => asked.extend(rule.operands),
                    None => need_exact = true,
                }
            }
            if need_exact {
                asked.extend(rule(&graph[id].op, inputs.len(), judgement).operands);
            }
            for operand in asked {
                let table = if operand.up_to_shift { &mut up_to_shift } else { &mut exact };
                table[inputs[operand.port].0 as usize] = true;
            }
            exact[index] = need_exact;
        }
        let want = Wanted { inputs, exact: exact[index], up_to_shift: up_to_shift[index] };
        nodes.push((id, want));
    }
    nodes.reverse();
    nodes
}

/// The rule of an operation for its result up to a shift per channel (the same for all samples and places of a picture);
/// `None` where such a shift does not pass through the operation as a shift.
fn shift_rule(graph: &Graph, id: NodeId, inputs: &[NodeId], judgement: Judgement) -> Option<Rule> {
    let node = &graph[id];
    let plain = || rule(&node.op, inputs.len(), judgement);
    let shifted = |ports: &[usize]| {
        let mut rule = plain();
        for operand in &mut rule.operands {
            operand.up_to_shift = ports.contains(&operand.port);
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
        Op::Dropout { .. } if judgement.statistics == Statistics::Eval => shifted(&[0]),
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
        | Op::PreluGradInput
        | Op::PreluGradSlope
        | Op::DropoutMask { .. }
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Sum { .. }
        | Op::SumSquares
        | Op::Concat { .. }
        | Op::Unslice { .. }
        | Op::LinearGradInput
        | Op::LinearGradWeight
        | Op::Conv(_)
        | Op::ConvGradInput { .. }
        | Op::ConvGradWeight { .. }
        | Op::MaxPoolGrad(_)
        | Op::AvgPool(_)
        | Op::AvgPoolGrad { .. }
        | Op::BatchNorm { .. }
        | Op::Dropout { .. }
        | Op::Normalize { .. }
        | Op::NormalizeGrad { .. }
        | Op::NormalizeRunning { .. }
        | Op::NormalizeRunningGrad { .. }
        | Op::BatchMean
        | Op::BatchVar
        | Op::Softmax
        | Op::LogSoftmax
        | Op::Gather
        | Op::Scatter { .. }
        | Op::ArgMax
        | Op::ArgMaxExcept
        | Op::LogNotLabel
        | Op::SoftmaxExcept
        | Op::SparsemaxThreshold
        | Op::SparsemaxSupport
        | Op::SpectralNorm
        | Op::SpectralNormGrad => None,
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

/// Where a sum loses a bias to a norm behind it: bias − rest, which the bias would need without the norm.
fn natural(
    graph: &Graph,
    id: NodeId,
    inputs: &[NodeId],
    shifted: &[Option<Degree>],
) -> Option<Form> {
    let Op::Binary(Binary::Add) = graph[id].op else { return None };
    let (rest, bias) = match (is_shift(graph, inputs[0]), is_shift(graph, inputs[1])) {
        (false, true) => (inputs[0], inputs[1]),
        (true, false) => (inputs[1], inputs[0]),
        (true, true) | (false, false) => return None,
    };
    let param = tensor(graph, bias)?;
    match &shifted[rest.0 as usize] {
        Some(Degree::Form(rest)) => {
            Some(Form::unknown(Unknown::Param(param)).plus(&Number::MINUS_ONE, rest))
        }
        Some(Degree::Nothing) | None => None,
    }
}
