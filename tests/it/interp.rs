//! An interpreter of graphs in double precision, in plain loops: the oracle of other executors.
//!
//! Indices are stored as reals. A batch norm or dropout without a mode is not run: specialise first.

mod rows;
mod spatial;

use std::collections::BTreeMap;

use specc::ir::{
    Binary, ClassOp, GradOp, Graph, Hyper, ModalOp, NodeId, Norm, Op, Shape, Unary, Written,
};

use rows::{arg_max, log_sum_exp, rows, singular, softmax, threshold};
use spatial::{first_maximum, groups, pooled, statistics, windows};

/// A tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Sizes of all axes, the batch included.
    pub(crate) sizes: Vec<usize>,
    /// The elements.
    pub(crate) data: Vec<f64>,
}

/// Parameters and buffers by id, flat.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) params: Vec<Vec<f64>>,
    pub(crate) buffers: Vec<Vec<f64>>,
}

impl State {
    /// Zeros for parameters, the starting values of buffers.
    pub(crate) fn new(graph: &Graph) -> Self {
        let buffer = |b: &specc::ir::Buffer| vec![b.initial; b.shape.elements()];
        Self {
            params: graph.params.iter().map(|p| vec![0.0; p.shape.elements()]).collect(),
            buffers: graph.buffers.iter().map(buffer).collect(),
        }
    }
}

/// What a phase sees besides its state.
#[derive(Clone, Debug)]
pub(crate) struct Feed<'a> {
    /// The samples, one after the other.
    pub(crate) input: &'a [f64],
    /// Their labels; their number is the batch.
    pub(crate) labels: &'a [u32],
    /// The learning rate.
    pub(crate) lr: f64,
    /// The step, from 1.
    pub(crate) step: u64,
    /// Whether dropout keeps an element: stream, sample, element of the sample, probability of a zero.
    pub(crate) keeps: fn(u32, usize, usize, f64) -> bool,
}

