//! What the operation behind sees of a value: the rules for values that matter only up to a shift or a factor per channel.
//!
//! In: an operation and a view of its result. Out: its rule in that view, or the stricter view to take instead.
//! A batch norm removes what a channel shares, so that degrees may break on the way to it without a trace.

use super::Mode;
use super::rules::{DegreeRule, Demand, Judgement, Operand, ResultDegree, View, rule};
use crate::ir::{Binary, Graph, ModalOp, NodeId, Norm, Op, Unary};

/// The rule of an operation for one view of its result; where it has none of its own, the stricter view to take instead.
pub(super) fn view_rule(
    graph: &Graph,
    id: NodeId,
    inputs: &[NodeId],
    judgement: Judgement,
    view: View,
) -> Result<DegreeRule, View> {
    match view {
        View::Exact => Ok(exact_rule(graph, id, inputs, judgement)),
        View::Shift => shift_rule(graph, id, inputs, judgement).ok_or(View::Exact),
        View::Channels => channel_rule(graph, id, inputs, judgement, view).ok_or(View::Exact),
        View::ChannelsShift => channel_rule(graph, id, inputs, judgement, view).ok_or(View::Shift),
    }
}

fn exact_rule(graph: &Graph, id: NodeId, inputs: &[NodeId], judgement: Judgement) -> DegreeRule {
    rule(&graph[id].op, inputs.len(), channels(graph, inputs), judgement)
}

/// The channels of the first operand.
fn channels(graph: &Graph, inputs: &[NodeId]) -> usize {
    inputs.first().and_then(|input| graph[*input].shape.dims.first()).copied().unwrap_or(0)
}

/// The rule of an operation that keeps channels apart: its operands are seen in the same view, and nothing is asked of their
/// degrees, which may differ from channel to channel. `None` for all others.
fn channel_rule(
    graph: &Graph,
    id: NodeId,
    inputs: &[NodeId],
    judgement: Judgement,
    view: View,
) -> Option<DegreeRule> {
    let shift = view == View::ChannelsShift;
    let through = |ports: &[usize], view: View| {
        let operands = ports.iter().map(|port| Operand { port: *port, view }).collect();
        Some(DegreeRule { operands, demands: vec![], result: ResultDegree::Nothing })
    };
    let trained = judgement.mode == Mode::Train;
    match &graph[id].op {
        Op::Concat { axis: 1 } => through(&(0..inputs.len()).collect::<Vec<_>>(), view),
        // These bend at 0 or are drawn anew for each element, so a shift does not pass.
        Op::Unary(Unary::Relu | Unary::Abs | Unary::LeakyRelu(_)) => through(&[0], View::Channels),
        Op::Modal(ModalOp::Dropout { .. }) if trained => through(&[0], View::Channels),
        Op::Prelu => Some(DegreeRule {
            operands: vec![
                Operand { port: 0, view: View::Channels },
                Operand { port: 1, view: View::Exact },
            ],
            demands: vec![Demand::Zero(1)],
            result: ResultDegree::Nothing,
        }),
        // Padding is 0 whatever the shift.
        Op::AvgPool(pool) if pool.pad != [0, 0] => through(&[0], View::Channels),
        Op::Unary(Unary::Neg)
        | Op::StopGradient
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::Slice { .. }
        | Op::Modal(ModalOp::Dropout { .. }) => through(&[0], view),
        Op::Reshape(shape) if shape.dims.len() == 1 => through(&[0], view),
        Op::Sum { axes } if axes.iter().all(|axis| *axis >= 2) => through(&[0], view),
        Op::Conv(conv) if conv.groups == channels(graph, inputs) && conv.pad != [0, 0] => {
            through(&[0], View::Channels)
        }
        Op::Conv(conv) if conv.groups == channels(graph, inputs) => through(&[0], view),
        Op::Binary(Binary::Mul) if is_shift(graph, inputs[1]) => through(&[0], view),
        Op::Binary(Binary::Mul) if is_shift(graph, inputs[0]) => through(&[1], view),
        Op::Binary(Binary::Add) if shift && is_shift(graph, inputs[1]) => through(&[0], view),
        Op::Binary(Binary::Add) if shift && is_shift(graph, inputs[0]) => through(&[1], view),
        // Statistics of the batch give each channel a factor and a shift, whatever eps is; so do given ones.
        Op::Modal(ModalOp::BatchNorm { .. }) if trained || shift => {
            through(&[0], View::ChannelsShift)
        }
        Op::Normalize { norm: Norm::Batch, .. } => through(&[0], View::ChannelsShift),
        Op::NormalizeRunning { .. } if shift => through(&[0], View::ChannelsShift),
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
        | Op::DropoutMask { .. }
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Sum { .. }
        | Op::SumSquares
        | Op::Concat { .. }
        | Op::Linear
        | Op::Conv(_)
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
fn shift_rule(
    graph: &Graph,
    id: NodeId,
    inputs: &[NodeId],
    judgement: Judgement,
) -> Option<DegreeRule> {
    let node = &graph[id];
    let plain = || exact_rule(graph, id, inputs, judgement);
    let shifted = |ports: &[usize]| {
        let mut rule = plain();
        for operand in &mut rule.operands {
            if ports.contains(&operand.port) {
                operand.view = View::Shift;
            }
        }
        Some(rule)
    };
    let running = || {
        let mut rule = shifted(&[0])?;
        rule.operands.retain(|operand| operand.port != 1);
        rule.demands.retain(|demand| *demand != Demand::Equal(0, 1));
        Some(rule)
    };
    match &node.op {
        Op::Expand { .. } if is_shift(graph, id) => {
            Some(DegreeRule { operands: vec![], demands: vec![], result: ResultDegree::Nothing })
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
        // A given mean is a shift itself.
        Op::Modal(ModalOp::BatchNorm { .. }) if judgement.mode == Mode::Eval => running(),
        Op::NormalizeRunning { .. } => running(),
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
        | Op::BatchMean
        | Op::BatchVar
        | Op::SpectralNorm
        | Op::Class(_)
        | Op::Modal(_)
        | Op::Grad(_) => None,
    }
}

/// Whether a node is a value per channel (or one number) spread over samples and places.
pub(super) fn is_shift(graph: &Graph, id: NodeId) -> bool {
    let node = &graph[id];
    let Op::Expand { shape, axes } = &node.op else { return false };
    let source = graph.inputs(id);
    let unbatched = source.first().is_some_and(|source| !graph[*source].shape.batched);
    unbatched && shape.batched && (axes.is_empty() || axes.as_slice() == [1])
}
