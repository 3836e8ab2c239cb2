//! Graphs built by hand: from the layer lists of the golden files and from random draws.

use serde_json::Value;
use specc::diag::{FileId, Span};
use specc::ir::{
    Binary, Buffer, BufferRole, ClassOp, Conv, Graph, Init, Kind, Layer, LayerId, ModalOp, NodeId,
    Norm, Op, Param, ParamRole, Pool, Shape, Unary,
};

/// A graph that grows layer by layer, each on a line of its own.
pub(crate) struct Net {
    pub(crate) graph: Graph,
    line: u32,
    counts: std::collections::BTreeMap<String, usize>,
}

impl Net {
    pub(crate) fn new() -> Self {
        Self { graph: Graph::new(), line: 0, counts: std::collections::BTreeMap::new() }
    }

    pub(crate) fn input(&mut self, dims: &[usize]) -> NodeId {
        self.graph.add_leaf(Op::Input, Shape::per_sample(dims), Kind::Real, self.span())
    }

    pub(crate) fn finish(mut self, logits: NodeId) -> Graph {
        self.graph.outputs.insert("logits".to_owned(), logits);
        self.graph
    }

    fn span(&self) -> Span {
        Span::new(FileId(0), self.line as usize, self.line as usize + 1)
    }

    fn layer(&mut self, kind: &str, name: Option<&str>) -> LayerId {
        self.line += 1;
        let origin = self.span();
        let count = self.counts.entry(kind.to_owned()).or_default();
        *count += 1;
        let name = name.map_or_else(|| format!("{kind}{count}"), str::to_owned);
        self.graph.add_layer(Layer { name, kind: kind.to_owned(), origin, inside: None })
    }

    pub(crate) fn op(
        &mut self,
        op: impl Into<Op>,
        inputs: &[NodeId],
        layer: Option<LayerId>,
    ) -> NodeId {
        let span = self.span();
        self.graph.add(op.into(), inputs, span, layer).unwrap()
    }

    pub(crate) fn param(
        &mut self,
        layer: LayerId,
        what: &str,
        role: ParamRole,
        dims: &[usize],
    ) -> NodeId {
        let name = format!("{}.{what}", self.graph.layer(layer).name);
        let origin = self.span();
        let (shape, init) = (Shape::fixed(dims), Init::Constant(1.0));
        self.graph.add_param(Param { name, shape, role, init, layer: Some(layer), origin }).1
    }

    fn channel(&mut self, what: NodeId, like: NodeId, layer: LayerId) -> NodeId {
        let shape = self.graph[like].shape.clone();
        self.op(Op::Expand { shape, axes: vec![1] }, &[what], Some(layer))
    }

    fn shift(&mut self, x: NodeId, what: NodeId, layer: LayerId) -> NodeId {
        let spread = self.channel(what, x, layer);
        self.op(Op::Binary(Binary::Add), &[x, spread], Some(layer))
    }

    pub(crate) fn dims(&self, x: NodeId) -> Vec<usize> {
        self.graph[x].shape.dims.clone()
    }

    pub(crate) fn linear(
        &mut self,
        x: NodeId,
        out: usize,
        bias: bool,
        name: Option<&str>,
    ) -> NodeId {
        let layer = self.layer("linear", name);
        let inputs = self.dims(x)[0];
        let w = self.param(layer, "weight", ParamRole::Weight, &[out, inputs]);
        let y = self.op(Op::Linear, &[x, w], Some(layer));
        self.bias(y, out, bias, layer)
    }

    fn bias(&mut self, y: NodeId, out: usize, bias: bool, layer: LayerId) -> NodeId {
        if !bias {
            return y;
        }
        let b = self.param(layer, "bias", ParamRole::Bias, &[out]);
        self.shift(y, b, layer)
    }

    pub(crate) fn conv(
        &mut self,
        x: NodeId,
        out: usize,
        (kernel, stride, pad): (usize, usize, usize),
        bias: bool,
        name: Option<&str>,
    ) -> NodeId {
        let layer = self.layer("conv", name);
        let inputs = self.dims(x)[0];
        let w = self.param(layer, "weight", ParamRole::Weight, &[out, inputs, kernel, kernel]);
        let conv = Conv { stride: [stride; 2], pad: [pad; 2], groups: 1 };
        let y = self.op(Op::Conv(conv), &[x, w], Some(layer));
        self.bias(y, out, bias, layer)
    }

    /// A convolution of square kernels in groups, stride 1.
    pub(crate) fn grouped_conv(
        &mut self,
        x: NodeId,
        out: usize,
        groups: usize,
        (kernel, pad): (usize, usize),
        bias: bool,
    ) -> NodeId {
        let layer = self.layer("conv", None);
        let inputs = self.dims(x)[0] / groups;
        let w = self.param(layer, "weight", ParamRole::Weight, &[out, inputs, kernel, kernel]);
        let conv = Conv { stride: [1; 2], pad: [pad; 2], groups };
        let y = self.op(Op::Conv(conv), &[x, w], Some(layer));
        self.bias(y, out, bias, layer)
    }

