//! Derivatives of every operation against finite differences, and trajectories of whole trainings.

use std::slice::from_ref;

use proptest::prelude::*;
use specc::diag::{FileId, Span};
use specc::grad::differentiate;
use specc::ir::{
    Binary, ClassOp, Conv, Emit, GradOp, Graph, Init, Kind, NodeId, Norm, Op, Param, ParamRole,
    Pool, Shape, Unary,
};

use crate::close::double;
use crate::interp::{Feed, State, elements, hashed, run};
use crate::random::Random;

/// Step of the central differences: error h² against rounding ε / h.
const STEP: f64 = 1e-5;

pub(crate) fn nowhere() -> Span {
    Span::new(FileId(0), 0, 0)
}

/// One operation over operands that are all differentiated where they can be.
struct Case {
    op: Op,
    /// Shapes of the real operands, as the operation wants them.
    operands: Vec<Shape>,
    /// Whether the last operand is the labels.
    labels: bool,
    /// Ports that have a derivative.
    ports: Vec<usize>,
    /// Keeps operands positive, for logarithms and the like.
    positive: bool,
    classes: usize,
}

/// Numbers of size 0.1 to 3, apart from each other within a tensor and between the operands of an operation:
/// away from every kink.
fn values(count: usize, seed: u64, operand: usize, positive: bool) -> Vec<f64> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random::new(seed + operand as u64 + 1);
    for i in (1..count).rev() {
        order.swap(i, random.below(i + 1));
    }
    let spacing = 3.7 / count.max(1) as f64;
    order
        .iter()
        .map(|i| {
            let value = 0.12 + 0.0117 * operand as f64 + spacing * (*i as f64 + 0.37) / 2.0;
            if positive || !(i * 7 + seed as usize).is_multiple_of(3) { value } else { -value }
        })
        .collect()
}

/// A batched operand comes from a parameter through an expansion of its own copy per sample, so that
/// every element can be moved alone: the batch is laid out in a `[n · …]` parameter and sliced.
fn check(case: &Case, n: usize, seed: u64) {
    let mut graph = Graph::new();
    let mut operands = vec![];
    let mut state = State::default();
    for (i, shape) in case.operands.iter().enumerate() {
        let count = elements(shape, n);
        operands.push(leaf(&mut graph, shape));
        state.params.push(values(count, seed, i, case.positive));
    }
    let labels = graph.add_leaf(Op::Labels, Shape::per_sample([]), Kind::Index, nowhere());
    let mut inputs = operands.clone();
    if case.labels {
        inputs.push(labels);
    }
    let y = graph.add(case.op.clone(), &inputs, nowhere(), None).unwrap();
    let weights = weighting(&mut graph, y);
    state.params.push(values(elements(&graph[y].shape, n), seed, 77, false));
    let mut emit = Emit::new(&mut graph, nowhere());
    let weighted = emit.mul(y, weights);
    let total = emit.sum_except(weighted, &[]);
    let wrt: Vec<_> = case.ports.iter().map(|port| operands[*port]).collect();
    let gradients = differentiate(&mut graph, total, &wrt);
    graph.outputs.insert("total".to_owned(), total);
    for (port, gradient) in case.ports.iter().zip(&gradients) {
        graph.outputs.insert(format!("grad{port}"), gradient.expect("a gradient"));
    }
    let label_values: Vec<_> =
        (0..n).map(|i| ((i * 5 + seed as usize) % case.classes.max(1)) as u32).collect();
    let feed = Feed { input: &[], labels: &label_values, lr: 0.0, step: 1, keeps: hashed };
    let total_at =
        |state: &State| run(&graph, state, &feed)[total.0 as usize].clone().unwrap().data[0];
    let values = run(&graph, &state, &feed);
    for (port, gradient) in case.ports.iter().zip(&gradients) {
        let gradient = values[gradient.unwrap().0 as usize].clone().unwrap().data;
        for (i, found) in gradient.iter().enumerate() {
            let mut moved = state.clone();
            moved.params[*port][i] = state.params[*port][i] + STEP;
            let above = total_at(&moved);
            moved.params[*port][i] = state.params[*port][i] - STEP;
            let below = total_at(&moved);
            let expected = (above - below) / (2.0 * STEP);
            assert!(
                (found - expected).abs() <= double::OPERATION_SLOPE * expected.abs().max(1.0),
                "{:?} port {port} element {i} of a batch of {n}: {found}, expected {expected}",
                case.op
            );
        }
    }
}

/// A node that reads parameter number `params.len()`. The interpreter gives a parameter the size of its
/// state, so a batched operand is a parameter whose node has a batched shape.
fn leaf(graph: &mut Graph, shape: &Shape) -> NodeId {
    let (_, id) = graph.add_param(Param {
        name: format!("p{}", graph.params.len()),
        shape: shape.clone(),
        role: ParamRole::Weight,
        init: Init::Constant(0.0),
        layer: None,
        origin: nowhere(),
    });
    id
}

