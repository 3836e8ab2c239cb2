//! Equal bits: over the order of threads and blocks, over the number of replicas, over resumed runs.

use specc::grad::Joint;
use specc::lower::{Batch, HyperValues, Precision, Replicas, Shared, State, StepOutput};

use crate::emulated::Order;
use crate::joints::{Case, LENET, Labelled, MIXED, N_NETS, cases, singles};
use crate::programs::together;

/// Samples of a full batch; the last step has fewer.
const BATCH: usize = 24;

/// Steps of a run.
const STEPS: u64 = 3;

type Bits = (Vec<u64>, Vec<(String, Vec<u32>)>);

/// The batch of one replica in one step: every seed has its own samples, and the last batch is short.
fn indices(seed: u64, step: u64) -> Vec<u32> {
    let count = if step == STEPS { 7 } else { BATCH as u32 };
    (0..count).map(|i| (i * 5 + seed as u32 * 11 + step as u32 * 3) % 120).collect()
}

fn start(case: &Case, seed: u64) -> State {
    let (joint, _) = case.joint();
    let loss = case.spec().loss;
    specc::exec::initial_state(&joint, &loss, seed, specc::lower::DType::F32, None).unwrap().state
}

/// What the steps of replicas with these seeds leave, one by one.
fn run(
    case: &Case,
    samples: &Labelled,
    order: Order,
    seeds: &[u64],
    halfway: Option<u64>,
) -> Vec<Bits> {
    let of_seed = |seed: &u64| (case, *seed, 0.05);
    let runs: Vec<_> = seeds.iter().map(of_seed).collect();
    run_of(&runs, samples, Precision::F32, order, halfway)
}

/// The same for runs of cases that differ in numbers, each with its seed and its rate.
fn run_of(
    runs: &[(&Case, u64, f64)],
    samples: &Labelled,
    precision: Precision,
    order: Order,
    halfway: Option<u64>,
) -> Vec<Bits> {
    let joints: Vec<Joint> = runs.iter().map(|(case, ..)| case.joint().0).collect();
    let joints: Vec<&Joint> = joints.iter().collect();
    let seeds: Vec<u64> = runs.iter().map(|(_, seed, _)| *seed).collect();
    let states: Vec<State> = runs.iter().map(|(case, seed, _)| start(case, *seed)).collect();
    let pairs: Vec<(u64, &State)> = seeds.iter().copied().zip(&states).collect();
    let mut program = together(&joints, BATCH, precision, order, &pairs);
    let mut losses: Vec<Vec<u64>> = vec![vec![]; seeds.len()];
    for step in 1..=STEPS {
        let all: Vec<Vec<u32>> = seeds.iter().map(|seed| indices(*seed, step)).collect();
        let batch = |indices| Batch { samples, indices, epoch: 1 };
        let batches: Vec<Batch<'_>> = all.iter().map(|indices| batch(indices.as_slice())).collect();
        let hyper = |(.., lr): &(&Case, u64, f64)| HyperValues { lr: *lr, step };
        let outputs = program.step(&batches, &runs.iter().map(hyper).collect::<Vec<_>>());
        for (losses, outputs) in losses.iter_mut().zip(outputs) {
            let bits = |output: &StepOutput| output.loss.to_bits();
            losses.extend(outputs.unwrap().iter().map(bits));
        }
        if halfway == Some(step) {
            // A program that goes on from a checkpoint.
            let kept: Vec<State> = program.state().into_iter().map(Result::unwrap).collect();
            let pairs: Vec<(u64, &State)> = seeds.iter().copied().zip(&kept).collect();
            program = together(&joints, BATCH, precision, order, &pairs);
        }
    }
    let states = program.state().into_iter().map(|state| singles(&state.unwrap()));
    losses.into_iter().zip(states).collect()
}

#[test]
fn the_order_of_threads_changes_no_bit() {
    for (number, case) in cases().iter().enumerate() {
        let samples = case.samples(140);
        let expected = run(case, &samples, Order::Forward, &[3], None);
        for order in [Order::Backward, Order::Shuffled] {
            let found = run(case, &samples, order, &[3], None);
            assert!(found == expected, "case {number}: {order:?}");
        }
    }
}

#[test]
fn neighbours_change_no_bit() {
    for (number, case) in cases().iter().take(N_NETS).enumerate() {
        let samples = case.samples(140);
        let together = run(case, &samples, Order::Forward, &[3, 8, 1 << 40], None);
        assert!(together[0] != together[1], "case {number}: seeds differ");
        for (replica, seed) in [3, 8, 1 << 40].into_iter().enumerate() {
            let alone = run(case, &samples, Order::Forward, &[seed], None);
            assert!(alone[0] == together[replica], "case {number}: seed {seed}");
            let resumed = run(case, &samples, Order::Forward, &[seed], Some(1));
            assert!(resumed[0] == together[replica], "case {number}: seed {seed}, resumed");
        }
    }
}

