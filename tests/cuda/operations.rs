//! Every operation alone, by the very text that the reference executor launches on a GPU, beside the reference on the processor:
//! on random shapes, with batches of one sample and shorter than the full one. Where candle computes an operation on a GPU, the
//! kernel of the fused target is tried all the same.

use specc::exec::cuda::{Operand, Operations, Outcome, Reading};
use specc::exec::{Evaluated, evaluate};
use specc::ir::{Graph, Kind, NodeId};
use specc::lower::cuda::{Alone, PlanOptions, Value, alone};
use specc::lower::{Batch, HyperValues, Precision};

use crate::benches::{self, Bench, CLASSES, FEATURES, Given, number};
use crate::close::single;
use crate::device::Device;
use crate::emulated::Order;
use crate::grad::nowhere;
use crate::programs::{SEED, options};

/// Random shapes of each kind of operation.
const ROUNDS: u64 = if cfg!(feature = "emulated") { 12 } else { 2 };

/// Random shapes of convolutions and pools: these have more to draw.
const WINDOWS: u64 = if cfg!(feature = "emulated") { 48 } else { 8 };

/// Samples of a full batch, by round: a few, and enough that sums are taken in parts.
const BATCHES: [usize; 2] = [5, 40];

/// What rounding the factors of a product to eleven bits may change, relative to the largest result.
const ROUNDED_FACTORS: f64 = 4e-3;

const HYPER: HyperValues = HyperValues { lr: 0.5, step: 3 };

/// An operation with what the reference says.
struct Trial {
    what: String,
    alone: Alone,
    /// The same with its products on tensor cores.
    on_tensor_cores: Alone,
    operands: Vec<Evaluated>,
    expected: Evaluated,
    n: usize,
}

/// The operations of a graph that kernels of ours compute, each on what the reference gives for its operands.
fn trials(name: &str, full: usize, bench: Bench) -> Vec<Trial> {
    let state = bench.state();
    let (mut graph, mut random) = (bench.graph, bench.random);
    // A batch of one, a full one, and others.
    let n = [1, full, random.between(1, full)][random.below(3)];
    let values: Vec<f64> = (0..n * FEATURES).map(|_| number(&mut random)).collect();
    let labels: Vec<u32> = (0..n).map(|_| random.below(CLASSES) as u32).collect();
    let results: Vec<NodeId> = graph.outputs.values().copied().collect();
    graph.outputs = graph.ids().map(|id| (id.0.to_string(), id)).collect();
    let samples = Given { values: &values, labels: &labels };
    let indices: Vec<u32> = (0..n as u32).collect();
    let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
    let found = evaluate(&graph, &state, &batch, &HYPER, options(full)).unwrap();
    let of = |id: &NodeId| found[&id.0.to_string()].clone();
    let mut trials = vec![];
    for id in results.into_iter().filter(|id| has_kernel(&graph, *id)) {
        let inputs = graph.inputs(id);
        let value = |id: &NodeId| Value { shape: graph[*id].shape.clone(), kind: graph[*id].kind };
        let kinds: Vec<Value> = inputs.iter().map(value).collect();
        let shapes: Vec<String> = kinds.iter().map(|value| value.shape.to_string()).collect();
        let lowered = |name: String, precision| {
            let options = PlanOptions { precision, ..PlanOptions::of_one(full) };
            alone(&name, &graph[id].op, &kinds, options, nowhere())
        };
        trials.push(Trial {
            what: format!("{} of {} with {n} samples", graph[id].op, shapes.join(", ")),
            alone: lowered(format!("{name}_{}", id.0), Precision::F32),
            on_tensor_cores: lowered(format!("{name}_{}_tensor", id.0), Precision::Tf32),
            operands: inputs.iter().map(of).collect(),
            expected: of(&id),
            n,
        });
    }
    trials
}

/// Whether operands are tensors: what takes none, or single numbers, is the host's.
fn has_kernel(graph: &Graph, id: NodeId) -> bool {
    let inputs = graph.inputs(id);
    !inputs.is_empty() && inputs.iter().all(|input| graph[*input].shape.rank() > 0)
}

fn run(operations: &mut Operations<Device>, trial: &Trial) -> Vec<f64> {
    run_on(operations, &trial.alone, &trial.operands, trial.n)
}

fn run_on(
    operations: &mut Operations<Device>,
    alone: &Alone,
    operands: &[Evaluated],
    n: usize,
) -> Vec<f64> {
    let reals: Vec<Vec<f32>> = operands.iter().map(|of| singles(&of.values)).collect();
    let indices: Vec<Vec<u32>> =
        operands.iter().map(|of| of.values.iter().map(|x| *x as u32).collect()).collect();
    let pairs = alone.operands.iter().zip(reals.iter().zip(&indices));
    let operands: Vec<Operand<'_>> = pairs
        .map(|((value, _), (reals, indices))| match value.kind {
            Kind::Real => Operand::Reals(reals),
            Kind::Index => Operand::Indices(indices),
        })
        .collect();
    let positions: Vec<u32> = (0..n as u32).collect();
    let reading = Reading { seed: SEED, hyper: HYPER, indices: &positions };
    match operations.run(alone, &operands, &reading).unwrap() {
        Outcome::Reals(values) => values.iter().map(|x| f64::from(*x)).collect(),
        Outcome::Indices(values) => values.iter().map(|x| f64::from(*x)).collect(),
        Outcome::Single(value) => vec![value],
    }
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|x| *x as f32).collect()
}

