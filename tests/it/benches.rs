//! Graphs of operations on random shapes, with the numbers that they see.

use specc::ir::{
    Binary, ClassOp, Conv, Emit, GradOp, Graph, Init, Kind, NodeId, Norm, Op, Param, ParamRole,
    Pool, Shape, Unary,
};
use specc::lower::{Batch, HostTensor, Samples, State, StateEntry};

use crate::grad::nowhere;
use crate::random::Random;

/// Features of a sample from which operands are cut.
pub(crate) const FEATURES: usize = 4096;
/// Number of classes that labels go through.
pub(crate) const CLASSES: usize = 7;

/// In [−1.5, 1.5), exact in single precision, now and then 0.
pub(crate) fn number(random: &mut Random) -> f64 {
    if random.below(20) == 0 {
        return 0.0;
    }
    f64::from(((random.next() >> 40) as f64 / f64::from(1 << 24) * 3.0 - 1.5) as f32)
}

/// A graph under construction with the numbers that it will see.
pub(crate) struct Bench {
    pub(crate) graph: Graph,
    pub(crate) random: Random,
    pub(crate) params: Vec<Vec<f64>>,
    input: NodeId,
    used: usize,
    count: usize,
}

impl Bench {
    pub(crate) fn new(seed: u64) -> Self {
        let mut graph = Graph::new();
        let input = graph.add_leaf(Op::Input, Shape::per_sample([FEATURES]), Kind::Real, nowhere());
        let random = Random::new(seed);
        Self { graph, random, params: vec![], input, used: 0, count: 0 }
    }

    fn emit(&mut self) -> Emit<'_> {
        Emit::new(&mut self.graph, nowhere())
    }

    /// A tensor per sample, cut from the input.
    fn sample(&mut self, dims: &[usize]) -> NodeId {
        let len = dims.iter().product();
        let (input, start) = (self.input, self.used);
        self.used += len;
        assert!(self.used <= FEATURES);
        let part = self.emit().op(Op::Slice { axis: 1, start, len }, &[input]);
        self.emit().reshape(part, Shape::per_sample(dims))
    }

    /// A tensor without batch.
    fn fixed(&mut self, dims: &[usize]) -> NodeId {
        let len = dims.iter().product();
        self.params.push((0..len).map(|_| number(&mut self.random)).collect());
        let (_, node) = self.graph.add_param(Param {
            name: format!("p{}", self.params.len()),
            shape: Shape::fixed(dims),
            role: ParamRole::Weight,
            init: Init::Constant(0.0),
            layer: None,
            origin: nowhere(),
        });
        node
    }

    /// The tensor made positive and away from 0.
    fn positive(&mut self, x: NodeId) -> NodeId {
        let mut emit = self.emit();
        let square = emit.unary(Unary::Square, x);
        let offset = emit.number_like(0.125, square);
        emit.add(square, offset)
    }

    fn op(&mut self, op: impl Into<Op>, inputs: &[NodeId]) {
        let node = self.emit().op(op, inputs);
        self.output(node);
    }

    fn output(&mut self, node: NodeId) {
        self.graph.outputs.insert(format!("result{}", self.count), node);
        self.count += 1;
    }

    pub(crate) fn state(&self) -> State {
        let entry = |(values, param): (&Vec<f64>, &Param)| StateEntry {
            name: param.name.clone(),
            shape: param.shape.dims.clone(),
            values: HostTensor::F64(values.clone()),
        };
        let params = self.params.iter().zip(&self.graph.params).map(entry).collect();
        State { params, buffers: vec![] }
    }
}

/// Samples and their labels.
pub(crate) struct Given<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) labels: &'a [u32],
}

