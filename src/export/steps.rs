//! The net as steps: what other programs have as one layer is one step.
//!
//! In: a checked graph, before a mode is chosen. Out: [`Step`]s from the input to the logits, operands first. A weight with its
//! bias, and a normalisation with its gain and shift, are one step.

use std::collections::BTreeSet;

use crate::ir::{
    Binary, BufferId, ClassOp, Conv, Graph, LayerId, ModalOp, NodeId, Norm, Op, ParamId, Pool,
    Shape, Unary,
};

/// One step of the net.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// What it computes.
    pub(super) kind: StepKind,
    /// Its operands, without parameters.
    pub(super) inputs: Vec<NodeId>,
    /// The node that it gives.
    pub(super) output: NodeId,
    /// The layer it belongs to.
    pub(super) layer: Option<LayerId>,
}

/// A gain and a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Affine {
    pub(super) gain: ParamId,
    pub(super) shift: ParamId,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum StepKind {
    /// x Wᵀ + b.
    Linear { weight: ParamId, bias: Option<ParamId> },
    /// Cross-correlation plus b.
    Conv { conv: Conv, weight: ParamId, bias: Option<ParamId> },
    /// Statistics of the batch in training, running ones in evaluation.
    BatchNorm { eps: f64, momentum: f64, mean: BufferId, var: BufferId, affine: Option<Affine> },
    /// Statistics of the sample.
    SampleNorm { norm: Norm, eps: f64, affine: Option<Affine> },
    /// x where x > 0, else slope · x.
    Prelu { slope: ParamId },
    /// An activation.
    Unary(Unary),
    /// A sum or a product of two branches.
    Binary(Binary),
    /// A branch times a number.
    Times(f64),
    /// Softmax over the features.
    Softmax,
    /// Maximum of each window.
    MaxPool(Pool),
    /// Mean of each window, padding counted.
    AvgPool(Pool),
    /// Mean of the whole picture, `[n, c]`.
    GlobalAvgPool,
    /// The same elements under another shape.
    Reshape(Shape),
    /// Joined along an axis, the batch counted.
    Concat { axis: usize },
    /// Zero with a probability, in training.
    Dropout { p: f64 },
}

/// The steps from the input to the logits.
pub(super) fn steps(graph: &Graph) -> Vec<Step> {
    let logits = graph.output("logits").expect("checked graphs end in logits");
    let mut wanted = BTreeSet::from([logits]);
    let mut steps = vec![];
    for id in graph.ids().collect::<Vec<_>>().into_iter().rev() {
        if !wanted.remove(&id) || graph[id].op == Op::Input {
            continue;
        }
        let (kind, inputs) = step(graph, id);
        wanted.extend(inputs.iter().copied());
        steps.push(Step { kind, inputs, output: id, layer: graph[id].layer });
    }
    steps.reverse();
    steps
}

/// The step that ends in a node, and its operands.
fn step(graph: &Graph, id: NodeId) -> (StepKind, Vec<NodeId>) {
    let inputs = graph.inputs(id);
    let kind = match &graph[id].op {
        Op::Binary(Binary::Add) if let Some(folded) = affine(graph, &inputs) => return folded,
        Op::Binary(Binary::Add) if let Some(folded) = biased(graph, &inputs) => return folded,
        Op::Binary(Binary::Mul) if let Some(factor) = number(graph, inputs[1]) => {
            return (StepKind::Times(factor), vec![inputs[0]]);
        }
        Op::Binary(function) => StepKind::Binary(*function),
        Op::Linear | Op::Conv(_) => {
            let (kind, x) = weighted(graph, id, None).expect("it is a layer with a weight");
            return (kind, vec![x]);
        }
        Op::Modal(ModalOp::BatchNorm { .. }) | Op::Normalize { .. } => {
            let (kind, x) = normalized(graph, id, None).expect("it is a normalisation");
            return (kind, vec![x]);
        }
        Op::Modal(ModalOp::Dropout { p, .. }) => StepKind::Dropout { p: *p },
        Op::Prelu => {
            let slope = param(graph, inputs[1]).expect("slopes are parameters");
            return (StepKind::Prelu { slope }, vec![inputs[0]]);
        }
        Op::Unary(function) => StepKind::Unary(*function),
        Op::Class(ClassOp::Softmax) => StepKind::Softmax,
        Op::MaxPool(pool) => StepKind::MaxPool(*pool),
        Op::AvgPool(pool) => StepKind::AvgPool(*pool),
        Op::Reshape(shape) => {
            let whole = pooled_whole(graph, inputs[0]).filter(|_| shape.dims.len() == 1);
            match whole {
                Some(x) => return (StepKind::GlobalAvgPool, vec![x]),
                None => StepKind::Reshape(shape.clone()),
            }
        }
        Op::Concat { axis } => StepKind::Concat { axis: *axis },
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::Hyper(_)
        | Op::Const(_)
        | Op::BatchCount
        | Op::Select
        | Op::DropoutMask { .. }
        | Op::StopGradient
        | Op::Expand { .. }
        | Op::Sum { .. }
        | Op::SumSquares
        | Op::Slice { .. }
        | Op::NormalizeRunning { .. }
        | Op::BatchMean
        | Op::BatchVar
        | Op::SpectralNorm
        | Op::Class(_)
        | Op::Grad(_) => unreachable!("layers of nets are made of other operations"),
    };
    (kind, inputs)
}

