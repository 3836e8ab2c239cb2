//! Equal bits: over the order of threads and blocks, over the number of replicas, over resumed runs.

use specc::lower::{Batch, HyperValues, Replicas, State, StepOutput};

use crate::emulated::Order;
use crate::joints::{Case, Labelled, N_NETS, cases, singles};
use crate::programs::replicas;

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
    let (joint, _) = case.joint();
    let states: Vec<State> = seeds.iter().map(|seed| start(case, *seed)).collect();
    let pairs: Vec<(u64, &State)> = seeds.iter().copied().zip(&states).collect();
    let mut program = replicas(&joint, BATCH, order, &pairs);
    let mut losses: Vec<Vec<u64>> = vec![vec![]; seeds.len()];
    for step in 1..=STEPS {
        let all: Vec<Vec<u32>> = seeds.iter().map(|seed| indices(*seed, step)).collect();
        let batch = |indices| Batch { samples, indices, epoch: 1 };
        let batches: Vec<Batch<'_>> = all.iter().map(|indices| batch(indices.as_slice())).collect();
        let outputs = program.step(&batches, &HyperValues { lr: 0.05, step });
        for (losses, outputs) in losses.iter_mut().zip(outputs) {
            let bits = |output: &StepOutput| output.loss.to_bits();
            losses.extend(outputs.unwrap().iter().map(bits));
        }
        if halfway == Some(step) {
            // A program that goes on from a checkpoint.
            let kept: Vec<State> = program.state().into_iter().map(Result::unwrap).collect();
            let pairs: Vec<(u64, &State)> = seeds.iter().copied().zip(&kept).collect();
            program = replicas(&joint, BATCH, order, &pairs);
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
