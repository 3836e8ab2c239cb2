//! Derivatives of normalisations and of batch statistics.

use crate::ir::{Binary, Emit, GradOp, NodeId, Op};

/// Of a normalisation with given statistics.
pub(super) fn running(
    emit: &mut Emit<'_>,
    inputs: &[NodeId],
    eps: f64,
    y: NodeId,
    port: usize,
    dy: NodeId,
) -> NodeId {
    let variance = inputs[2];
    if port == 2 {
        let weighted = emit.mul(dy, y);
        let total = emit.sum_except(weighted, &[1]);
        let half = emit.times(total, -0.5);
        let eps = emit.number_like(eps, variance);
        let spread = emit.add(variance, eps);
        return emit.div(half, spread);
    }
    let dx = emit.op(GradOp::NormalizeRunning { eps }, &[dy, variance]);
    if port == 0 {
        return dx;
    }
    let total = emit.sum_except(dx, &[1]);
    emit.neg(total)
}

/// dy / count in every element of a channel.
pub(super) fn batch_mean(emit: &mut Emit<'_>, x: NodeId, dy: NodeId) -> NodeId {
    let count = channel_count(emit, x);
    let share = emit.scale_inverse(count, dy);
    per_channel(emit, share, x)
}

/// 2 (x − mean) dy / max(count − 1, 1).
pub(super) fn batch_var(emit: &mut Emit<'_>, x: NodeId, dy: NodeId) -> NodeId {
    let count = channel_count(emit, x);
    let one = emit.number(1.0);
    let less = emit.sub(count, one);
    let divisor = emit.binary(Binary::Max, less, one);
    let twice = emit.times(dy, 2.0);
    let share = emit.scale_inverse(divisor, twice);
    let share = per_channel(emit, share, x);
    let mean = emit.op(Op::BatchMean, &[x]);
    let mean = per_channel(emit, mean, x);
    let centred = emit.sub(x, mean);
    emit.mul(share, centred)
}

/// Elements of one channel over batch and picture, `[]`.
fn channel_count(emit: &mut Emit<'_>, x: NodeId) -> NodeId {
    let elements = emit.graph[x].shape.dims.iter().skip(1).product::<usize>();
    let batch = emit.op(Op::BatchCount, &[]);
    emit.times(batch, elements as f64)
}

fn per_channel(emit: &mut Emit<'_>, values: NodeId, x: NodeId) -> NodeId {
    let shape = emit.shape(x);
    emit.op(Op::Expand { shape, axes: vec![1] }, &[values])
}
