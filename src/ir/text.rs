//! A graph as text: stable, readable, one line per node.
//!
//! Names of layers stand behind `#`. Places in the source are not part of the text, so that equal graphs of different files
//! have equal texts.

use std::fmt::Write as _;

use super::{
    Binary, BufferRole, Conv, Graph, Hyper, Init, Kind, NodeId, Norm, Op, ParamRole, Pool, Target,
    Unary,
};

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
            Target::Param(id) => &graph.param(id).name,
            Target::Buffer(id) => &graph.buffer(id).name,
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

/// The word of an operation and its attributes.
pub(super) fn form(graph: &Graph, op: &Op) -> (&'static str, String) {
    let none = String::new();
    match op {
        Op::Input => ("input", none),
        Op::Labels => ("labels", none),
        Op::Param(id) => ("param", graph.param(*id).name.clone()),
        Op::Buffer(id) => ("buffer", graph.buffer(*id).name.clone()),
        Op::Hyper(Hyper::Lr) => ("lr", none),
        Op::Hyper(Hyper::BiasCorrection { beta }) => ("bias_correction", format!("beta={beta}")),
        Op::Const(value) => ("const", format!("{value}")),
        Op::BatchCount => ("batch_count", none),
        Op::Unary(op) => unary(*op),
        Op::Binary(op) => (binary(*op), none),
        Op::Select => ("select", none),
        Op::Prelu => ("prelu", none),
        Op::PreluGradInput => ("prelu_grad_input", none),
        Op::PreluGradSlope => ("prelu_grad_slope", none),
        Op::DropoutMask { p, stream } => ("dropout_mask", format!("p={p} stream={stream}")),
        Op::StopGradient => ("stop_gradient", none),
        Op::Reshape(_) => ("reshape", none),
        Op::Expand { axes, .. } => ("expand", format!("axes={}", listed(axes))),
        Op::Sum { axes } => ("sum", format!("axes={}", listed(axes))),
        Op::SumSquares => ("sum_squares", none),
        Op::Concat { axis } => ("concat", format!("axis={axis}")),
        Op::Slice { axis, start, len } => ("slice", format!("axis={axis} start={start} len={len}")),
        Op::Unslice { axis, start, full } => {
            ("unslice", format!("axis={axis} start={start} full={full}"))
        }
        Op::Linear => ("linear", none),
        Op::LinearGradInput => ("linear_grad_input", none),
        Op::LinearGradWeight => ("linear_grad_weight", none),
        Op::Conv(geometry) => ("conv", conv(geometry)),
        Op::ConvGradInput { conv: geometry, input } => {
            ("conv_grad_input", format!("{} input={}", conv(geometry), pair(*input)))
        }
        Op::ConvGradWeight { conv: geometry, kernel } => {
            ("conv_grad_weight", format!("{} kernel={}", conv(geometry), pair(*kernel)))
        }
        Op::MaxPool(geometry) => ("max_pool", pool(geometry)),
        Op::MaxPoolGrad(geometry) => ("max_pool_grad", pool(geometry)),
        Op::AvgPool(geometry) => ("avg_pool", pool(geometry)),
        Op::AvgPoolGrad { pool: geometry, input } => {
            ("avg_pool_grad", format!("{} input={}", pool(geometry), pair(*input)))
        }
        Op::BatchNorm { eps, momentum } => ("batch_norm", format!("eps={eps} momentum={momentum}")),
        Op::Dropout { p, stream } => ("dropout", format!("p={p} stream={stream}")),
        Op::Normalize { norm, eps } => ("normalize", format!("{} eps={eps}", shared(*norm))),
        Op::NormalizeGrad { norm, eps } => {
            ("normalize_grad", format!("{} eps={eps}", shared(*norm)))
        }
        Op::NormalizeRunning { eps } => ("normalize_running", format!("eps={eps}")),
        Op::NormalizeRunningGrad { eps } => ("normalize_running_grad", format!("eps={eps}")),
        Op::BatchMean => ("batch_mean", none),
        Op::BatchVar => ("batch_var", none),
        Op::Softmax => ("softmax", none),
        Op::LogSoftmax => ("log_softmax", none),
        Op::Gather => ("gather", none),
        Op::Scatter { classes } => ("scatter", format!("classes={classes}")),
        Op::ArgMax => ("arg_max", none),
        Op::ArgMaxExcept => ("arg_max_except", none),
        Op::LogNotLabel => ("log_not_label", none),
        Op::SoftmaxExcept => ("softmax_except", none),
        Op::SparsemaxThreshold => ("sparsemax_threshold", none),
        Op::SparsemaxSupport => ("sparsemax_support", none),
        Op::SpectralNorm => ("spectral_norm", none),
        Op::SpectralNormGrad => ("spectral_norm_grad", none),
    }
}

fn unary(op: Unary) -> (&'static str, String) {
    let none = String::new();
    match op {
        Unary::Neg => ("neg", none),
        Unary::Abs => ("abs", none),
        Unary::Exp => ("exp", none),
        Unary::Log => ("log", none),
        Unary::Sqrt => ("sqrt", none),
        Unary::Square => ("square", none),
        Unary::Power(exponent) => ("power", format!("exponent={exponent}")),
        Unary::Sign => ("sign", none),
        Unary::Step => ("step", none),
        Unary::Relu => ("relu", none),
        Unary::LeakyRelu(slope) => ("leaky_relu", format!("slope={slope}")),
        Unary::LeakyStep(slope) => ("leaky_step", format!("slope={slope}")),
        Unary::Tanh => ("tanh", none),
        Unary::Sigmoid => ("sigmoid", none),
        Unary::Gelu => ("gelu", none),
        Unary::GeluGrad => ("gelu_grad", none),
        Unary::Silu => ("silu", none),
        Unary::SiluGrad => ("silu_grad", none),
    }
}

fn binary(op: Binary) -> &'static str {
    match op {
        Binary::Add => "add",
        Binary::Sub => "sub",
        Binary::Mul => "mul",
        Binary::Div => "div",
        Binary::Max => "max",
        Binary::Min => "min",
        Binary::Pow => "pow",
        Binary::Ge => "ge",
        Binary::Gt => "gt",
        Binary::Eq => "eq",
    }
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

fn shared(norm: Norm) -> String {
    match norm {
        Norm::Batch => "over=batch".to_owned(),
        Norm::Layer => "over=sample".to_owned(),
        Norm::Group(groups) => format!("over=groups({groups})"),
    }
}

fn conv(conv: &Conv) -> String {
    let mut text = format!("stride={} pad={}", pair(conv.stride), pair(conv.pad));
    if conv.groups != 1 {
        let _ = write!(text, " groups={}", conv.groups);
    }
    text
}

fn pool(pool: &Pool) -> String {
    let mut text = format!("kernel={} stride={}", pair(pool.kernel), pair(pool.stride));
    if pool.pad != [0, 0] {
        let _ = write!(text, " pad={}", pair(pool.pad));
    }
    text
}

/// One number where both are equal, else `3x5`.
fn pair([rows, columns]: [usize; 2]) -> String {
    if rows == columns { rows.to_string() } else { format!("{rows}x{columns}") }
}

fn listed(axes: &[usize]) -> String {
    let axes: Vec<_> = axes.iter().map(usize::to_string).collect();
    format!("[{}]", axes.join(", "))
}
