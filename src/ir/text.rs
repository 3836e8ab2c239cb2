//! A graph as text: stable, readable, one line per node.
//!
//! Names of layers stand behind `#`. Places in the source are not part of the text, so that equal graphs of different files
//! have equal texts.

use std::fmt::Write as _;

use super::{BufferRole, Graph, Init, Kind, NodeId, Op, ParamRole, Written};

/// The graph as text.
pub fn text(graph: &Graph) -> String {
    let mut out = String::new();
    write(graph, &mut out);
    out
}

fn write(graph: &Graph, out: &mut String) {
    let mut table = vec![];
    for param in &graph.params {
        let role = match param.role {
            ParamRole::Weight => "weight",
            ParamRole::Bias => "bias",
            ParamRole::Gain => "gain",
            ParamRole::Shift => "shift",
            ParamRole::Slope => "slope",
            ParamRole::Scale => "scale",
        };
        table.push((
            "param",
            param.name.clone(),
            format!("{} {role} {}", param.shape, init(param.init)),
        ));
    }
    for buffer in &graph.buffers {
        let role = match buffer.role {
            BufferRole::RunningMean => "running mean".to_owned(),
            BufferRole::RunningVar => "running variance".to_owned(),
            BufferRole::Optimizer(param) => format!("optimizer of {}", graph.param(param).name),
            BufferRole::Saved(param) => format!("saved {}", graph.param(param).name),
            BufferRole::InitialSize => "initial size".to_owned(),
            BufferRole::ClassWeights => "class weights".to_owned(),
            BufferRole::Average(param) => {
                format!("average of {}", graph.param(param).name)
            }
            BufferRole::AverageOf(buffer) => {
                format!("average of {}", graph.buffer(buffer).name)
            }
        };
        let rest = format!("{} {role} = {}", buffer.shape, buffer.initial);
        table.push(("buffer", buffer.name.clone(), rest));
    }
    let width = table.iter().map(|(_, name, _)| name.chars().count()).max().unwrap_or(0);
    for (word, name, rest) in &table {
        let _ = writeln!(out, "{word:<6} {name:<width$}  {rest}");
    }
    let lines: Vec<_> = graph.ids().map(|id| line(graph, id)).collect();
    let width = lines.iter().map(|(form, _, _)| form.chars().count()).max().unwrap_or(0).min(60);
    for (form, shape, layer) in lines {
        let line = format!("{form:<width$}  {shape:<16}  {layer}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for (name, id) in &graph.outputs {
        let _ = writeln!(out, "output {name} = {}", node(*id));
    }
    for update in &graph.updates {
        let name = match update.target {
            Written::Param(id) => &graph.param(id).name,
            Written::Buffer(id) => &graph.buffer(id).name,
        };
        let _ = writeln!(out, "update {name} = {}", node(update.value));
    }
}

fn node(id: NodeId) -> String {
    format!("%{}", id.0)
}

/// Form, shape and layer of one node.
fn line(graph: &Graph, id: NodeId) -> (String, String, String) {
    let entry = &graph[id];
    let inputs: Vec<_> = graph.inputs(id).into_iter().map(node).collect();
    let (name, attributes) = form(graph, &entry.op);
    let mut text = format!("{} = {name}", node(id));
    if !inputs.is_empty() {
        let _ = write!(text, "({})", inputs.join(", "));
    }
    if !attributes.is_empty() {
        let _ = write!(text, " {attributes}");
    }
    let shape = match entry.kind {
        Kind::Real => entry.shape.to_string(),
        Kind::Index => format!("{} index", entry.shape),
    };
    let layer = entry.layer.map(|layer| format!("# {}", graph.layer(layer).name));
    (text, shape, layer.unwrap_or_default())
}

/// The word of an operation and its attributes, with the names of tensors.
pub(super) fn form(graph: &Graph, op: &Op) -> (&'static str, String) {
    let attributes = if let Op::Param(id) = op {
        graph.param(*id).name.clone()
    } else if let Op::Buffer(id) = op {
        graph.buffer(*id).name.clone()
    } else {
        op.attributes()
    };
    (op.name(), attributes)
}

fn init(init: Init) -> String {
    match init {
        Init::Constant(value) => format!("= {value}"),
        Init::Uniform { bound } => format!("~ uniform(±{bound})"),
        Init::Normal { deviation } => format!("~ normal({deviation})"),
        Init::TruncatedNormal { deviation } => format!("~ truncated_normal({deviation})"),
        Init::Orthogonal { gain } => format!("~ orthogonal({gain})"),
        Init::Scale => "= start of the scale".to_owned(),
    }
}