/// (norm · gain) + shift.
fn affine(graph: &Graph, inputs: &[NodeId]) -> Option<(StepKind, Vec<NodeId>)> {
    let shift = spread(graph, inputs[1])?;
    let scaled = graph.inputs(inputs[0]);
    if graph[inputs[0]].op != Op::Binary(Binary::Mul) {
        return None;
    }
    let gain = spread(graph, scaled[1])?;
    let (kind, x) = normalized(graph, scaled[0], Some(Affine { gain, shift }))?;
    Some((kind, vec![x]))
}

/// A layer with a weight, plus its bias.
fn biased(graph: &Graph, inputs: &[NodeId]) -> Option<(StepKind, Vec<NodeId>)> {
    let bias = spread(graph, inputs[1])?;
    let (kind, x) = weighted(graph, inputs[0], Some(bias))?;
    Some((kind, vec![x]))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other operation has a weight")]
fn weighted(graph: &Graph, id: NodeId, bias: Option<ParamId>) -> Option<(StepKind, NodeId)> {
    let inputs = graph.inputs(id);
    let kind = match graph[id].op {
        Op::Linear => StepKind::Linear { weight: param(graph, inputs[1])?, bias },
        Op::Conv(conv) => StepKind::Conv { conv, weight: param(graph, inputs[1])?, bias },
        _ => return None,
    };
    Some((kind, inputs[0]))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other operation normalises")]
fn normalized(graph: &Graph, id: NodeId, affine: Option<Affine>) -> Option<(StepKind, NodeId)> {
    let inputs = graph.inputs(id);
    let kind = match graph[id].op {
        Op::Modal(ModalOp::BatchNorm { eps, momentum }) => {
            let (mean, var) = (buffer(graph, inputs[1])?, buffer(graph, inputs[2])?);
            StepKind::BatchNorm { eps, momentum, mean, var, affine }
        }
        Op::Normalize { norm, eps } => StepKind::SampleNorm { norm, eps, affine },
        _ => return None,
    };
    Some((kind, inputs[0]))
}

/// The parameter that an expansion spreads.
fn spread(graph: &Graph, id: NodeId) -> Option<ParamId> {
    let Op::Expand { .. } = graph[id].op else { return None };
    param(graph, graph.inputs(id)[0])
}

/// The number that an expansion spreads.
fn number(graph: &Graph, id: NodeId) -> Option<f64> {
    let Op::Expand { .. } = graph[id].op else { return None };
    let Op::Const(value) = graph[graph.inputs(id)[0]].op else { return None };
    Some(value)
}

fn param(graph: &Graph, id: NodeId) -> Option<ParamId> {
    let Op::Param(id) = graph[id].op else { return None };
    Some(id)
}

fn buffer(graph: &Graph, id: NodeId) -> Option<BufferId> {
    let Op::Buffer(id) = graph[id].op else { return None };
    Some(id)
}

/// The picture whose mean over all of it a node is.
fn pooled_whole(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let Op::AvgPool(pool) = graph[id].op else { return None };
    let x = graph.inputs(id)[0];
    let whole = graph[x].shape.dims.get(1..)? == pool.kernel && pool.pad == [0, 0];
    let one_user = graph.users(id).len() == 1 && graph[id].layer.is_some();
    (whole && one_user).then_some(x)
}