#[test]
fn tensor_cores_change_no_bit_over_neighbours_and_orders() {
    // Rows, columns and depth of several tiles, which the number of replicas changes; convolutions with strides and groups.
    let wide = "net wide { conv(24, kernel=3, stride=2) -> relu -> conv(24, kernel=3, pad=1, groups=2, stride=2) -> relu\n\
                -> flatten -> linear(90) -> relu -> linear(classes) }";
    let case = Case {
        net: wide.to_owned(),
        shape: vec![2, 12, 12],
        classes: 3,
        loss: "two_scale(delta=0.3)".to_owned(),
        train: "sgd(lr=0.1, momentum=0.9)".to_owned(),
    };
    let samples = case.samples(140);
    let [a, b, c] = [(&case, 3, 0.05), (&case, 8, 0.05), (&case, 1 << 40, 0.05)];
    let run = |runs: &[_], precision, order| run_of(runs, &samples, precision, order, Some(1));
    let together = run(&[a, b, c], Precision::Tf32, Order::Forward);
    for (own, one) in together.iter().zip([a, b, c]) {
        for order in [Order::Backward, Order::Shuffled] {
            assert!(run(&[one], Precision::Tf32, order)[0] == *own, "{order:?}");
        }
        assert!(run(&[one], Precision::F32, Order::Forward)[0] != *own, "factors are rounded");
    }
}

/// Cases of one net that differ in the numbers of their loss and optimiser.
fn in_numbers(
    net: &str,
    shape: &[usize],
    loss: &str,
    train: &str,
    numbers: [[f64; 2]; 3],
) -> [Case; 3] {
    numbers.map(|[of_loss, of_train]| Case {
        net: net.to_owned(),
        shape: shape.to_vec(),
        classes: 3,
        loss: loss.replace('#', &of_loss.to_string()),
        train: train.replace('#', &of_train.to_string()),
    })
}

#[test]
fn runs_that_differ_in_numbers_step_together() {
    for [net, loss, train] in [
        [LENET, "two_scale(delta=#, size=weights)", "sgd(lr=0.1, momentum=0.9, weight_decay=#)"],
        [MIXED, "two_scale(delta=#, lambda=trainable)", "adam(lr=0.01, beta1=0.8) with clip = #"],
        [LENET, "truncated(k=#)", "sam(sgd(lr=0.05, momentum=#), rho=0.05)"],
    ] {
        let shape = if net == LENET { &[1, 12, 12] } else { &[2, 10, 10] };
        let numbers = [[0.3, 0.02], [0.11, 0.003], [0.07, 0.4]];
        let all = in_numbers(net, shape, loss, train, numbers);
        let samples = all[0].samples(140);
        let joints: Vec<Joint> = all.iter().map(|case| case.joint().0).collect();
        let shared = Shared::of(&joints.iter().collect::<Vec<_>>()).unwrap();
        assert!(shared.settings.iter().all(|own| own.len() >= 2), "{loss} {train}");
        let runs: Vec<(&Case, u64, f64)> = all
            .iter()
            .zip([(3, 0.05), (8, 0.02), (3, 0.08)])
            .map(|(case, (seed, lr))| (case, seed, lr))
            .collect();
        let together = run_of(&runs, &samples, Precision::F32, Order::Shuffled, Some(1));
        assert!(together[0] != together[2], "{loss} {train}: numbers matter");
        for (own, run) in together.iter().zip(&runs) {
            let alone = run_of(&[*run], &samples, Precision::F32, Order::Forward, None);
            assert!(alone[0] == *own, "{loss} {train}");
        }
    }
}

#[test]
fn runs_that_differ_in_more_have_programs_of_their_own() {
    let case = |loss: &str, train: &str| {
        let [case, ..] = in_numbers(LENET, &[1, 12, 12], loss, train, [[0.1; 2]; 3]);
        case.joint().0
    };
    let base = case("two_scale(delta=0.1)", "sgd(lr=0.1, momentum=0.9)");
    for [loss, train] in [
        ["single_scale", "sgd(lr=0.1, momentum=0.9)"],
        ["two_scale(delta=0.1)", "sgd(lr=0.1)"],
        ["two_scale(delta=0.1)", "adam(lr=0.1)"],
        ["truncated(k=0.1)", "sgd(lr=0.1, momentum=0.9)"],
    ] {
        assert!(Shared::of(&[&base, &case(loss, train)]).is_none(), "{loss} {train}");
    }
    assert!(Shared::of(&[&base, &base]).unwrap().settings.iter().all(Vec::is_empty));
}
