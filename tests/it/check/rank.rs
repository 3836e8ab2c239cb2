//! The number of scaling symmetries against the rank of a matrix of numbers that knows nothing of rules.
//!
//! Column p holds the derivative of the logits in f64 as tensor p is stretched, the last column the logits themselves, at several
//! points. Exponents e and a degree d with Σ e_p z_p = d z at all of them are what a symmetry is, so the solver must find as many
//! as the matrix has null directions, and each one it finds must be such a direction.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use specc::check::numeric::{Interpreter, Point};
use specc::check::{IN_TRAINING, Judgement, Mode, Scaling, Unknown};
use specc::ir::{Binary, Graph, NodeId, Norm, Op, ParamId, Pool, Unary};

use super::nets::Net;

/// Points at which the derivative is taken: 15 rows each.
const POINTS: u64 = 4;

/// Relative change of a tensor on either side. The error of the derivative is about 10⁻¹⁰.
const STEP: f64 = 1e-6;

/// What is below is 0, relative to the logits; what is above `CLEAR` is not. A draw with something between decides nothing.
const ZERO: f64 = 1e-7;
const CLEAR: f64 = 1e-5;

/// Large enough that what it changes shows.
const EPS: f64 = 0.5;

const EXACT: Judgement = Judgement { mode: Mode::Train, limit: false };

/// The matrix by columns, each relative to the length of the logits at its point.
fn columns(graph: &Graph, judgement: Judgement) -> Option<Vec<Vec<f64>>> {
    let logits = graph.output("logits").unwrap();
    let interpreter = Interpreter::new(graph, logits, judgement);
    let mut columns = vec![vec![]; graph.params.len() + 1];
    for seed in 1..=POINTS {
        let point = Point::draw(graph, logits, 5, seed);
        let z = interpreter.evaluate(&point).unwrap();
        let length = z.iter().map(|z| z * z).sum::<f64>().sqrt();
        if !(length.is_finite() && length > 0.0) {
            return None;
        }
        for (p, column) in columns.iter_mut().enumerate() {
            if p == graph.params.len() {
                column.extend(z.iter().map(|z| z / length));
                continue;
            }
            let stretched = |by: f64| {
                let mut point = point.clone();
                point.params[p].iter_mut().for_each(|value| *value *= by);
                interpreter.evaluate(&point).unwrap()
            };
            let (up, down) = (stretched(1.0 + STEP), stretched(1.0 - STEP));
            column.extend(up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP * length)));
        }
    }
    Some(columns)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Columns that depend on the others, by orthogonalisation with the longest rest first; `None` where it cannot be told.
fn dependent(columns: &[Vec<f64>]) -> Option<usize> {
    let mut rest = columns.to_vec();
    while let Some((longest, length)) = rest
        .iter()
        .map(|column| dot(column, column).sqrt())
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
    {
        if length < ZERO {
            return Some(rest.len());
        }
        if length < CLEAR {
            return None;
        }
        let mut unit = rest.swap_remove(longest);
        unit.iter_mut().for_each(|value| *value /= length);
        for column in &mut rest {
            // Twice, so that rounding of the first time goes, too.
            for _ in 0..2 {
                let share = dot(column, &unit);
                column.iter_mut().zip(&unit).for_each(|(value, u)| *value -= share * u);
            }
        }
    }
    Some(0)
}

/// The symmetries that the solver finds, each of which must be a null direction; and the null directions there are.
fn both(graph: &Graph, judgement: Judgement) -> Option<(usize, usize)> {
    let scaling = Scaling::of(graph, graph.output("logits").unwrap(), judgement);
    let columns = columns(graph, judgement)?;
    let found = dependent(&columns)?;
    for symmetry in &scaling.symmetries {
        let exponents: Vec<f64> = (0..graph.params.len() as u32)
            .map(|id| symmetry.exponents.coefficient(Unknown::Param(ParamId(id))).to_f64())
            .chain([-symmetry.degree.to_f64()])
            .collect();
        let size = exponents.iter().fold(0.0_f64, |size, e| size.max(e.abs()));
        for row in 0..columns[0].len() {
            let sum: f64 = exponents.iter().zip(&columns).map(|(e, column)| e * column[row]).sum();
            assert!(sum.abs() < CLEAR * size, "{:?} is no symmetry: {sum}", symmetry.exponents);
        }
    }
    Some((scaling.symmetries.len(), found))
}