fn drawn(kind: &str, rounds: u64, build: fn(&mut Bench)) -> Vec<Trial> {
    let draw = |seed: u64| {
        let mut bench = Bench::new(seed);
        build(&mut bench);
        trials(&format!("{kind}{seed}"), BATCHES[seed as usize % BATCHES.len()], bench)
    };
    let trials: Vec<Trial> = (1..=rounds).flat_map(draw).collect();
    assert!(trials.len() >= rounds as usize);
    trials
}

fn holds(kind: &str, rounds: u64, build: fn(&mut Bench)) {
    let trials = drawn(kind, rounds, build);
    let all = trials.iter().map(|trial| &trial.alone);
    let mut orders = [Order::Forward, Order::Shuffled]
        .map(|order| Operations::new(Device::open(order), all.clone()).unwrap());
    for trial in &trials {
        let [found, shuffled] = orders.each_mut().map(|operations| run(operations, trial));
        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&shuffled), "{}", trial.what);
        agree(&trial.what, &found, &trial.expected.values, single::OPERATION);
    }
}

#[track_caller]
fn agree(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
    for (a, b) in found.iter().zip(expected) {
        let is_close = (a - b).abs() <= tolerance * largest || a == b;
        assert!(is_close, "{what}: found {a}, expected {b}");
    }
}

/// The nearest number of eleven significant bits; of two as near the larger one.
fn rounded(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let unit = 2f64.powi(x.abs().log2().floor() as i32 - 10);
    (x.abs() / unit + 0.5).floor() * unit * x.signum()
}

/// The name of some shapes, how often they are drawn, and how.
type Kinds = (&'static str, u64, fn(&mut Bench));

/// Products on tensor cores, beside single precision: the same but for the rounding of their factors, which changes nothing where
/// factors are rounded already.
#[test]
fn products_on_tensor_cores() {
    let kinds: [Kinds; 4] = [
        ("tensor_linear", ROUNDS, benches::linear),
        ("tensor_wide", ROUNDS, benches::wide_linear),
        ("tensor_conv", WINDOWS, benches::convolutions),
        ("tensor_deep", ROUNDS, benches::deep_convolutions),
    ];
    let trials = kinds.into_iter().flat_map(|(kind, rounds, build)| drawn(kind, rounds, build));
    let takes_tensor_cores = |trial: &Trial| {
        let mut launches = trial.on_tensor_cores.launches.iter();
        launches.any(|launch| launch.source.contains("product<Tensor<"))
    };
    let (on_tensor_cores, others): (Vec<Trial>, Vec<Trial>) = trials.partition(takes_tensor_cores);
    assert!(on_tensor_cores.len() >= 8);
    // What is no product, or cut by small pictures, is as it was.
    for trial in &others {
        let text = |alone: &Alone| {
            let texts: Vec<&str> = alone.launches.iter().map(|l| l.source.as_str()).collect();
            texts.join("\n").replace("_tensor", "")
        };
        assert_eq!(text(&trial.alone), text(&trial.on_tensor_cores), "{}", trial.what);
    }
    let all = on_tensor_cores.iter().flat_map(|trial| [&trial.alone, &trial.on_tensor_cores]);
    let mut orders = [Order::Forward, Order::Shuffled]
        .map(|order| Operations::new(Device::open(order), all.clone()).unwrap());
    let mut n_other = 0;
    for trial in &on_tensor_cores {
        let Trial { on_tensor_cores, operands, expected, n, what, .. } = trial;
        let round = |of: &Evaluated| {
            let values = of.values.iter().map(|x| rounded(f64::from(*x as f32))).collect();
            Evaluated { values, ..of.clone() }
        };
        let factors: Vec<Evaluated> = operands.iter().map(round).collect();
        let [found, shuffled] =
            orders.each_mut().map(|operations| run_on(operations, on_tensor_cores, operands, *n));
        assert_eq!(found, shuffled, "{what}");
        agree(what, &found, &expected.values, ROUNDED_FACTORS);
        let of_rounded = run_on(&mut orders[0], on_tensor_cores, &factors, *n);
        assert_eq!(found, of_rounded, "{what}");
        // The same factors by multiply-adds.
        let exact = run_on(&mut orders[0], &trial.alone, &factors, *n);
        agree(what, &found, &exact, single::OPERATION);
        n_other += usize::from(found != run(&mut orders[0], trial));
    }
    assert!(n_other * 2 > on_tensor_cores.len(), "factors are rounded");
}

#[test]
fn element_wise() {
    holds("element", ROUNDS, benches::element_wise);
}

#[test]
fn layout() {
    holds("layout", ROUNDS, benches::layout);
}

#[test]
fn linear() {
    holds("linear", ROUNDS, benches::linear);
    holds("wide", ROUNDS, benches::wide_linear);
}

#[test]
fn dropout() {
    holds("dropout", ROUNDS, benches::dropout);
}

#[test]
fn convolutions() {
    holds("conv", WINDOWS, benches::convolutions);
    holds("deep", ROUNDS, benches::deep_convolutions);
}

#[test]
fn pools() {
    holds("pool", WINDOWS, benches::pools);
}

#[test]
fn normalisation() {
    holds("norm", ROUNDS, benches::normalisation);
}

#[test]
fn classes() {
    holds("classes", ROUNDS, benches::classes);
}

#[test]
fn spectral_norms() {
    holds("spectral", ROUNDS, benches::spectral_norms);
}