fn weighting(graph: &mut Graph, y: NodeId) -> NodeId {
    let shape = graph[y].shape.clone();
    leaf(graph, &shape)
}

fn case(op: Op, operands: &[Shape]) -> Case {
    Case {
        op,
        operands: operands.to_vec(),
        labels: false,
        ports: (0..operands.len()).collect(),
        positive: false,
        classes: 1,
    }
}

fn batched(dims: &[usize]) -> Shape {
    Shape::per_sample(dims.to_vec())
}

fn fixed(dims: &[usize]) -> Shape {
    Shape::fixed(dims.to_vec())
}

fn unary_functions() -> Vec<(Unary, bool)> {
    vec![
        (Unary::Neg, false),
        (Unary::Abs, false),
        (Unary::Exp, false),
        (Unary::Log, true),
        (Unary::Sqrt, true),
        (Unary::Square, false),
        (Unary::Power(3.0), false),
        (Unary::Power(-1.5), true),
        (Unary::Relu, false),
        (Unary::LeakyRelu(0.1), false),
        (Unary::LeakyRelu(-0.5), false),
        (Unary::Tanh, false),
        (Unary::Sigmoid, false),
        (Unary::Gelu, false),
        (Unary::Silu, false),
    ]
}

fn element_wise(dims: &[usize]) -> Vec<Case> {
    let x = batched(dims);
    let mut cases: Vec<_> = unary_functions()
        .into_iter()
        .map(|(function, positive)| Case { positive, ..case(Op::Unary(function), from_ref(&x)) })
        .collect();
    for function in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Max, Binary::Min] {
        cases.push(case(Op::Binary(function), &[x.clone(), x.clone()]));
    }
    cases.push(Case {
        positive: true,
        ports: vec![0],
        ..case(Op::Binary(Binary::Pow), &[x.clone(), x.clone()])
    });
    let select = case(Op::Select, &[x.clone(), x.clone(), x.clone()]);
    cases.push(Case { ports: vec![1, 2], ..select });
    cases.push(case(Op::Prelu, &[x.clone(), fixed(&[1])]));
    cases.push(case(Op::Prelu, &[x.clone(), fixed(&[dims[0]])]));
    cases.push(case(Op::Reshape(batched(&[x.elements()])), from_ref(&x)));
    cases.push(case(Op::SumSquares, from_ref(&x)));
    cases.push(case(Op::Sum { axes: vec![0] }, from_ref(&x)));
    cases.push(case(Op::Sum { axes: vec![1] }, from_ref(&x)));
    cases.push(case(Op::Sum { axes: vec![0, 1] }, from_ref(&x)));
    cases.push(case(Op::Expand { shape: x.clone(), axes: vec![1] }, &[fixed(&dims[..1])]));
    cases.push(case(Op::Expand { shape: x.clone(), axes: vec![0] }, &[batched(&[])]));
    cases.push(case(Op::Expand { shape: x.clone(), axes: vec![] }, &[fixed(&[])]));
    let mut wide = dims.to_vec();
    wide[0] += 2;
    cases.push(case(Op::Concat { axis: 1 }, &[x.clone(), batched(&wide), x.clone()]));
    cases.push(case(Op::Slice { axis: 1, start: 1, len: dims[0] }, &[batched(&wide)]));
    cases.push(case(Op::Grad(GradOp::Slice { axis: 1, start: 1, full: dims[0] + 3 }), &[x]));
    cases
}

fn over_classes(classes: usize) -> Vec<Case> {
    let x = batched(&[classes]);
    let labelled = |op, operands: &[Shape]| Case { labels: true, classes, ..case(op, operands) };
    vec![
        case(Op::Class(ClassOp::Softmax), from_ref(&x)),
        case(Op::Class(ClassOp::LogSoftmax), from_ref(&x)),
        case(Op::Class(ClassOp::SparsemaxThreshold), from_ref(&x)),
        labelled(Op::Class(ClassOp::Gather), from_ref(&x)),
        labelled(Op::Class(ClassOp::Scatter { classes }), &[batched(&[])]),
        labelled(Op::Class(ClassOp::LogNotLabel), from_ref(&x)),
        labelled(Op::Class(ClassOp::SoftmaxExcept), &[x]),
    ]
}

fn linear_maps(inputs: usize, outputs: usize) -> Vec<Case> {
    vec![
        case(Op::Linear, &[batched(&[inputs]), fixed(&[outputs, inputs])]),
        case(Op::Grad(GradOp::LinearInput), &[batched(&[outputs]), fixed(&[outputs, inputs])]),
        case(Op::Grad(GradOp::LinearWeight), &[batched(&[outputs]), batched(&[inputs])]),
        case(Op::SpectralNorm, &[fixed(&[outputs, inputs])]),
        case(Op::SpectralNorm, &[fixed(&[outputs, 2, 1, inputs])]),
    ]
}