impl Samples for Given<'_> {
    fn sample_len(&self) -> usize {
        FEATURES
    }

    fn gather_f32(&self, _: &Batch<'_>, out: &mut [f32]) {
        out.iter_mut().zip(self.values).for_each(|(out, x)| *out = *x as f32);
    }

    fn gather_f64(&self, _: &Batch<'_>, out: &mut [f64]) {
        out.copy_from_slice(self.values);
    }

    fn labels(&self, _: &Batch<'_>, out: &mut [u32]) {
        out.copy_from_slice(self.labels);
    }
}

fn picture(bench: &mut Bench) -> [usize; 3] {
    [bench.random.between(1, 5), bench.random.between(1, 9), bench.random.between(1, 9)]
}

/// Functions of elements.
pub(crate) fn element_wise(bench: &mut Bench) {
    let dims = picture(bench);
    let (a, b, mask) = (bench.sample(&dims), bench.sample(&dims), bench.sample(&dims));
    let positive = bench.positive(a);
    for function in [
        Unary::Neg,
        Unary::Abs,
        Unary::Exp,
        Unary::Square,
        Unary::Sign,
        Unary::Step,
        Unary::Relu,
        Unary::LeakyRelu(0.125),
        Unary::LeakyStep(0.125),
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Gelu,
        Unary::GeluGrad,
        Unary::Silu,
        Unary::SiluGrad,
    ] {
        bench.op(Op::Unary(function), &[a]);
    }
    for function in [Unary::Log, Unary::Sqrt, Unary::Power(-1.5), Unary::Power(2.25)] {
        bench.op(Op::Unary(function), &[positive]);
    }
    for function in [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Max,
        Binary::Min,
        Binary::Ge,
        Binary::Gt,
        Binary::Eq,
    ] {
        bench.op(Op::Binary(function), &[a, b]);
        bench.op(Op::Binary(function), &[a, a]);
    }
    bench.op(Op::Binary(Binary::Div), &[b, positive]);
    bench.op(Op::Binary(Binary::Pow), &[positive, b]);
    let step = bench.emit().unary(Unary::Step, mask);
    bench.op(Op::Select, &[step, a, b]);
    bench.op(Op::StopGradient, &[a]);
    let count = if bench.random.below(2) == 0 { 1 } else { dims[0] };
    let slope = bench.fixed(&[count]);
    bench.op(Op::Prelu, &[a, slope]);
    bench.op(GradOp::PreluInput, &[a, slope, b]);
    bench.op(GradOp::PreluSlope, &[a, slope, b]);
}

/// What moves, repeats, joins, cuts or adds up elements.
pub(crate) fn layout(bench: &mut Bench) {
    let dims = picture(bench);
    let x = bench.sample(&dims);
    for axes in [
        vec![0],
        vec![1],
        vec![3],
        vec![0, 1],
        vec![0, 2],
        vec![1, 3],
        vec![0, 2, 3],
        vec![0, 1, 2, 3],
    ] {
        bench.op(Op::Sum { axes }, &[x]);
    }
    bench.op(Op::SumSquares, &[x]);
    let mut wide = dims;
    wide[1] = bench.random.between(1, 5);
    let other = bench.sample(&wide);
    bench.op(Op::Concat { axis: 2 }, &[x, other, x]);
    let start = bench.random.below(dims[2]);
    let len = bench.random.between(1, dims[2] - start);
    bench.op(Op::Slice { axis: 3, start, len }, &[x]);
    bench.op(GradOp::Slice { axis: 1, start: 2, full: dims[0] + 3 }, &[x]);
    let per_channel = bench.fixed(&[dims[0]]);
    let shape = Shape::per_sample(dims);
    bench.op(Op::Expand { shape: shape.clone(), axes: vec![1] }, &[per_channel]);
    let per_row = bench.fixed(&dims[1..]);
    bench.op(Op::Expand { shape: shape.clone(), axes: vec![2, 3] }, &[per_row]);
    let per_sample = bench.emit().sum(x, [1, 2, 3]);
    bench.op(Op::Expand { shape: shape.clone(), axes: vec![0] }, &[per_sample]);
    let columns = bench.emit().sum(x, [1, 2]);
    bench.op(Op::Expand { shape: shape.clone(), axes: vec![0, 3] }, &[columns]);
    let all = bench.emit().op(Op::SumSquares, &[x]);
    bench.op(Op::Expand { shape, axes: vec![] }, &[all]);
    let root = bench.emit().unary(Unary::Sqrt, all);
    bench.output(root);
    bench.op(Op::BatchCount, &[]);
    bench.op(Op::Const(0.1), &[]);
}

