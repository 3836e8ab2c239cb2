//! Batch norms that some batch of an epoch gives a single value per channel.
//!
//! In: a graph and the lengths of its batches. Out: at most one warning. The variance of one value is 0, so the norm gives 0
//! whatever the sample, and such a step learns the shift from nothing.

use crate::diag::{Code, Diagnostic};
use crate::ir::{Graph, Layer, ModalOp, Op};
use crate::model::{LastBatch, Spec};

/// Layers that the warning names.
const SHOWN: usize = 3;

pub(super) fn single_values(graph: &Graph, spec: &Spec) -> Option<Diagnostic> {
    let train = &spec.train;
    let (shortest, is_rest) = match spec.n_train {
        Some(n) if n <= train.batch => (n, false),
        Some(n) if train.last_batch == LastBatch::Keep && !n.is_multiple_of(train.batch) => {
            (n % train.batch, true)
        }
        Some(_) | None => (train.batch, false),
    };
    let norms: Vec<&Layer> = graph
        .ids()
        .filter(|id| matches!(graph[*id].op, Op::Modal(ModalOp::BatchNorm { .. })))
        .filter(|id| {
            let statistics = graph.inputs(*id).into_iter().map(|input| &graph[input].op);
            let buffers =
                statistics.filter_map(|op| if let Op::Buffer(id) = op { Some(id) } else { None });
            buffers.map(|id| graph.buffers[id.0 as usize].min_samples).any(|least| shortest < least)
        })
        .filter_map(|id| graph[id].layer.map(|layer| graph.layer(layer)))
        .collect();
    let first = norms.first()?;
    let batches = match spec.n_train {
        Some(n) if is_rest => {
            let (whole, batch) = (n / train.batch, train.batch);
            format!("{n} samples are {whole} batches of {batch} and one of {shortest}")
        }
        Some(_) | None => format!("a batch is {shortest} sample"),
    };
    let mut warning = Diagnostic::new(Code::W0208, "a batch gives a normalisation a single value")
        .label(
            first.origin,
            format!("found one value per channel in `{}`, of variance 0", first.name),
        )
        .label(train.places.batch, batches);
    for norm in norms.iter().take(SHOWN).skip(1) {
        warning = warning.label(norm.origin, "the same here");
    }
    let help = if is_rest {
        "write `last_batch = drop` in the braces of `train`"
    } else {
        "write a larger `batch`"
    };
    Some(
        warning
            .expected("two values or more per channel")
            .note("such a step learns the shift from nothing; its variance is not kept")
            .help(help),
    )
}
