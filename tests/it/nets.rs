//! Networks of the golden files as graphs, built from their layer lists.

use num_rational::Ratio;
use serde_json::Value;
use specc::check::{Checked, Factor, FactorNorm, Normalizer, Options, facts};
use specc::ir::{
    Buffer, BufferRole, Conv, Emit, Graph, Init, Kind, ModalOp, NodeId, Op, Param, ParamId,
    ParamRole, Pool, Shape, Unary,
};

use crate::grad::nowhere;

/// A graph from samples of shape `sample` to the output `logits`.
pub(crate) fn graph(layers: &[Value], sample: &[usize]) -> Graph {
    let mut graph = Graph::new();
    let x = graph.add_leaf(Op::Input, Shape::per_sample(sample), Kind::Real, nowhere());
    let mut emit = Emit::new(&mut graph, nowhere());
    let logits = chain(&mut emit, layers, x);
    graph.outputs.insert("logits".to_owned(), logits);
    graph
}

/// Product of the Frobenius norms of the weights.
pub(crate) fn weights(graph: &Graph) -> Normalizer {
    let ids = (0..graph.params.len() as u32).map(ParamId);
    let factors = ids
        .filter(|id| graph.param(*id).role == ParamRole::Weight)
        .map(|id| Factor {
            tensors: vec![id],
            norm: FactorNorm::Frobenius,
            exponent: Ratio::from_integer(1),
        })
        .collect();
    Normalizer { factors }
}

/// A graph with its facts and this size R.
pub(crate) fn checked(graph: &Graph, normalizer: Option<Normalizer>) -> Checked {
    let logits = graph.output("logits").unwrap();
    facts(graph.clone(), logits, Options::default()).with_normalizer(normalizer)
}

fn chain(emit: &mut Emit<'_>, layers: &[Value], x: NodeId) -> NodeId {
    layers.iter().fold(x, |x, layer| apply(emit, layer, x))
}

fn apply(emit: &mut Emit<'_>, layer: &Value, x: NodeId) -> NodeId {
    let size = |key: &str| layer[key].as_u64().unwrap() as usize;
    let name = |what: &str| format!("{}.{what}", layer["name"].as_str().unwrap());
    let shape = emit.shape(x);
    match layer["op"].as_str().unwrap() {
        "relu" => emit.unary(Unary::Relu, x),
        "flatten" => {
            let flat = Shape::per_sample([shape.elements()]);
            emit.reshape(x, flat)
        }
        "linear" => {
            let weight = Shape::fixed([size("cout"), size("cin")]);
            let w = param(emit, name("weight"), weight, ParamRole::Weight);
            let y = emit.op(Op::Linear, &[x, w]);
            bias(emit, layer, y)
        }
        "conv" => {
            let kernel = size("kernel");
            let weight = Shape::fixed([size("cout"), size("cin"), kernel, kernel]);
            let w = param(emit, name("weight"), weight, ParamRole::Weight);
            let conv = Conv { stride: [size("stride"); 2], pad: [size("pad"); 2], groups: 1 };
            let y = emit.op(Op::Conv(conv), &[x, w]);
            bias(emit, layer, y)
        }
        "max_pool" => {
            let window = [size("size"); 2];
            emit.op(Op::MaxPool(Pool { kernel: window, stride: window, pad: [0; 2] }), &[x])
        }
        "global_avg_pool" => {
            let area = (shape.dims[1] * shape.dims[2]) as f64;
            let sum = emit.sum(x, [2, 3]);
            emit.times(sum, 1.0 / area)
        }
        "batch_norm" => {
            let channels = Shape::fixed([shape.dims[0]]);
            let role = BufferRole::RunningMean;
            let mean = buffer(emit, name("running_mean"), &channels, role, 0.0);
            let role = BufferRole::RunningVar;
            let var = buffer(emit, name("running_var"), &channels, role, 1.0);
            let eps = layer["eps"].as_f64().unwrap();
            let momentum = layer["momentum"].as_f64().unwrap();
            let y = emit.op(ModalOp::BatchNorm { eps, momentum }, &[x, mean, var]);
            let gain = param(emit, name("weight"), channels.clone(), ParamRole::Gain);
            let shift = param(emit, name("bias"), channels, ParamRole::Shift);
            let gain = emit.op(Op::Expand { shape: shape.clone(), axes: vec![1] }, &[gain]);
            let shift = emit.op(Op::Expand { shape, axes: vec![1] }, &[shift]);
            let y = emit.mul(y, gain);
            emit.add(y, shift)
        }
        "residual" => {
            let main = chain(emit, layer["main"].as_array().unwrap(), x);
            let skip = chain(emit, layer["shortcut"].as_array().unwrap(), x);
            emit.add(main, skip)
        }
        other => panic!("no layer {other}"),
    }
}

fn bias(emit: &mut Emit<'_>, layer: &Value, y: NodeId) -> NodeId {
    if layer["bias"] != true {
        return y;
    }
    let shape = emit.shape(y);
    let name = format!("{}.bias", layer["name"].as_str().unwrap());
    let bias = param(emit, name, Shape::fixed([shape.dims[0]]), ParamRole::Bias);
    let bias = emit.op(Op::Expand { shape, axes: vec![1] }, &[bias]);
    emit.add(y, bias)
}

fn param(emit: &mut Emit<'_>, name: String, shape: Shape, role: ParamRole) -> NodeId {
    let init = Init::Constant(0.0);
    let origin = nowhere();
    emit.graph.add_param(Param { name, shape, role, init, layer: None, origin }).1
}

fn buffer(
    emit: &mut Emit<'_>,
    name: String,
    shape: &Shape,
    role: BufferRole,
    initial: f64,
) -> NodeId {
    let shape = shape.clone();
    emit.graph.add_buffer(Buffer { name, shape, role, initial, min_samples: 0 }, nowhere(), None).1
}
