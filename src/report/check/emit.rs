//! `specc check --emit facts`: the degree of every value as stable text.

use std::fmt::Write as _;

use crate::check::{Checked, Degree, describe};
use crate::ir::{Graph, NodeId, Op};

/// The operations with the degree of each value, then the equations and the layers with their costs.
pub fn facts(checked: &Checked) -> String {
    let graph = checked.graph();
    let degrees = &checked.exact().degrees;
    let mut text = String::new();
    for id in graph.ids() {
        let degree = match degrees.degree(id) {
            None => "-".to_owned(),
            Some(Degree::Nothing) => "any".to_owned(),
            Some(Degree::Linear(form)) => describe(graph, form),
            Some(degree @ Degree::Ranges(_)) => {
                let forms = degree.forms();
                forms.iter().map(|form| describe(graph, form)).collect::<Vec<_>>().join(" | ")
            }
        };
        let _ = writeln!(text, "{}  degree {degree}", operation(graph, id));
    }
    for equation in &degrees.equations {
        let form = describe(graph, &equation.form);
        let _ = writeln!(text, "equation at %{}: {form} = 0", equation.node.0);
    }
    for layer in checked.layers() {
        let cost = layer.cost;
        let _ = writeln!(
            text,
            "layer {}: {} params {} flops {} bytes {} + {} n",
            graph.layer(layer.id).name,
            layer.shape,
            cost.params,
            cost.flops,
            cost.memory.fixed,
            cost.memory.per_sample,
        );
    }
    text
}

fn operation(graph: &Graph, id: NodeId) -> String {
    let node = &graph[id];
    let what = if let Op::Param(param) = &node.op {
        format!("param {}", graph.param(*param).name)
    } else if let Op::Buffer(buffer) = &node.op {
        format!("buffer {}", graph.buffer(*buffer).name)
    } else {
        node.op.to_string()
    };
    let mut line = format!("%{} = {what}", id.0);
    for input in graph.inputs(id) {
        let _ = write!(line, " %{}", input.0);
    }
    let _ = write!(line, " : {}", node.shape);
    if let Some(layer) = node.layer {
        let _ = write!(line, "  // {}", graph.layer(layer).name);
    }
    line
}
