//! Chooses training or evaluation mode: batch norm and dropout become operations without a mode.

use super::rebuild::{copy, rebuild};
use super::{Emit, Graph, ModalOp, NodeId, Norm, Op, Update, Written};

/// What a graph is run for, and with that which statistics a batch norm uses; dropout follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Statistics of the batch, dropout on, running statistics updated.
    #[default]
    Train,
    /// Running statistics, dropout off, no updates.
    Eval,
}

/// The graph for one mode: it holds no [`ModalOp::BatchNorm`] and no [`ModalOp::Dropout`].
///
/// In training the running statistics become `(1 − momentum) · running + momentum · batch`, the
/// variance with the unbiased one of the batch, and no gradient flows through them.
#[must_use]
pub fn specialize(graph: &Graph, mode: Mode) -> Graph {
    rebuild(graph, |emit, node, inputs| match (&node.op, mode) {
        (Op::Modal(ModalOp::BatchNorm { eps, momentum }), Mode::Train) => {
            track(emit, inputs[0], inputs[1], Op::BatchMean, *momentum);
            track(emit, inputs[0], inputs[2], Op::BatchVar, *momentum);
            emit.op(Op::Normalize { norm: Norm::Batch, eps: *eps }, &inputs[..1])
        }
        (Op::Modal(ModalOp::BatchNorm { eps, .. }), Mode::Eval) => {
            emit.op(Op::NormalizeRunning { eps: *eps }, inputs)
        }
        (Op::Modal(ModalOp::Dropout { p, stream }), Mode::Train) => {
            let mask = emit.op(Op::DropoutMask { p: *p, stream: *stream }, inputs);
            emit.mul(inputs[0], mask)
        }
        (Op::Modal(ModalOp::Dropout { .. }), Mode::Eval) => inputs[0],
        _ => copy(emit, node, inputs),
    })
}

fn track(emit: &mut Emit<'_>, x: NodeId, running: NodeId, statistic: Op, momentum: f64) {
    let Op::Buffer(buffer) = emit.graph[running].op else {
        return; // Statistics that are not kept in a buffer cannot be tracked.
    };
    let batch = emit.op(statistic, &[x]);
    let kept = emit.times(running, 1.0 - momentum);
    let new = emit.times(batch, momentum);
    let value = emit.add(kept, new);
    emit.graph.updates.push(Update { target: Written::Buffer(buffer), value });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::ir::{Buffer, BufferRole, Kind, Shape};

    fn net() -> Graph {
        let span = Span::new(FileId(0), 0, 0);
        let mut graph = Graph::new();
        let x = graph.add_leaf(Op::Input, Shape::per_sample([3]), Kind::Real, span);
        let buffer = |name: &str, role, initial| Buffer {
            name: name.to_owned(),
            shape: Shape::fixed([3]),
            role,
            initial,
            min_samples: 0,
        };
        let (_, mean) =
            graph.add_buffer(buffer("bn1.running_mean", BufferRole::RunningMean, 0.0), span, None);
        let (_, var) =
            graph.add_buffer(buffer("bn1.running_var", BufferRole::RunningVar, 1.0), span, None);
        let y = graph.add(
            Op::Modal(ModalOp::BatchNorm { eps: 1e-5, momentum: 0.1 }),
            &[x, mean, var],
            span,
            None,
        );
        let y = graph
            .add(Op::Modal(ModalOp::Dropout { p: 0.5, stream: 0 }), &[y.unwrap()], span, None)
            .unwrap();
        graph.outputs.insert("logits".to_owned(), y);
        graph
    }

    #[test]
    fn training_tracks_statistics_and_evaluation_uses_them() {
        let train = specialize(&net(), Mode::Train);
        assert_eq!(train.updates.len(), 2);
        assert!(train.ids().any(|id| matches!(train[id].op, Op::DropoutMask { .. })));
        let eval = specialize(&net(), Mode::Eval);
        assert!(eval.updates.is_empty());
        let logits = eval.output("logits").unwrap();
        assert!(matches!(eval[logits].op, Op::NormalizeRunning { .. }));
    }
}