struct Draw<'a> {
    net: Net,
    choices: std::slice::Iter<'a, u8>,
    /// Of all norms that treat each sample by itself. A mix of them is told less about than holds: without eps one removes the
    /// factor by which another with eps misses degree 0 in a sample.
    sample_eps: f64,
    /// Whether the last norm had statistics of one channel of one sample. What it leaves has mean 0, so that behind a slope and a
    /// global pool the slope would only be a factor.
    centred: bool,
}

impl Draw<'_> {
    fn next(&mut self, n: usize) -> usize {
        usize::from(self.choices.next().copied().unwrap_or(0)) % n
    }

    fn eps(&mut self) -> f64 {
        [0.0, EPS][self.next(2)]
    }

    fn conv(&mut self, x: NodeId) -> NodeId {
        let dims = self.net.dims(x);
        let bias = self.next(2) == 0;
        let pad = if dims[1] >= 4 { self.next(2) } else { 1 };
        match self.next(5) {
            0 => self.net.grouped_conv(x, dims[0], dims[0], (3, pad), bias),
            1 if dims[0] % 2 == 0 => self.net.grouped_conv(x, dims[0], 2, (3, pad), bias),
            2 => {
                let out = 2 + self.next(3);
                self.net.conv(x, out, (1, 1, 0), bias, None)
            }
            _ => {
                let out = 2 + self.next(3);
                self.net.conv(x, out, (3, 1, pad), bias, None)
            }
        }
    }

    /// A norm, or none.
    fn norm(&mut self, x: NodeId) -> NodeId {
        let channels = self.net.dims(x)[0];
        let (eps, affine) = (self.eps(), self.next(2) == 0);
        let own = self.sample_eps;
        let kind = self.next(6);
        self.centred = kind == 3 || (kind == 2 && channels == 1) || (kind == 4 && channels == 2);
        match kind {
            0 | 1 => self.net.batch_norm(x, eps, affine, None),
            2 => self.net.norm(x, Norm::Layer, own, affine),
            3 => self.net.norm(x, Norm::Group(channels), own, affine),
            4 if channels % 2 == 0 => self.net.norm(x, Norm::Group(2), own, affine),
            _ => x,
        }
    }

    /// Something that bends: without it the mean of what a norm leaves would be 0 whatever came before.
    fn bend(&mut self, x: NodeId) -> NodeId {
        match self.next(4) {
            0 => self.net.unary("leaky_relu", Unary::LeakyRelu(0.1), x),
            1 => self.net.unary("abs", Unary::Abs, x),
            2 if !self.centred => self.net.prelu(x),
            _ => self.net.unary("relu", Unary::Relu, x),
        }
    }

    fn unit(&mut self, x: NodeId) -> NodeId {
        let y = self.conv(x);
        let y = self.norm(y);
        self.bend(y)
    }

    /// Branches of different degrees side by side, then a unit that may keep them apart.
    fn branches(&mut self, x: NodeId) -> NodeId {
        // A last convolution without a bend, so that a slope behind the joint still matters.
        let branch = |draw: &mut Self| {
            let inner = if draw.next(2) == 0 { draw.unit(x) } else { x };
            let (out, bias) = (2 + draw.next(2), draw.next(3) == 0);
            draw.net.conv(inner, out, (3, 1, 1), bias, None)
        };
        let pads =
            |draw: &Self, a: NodeId, b: NodeId| draw.net.dims(a)[1..] == draw.net.dims(b)[1..];
        let (a, b) = (branch(self), branch(self));
        if !pads(self, a, b) {
            return self.bend(a);
        }
        let joined = self.net.op(Op::Concat { axis: 1 }, &[a, b], None);
        let y = if self.next(2) == 0 { self.conv(joined) } else { joined };
        let y = self.norm(y);
        self.bend(y)
    }

    fn residual(&mut self, x: NodeId) -> NodeId {
        let dims = self.net.dims(x);
        let bias = self.next(2) == 0;
        let y = self.net.conv(x, dims[0], (3, 1, 1), bias, None);
        let y = self.norm(y);
        let y = self.bend(y);
        self.net.binary("add", Binary::Add, y, x)
    }

    fn pool(&mut self, x: NodeId) -> NodeId {
        let pool = Pool { kernel: [2; 2], stride: [1; 2], pad: [0; 2] };
        let op = if self.next(2) == 0 { Op::MaxPool(pool) } else { Op::AvgPool(pool) };
        self.net.plain("pool", op, x)
    }
}