/// Linear layers with their gradients.
pub(crate) fn linear(bench: &mut Bench) {
    let (inputs, outputs) = (bench.random.between(1, 40), bench.random.between(1, 40));
    let (x, dy) = (bench.sample(&[inputs]), bench.sample(&[outputs]));
    let w = bench.fixed(&[outputs, inputs]);
    bench.op(Op::Linear, &[x, w]);
    bench.op(GradOp::LinearInput, &[dy, w]);
    bench.op(GradOp::LinearWeight, &[dy, x]);
}

/// Linear layers of more than one tile, with their gradients.
pub(crate) fn wide_linear(bench: &mut Bench) {
    let (inputs, outputs) = (bench.random.between(100, 300), bench.random.between(60, 200));
    let (x, dy) = (bench.sample(&[inputs]), bench.sample(&[outputs]));
    let w = bench.fixed(&[outputs, inputs]);
    bench.op(Op::Linear, &[x, w]);
    bench.op(GradOp::LinearInput, &[dy, w]);
    bench.op(GradOp::LinearWeight, &[dy, x]);
}

/// Dropout in one of its layers.
pub(crate) fn dropout(bench: &mut Bench) {
    let dims = picture(bench);
    let x = bench.sample(&dims);
    let (p, stream) = (bench.random.between(1, 9) as f64 / 10.0, bench.random.between(0, 5) as u32);
    bench.op(Op::DropoutMask { p, stream }, &[x]);
}

/// A convolution with its gradients: groups, strides and borders.
pub(crate) fn convolutions(bench: &mut Bench) {
    let random = &mut bench.random;
    let groups = random.between(1, 3);
    let channels = [groups * random.between(1, 3), groups * random.between(1, 3)];
    convolution(bench, groups, channels, 9);
}

/// The same with channels in sixteens, which kernels read together.
pub(crate) fn deep_convolutions(bench: &mut Bench) {
    let groups = bench.random.between(1, 2);
    convolution(bench, groups, [groups * 16; 2], 4);
}

fn convolution(bench: &mut Bench, groups: usize, [inputs, outputs]: [usize; 2], side: usize) {
    let random = &mut bench.random;
    let kernel = [random.between(1, 4), random.between(1, 4)];
    let pad = [random.below(3), random.below(3)];
    let input = [0, 1].map(|i: usize| kernel[i].max(random.between(1, side)));
    let stride = [random.between(1, 3), random.between(1, 3)];
    let conv = Conv { stride, pad, groups };
    let output = [0, 1].map(|i| (input[i] + 2 * pad[i] - kernel[i]) / stride[i] + 1);
    let x = bench.sample(&[inputs, input[0], input[1]]);
    let dy = bench.sample(&[outputs, output[0], output[1]]);
    let w = bench.fixed(&[outputs, inputs / groups, kernel[0], kernel[1]]);
    bench.op(Op::Conv(conv), &[x, w]);
    bench.op(GradOp::ConvInput { conv, input }, &[dy, w]);
    bench.op(GradOp::ConvWeight { conv, kernel }, &[dy, x]);
}

