//! Small edits of a net, made to see whether they would help: each suggestion is checked on the edited graph before it is made.

use std::collections::BTreeSet;

use super::degrees::tensor;
use super::{Conflict, Scaling};
use crate::ir::{
    Binary, BufferId, ClassOp, Conv, Graph, Init, ModalOp, NodeId, Op, Param, ParamId, ParamRole,
    Shape, Unary, Written,
};

/// One change that a user could make to the net.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// These biases go.
    DropBiases(BTreeSet<ParamId>),
    /// These activations become `relu`.
    ToRelu(BTreeSet<NodeId>),
    /// This operation goes.
    Remove(NodeId),
    /// A linear map without bias is put on one operand of a sum.
    MapOn(NodeId, usize),
    /// These norms get eps = 0.
    NoEps(BTreeSet<NodeId>),
}

/// The edited graph; `None` when the edit does not fit it.
pub fn apply(graph: &Graph, edit: &Edit) -> Option<Graph> {
    let mut copy = Graph::new();
    copy.layers.clone_from(&graph.layers);
    let mut place: Vec<Option<NodeId>> = vec![None; graph.len()];
    let mut params: Vec<Option<ParamId>> = vec![None; graph.params.len()];
    let mut buffers: Vec<Option<BufferId>> = vec![None; graph.buffers.len()];
    for id in graph.ids() {
        let node = &graph[id];
        let inputs = graph.inputs(id);
        let dropped = |id: NodeId| match edit {
            Edit::DropBiases(biases) => tensor(graph, id).is_some_and(|p| biases.contains(&p)),
            Edit::ToRelu(_) | Edit::Remove(_) | Edit::MapOn(..) | Edit::NoEps(_) => false,
        };
        if dropped(id) {
            continue;
        }
        let at = |input: &NodeId| place[input.0 as usize];
        let mut operands: Vec<Option<NodeId>> = inputs.iter().map(at).collect();
        if operands.iter().any(Option::is_none) {
            // Only a sum survives the loss of an operand.
            if !matches!(node.op, Op::Binary(Binary::Add)) {
                return None;
            }
            place[id.0 as usize] = operands.into_iter().flatten().next();
            continue;
        }
        if let Edit::MapOn(sum, port) = edit
            && *sum == id
        {
            operands[*port] = Some(map(&mut copy, operands[*port]?, graph, id)?);
        }
        if *edit == Edit::Remove(id) {
            place[id.0 as usize] = *operands.first()?;
            continue;
        }
        let operands: Vec<NodeId> = operands.into_iter().flatten().collect();
        let new = if let Op::Param(param) = &node.op {
            if let Some(known) = params[param.0 as usize] {
                copy.add(Op::Param(known), &[], node.origin, node.layer).ok()?
            } else {
                let (known, new) = copy.add_param(graph.param(*param).clone());
                params[param.0 as usize] = Some(known);
                new
            }
        } else if let Op::Buffer(buffer) = &node.op {
            if let Some(known) = buffers[buffer.0 as usize] {
                copy.add(Op::Buffer(known), &[], node.origin, node.layer).ok()?
            } else {
                let original = graph.buffer(*buffer).clone();
                let (known, new) = copy.add_buffer(original, node.origin, node.layer);
                buffers[buffer.0 as usize] = Some(known);
                new
            }
        } else if matches!(node.op, Op::Input | Op::Labels) {
            copy.add_leaf(node.op.clone(), node.shape.clone(), node.kind, node.origin)
        } else {
            copy.add(changed(&node.op, id, edit), &operands, node.origin, node.layer).ok()?
        };
        place[id.0 as usize] = Some(new);
    }
    for (name, id) in &graph.outputs {
        copy.outputs.insert(name.clone(), place[id.0 as usize]?);
    }
    for update in &graph.updates {
        let target = match update.target {
            Written::Param(id) => Written::Param(params[id.0 as usize]?),
            Written::Buffer(id) => Written::Buffer(buffers[id.0 as usize]?),
        };
        copy.updates.push(crate::ir::Update { target, value: place[update.value.0 as usize]? });
    }
    Some(copy)
}

fn changed(op: &Op, id: NodeId, edit: &Edit) -> Op {
    match edit {
        Edit::ToRelu(nodes) if nodes.contains(&id) => Op::Unary(Unary::Relu),
        Edit::NoEps(nodes) if nodes.contains(&id) => without_eps(op),
        Edit::ToRelu(_)
        | Edit::NoEps(_)
        | Edit::DropBiases(_)
        | Edit::Remove(_)
        | Edit::MapOn(..) => op.clone(),
    }
}

fn without_eps(op: &Op) -> Op {
    let mut op = op.clone();
    if let Op::Modal(ModalOp::BatchNorm { eps, .. })
    | Op::Normalize { eps, .. }
    | Op::NormalizeRunning { eps } = &mut op
    {
        *eps = 0.0;
    }
    op
}

