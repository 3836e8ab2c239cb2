//! All named results of one graph, for checks and for graphs that belong to no run.

use std::collections::BTreeMap;

use super::exchange::{bind, load_batch};
use super::ops::Context;
use super::reference::Options;
use super::tensor::{Real, View, cast};
use super::walk::walk;
use crate::ir::Graph;
use crate::lower::{Batch, DType, ExecError, HyperValues, State, reference};

/// A result of a graph; indices and both precisions are given as doubles, which hold them exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Sizes of all axes, the batch included.
    pub sizes: Vec<usize>,
    /// Elements in row-major order.
    pub values: Vec<f64>,
}

/// The outputs of `graph` by name; its updates are not made.
///
/// # Errors
/// [`ExecError`] when the state does not fit the graph or the batch is empty.
pub fn evaluate(
    graph: &Graph,
    state: &State,
    batch: &Batch<'_>,
    hyper: &HyperValues,
    options: Options,
) -> Result<BTreeMap<String, Evaluated>, ExecError> {
    match options.dtype {
        DType::F32 => evaluate_as::<f32>(graph, state, batch, hyper, options),
        DType::F64 => evaluate_as::<f64>(graph, state, batch, hyper, options),
    }
}

fn evaluate_as<T: Real>(
    graph: &Graph,
    state: &State,
    batch: &Batch<'_>,
    hyper: &HyperValues,
    options: Options,
) -> Result<BTreeMap<String, Evaluated>, ExecError> {
    let phase = reference::phase("evaluate", graph);
    let params = graph.params.iter().map(|p| (p.name.as_str(), &p.shape));
    let buffers = graph.buffers.iter().map(|b| (b.name.as_str(), &b.shape));
    let params = bind(params, &state.params, options.dtype)?;
    let buffers = bind(buffers, &state.buffers, options.dtype)?;
    let (input, labels) = load_batch::<T>(batch)?;
    let ctx = Context {
        seed: options.seed,
        hyper: *hyper,
        indices: batch.indices,
        input: Some(&input),
        labels: Some(&labels),
        params: &params,
        buffers: &buffers,
        device: None,
    };
    let results = walk::<T>(&phase, &ctx, |_, _| Ok(()))?;
    let mut evaluated = BTreeMap::new();
    for (name, id) in &phase.outputs.named {
        let value = results.get(*id);
        let values = View::<f64>::new(&cast::<f64>(value)?)?.to_vec();
        evaluated.insert(name.clone(), Evaluated { sizes: value.dims().to_vec(), values });
    }
    Ok(evaluated)
}
