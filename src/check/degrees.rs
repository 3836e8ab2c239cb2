//! Degrees of all values that a result depends on, as linear forms in unknown exponents, and the equations that make them valid.
//!
//! In: a graph, the node to explain, how norms are judged. Out: a form per node and the equations `form = 0`.
//! Whenever exponents satisfy every equation, each listed degree is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::channels::{Degree, Flow, Range, Seam, common, flow};
use super::rules::{DegreeRule, Demand, Judgement, Operand, ResultDegree, View};
use super::views::{is_shift, view_rule};
use super::zeros::zeros;
use super::{Linear, Number, Unknown};
use crate::ir::{Binary, Graph, NodeId, Op, ParamId, Shape};

/// One equation between degrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The form that must be 0: `left − right`.
    pub form: Linear,
    /// The operation that asks for it.
    pub node: NodeId,
    /// The operand whose degree is `left`.
    pub operand: NodeId,
    /// The operand whose degree is `right`; `None` where the operand must have degree 0.
    pub other: Option<NodeId>,
    /// The degree found on the left.
    pub left: Arc<Linear>,
    /// The degree found on the right.
    pub right: Arc<Linear>,
}

/// What is known about the degrees of one graph.
#[derive(Clone, Debug)]
pub struct Degrees {
    /// By view, then by node.
    found: [BTreeMap<NodeId, Degree>; 4],
    /// The equations in the order of the graph.
    pub equations: Vec<Equation>,
    /// Natural exponents of tensors that a norm removes: not needed, but what they would be without it.
    pub natural: Vec<Linear>,
    /// What was asked at seams already.
    asked: BTreeMap<Seam, Vec<Linear>>,
}

impl Degrees {
    /// Explains `roots`; values in `given` are taken as unknowns instead of being looked into.
    pub fn of(
        graph: &Graph,
        roots: &[NodeId],
        given: &BTreeMap<NodeId, Unknown>,
        judgement: Judgement,
    ) -> Self {
        Self::with(&zeros(graph), graph, roots, given, judgement)
    }

