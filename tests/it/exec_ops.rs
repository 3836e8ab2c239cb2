//! Every operation of the reference executor against naive loops in double precision, on random shapes.

use specc::exec::{Evaluated, Options, evaluate};
use specc::lower::{Batch, DType, HyperValues};

use crate::benches::{self, Bench, CLASSES, FEATURES, Given, number};
use crate::close::{double, single};
use crate::interp;

/// Random shapes per operation.
const ROUNDS: u64 = 12;

fn check(mut bench: Bench, what: &str) {
    let n = bench.random.between(1, 5);
    let values: Vec<f64> = (0..n * FEATURES).map(|_| number(&mut bench.random)).collect();
    let labels: Vec<u32> = (0..n).map(|_| bench.random.below(CLASSES) as u32).collect();
    let mut state = interp::State::new(&bench.graph);
    state.params.clone_from(&bench.params);
    let feed = interp::Feed {
        input: &values,
        labels: &labels,
        lr: 0.5,
        step: 3,
        keeps: |_, _, _, _| true,
    };
    let expected = interp::run(&bench.graph, &state, &feed);
    let samples = Given { values: &values, labels: &labels };
    let indices: Vec<u32> = (0..n as u32).collect();
    let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
    let hyper = HyperValues { lr: 0.5, step: 3 };
    for (dtype, allowed) in [(DType::F64, double::PASS), (DType::F32, single::OPERATION)] {
        let options = Options {
            dtype,
            seed: 0,
            threads: 1,
            batch: 1,
            isa: specc::kernels::isa::Isa::detect(),
        };
        let found = evaluate(&bench.graph, &bench.state(), &batch, &hyper, options).unwrap();
        for (name, id) in &bench.graph.outputs {
            let node = &bench.graph[*id];
            let expected = expected[id.0 as usize].as_ref().unwrap();
            let Evaluated { sizes, values } = &found[name];
            assert_eq!(*sizes, node.shape.sizes(n), "{what} {dtype}");
            let largest = expected.data.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
            for (a, b) in values.iter().zip(&expected.data) {
                let ok = (a - b).abs() <= allowed * largest || a.to_bits() == b.to_bits();
                assert!(ok, "{what} {:?} {dtype} {sizes:?}: found {a}, expected {b}", node.op);
            }
        }
    }
}

fn rounds(what: &str, count: u64, build: fn(&mut Bench)) {
    for seed in 1..=count {
        let mut bench = Bench::new(seed);
        build(&mut bench);
        check(bench, what);
    }
}

#[test]
fn element_wise() {
    rounds("element-wise", ROUNDS, benches::element_wise);
}

#[test]
fn layout() {
    rounds("layout", ROUNDS, benches::layout);
}

#[test]
fn linear() {
    rounds("linear", ROUNDS, benches::linear);
}

#[test]
fn convolutions() {
    rounds("conv", 4 * ROUNDS, benches::convolutions);
}

#[test]
fn pools() {
    rounds("pool", 4 * ROUNDS, benches::pools);
}

#[test]
fn normalisation() {
    rounds("norm", ROUNDS, benches::normalisation);
}

#[test]
fn classes() {
    rounds("classes", ROUNDS, benches::classes);
}

#[test]
fn spectral_norms() {
    rounds("spectral", ROUNDS, benches::spectral_norms);
}