/// A linear map from a value to its own shape: a 1×1 convolution of a picture, a square matrix of features.
fn map(copy: &mut Graph, x: NodeId, graph: &Graph, sum: NodeId) -> Option<NodeId> {
    let (channels, dims, op) = match copy[x].shape.dims.as_slice() {
        [features] => (*features, vec![*features, *features], Op::Linear),
        [channels, _, _] => {
            let conv = Conv { stride: [1, 1], pad: [0, 0], groups: 1 };
            (*channels, vec![*channels, *channels, 1, 1], Op::Conv(conv))
        }
        _ => return None,
    };
    debug_assert!(channels > 0 || dims.contains(&0), "a square map");
    let origin = graph[sum].origin;
    let weight = Param {
        name: "skip.weight".to_owned(),
        shape: Shape::fixed(dims),
        role: ParamRole::Weight,
        init: Init::Constant(1.0),
        layer: None,
        origin,
    };
    let (_, weight) = copy.add_param(weight);
    copy.add(op, &[x, weight], origin, None).ok()
}

/// Edits that might resolve a conflict, the smallest first.
fn candidates(graph: &Graph, scaling: &Scaling, conflict: &Conflict) -> Vec<Edit> {
    let mut edits = vec![];
    let mut biased = false;
    let mut eps = BTreeSet::new();
    for position in &conflict.equations {
        let equation = &scaling.degrees.equations[*position];
        let (id, op) = (equation.node, &graph[equation.node].op);
        let sides: Vec<NodeId> =
            [Some(equation.operand), equation.other].into_iter().flatten().collect();
        let tensors = sides.iter().any(|side| tensor(graph, *side).is_some());
        for side in sides {
            if let Some(param) = tensor(graph, side)
                && graph.param(param).role == ParamRole::Bias
            {
                biased = true;
                edits.push(Edit::DropBiases(BTreeSet::from([param])));
            }
        }
        if is_smooth(op) {
            edits.push(Edit::ToRelu(BTreeSet::from([id])));
            let alike = graph.ids().filter(|other| graph[*other].op == *op).collect();
            edits.push(Edit::ToRelu(alike));
        } else if *op == Op::Class(ClassOp::Softmax) {
            edits.push(Edit::Remove(id));
        } else if super::layerwise::is_norm(op) && equation.other.is_none() {
            eps.insert(id);
        } else if matches!(op, Op::Binary(Binary::Add)) && !tensors {
            edits.extend([Edit::MapOn(id, 1), Edit::MapOn(id, 0)]);
        }
    }
    if biased {
        let all: BTreeSet<ParamId> = (0_u32..)
            .map(ParamId)
            .zip(&graph.params)
            .filter(|(_, param)| param.role == ParamRole::Bias)
            .map(|(id, _)| id)
            .collect();
        edits.push(Edit::DropBiases(all));
    }
    if !eps.is_empty() {
        let all = graph.ids().filter(|id| super::layerwise::is_norm(&graph[*id].op)).collect();
        edits.extend([Edit::NoEps(eps), Edit::NoEps(all)]);
    }
    edits
}

/// Whether an operation is an activation that has no degree of its own.
pub(super) fn is_smooth(op: &Op) -> bool {
    matches!(op, Op::Unary(function) if function.is_smooth_activation())
}

/// Edits of which each, made alone, makes `holds` true; in words, the smallest first. At most three.
pub fn suggest(
    graph: &Graph,
    scaling: &Scaling,
    conflict: &Conflict,
    holds: &dyn Fn(&Graph) -> bool,
) -> Vec<(Edit, String)> {
    let mut found: Vec<(Edit, String)> = vec![];
    for edit in candidates(graph, scaling, conflict) {
        if found.len() == 3 {
            break;
        }
        if found.iter().all(|(other, _)| *other != edit)
            && apply(graph, &edit).is_some_and(|edited| holds(&edited))
        {
            let text = words(graph, &edit);
            found.push((edit, text));
        }
    }
    found
}

fn words(graph: &Graph, edit: &Edit) -> String {
    let layer = |id: NodeId| graph[id].layer.map(|layer| graph.layer(layer).name.clone());
    match edit {
        Edit::DropBiases(biases) => match biases.iter().collect::<Vec<_>>().as_slice() {
            [one] => {
                let name = graph.param(**one).name.trim_end_matches(".bias").to_owned();
                format!("drop the bias of `{name}`: `bias=false`")
            }
            _ => "drop all biases: `bias=false` in the head of the net".to_owned(),
        },
        Edit::ToRelu(nodes) => {
            let first = nodes.first().copied();
            let kind = first.map_or("the activation", |id| graph[id].op.word());
            match nodes.len() {
                1 => format!("replace this {kind} by `relu`"),
                _ => format!("replace every {kind} by `relu`"),
            }
        }
        Edit::Remove(id) => {
            format!("leave out this {}", graph[*id].op.word())
        }
        Edit::MapOn(id, port) => {
            let operand = graph.inputs(*id).get(*port).copied();
            let dims = operand.map_or(&[][..], |operand| &graph[operand].shape.dims);
            let side = operand.and_then(layer).map_or_else(
                || "the skip".to_owned(),
                |name| format!("the branch that ends in `{name}`"),
            );
            match dims {
                [features] => format!("put `linear({features}, bias=false)` on {side}"),
                _ => format!(
                    "put a 1×1 convolution on {side}: `conv({}, kernel=1, bias=false)`",
                    dims.first().copied().unwrap_or(1)
                ),
            }
        }
        Edit::NoEps(nodes) => match nodes.first().copied().and_then(layer) {
            Some(name) if nodes.len() == 1 => format!("give `{name}` no eps: `eps=0`"),
            Some(_) | None => "give the norms no eps: `eps=0` in the head of the net".to_owned(),
        },
    }
}