    /// The same with the [`zeros`] of the graph, for many questions about one graph.
    pub(super) fn with(
        zero: &[bool],
        graph: &Graph,
        roots: &[NodeId],
        given: &BTreeMap<NodeId, Unknown>,
        judgement: Judgement,
    ) -> Self {
        let wanted = wanted(graph, roots, given, zero, judgement);
        let mut degrees = Self {
            found: Default::default(),
            equations: vec![],
            natural: vec![],
            asked: BTreeMap::new(),
        };
        for (id, want) in wanted {
            if zero[id.0 as usize] {
                for table in &mut degrees.found {
                    table.insert(id, Degree::Nothing);
                }
                continue;
            }
            if let Some(unknown) = given.get(&id) {
                let degree = Degree::Linear(Arc::new(Linear::unknown(*unknown)));
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
        for root in roots {
            degrees.agreed(View::Exact, *root);
        }
        degrees
    }

    /// The degree of a node, where it was needed.
    pub fn degree(&self, id: NodeId) -> Option<&Degree> {
        self.found[View::Exact as usize].get(&id)
    }

    /// The degree of a node as a form: 0 for what is identically 0, that of the first channels where they differ.
    pub fn form(&self, id: NodeId) -> Arc<Linear> {
        match self.degree(id) {
            Some(Degree::Linear(form)) => Arc::clone(form),
            Some(degree @ Degree::Ranges(_)) => degree.forms().swap_remove(0),
            Some(Degree::Nothing) | None => Arc::default(),
        }
    }

    /// Where a sum loses a bias to a norm behind it: bias − rest, which the bias would need without the norm.
    fn natural(&self, graph: &Graph, id: NodeId, inputs: &[NodeId], view: View) -> Option<Linear> {
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
        let rest = self.found[view as usize].get(&rest)?.forms().into_iter().next()?;
        Some(Linear::unknown(Unknown::Param(param)).plus(&Number::MINUS_ONE, &rest))
    }

    fn apply(&mut self, graph: &Graph, id: NodeId, rule: &DegreeRule, inputs: &[NodeId]) -> Degree {
        let view = |port: usize| {
            let operand = rule.operands.iter().find(|operand| operand.port == port);
            operand.map_or(View::Exact, |operand| operand.view)
        };
        let look = |degrees: &Self, port: usize| {
            let found = degrees.found[view(port) as usize].get(&inputs[port]);
            found.cloned().unwrap_or(Degree::Nothing)
        };
        let all = 0..inputs.len();
        let channels = |port: usize| channels(&graph[inputs[port]].shape);
        let flow = flow(graph, id);
        if flow == Flow::Joined {
            let parts: Vec<_> = all.map(|p| (look(self, p), inputs[p], channels(p))).collect();
            return Degree::joined(id, &parts);
        }
        let mut found: Vec<Degree> = all.clone().map(|port| look(self, port)).collect();
        let differ = |degree: &Degree| matches!(degree, Degree::Ranges(_));
        if !found.iter().any(differ) {
            return self.hold(graph, id, rule, inputs, &found);
        }
        match flow {
            Flow::Apart => {
                let ranges = common(&found, channels_of(graph, id), id).into_iter();
                let ranges = ranges.map(|(channels, degrees, seam)| {
                    let degree = self.hold(graph, id, rule, inputs, &degrees);
                    Range { channels, form: degree.forms().pop(), seam }
                });
                Degree::of(ranges.collect::<Vec<_>>())
            }
            Flow::Groups(groups) => {
                let (size, out) =
                    (channels(0) / groups.max(1), channels_of(graph, id) / groups.max(1));
                for port in 1..found.len() {
                    found[port] = self.agreed(view(port), inputs[port]);
                }
                let whole = found[0].clone();
                let ranges = (0..groups).map(|group| {
                    let part = whole.part(group * size, size);
                    let seam = seam_at(&whole, group * size, id);
                    found[0] = self.agree(&part);
                    let degree = self.hold(graph, id, rule, inputs, &found);
                    Range { channels: out, form: degree.forms().pop(), seam }
                });
                Degree::of(ranges.collect::<Vec<_>>())
            }
            Flow::Part { start, len } => found[0].part(start, len),
            Flow::Regrouped => {
                let places = |shape: &Shape| shape.dims.iter().skip(1).product::<usize>();
                let (from, into) = (places(&graph[inputs[0]].shape), places(&graph[id].shape));
                let regrouped = found[0].regrouped(from, into);
                regrouped.unwrap_or_else(|| self.agreed(view(0), inputs[0]))
            }
            Flow::Mixed | Flow::Joined => {
                for port in all {
                    found[port] = self.agreed(view(port), inputs[port]);
                }
                self.hold(graph, id, rule, inputs, &found)
            }
        }
    }

    /// The degree of a value whose channels meet: from here on they have one in common.
    fn agreed(&mut self, view: View, id: NodeId) -> Degree {
        let known = self.found[view as usize].get(&id).cloned().unwrap_or(Degree::Nothing);
        let degree = self.agree(&known);
        if degree != known {
            self.found[view as usize].insert(id, degree.clone());
        }
        degree
    }

    /// Asks all ranges of channels to have one degree; the shortest form speaks for them.
    fn agree(&mut self, degree: &Degree) -> Degree {
        let Degree::Ranges(ranges) = degree else { return degree.clone() };
        let mut before: Option<&Arc<Linear>> = None;
        for range in ranges.iter() {
            let Some(right) = &range.form else { continue };
            if let Some(left) = before.replace(right) {
                self.ask(range.seam, left, right);
            }
        }
        let shortest = ranges.iter().filter_map(|range| range.form.as_ref());
        Degree::uniform(shortest.min_by_key(|form| form.terms().len()).cloned())
    }

    /// The equation of a seam, once.
    fn ask(&mut self, seam: Seam, left: &Arc<Linear>, right: &Arc<Linear>) {
        let form = left.minus(right);
        let asked = self.asked.entry(seam).or_default();
        if form.is_zero() || asked.contains(&form) {
            return;
        }
        asked.push(form.clone());
        self.equations.push(Equation {
            form,
            node: seam.node,
            operand: seam.left,
            other: Some(seam.right),
            left: Arc::clone(left),
            right: Arc::clone(right),
        });
    }

    /// The demands of a rule on operands of one degree each, and the degree of the result.
    fn hold(
        &mut self,
        graph: &Graph,
        id: NodeId,
        rule: &DegreeRule,
        inputs: &[NodeId],
        found: &[Degree],
    ) -> Degree {
        for demand in &rule.demands {
            let (a, b) = match demand {
                Demand::Equal(a, b) => (*a, Some(*b)),
                Demand::Zero(a) => (*a, None),
            };
            let Degree::Linear(left) = &found[a] else { continue };
            let right = match b.map(|b| &found[b]) {
                Some(Degree::Linear(right)) => Arc::clone(right),
                Some(Degree::Nothing | Degree::Ranges(_)) => continue,
                None => Arc::default(),
            };
            let form = left.minus(&right);
            if !form.is_zero() {
                let (node, operand, other) = (id, inputs[a], b.map(|b| inputs[b]));
                let left = Arc::clone(left);
                self.equations.push(Equation { form, node, operand, other, left, right });
            }
        }
        result(graph, rule, inputs, found)
    }
}

/// Channels of a value per sample.
fn channels(shape: &Shape) -> usize {
    shape.dims.first().copied().unwrap_or(1)
}

fn channels_of(graph: &Graph, id: NodeId) -> usize {
    channels(&graph[id].shape)
}

/// The seam nearest before a channel.
fn seam_at(degree: &Degree, channel: usize, node: NodeId) -> Seam {
    let mut seam = Seam { node, left: node, right: node };
    if let Degree::Ranges(ranges) = degree {
        let mut start = 0;
        for range in ranges.iter() {
            if start > channel {
                break;
            }
            if start > 0 {
                seam = range.seam;
            }
            start += range.channels;
        }
    }
    seam
}

/// The degree of a result from those of its operands.
fn result(graph: &Graph, rule: &DegreeRule, inputs: &[NodeId], found: &[Degree]) -> Degree {
    match &rule.result {
        ResultDegree::Unknown(unknown) => Degree::Linear(Arc::new(Linear::unknown(*unknown))),
        ResultDegree::Nothing => Degree::Nothing,
        ResultDegree::Sum(terms) => {
            if let [(port, factor)] = terms.as_slice()
                && factor.is_one()
            {
                return representative(graph, rule, *port, inputs, found);
            }
            let mut form = Linear::zero();
            for (port, factor) in terms {
                match &found[*port] {
                    Degree::Nothing => return Degree::Nothing,
                    Degree::Linear(operand) => form = form.plus(factor, operand),
                    Degree::Ranges(_) => {}
                }
            }
            Degree::Linear(Arc::new(form))
        }
    }
}

/// Among operands that must have equal degrees, the one with the shortest form speaks for all:
/// behind a residual sum degrees stay as short as the skip. A bias never speaks for its layer.
fn representative(
    graph: &Graph,
    rule: &DegreeRule,
    port: usize,
    inputs: &[NodeId],
    found: &[Degree],
) -> Degree {
    let length = |degree: &Degree| match degree {
        Degree::Nothing | Degree::Ranges(_) => usize::MAX,
        Degree::Linear(form) => form.terms().len(),
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
    zero: &[bool],
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
        if !given.contains_key(&id) && !zero[id.0 as usize] {
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
