//! Each step as operators of ONNX.

use super::Writer;
use super::proto::Attribute;
use crate::export::steps::{Affine, Step, StepKind};
use crate::ir::{Binary, Conv, Norm, ParamId, Pool, Unary};

impl Writer<'_> {
    /// Adds the operators of a step.
    pub(super) fn step(&mut self, step: &Step) {
        let layer = step.layer.map(|layer| self.graph.layer(layer).name.clone());
        let layer = layer.unwrap_or_else(|| self.graph[step.output].op.name().to_owned());
        let out = if step.output == self.logits { "logits".to_owned() } else { self.name(&layer) };
        let inputs: Vec<String> = step.inputs.iter().map(|id| self.value(*id)).collect();
        let operands: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let x = operands[0];
        match &step.kind {
            StepKind::Linear { weight, bias } => self.linear(x, *weight, *bias, &out),
            StepKind::Conv { conv, weight, bias } => self.conv(x, conv, *weight, *bias, &out),
            StepKind::BatchNorm { eps, mean, var, affine, .. } => {
                let [mean, var] = [mean, var].map(|id| self.graph.buffer(*id).clone());
                let channels = &mean.shape.dims;
                let (gain, shift) = self.affine(*affine, &layer, channels);
                let mean = self.tensor(&mean.name, channels);
                let var = self.tensor(&var.name, channels);
                let eps = vec![Attribute::float("epsilon", *eps)];
                self.operator("BatchNormalization", &[x, &gain, &shift, &mean, &var], &out, eps);
            }
            StepKind::SampleNorm { norm: Norm::Group(groups), eps, affine } => {
                self.group_norm(x, *groups, *eps, *affine, step, &layer, &out);
            }
            StepKind::SampleNorm { norm: Norm::Layer | Norm::Batch, eps, affine } => {
                let dims = self.graph[step.output].shape.dims.clone();
                let (gain, shift) = self.affine(*affine, &layer, &dims);
                let attributes = vec![Attribute::int("axis", 1), Attribute::float("epsilon", *eps)];
                self.operator("LayerNormalization", &[x, &gain, &shift], &out, attributes);
            }
            StepKind::Prelu { slope } => {
                let dims = self.beside(*slope, step.inputs[0]);
                let slope = self.tensor(&self.graph.param(*slope).name.clone(), &dims);
                self.operator("PRelu", &[x, &slope], &out, vec![]);
            }
            StepKind::Unary(function) => self.unary(*function, x, &layer, &out),
            StepKind::Binary(function) => {
                self.operator(binary(*function), &operands, &out, vec![]);
            }
            StepKind::Times(factor) => {
                let factor = self.filled(&format!("{layer}/factor"), *factor, &[]);
                self.operator("Mul", &[x, &factor], &out, vec![]);
            }
            StepKind::Softmax => {
                self.operator("Softmax", &[x], &out, vec![Attribute::int("axis", 1)]);
            }
            StepKind::MaxPool(pool) => self.operator("MaxPool", &[x], &out, window(pool)),
            StepKind::AvgPool(pool) => {
                let mut attributes = window(pool);
                attributes.push(Attribute::int("count_include_pad", 1));
                self.operator("AveragePool", &[x], &out, attributes);
            }
            StepKind::GlobalAvgPool => {
                let mean = self.name(&format!("{layer}/mean"));
                self.operator("GlobalAveragePool", &[x], &mean, vec![]);
                self.operator("Flatten", &[&mean], &out, vec![Attribute::int("axis", 1)]);
            }
            StepKind::Reshape(shape) if shape.dims.len() == 1 => {
                self.operator("Flatten", &[x], &out, vec![Attribute::int("axis", 1)]);
            }
            StepKind::Reshape(shape) => self.reshape(x, &shape.dims, &layer, &out),
            StepKind::Concat { axis } => {
                self.operator("Concat", &operands, &out, vec![Attribute::int("axis", *axis)]);
            }
            StepKind::Dropout { .. } if step.output == self.logits => {
                self.operator("Identity", &[x], &out, vec![]);
            }
            // In evaluation a dropout gives what it takes.
            StepKind::Dropout { .. } => {
                self.values.insert(step.output, x.to_owned());
                return;
            }
        }
        self.values.insert(step.output, out);
    }

    fn linear(&mut self, x: &str, weight: ParamId, bias: Option<ParamId>, out: &str) {
        let weight = self.param(weight);
        let bias = bias.map(|bias| self.param(bias));
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        self.operator("Gemm", &inputs, out, vec![Attribute::int("transB", 1)]);
    }

    fn conv(&mut self, x: &str, conv: &Conv, weight: ParamId, bias: Option<ParamId>, out: &str) {
        let kernel = self.graph.param(weight).shape.dims[2..].to_vec();
        let weight = self.param(weight);
        let bias = bias.map(|bias| self.param(bias));
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        let attributes = vec![
            Attribute::ints("kernel_shape", &kernel),
            Attribute::ints("strides", &conv.stride),
            Attribute::ints("pads", &both_sides(conv.pad)),
            Attribute::int("group", conv.groups),
        ];
        self.operator("Conv", &inputs, out, attributes);
    }

    /// Groups as instances of one channel each, then the gain and the shift of each channel.
    #[expect(clippy::too_many_arguments, reason = "the parts of one step")]
    fn group_norm(
        &mut self,
        x: &str,
        groups: usize,
        eps: f64,
        affine: Option<Affine>,
        step: &Step,
        layer: &str,
        out: &str,
    ) {
        let dims = self.graph[step.output].shape.dims.clone();
        let mut name = |part: &str| self.name(&format!("{layer}/{part}"));
        let (rows, normal, plain) = (name("groups"), name("normalized"), name("channels"));
        let last = if affine.is_some() { plain.as_str() } else { out };
        let length = dims.iter().product::<usize>() / groups.max(1);
        self.reshape(x, &[groups, length], layer, &rows);
        let (ones, zeros) = self.affine(None, layer, &[groups]);
        let eps = vec![Attribute::float("epsilon", eps)];
        self.operator("InstanceNormalization", &[&rows, &ones, &zeros], &normal, eps);
        self.reshape(&normal, &dims, layer, last);
        let Some(Affine { gain, shift }) = affine else { return };
        let scaled = self.name(&format!("{layer}/scaled"));
        for (op, param, from, to) in [("Mul", gain, last, &*scaled), ("Add", shift, &scaled, out)] {
            let spread = self.beside(param, step.output);
            let param = self.tensor(&self.graph.param(param).name.clone(), &spread);
            self.operator(op, &[from, &param], to, vec![]);
        }
    }

    /// Names of a gain and a shift of this shape; ones and zeros where there are none.
    fn affine(&mut self, affine: Option<Affine>, layer: &str, dims: &[usize]) -> (String, String) {
        if let Some(Affine { gain, shift }) = affine {
            return (self.param(gain), self.param(shift));
        }
        let gain = self.filled(&format!("{layer}/ones"), 1.0, dims);
        (gain, self.filled(&format!("{layer}/zeros"), 0.0, dims))
    }

    fn reshape(&mut self, x: &str, dims: &[usize], layer: &str, out: &str) {
        // A size of 0 is that of the operand: the batch.
        let sizes: Vec<i64> =
            std::iter::once(0).chain(dims.iter().map(|size| *size as i64)).collect();
        let shape = self.integers(&format!("{layer}/shape"), &sizes);
        self.operator("Reshape", &[x, &shape], out, vec![]);
    }

    fn unary(&mut self, function: Unary, x: &str, layer: &str, out: &str) {
        let part = |name: &str| format!("{layer}/{name}");
        let op = match function {
            Unary::Neg => "Neg",
            Unary::Abs => "Abs",
            Unary::Exp => "Exp",
            Unary::Log => "Log",
            Unary::Sqrt => "Sqrt",
            Unary::Sign => "Sign",
            Unary::Relu => "Relu",
            Unary::Tanh => "Tanh",
            Unary::Sigmoid => "Sigmoid",
            Unary::Square => return self.operator("Mul", &[x, x], out, vec![]),
            Unary::Power(exponent) => {
                let exponent = self.filled(&part("exponent"), exponent, &[]);
                return self.operator("Pow", &[x, &exponent], out, vec![]);
            }
            Unary::LeakyRelu(slope) => {
                let slope = vec![Attribute::float("alpha", slope)];
                return self.operator("LeakyRelu", &[x], out, slope);
            }
            Unary::Silu => {
                let gate = self.name(&part("sigmoid"));
                self.operator("Sigmoid", &[x], &gate, vec![]);
                return self.operator("Mul", &[x, &gate], out, vec![]);
            }
            // x · ½ (1 + erf(x / √2)).
            Unary::Gelu => {
                let root = self.filled(&part("sqrt2"), std::f64::consts::SQRT_2, &[]);
                let one = self.filled(&part("one"), 1.0, &[]);
                let half = self.filled(&part("half"), 0.5, &[]);
                let names = ["scaled", "erf", "sum", "product"].map(|name| self.name(&part(name)));
                let [scaled, erf, sum, product] = &names;
                self.operator("Div", &[x, &root], scaled, vec![]);
                self.operator("Erf", &[scaled], erf, vec![]);
                self.operator("Add", &[erf, &one], sum, vec![]);
                self.operator("Mul", &[x, sum], product, vec![]);
                return self.operator("Mul", &[product, &half], out, vec![]);
            }
            Unary::Step | Unary::LeakyStep(_) | Unary::GeluGrad | Unary::SiluGrad => {
                unreachable!("no layer of a net is a derivative")
            }
        };
        self.operator(op, &[x], out, vec![]);
    }

    /// A parameter as it is.
    fn param(&mut self, id: ParamId) -> String {
        let param = self.graph.param(id);
        let (name, dims) = (param.name.clone(), param.shape.dims.clone());
        self.tensor(&name, &dims)
    }

    /// The shape under which one number a channel stands beside `x`: `[c, 1, 1]`.
    fn beside(&self, param: ParamId, x: crate::ir::NodeId) -> Vec<usize> {
        let mut dims = self.graph.param(param).shape.dims.clone();
        dims.resize(self.graph[x].shape.dims.len(), 1);
        dims
    }
}

fn binary(function: Binary) -> &'static str {
    match function {
        Binary::Add => "Add",
        Binary::Sub => "Sub",
        Binary::Mul => "Mul",
        Binary::Div => "Div",
        Binary::Max => "Max",
        Binary::Min => "Min",
        Binary::Pow => "Pow",
        Binary::Ge | Binary::Gt | Binary::Eq => unreachable!("no layer of a net compares"),
    }
}

fn window(pool: &Pool) -> Vec<Attribute> {
    vec![
        Attribute::ints("kernel_shape", &pool.kernel),
        Attribute::ints("strides", &pool.stride),
        Attribute::ints("pads", &both_sides(pool.pad)),
    ]
}

/// Padding before, then behind.
fn both_sides([rows, columns]: [usize; 2]) -> [usize; 4] {
    [rows, columns, rows, columns]
}