/// A draw by hashing, for tests that do not compare masks with an executor.
pub(crate) fn hashed(stream: u32, sample: usize, element: usize, p: f64) -> bool {
    let mut x =
        u64::from(stream) ^ ((sample as u64) << 20) ^ ((element as u64) << 40) ^ 0x9E37_79B9;
    for _ in 0..3 {
        x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    (x >> 11) as f64 / (1u64 << 53) as f64 >= p
}

/// Runs a phase: the outputs before its updates, which are then applied all at once.
pub(crate) fn step(graph: &Graph, state: &mut State, feed: &Feed<'_>) -> BTreeMap<String, Tensor> {
    let values = run(graph, state, feed);
    let value = |id: NodeId| values[id.0 as usize].clone().unwrap();
    for update in &graph.updates {
        let new = value(update.value).data;
        match update.target {
            Written::Param(id) => state.params[id.0 as usize] = new,
            Written::Buffer(id) => state.buffers[id.0 as usize] = new,
        }
    }
    graph.outputs.iter().map(|(name, id)| (name.clone(), value(*id))).collect()
}

/// The value of each live node, by id.
pub(crate) fn run(graph: &Graph, state: &State, feed: &Feed<'_>) -> Vec<Option<Tensor>> {
    let mut values: Vec<Option<Tensor>> = vec![None; graph.len()];
    for id in graph.live() {
        let inputs = graph.inputs(id);
        let operands: Vec<&Tensor> =
            inputs.iter().map(|input| values[input.0 as usize].as_ref().unwrap()).collect();
        let node = &graph[id];
        let sizes = node.shape.sizes(feed.labels.len());
        let data = evaluate(&node.op, &operands, &sizes, state, feed);
        assert_eq!(data.len(), sizes.iter().product::<usize>(), "{:?}", node.op);
        values[id.0 as usize] = Some(Tensor { sizes, data });
    }
    values
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm per operation; splitting would hide a missing one"
)]
fn evaluate(op: &Op, x: &[&Tensor], sizes: &[usize], state: &State, feed: &Feed<'_>) -> Vec<f64> {
    match op {
        Op::Input => feed.input.to_vec(),
        Op::Labels => feed.labels.iter().map(|label| f64::from(*label)).collect(),
        Op::Param(id) => state.params[id.0 as usize].clone(),
        Op::Buffer(id) => state.buffers[id.0 as usize].clone(),
        Op::Hyper(Hyper::Lr) => vec![feed.lr],
        Op::Hyper(Hyper::BiasCorrection { beta }) => vec![1.0 - beta.powi(feed.step as i32)],
        Op::Hyper(Hyper::Setting(_)) => panic!("graphs of one run have no settings"),
        Op::Const(value) => vec![*value],
        Op::BatchCount => vec![feed.labels.len() as f64],

        Op::Unary(function) => x[0].data.iter().map(|x| unary(*function, *x)).collect(),
        Op::Binary(function) => zip(x[0], x[1], |a, b| binary(*function, a, b)),
        Op::Select => (0..x[0].data.len())
            .map(|i| if x[0].data[i] == 0.0 { x[2].data[i] } else { x[1].data[i] })
            .collect(),
        Op::Prelu => slopes(x).map(|(x, a, _, _)| if x > 0.0 { x } else { a * x }).collect(),
        Op::Grad(GradOp::PreluInput) => {
            slopes(x).map(|(x, a, _, dy)| if x > 0.0 { dy } else { a * dy }).collect()
        }
        Op::Grad(GradOp::PreluSlope) => {
            let mut sums = vec![0.0; sizes[0]];
            for (x, _, slope, dy) in slopes(x) {
                sums[slope] += if x > 0.0 { 0.0 } else { x * dy };
            }
            sums
        }
        Op::DropoutMask { p, stream } => {
            let len = sizes[1..].iter().product::<usize>();
            (0..x[0].data.len())
                .map(|i| {
                    let kept = (feed.keeps)(*stream, i / len, i % len, *p);
                    if kept { 1.0 / (1.0 - p) } else { 0.0 }
                })
                .collect()
        }
        Op::StopGradient | Op::Reshape(_) => x[0].data.clone(),

        Op::Expand { axes, .. } => positions(sizes)
            .map(|at| {
                let inner: Vec<_> = axes.iter().map(|axis| at[*axis]).collect();
                x[0].data[offset(&x[0].sizes, &inner)]
            })
            .collect(),
        Op::Sum { axes } => {
            let mut sums = vec![0.0; sizes.iter().product()];
            for (i, at) in positions(&x[0].sizes).enumerate() {
                let kept: Vec<_> = (0..at.len())
                    .filter(|axis| !axes.contains(axis))
                    .map(|axis| at[axis])
                    .collect();
                sums[offset(sizes, &kept)] += x[0].data[i];
            }
            sums
        }
        Op::SumSquares => vec![x[0].data.iter().map(|x| x * x).sum()],
        Op::Concat { axis } => {
            let mut data = vec![0.0; sizes.iter().product()];
            let mut start = 0;
            for part in x {
                for (i, mut at) in positions(&part.sizes).enumerate() {
                    at[*axis] += start;
                    data[offset(sizes, &at)] = part.data[i];
                }
                start += part.sizes[*axis];
            }
            data
        }
        Op::Slice { axis, start, .. } => positions(sizes)
            .map(|mut at| {
                at[*axis] += start;
                x[0].data[offset(&x[0].sizes, &at)]
            })
            .collect(),
        Op::Grad(GradOp::Slice { axis, start, .. }) => {
            let mut data = vec![0.0; sizes.iter().product()];
            for (i, mut at) in positions(&x[0].sizes).enumerate() {
                at[*axis] += start;
                data[offset(sizes, &at)] = x[0].data[i];
            }
            data
        }

        // Operands as (rows × inner) times (inner × columns), with strides.
        Op::Linear => {
            let (n, inner, out) = (sizes[0], x[0].sizes[1], sizes[1]);
            product([n, inner, out], (&x[0].data, [inner, 1]), (&x[1].data, [1, inner]))
        }
        Op::Grad(GradOp::LinearInput) => {
            let (n, out, inner) = (sizes[0], x[0].sizes[1], sizes[1]);
            product([n, out, inner], (&x[0].data, [out, 1]), (&x[1].data, [inner, 1]))
        }
        Op::Grad(GradOp::LinearWeight) => {
            let (out, inner, n) = (sizes[0], sizes[1], x[0].sizes[0]);
            product([out, n, inner], (&x[0].data, [1, out]), (&x[1].data, [inner, 1]))
        }
        Op::Conv(conv) => {
            let mut y = vec![0.0; sizes.iter().product()];
            windows(conv, &x[0].sizes, &x[1].sizes, sizes, |i, w, o| {
                y[o] += x[0].data[i] * x[1].data[w];
            });
            y
        }
        Op::Grad(GradOp::ConvInput { conv, .. }) => {
            let mut dx = vec![0.0; sizes.iter().product()];
            windows(conv, sizes, &x[1].sizes, &x[0].sizes, |i, w, o| {
                dx[i] += x[0].data[o] * x[1].data[w];
            });
            dx
        }
        Op::Grad(GradOp::ConvWeight { conv, .. }) => {
            let mut dw = vec![0.0; sizes.iter().product()];
            windows(conv, &x[1].sizes, sizes, &x[0].sizes, |i, w, o| {
                dw[w] += x[0].data[o] * x[1].data[i];
            });
            dw
        }

        Op::MaxPool(pool) => {
            pooled(pool, &x[0].sizes).iter().map(|w| x[0].data[first_maximum(x[0], w)]).collect()
        }
        Op::Grad(GradOp::MaxPool(pool)) => {
            let mut dx = vec![0.0; sizes.iter().product()];
            for (window, dy) in pooled(pool, sizes).iter().zip(&x[1].data) {
                dx[first_maximum(x[0], window)] += dy;
            }
            dx
        }
        Op::AvgPool(pool) => {
            let area = (pool.kernel[0] * pool.kernel[1]) as f64;
            pooled(pool, &x[0].sizes)
                .iter()
                .map(|window| window.iter().map(|i| x[0].data[*i]).sum::<f64>() / area)
                .collect()
        }
        Op::Grad(GradOp::AvgPool { pool, .. }) => {
            let area = (pool.kernel[0] * pool.kernel[1]) as f64;
            let mut dx = vec![0.0; sizes.iter().product()];
            for (window, dy) in pooled(pool, sizes).iter().zip(&x[0].data) {
                for i in window {
                    dx[*i] += dy / area;
                }
            }
            dx
        }

        Op::Modal(ModalOp::BatchNorm { .. } | ModalOp::Dropout { .. }) => {
            panic!("specialise a graph before running it")
        }
        Op::Normalize { norm, eps } => {
            let mut y = vec![0.0; x[0].data.len()];
            for group in groups(*norm, sizes) {
                let (mean, scale) = statistics(x[0], &group, *eps);
                for i in group {
                    y[i] = (x[0].data[i] - mean) * scale;
                }
            }
            y
        }
        Op::Grad(GradOp::Normalize { norm, eps }) => {
            let mut dx = vec![0.0; x[0].data.len()];
            for group in groups(*norm, sizes) {
                let count = group.len() as f64;
                let (mean, scale) = statistics(x[0], &group, *eps);
                let y = |i: usize| (x[0].data[i] - mean) * scale;
                let dy = &x[1].data;
                let mean_dy = group.iter().map(|i| dy[*i]).sum::<f64>() / count;
                let mean_product = group.iter().map(|i| dy[*i] * y(*i)).sum::<f64>() / count;
                for i in &group {
                    dx[*i] = scale * (dy[*i] - mean_dy - y(*i) * mean_product);
                }
            }
            dx
        }
        Op::NormalizeRunning { eps } => per_channel(x[0])
            .map(|(x0, c)| (x0 - x[1].data[c]) / (x[2].data[c] + eps).sqrt())
            .collect(),
        Op::Grad(GradOp::NormalizeRunning { eps }) => {
            per_channel(x[0]).map(|(dy, c)| dy / (x[1].data[c] + eps).sqrt()).collect()
        }
        Op::BatchMean => groups(Norm::Batch, &x[0].sizes)
            .iter()
            .map(|group| group.iter().map(|i| x[0].data[*i]).sum::<f64>() / group.len() as f64)
            .collect(),
        Op::BatchVar => groups(Norm::Batch, &x[0].sizes)
            .iter()
            .map(|group| {
                let mean = group.iter().map(|i| x[0].data[*i]).sum::<f64>() / group.len() as f64;
                let sum: f64 = group.iter().map(|i| (x[0].data[*i] - mean).powi(2)).sum();
                sum / (group.len() as f64 - 1.0).max(1.0)
            })
            .collect(),

        Op::Class(ClassOp::Softmax) => rows(x[0]).flat_map(|row| softmax(row, None)).collect(),
        Op::Class(ClassOp::LogSoftmax) => rows(x[0])
            .flat_map(|row| {
                let log = log_sum_exp(row, None);
                row.iter().map(move |x| x - log)
            })
            .collect(),
        Op::Class(ClassOp::Gather) => {
            rows(x[0]).zip(&x[1].data).map(|(row, i)| row[index(*i)]).collect()
        }
        Op::Class(ClassOp::Scatter { classes }) => {
            let mut data = vec![0.0; sizes.iter().product()];
            for (row, (value, i)) in x[0].data.iter().zip(&x[1].data).enumerate() {
                data[row * classes + index(*i)] = *value;
            }
            data
        }
        Op::Class(ClassOp::ArgMax) => rows(x[0]).map(|row| arg_max(row, None)).collect(),
        Op::Class(ClassOp::ArgMaxExcept) => {
            rows(x[0]).zip(&x[1].data).map(|(row, y)| arg_max(row, Some(index(*y)))).collect()
        }
        Op::Class(ClassOp::LogNotLabel) => rows(x[0])
            .zip(&x[1].data)
            .map(|(row, y)| log_sum_exp(row, Some(index(*y))) - log_sum_exp(row, None))
            .collect(),
        Op::Class(ClassOp::SoftmaxExcept) => {
            rows(x[0]).zip(&x[1].data).flat_map(|(row, y)| softmax(row, Some(index(*y)))).collect()
        }
        Op::Class(ClassOp::SparsemaxThreshold) => rows(x[0]).map(|row| threshold(row).0).collect(),
        Op::Class(ClassOp::SparsemaxSupport) => rows(x[0])
            .flat_map(|row| {
                let (tau, count) = threshold(row);
                row.iter().map(move |x| if *x > tau { 1.0 / count as f64 } else { 0.0 })
            })
            .collect(),

        Op::SpectralNorm => vec![singular(x[0]).0],
        Op::Grad(GradOp::SpectralNorm) => {
            let (_, u, v) = singular(x[0]);
            u.iter().flat_map(|u| v.iter().map(move |v| u * v)).collect()
        }
    }
}

