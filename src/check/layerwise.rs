//! The degree-one check in its layer-wise form: every activation has degree one in its input, every layer degree one in its
//! own parameters, weights and biases together. This is what (8) assumes layer by layer.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::Judgement;
use super::zeros::zeros;
use super::{Degrees, Number, Unknown};
use crate::diag::Span;
use crate::ir::{Binary, Graph, LayerId, ModalOp, NodeId, Op, ParamRole};

/// A layer that breaks degree one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The layer, or the operator where there is no layer.
    pub name: String,
    /// The call.
    pub origin: Span,
    /// The layer, where there is one.
    pub layer: Option<LayerId>,
    /// Its operations.
    pub nodes: Vec<NodeId>,
    /// Why, in words.
    pub reason: String,
}

/// All layers on the way from the input to the logits that break degree one, in the order of the net.
///
/// Norms pass (they reset the scale, and their affine part is a layer of degree one); a product passes when it has degree one
/// in each of its factors.
pub fn failures(graph: &Graph, logits: NodeId, judgement: Judgement) -> Vec<Failure> {
    let live = ancestors(graph, logits);
    let mut groups: BTreeMap<(NodeId, Option<LayerId>), Vec<NodeId>> = BTreeMap::new();
    let mut first: BTreeMap<LayerId, NodeId> = BTreeMap::new();
    for id in &live {
        if graph.inputs(*id).is_empty() {
            continue;
        }
        match graph[*id].layer {
            Some(layer) => {
                let start = *first.entry(layer).or_insert(*id);
                groups.entry((start, Some(layer))).or_default().push(*id);
            }
            None => groups.entry((*id, None)).or_default().push(*id),
        }
    }
    let net = Net { graph, zero: zeros(graph), live, logits, judgement };
    groups.into_iter().filter_map(|((_, layer), nodes)| net.failure(layer, nodes)).collect()
}

/// The nodes that a node depends on and itself, operands first.
pub fn ancestors(graph: &Graph, root: NodeId) -> Vec<NodeId> {
    let mut needed = vec![false; graph.len()];
    needed[root.0 as usize] = true;
    let mut found = vec![];
    for id in graph.ids().rev() {
        if needed[id.0 as usize] {
            found.push(id);
            for input in graph.inputs(id) {
                needed[input.0 as usize] = true;
            }
        }
    }
    found.reverse();
    found
}

/// What the layers of one net have in common.
struct Net<'a> {
    graph: &'a Graph,
    /// The values that are 0 by their form.
    zero: Vec<bool>,
    /// The nodes on the way to the logits.
    live: Vec<NodeId>,
    logits: NodeId,
    judgement: Judgement,
}

impl Net<'_> {
    fn failure(&self, layer: Option<LayerId>, nodes: Vec<NodeId>) -> Option<Failure> {
        let Self { graph, zero, live, logits, judgement } = self;
        let inside: BTreeSet<NodeId> = nodes.iter().copied().collect();
        // Parameters stay unknowns of their own; every other operand from outside is taken as given.
        let mut given: BTreeMap<NodeId, Unknown> = BTreeMap::new();
        let mut roles: BTreeSet<ParamRole> = BTreeSet::new();
        let mut batch_dependent = false;
        for input in nodes.iter().flat_map(|id| graph.inputs(*id)) {
            if let Op::Param(param) = &graph[input].op {
                roles.insert(graph.param(*param).role);
            } else if !inside.contains(&input)
                && !matches!(graph[input].op, Op::Buffer(_) | Op::Const(_))
            {
                let next = given.len() as u32 + 1;
                given.entry(input).or_insert(Unknown::Given(next));
                batch_dependent |= graph[input].shape.batched;
            }
        }
        if !batch_dependent {
            return None;
        }
        let outputs: Vec<NodeId> = nodes
            .iter()
            .copied()
            .filter(|id| {
                let used =
                    |user: &NodeId| !inside.contains(user) && live.binary_search(user).is_ok();
                id == logits || graph.users(*id).iter().any(used)
            })
            .collect();
        let degrees = Degrees::with(zero, graph, &outputs, &given, *judgement);
        let norm = nodes.iter().any(|id| is_norm(&graph[*id].op));
        let parametrised = roles.contains(&ParamRole::Weight) || roles.contains(&ParamRole::Gain);
        let reason = if parametrised {
            own_parameters(&degrees, &outputs)
        } else if norm {
            None
        } else {
            inputs(graph, &degrees, &outputs, &nodes, &given)
        }?;
        let origin = graph[*nodes.first()?].origin;
        let (name, origin) = match layer {
            Some(id) => (graph.layer(id).name.clone(), graph.layer(id).origin),
            None => (graph[*nodes.first()?].op.word().to_owned(), origin),
        };
        Some(Failure { name, origin, layer, nodes, reason })
    }
}

fn own_parameters(degrees: &Degrees, outputs: &[NodeId]) -> Option<String> {
    let value = |unknown: Unknown| match unknown {
        Unknown::Param(_) => Number::ONE,
        Unknown::Given(_) => Number::ZERO,
    };
    if degrees.equations.iter().any(|equation| !equation.form.value(value).is_zero()) {
        return Some("it has no degree in its own parameters".to_owned());
    }
    outputs
        .iter()
        .map(|id| degrees.form(*id).value(value))
        .find(|degree| !degree.is_one())
        .map(|degree| format!("it has degree {degree} in its own parameters, not one"))
}

fn inputs(
    graph: &Graph,
    degrees: &Degrees,
    outputs: &[NodeId],
    nodes: &[NodeId],
    given: &BTreeMap<NodeId, Unknown>,
) -> Option<String> {
    let all = |unknown: Unknown| match unknown {
        Unknown::Param(_) => Number::ZERO,
        Unknown::Given(_) => Number::ONE,
    };
    let holds = |value: &dyn Fn(Unknown) -> Number| {
        degrees.equations.iter().all(|equation| equation.form.value(value).is_zero())
    };
    let degree = |value: &dyn Fn(Unknown) -> Number| {
        outputs.iter().map(|id| degrees.form(*id).value(value)).collect::<Vec<_>>()
    };
    let one = |values: Vec<Number>| values.iter().all(Number::is_one);
    if holds(&all) && one(degree(&all)) {
        return None;
    }
    let product = nodes.iter().any(|id| matches!(graph[*id].op, Op::Binary(Binary::Mul)));
    let multilinear = product
        && given.values().all(|unknown| {
            let only = |other: Unknown| if other == *unknown { Number::ONE } else { Number::ZERO };
            holds(&only) && one(degree(&only))
        });
    if multilinear {
        return None;
    }
    if !holds(&all) {
        let vanishing = degrees.equations.first().map(|equation| graph[equation.node].op.word());
        return Some(format!(
            "{} has no degree in its input: only inputs of degree 0 keep one",
            vanishing.unwrap_or("it")
        ));
    }
    let found = degree(&all).into_iter().find(|degree| !degree.is_one())?;
    Some(format!("it has degree {found} in its input, not one"))
}

/// Whether an operation normalises.
pub(super) fn is_norm(op: &Op) -> bool {
    matches!(
        op,
        Op::Modal(ModalOp::BatchNorm { .. }) | Op::Normalize { .. } | Op::NormalizeRunning { .. }
    )
}