/// Pools with their gradients: strides, borders and ties.
pub(crate) fn pools(bench: &mut Bench) {
    let random = &mut bench.random;
    let kernel = [random.between(1, 3), random.between(1, 3)];
    let stride = [random.between(1, 3), random.between(1, 3)];
    let pad = [random.between(0, kernel[0] / 2), random.between(0, kernel[1] / 2)];
    let pool = Pool { kernel, stride, pad };
    let channels = random.between(1, 4);
    let input = [0, 1].map(|i: usize| kernel[i].max(random.between(1, 9)));
    let output = [0, 1].map(|i| (input[i] + 2 * pad[i] - kernel[i]) / stride[i] + 1);
    let x = bench.sample(&[channels, input[0], input[1]]);
    // Signs alone tie often, so that the first maximum matters.
    let ties = bench.emit().unary(Unary::Sign, x);
    let dy = bench.sample(&[channels, output[0], output[1]]);
    for x in [x, ties] {
        bench.op(Op::MaxPool(pool), &[x]);
        bench.op(GradOp::MaxPool(pool), &[x, dy]);
    }
    bench.op(Op::AvgPool(pool), &[x]);
    bench.op(GradOp::AvgPool { pool, input }, &[dy]);
}

/// Normalisation with its gradients.
pub(crate) fn normalisation(bench: &mut Bench) {
    let groups = bench.random.between(1, 3);
    let channels = groups * bench.random.between(1, 3);
    let (h, w) = (bench.random.between(1, 5), bench.random.between(2, 5));
    let (x, dy) = (bench.sample(&[channels, h, w]), bench.sample(&[channels, h, w]));
    let eps = 0.01;
    for norm in [Norm::Batch, Norm::Layer, Norm::Group(groups)] {
        bench.op(Op::Normalize { norm, eps }, &[x]);
        bench.op(GradOp::Normalize { norm, eps }, &[x, dy]);
    }
    let (mean, deviation) = (bench.fixed(&[channels]), bench.fixed(&[channels]));
    let variance = bench.positive(deviation);
    bench.op(Op::NormalizeRunning { eps }, &[x, mean, variance]);
    bench.op(GradOp::NormalizeRunning { eps }, &[dy, variance]);
    bench.op(Op::BatchMean, &[x]);
    bench.op(Op::BatchVar, &[x]);
    let (flat, dflat) = (bench.sample(&[channels]), bench.sample(&[channels]));
    bench.op(Op::Normalize { norm: Norm::Batch, eps }, &[flat]);
    bench.op(GradOp::Normalize { norm: Norm::Batch, eps }, &[flat, dflat]);
    bench.op(Op::BatchVar, &[flat]);
}

/// Rows of class values, small, large and with ties.
pub(crate) fn classes(bench: &mut Bench) {
    let small = bench.sample(&[CLASSES]);
    let large = bench.emit().times(small, 10_000.0);
    let ties = bench.emit().unary(Unary::Sign, small);
    let labels = bench.emit().labels();
    for x in [small, large, ties] {
        bench.op(ClassOp::Softmax, &[x]);
        bench.op(ClassOp::LogSoftmax, &[x]);
        bench.op(ClassOp::Gather, &[x, labels]);
        bench.op(ClassOp::ArgMax, &[x]);
        bench.op(ClassOp::ArgMaxExcept, &[x, labels]);
        bench.op(ClassOp::LogNotLabel, &[x, labels]);
        bench.op(ClassOp::SoftmaxExcept, &[x, labels]);
        bench.op(ClassOp::SparsemaxThreshold, &[x]);
        bench.op(ClassOp::SparsemaxSupport, &[x]);
    }
    let values = bench.emit().op(ClassOp::Gather, &[small, labels]);
    bench.op(ClassOp::Scatter { classes: CLASSES }, &[values, labels]);
}

/// Largest singular values with their gradients.
pub(crate) fn spectral_norms(bench: &mut Bench) {
    let (rows, columns) = (bench.random.between(1, 30), bench.random.between(1, 12));
    let w = bench.fixed(&[rows, columns, 2, 2]);
    let small = bench.fixed(&[columns, rows]);
    for w in [w, small] {
        bench.op(Op::SpectralNorm, &[w]);
        bench.op(GradOp::SpectralNorm, &[w]);
    }
}