    pub(crate) fn batch_norm(
        &mut self,
        x: NodeId,
        eps: f64,
        affine: bool,
        name: Option<&str>,
    ) -> NodeId {
        let layer = self.layer("bn", name);
        let channels = self.dims(x)[0];
        let name = self.graph.layer(layer).name.clone();
        let origin = self.span();
        let mut buffer = |what: &str, role, initial| {
            let (name, shape) = (format!("{name}.{what}"), Shape::fixed([channels]));
            self.graph
                .add_buffer(
                    Buffer { name, shape, role, initial, min_samples: 0 },
                    origin,
                    Some(layer),
                )
                .1
        };
        let mean = buffer("running_mean", BufferRole::RunningMean, 0.0);
        let var = buffer("running_var", BufferRole::RunningVar, 1.0);
        let y = self.op(ModalOp::BatchNorm { eps, momentum: 0.1 }, &[x, mean, var], Some(layer));
        self.affine(y, affine, layer)
    }

    pub(crate) fn norm(&mut self, x: NodeId, norm: Norm, eps: f64, affine: bool) -> NodeId {
        let layer = self.layer("norm", None);
        let y = self.op(Op::Normalize { norm, eps }, &[x], Some(layer));
        self.affine(y, affine, layer)
    }

    fn affine(&mut self, y: NodeId, affine: bool, layer: LayerId) -> NodeId {
        if !affine {
            return y;
        }
        let channels = self.dims(y)[0];
        let gain = self.param(layer, "weight", ParamRole::Gain, &[channels]);
        let spread = self.channel(gain, y, layer);
        let y = self.op(Op::Binary(Binary::Mul), &[y, spread], Some(layer));
        let shift = self.param(layer, "bias", ParamRole::Shift, &[channels]);
        self.shift(y, shift, layer)
    }

    pub(crate) fn prelu(&mut self, x: NodeId) -> NodeId {
        let layer = self.layer("prelu", None);
        let slope = self.param(layer, "weight", ParamRole::Slope, &[1]);
        self.op(Op::Prelu, &[x, slope], Some(layer))
    }

    pub(crate) fn unary(&mut self, kind: &str, function: Unary, x: NodeId) -> NodeId {
        let layer = self.layer(kind, None);
        self.op(Op::Unary(function), &[x], Some(layer))
    }

    pub(crate) fn binary(&mut self, kind: &str, function: Binary, a: NodeId, b: NodeId) -> NodeId {
        let layer = self.layer(kind, None);
        self.op(Op::Binary(function), &[a, b], Some(layer))
    }

    pub(crate) fn plain(&mut self, kind: &str, op: Op, x: NodeId) -> NodeId {
        let layer = self.layer(kind, None);
        self.op(op, &[x], Some(layer))
    }

    pub(crate) fn flatten(&mut self, x: NodeId) -> NodeId {
        let elements = self.graph[x].shape.elements();
        self.plain("flatten", Op::Reshape(Shape::per_sample([elements])), x)
    }

    pub(crate) fn global_avg_pool(&mut self, x: NodeId) -> NodeId {
        let dims = self.dims(x);
        let layer = self.layer("global_avg_pool", None);
        let kernel = [dims[1], dims[2]];
        let pool = Pool { kernel, stride: kernel, pad: [0, 0] };
        let y = self.op(Op::AvgPool(pool), &[x], Some(layer));
        self.op(Op::Reshape(Shape::per_sample([dims[0]])), &[y], Some(layer))
    }

    /// The layers of a golden net.
    pub(crate) fn sequence(&mut self, layers: &Value, mut x: NodeId) -> NodeId {
        for layer in layers.as_array().unwrap() {
            x = self.golden(layer, x);
        }
        x
    }

    fn golden(&mut self, layer: &Value, x: NodeId) -> NodeId {
        let number = |key: &str| layer[key].as_u64().unwrap() as usize;
        let flag = |key: &str| layer[key].as_bool().unwrap();
        let name = layer["name"].as_str();
        let pool = |size: usize| Pool { kernel: [size; 2], stride: [size; 2], pad: [0, 0] };
        match layer["op"].as_str().unwrap() {
            "linear" => self.linear(x, number("cout"), flag("bias"), name),
            "conv" => {
                let geometry = (number("kernel"), number("stride"), number("pad"));
                self.conv(x, number("cout"), geometry, flag("bias"), name)
            }
            "batch_norm" => {
                self.batch_norm(x, layer["eps"].as_f64().unwrap(), flag("affine"), name)
            }
            "relu" => self.unary("relu", Unary::Relu, x),
            "abs" => self.unary("abs", Unary::Abs, x),
            "leaky_relu" => {
                let slope = layer["slope"].as_f64().unwrap();
                self.unary("leaky_relu", Unary::LeakyRelu(slope), x)
            }
            "tanh" => self.unary("tanh", Unary::Tanh, x),
            "sigmoid" => self.unary("sigmoid", Unary::Sigmoid, x),
            "gelu" => self.unary("gelu", Unary::Gelu, x),
            "softmax" => self.plain("softmax", Op::Class(ClassOp::Softmax), x),
            "max_pool" => self.plain("max_pool", Op::MaxPool(pool(number("size"))), x),
            "avg_pool" => self.plain("avg_pool", Op::AvgPool(pool(number("size"))), x),
            "global_avg_pool" => self.global_avg_pool(x),
            "flatten" => self.flatten(x),
            "residual" => {
                let main = self.sequence(&layer["main"], x);
                let skip = self.sequence(&layer["shortcut"], x);
                self.binary("add", Binary::Add, main, skip)
            }
            "product" => {
                let a = self.sequence(&layer["a"], x);
                let b = self.sequence(&layer["b"], x);
                self.binary("mul", Binary::Mul, a, b)
            }
            other => panic!("unknown golden layer {other}"),
        }
    }
}
