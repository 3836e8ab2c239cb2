//! A graph as JSON, for `graph.json` and other programs.

use serde_json::{Value, json};

use super::text::form;
use super::{Graph, hash, hex};

/// The graph as one pretty-printed document (`specc.graph/1`), ending in a newline.
///
/// Nodes stand in topological order under the numbers of [`super::text()`]; places in the source are left out, so equal
/// graphs give equal bytes.
pub fn json(graph: &Graph) -> String {
    let layers = graph.layers.iter().map(|layer| json!({ "name": layer.name, "kind": layer.kind }));
    let params =
        graph.params.iter().map(|param| json!({ "name": param.name, "shape": param.shape.dims }));
    let buffers = graph
        .buffers
        .iter()
        .map(|buffer| json!({ "name": buffer.name, "shape": buffer.shape.dims }));
    let nodes = graph.ids().map(|id| {
        let node = &graph[id];
        let (op, attributes) = form(graph, &node.op);
        json!({
            "id": id.0,
            "op": op,
            "attributes": attributes,
            "inputs": graph.inputs(id).iter().map(|input| input.0).collect::<Vec<_>>(),
            "shape": node.shape.to_string(),
            "layer": node.layer.map(|layer| graph.layer(layer).name.as_str()),
        })
    });
    let outputs: serde_json::Map<String, Value> =
        graph.outputs.iter().map(|(name, id)| (name.clone(), id.0.into())).collect();
    let document = json!({
        "schema": "specc.graph/1",
        "hash": hex(&hash(graph)),
        "layers": layers.collect::<Vec<_>>(),
        "params": params.collect::<Vec<_>>(),
        "buffers": buffers.collect::<Vec<_>>(),
        "nodes": nodes.collect::<Vec<_>>(),
        "outputs": outputs,
    });
    format!("{document:#}\n")
}
