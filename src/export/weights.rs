//! The tensors of a run under the names that PyTorch gives them.

use std::collections::BTreeMap;

use super::Source;
use crate::ir::{AVERAGE, BufferRole, Graph};
use crate::loss::CLASS_WEIGHTS;
use crate::lower::StateEntry;

/// Parameters and running statistics in the precision of the run; with `training` also what goes on from there needs: R(θ₀)
/// and the state of the optimiser.
pub fn weights<'a>(source: &Source<'a>, training: bool) -> Vec<&'a StateEntry> {
    let graph = source.checked.graph();
    let buffers = source.state.buffers.iter();
    let kept = buffers.filter(|entry| {
        is_statistic(graph, &entry.name) || (training && is_trained_with(&entry.name))
    });
    source.state.params.iter().chain(kept).collect()
}

/// The metadata of the file: all of it under one name, as JSON, so that equal contents give equal bytes.
pub fn metadata(source: &Source<'_>) -> BTreeMap<String, String> {
    let pairs = source.about.pairs(source.spec.classes).into_iter();
    let document: serde_json::Map<_, _> =
        pairs.map(|(key, value)| (key.to_owned(), value)).collect();
    let document = serde_json::Value::Object(document);
    BTreeMap::from([("specc".to_owned(), document.to_string())])
}

fn is_statistic(graph: &Graph, name: &str) -> bool {
    let is_running = |role| matches!(role, BufferRole::RunningMean | BufferRole::RunningVar);
    graph.buffers.iter().any(|buffer| buffer.name == name && is_running(buffer.role))
}

/// What SAM puts aside within a step is not kept between steps, averages stand in the place of the parameters, and weights of
/// classes stand in the text.
fn is_trained_with(name: &str) -> bool {
    !name.ends_with("/saved") && !name.ends_with(AVERAGE) && name != CLASS_WEIGHTS
}