fn draw(choices: &[u8]) -> Graph {
    let mut draw =
        Draw { net: Net::new(), choices: choices.iter(), sample_eps: 0.0, centred: false };
    draw.sample_eps = draw.eps();
    let mut x = draw.net.input(&[2, 5, 5]);
    for _ in 0..=draw.next(3) {
        let rows = draw.net.dims(x)[1];
        x = match draw.next(6) {
            0 | 1 => draw.unit(x),
            2 | 3 => draw.branches(x),
            4 => draw.residual(x),
            _ if rows >= 4 => draw.pool(x),
            _ => draw.unit(x),
        };
    }
    x = if draw.next(2) == 0 { draw.net.global_avg_pool(x) } else { draw.net.flatten(x) };
    if draw.next(3) == 0 {
        let (eps, affine) = (draw.eps(), draw.next(2) == 0);
        let y = draw.net.batch_norm(x, eps, affine, None);
        draw.centred = false;
        x = draw.bend(y);
    }
    let bias = draw.next(3) == 0;
    let logits = draw.net.linear(x, 3, bias, None);
    draw.net.finish(logits)
}

/// Draws that decided something, and those that did not.
static TOLD: AtomicUsize = AtomicUsize::new(0);
static UNTOLD: AtomicUsize = AtomicUsize::new(0);

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("RANK_CASES").map_or(120, |n| n.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_solver_finds_as_many_symmetries_as_numbers_have(choices in prop::collection::vec(any::<u8>(), 60)) {
        let graph = draw(&choices);
        for judgement in [EXACT, IN_TRAINING] {
            match both(&graph, judgement) {
                Some((solved, found)) => {
                    TOLD.fetch_add(1, Ordering::Relaxed);
                    prop_assert_eq!(solved, found, "limit {}:\n{}", judgement.limit, specc::ir::text(&graph));
                }
                None => {
                    UNTOLD.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        let (told, untold) = (TOLD.load(Ordering::Relaxed), UNTOLD.load(Ordering::Relaxed));
        prop_assert!(told + untold < 50 || untold < told / 4, "{untold} of {} decide nothing", told + untold);
    }
}

/// A net from its input of two channels to features, then a `linear` head.
fn net(build: impl Fn(&mut Net, NodeId) -> NodeId) -> Graph {
    let mut net = Net::new();
    let x = net.input(&[2, 5, 5]);
    let y = build(&mut net, x);
    let y = if net.dims(y).len() == 3 { net.flatten(y) } else { y };
    let logits = net.linear(y, 3, true, None);
    net.finish(logits)
}

fn solved_and_found(graph: &Graph, judgement: Judgement) -> (usize, usize) {
    both(graph, judgement).expect("the numbers are clear")
}

#[test]
fn statistics_of_one_channel_free_its_bias() {
    let by_group = net(|net, x| {
        let y = net.conv(x, 4, (3, 1, 0), true, None);
        let y = net.norm(y, Norm::Group(4), EPS, true);
        let y = net.unary("relu", Unary::Relu, y);
        net.global_avg_pool(y)
    });
    assert_eq!(solved_and_found(&by_group, EXACT), (3, 3));
    assert_eq!(solved_and_found(&by_group, IN_TRAINING), (4, 4));
    let by_layer = net(|net, x| {
        let y = net.conv(x, 1, (3, 1, 0), true, None);
        let y = net.norm(y, Norm::Layer, EPS, true);
        net.unary("relu", Unary::Relu, y)
    });
    let (solved, found) = solved_and_found(&by_layer, IN_TRAINING);
    assert_eq!(solved, found);
}

/// `concat(conv(3, kernel=3), conv(4, kernel=1) -> relu -> conv(3, kernel=3))`.
fn branches(net: &mut Net, x: NodeId) -> NodeId {
    let a = net.conv(x, 3, (3, 1, 1), true, None);
    let b = net.conv(x, 4, (1, 1, 0), true, None);
    let b = net.unary("relu", Unary::Relu, b);
    let b = net.conv(b, 3, (3, 1, 1), true, None);
    net.op(Op::Concat { axis: 1 }, &[a, b], None)
}

#[test]
fn channels_stay_apart_up_to_the_norm() {
    let behind = |build: &dyn Fn(&mut Net, NodeId) -> NodeId| {
        let graph = net(|net, x| {
            let y = branches(net, x);
            let y = build(net, y);
            net.unary("relu", Unary::Relu, y)
        });
        for judgement in [EXACT, IN_TRAINING] {
            let (solved, found) = solved_and_found(&graph, judgement);
            assert_eq!(solved, found, "{}", specc::ir::text(&graph));
        }
        solved_and_found(&graph, IN_TRAINING).0
    };
    let depthwise = behind(&|net, y| {
        let y = net.grouped_conv(y, 6, 6, (3, 0), true);
        net.batch_norm(y, EPS, true, None)
    });
    let direct = behind(&|net, y| net.batch_norm(y, EPS, true, None));
    assert_eq!(depthwise, direct + 2, "the weight and the bias of the depthwise convolution");
    behind(&|net, y| {
        let y = net.global_avg_pool(y);
        net.batch_norm(y, EPS, true, None)
    });
    behind(&|net, y| {
        let y = net.prelu(y);
        let y = net.flatten(y);
        net.batch_norm(y, EPS, true, None)
    });
    behind(&|net, y| net.norm(y, Norm::Group(2), EPS, true));
    behind(&|net, y| {
        let y = net.grouped_conv(y, 4, 2, (3, 1), false);
        net.norm(y, Norm::Group(2), EPS, false)
    });
}

#[test]
fn what_is_zero_asks_for_nothing() {
    let scaled = |value: f64, net: &mut Net, x: NodeId| {
        let shape = net.graph[x].shape.clone();
        let number = net.op(Op::Const(value), &[], None);
        let spread = net.op(Op::Expand { shape, axes: vec![] }, &[number], None);
        net.op(Op::Binary(Binary::Mul), &[x, spread], None)
    };
    for weight in [0.0, -1.0] {
        let graph = net(|net, x| {
            let y = net.conv(x, 2, (3, 1, 1), false, None);
            let gone = net.unary("tanh", Unary::Tanh, y);
            let gone = net.conv(gone, 2, (3, 1, 1), false, None);
            let product = scaled(weight, net, gone);
            let zero = if weight == 0.0 {
                product
            } else {
                net.op(Op::Binary(Binary::Add), &[gone, product], None)
            };
            net.op(Op::Binary(Binary::Add), &[y, zero], None)
        });
        let (solved, found) = solved_and_found(&graph, EXACT);
        assert_eq!(solved, found, "{}", specc::ir::text(&graph));
    }
}