fn unary(function: Unary, x: f64) -> f64 {
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    let cdf = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    match function {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x * x,
        Unary::Power(power) => x.powf(power),
        Unary::Sign => {
            if x == 0.0 {
                0.0
            } else {
                x.signum()
            }
        }
        Unary::Step => f64::from(u8::from(x > 0.0)),
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Unary::LeakyStep(slope) => {
            if x > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => sigmoid,
        Unary::Gelu => x * cdf,
        Unary::GeluGrad => cdf + x * density,
        Unary::Silu => x * sigmoid,
        Unary::SiluGrad => sigmoid * (1.0 + x * (1.0 - sigmoid)),
    }
}

#[expect(clippy::float_cmp, reason = "the operation compares exactly")]
fn binary(function: Binary, a: f64, b: f64) -> f64 {
    match function {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Max => a.max(b),
        Binary::Min => a.min(b),
        Binary::Pow => a.powf(b),
        Binary::Ge => f64::from(u8::from(a >= b)),
        Binary::Gt => f64::from(u8::from(a > b)),
        Binary::Eq => f64::from(u8::from(a == b)),
    }
}

/// An index stored as a real.
#[expect(clippy::cast_sign_loss, reason = "indices are not negative")]
fn index(stored: f64) -> usize {
    stored as usize
}

fn zip(a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.data.iter().zip(&b.data).map(|(a, b)| f(*a, *b)).collect()
}

/// Every position of a tensor, in row-major order.
fn positions(sizes: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    (0..sizes.iter().product()).map(move |mut i: usize| {
        let mut at = vec![0; sizes.len()];
        for (axis, size) in sizes.iter().enumerate().rev() {
            at[axis] = i % size;
            i /= size;
        }
        at
    })
}

fn offset(sizes: &[usize], at: &[usize]) -> usize {
    sizes.iter().zip(at).fold(0, |sum, (size, i)| sum * size + i)
}

/// Each element of x with its channel (axis 1).
fn per_channel(x: &Tensor) -> impl Iterator<Item = (f64, usize)> + '_ {
    let inner: usize = x.sizes[2..].iter().product();
    x.data.iter().enumerate().map(move |(i, x0)| (*x0, i / inner % x.sizes[1]))
}

/// Element, slope, index of the slope, and dy where there is one.
fn slopes<'a>(x: &'a [&Tensor]) -> impl Iterator<Item = (f64, f64, usize, f64)> + 'a {
    per_channel(x[0]).enumerate().map(|(i, (x0, channel))| {
        let slope = if x[1].data.len() == 1 { 0 } else { channel };
        (x0, x[1].data[slope], slope, x.get(2).map_or(0.0, |dy| dy.data[i]))
    })
}

fn product(
    [rows, inner, columns]: [usize; 3],
    (a, a_strides): (&[f64], [usize; 2]),
    (b, b_strides): (&[f64], [usize; 2]),
) -> Vec<f64> {
    let mut y = vec![0.0; rows * columns];
    for i in 0..rows {
        for k in 0..inner {
            let left = a[i * a_strides[0] + k * a_strides[1]];
            for j in 0..columns {
                y[i * columns + j] += left * b[k * b_strides[0] + j * b_strides[1]];
            }
        }
    }
    y
}

/// The shape as sizes for a batch; here so that tests need not name it twice.
pub(crate) fn elements(shape: &Shape, n: usize) -> usize {
    shape.sizes(n).iter().product()
}