fn pictures(channels: usize, [height, width]: [usize; 2], stride: usize, pad: usize) -> Vec<Case> {
    let x = batched(&[channels * 2, height, width]);
    let conv = Conv { stride: [stride, 1], pad: [pad, 1], groups: channels };
    let kernel = [3, 2];
    let w = fixed(&[channels * 3, 2, 3, 2]);
    let out = |size: usize, kernel: usize, stride: usize, pad: usize| {
        (size + 2 * pad - kernel) / stride + 1
    };
    let dy = batched(&[channels * 3, out(height, 3, stride, pad), out(width, 2, 1, 1)]);
    let input = [height, width];
    let pool = Pool { kernel: [2, 3], stride: [stride, 2], pad: [pad.min(1), 1] };
    let pooled = batched(&[channels * 2, out(height, 2, stride, pad.min(1)), out(width, 3, 2, 1)]);
    let mut cases = vec![
        case(Op::Conv(conv), &[x.clone(), w.clone()]),
        case(Op::Grad(GradOp::ConvInput { conv, input }), &[dy.clone(), w]),
        case(Op::Grad(GradOp::ConvWeight { conv, kernel }), &[dy, x.clone()]),
        case(Op::MaxPool(pool), from_ref(&x)),
        case(Op::AvgPool(pool), from_ref(&x)),
        case(Op::Grad(GradOp::AvgPool { pool, input }), &[pooled]),
        case(Op::BatchMean, from_ref(&x)),
        case(Op::BatchVar, from_ref(&x)),
    ];
    for norm in [Norm::Batch, Norm::Layer, Norm::Group(channels)] {
        cases.push(case(Op::Normalize { norm, eps: 0.1 }, from_ref(&x)));
    }
    let statistics = fixed(&[channels * 2]);
    cases.push(Case {
        positive: true,
        ..case(
            Op::NormalizeRunning { eps: 0.1 },
            &[x.clone(), statistics.clone(), statistics.clone()],
        )
    });
    cases.push(Case {
        positive: true,
        ports: vec![0],
        ..case(Op::Grad(GradOp::NormalizeRunning { eps: 0.1 }), &[x, statistics])
    });
    cases
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn element_wise_derivatives(n in 1usize..4, a in 1usize..4, b in 1usize..4, seed in 0u64..1000) {
        for case in element_wise(&[a, b]) {
            check(&case, n, seed);
        }
    }

    #[test]
    fn derivatives_over_classes(n in 1usize..4, classes in 2usize..7, seed in 0u64..1000) {
        for case in over_classes(classes) {
            check(&case, n, seed);
        }
    }

    #[test]
    fn derivatives_of_linear_maps(n in 1usize..4, i in 1usize..6, o in 1usize..5, seed in 0u64..1000) {
        for case in linear_maps(i, o) {
            check(&case, n, seed);
        }
    }

    #[test]
    fn derivatives_on_pictures(
        n in 1usize..3, c in 1usize..3, h in 3usize..6, w in 3usize..6,
        stride in 1usize..3, pad in 0usize..2, seed in 0u64..1000,
    ) {
        for case in pictures(c, [h, w], stride, pad) {
            check(&case, n, seed);
        }
    }
}

#[test]
fn nothing_flows_through_masks_and_stops() {
    for op in [
        Op::StopGradient,
        Op::Unary(Unary::Step),
        Op::Unary(Unary::Sign),
        Op::Class(ClassOp::SparsemaxSupport),
    ] {
        let mut graph = Graph::new();
        let x = leaf(&mut graph, &batched(&[3]));
        let y = graph.add(op, &[x], nowhere(), None).unwrap();
        assert_eq!(differentiate(&mut graph, y, &[x]), vec![None]);
    }
}

#[test]
fn a_relu_is_flat_at_zero() {
    let mut graph = Graph::new();
    let x = leaf(&mut graph, &batched(&[2]));
    let mut emit = Emit::new(&mut graph, nowhere());
    let relu = emit.unary(Unary::Relu, x);
    let abs = emit.unary(Unary::Abs, x);
    let both = emit.add(relu, abs);
    let total = emit.sum(both, [0, 1]);
    let gradient = differentiate(&mut graph, total, &[x])[0].unwrap();
    graph.outputs.insert("gradient".to_owned(), gradient);
    let state = State { params: vec![vec![0.0, -0.0]], buffers: vec![] };
    let feed = Feed { input: &[], labels: &[0], lr: 0.0, step: 1, keeps: hashed };
    let values = run(&graph, &state, &feed);
    assert_eq!(values[gradient.0 as usize].as_ref().unwrap().data, [0.0, 0.0]);
}

#[test]
fn the_input_of_a_network_gets_no_gradient() {
    let mut graph = Graph::new();
    let x = graph.add_leaf(Op::Input, batched(&[3]), Kind::Real, nowhere());
    let w = leaf(&mut graph, &fixed(&[2, 3]));
    let y = graph.add(Op::Linear, &[x, w], nowhere(), None).unwrap();
    let before = graph.len();
    assert!(differentiate(&mut graph, y, &[w])[0].is_some());
    let added = graph.ids().skip(before);
    assert_eq!(added.filter(|id| graph[*id].op == Op::Grad(GradOp::LinearInput)).count(), 0);
}
