//! Whole programs operation by operation, as on a GPU: kernels on the device of the tests, candle's part on the processor.

use specc::exec::ReferenceProgram;
use specc::grad::Joint;
use specc::lower::{Batch, HyperValues, Program, State, reference};

use crate::device::Device;
use crate::emulated::Order;
#[cfg(feature = "emulated")]
use crate::joints::cases;
use crate::joints::{Case, LENET, MIXED, agrees, case_of, singles};
use crate::programs::options;

/// Samples of a full batch.
const BATCH: usize = 40;

fn driven(joint: &Joint, state: &State) -> ReferenceProgram {
    let (plan, device) = (reference::plan(joint), Device::open(Order::Forward));
    ReferenceProgram::driven(plan, state, options(BATCH), device).unwrap()
}

fn agrees_one_by_one(name: &str, case: &Case, n: u32) {
    agrees(name, case, n, driven);
}

#[test]
fn a_small_lenet_agrees_with_the_reference() {
    for n in [1, 17, 40] {
        agrees_one_by_one("lenet", &case_of(LENET), n);
    }
}

#[test]
fn every_layer_agrees_with_the_reference() {
    agrees_one_by_one("mixed", &case_of(MIXED), 17);
}

#[test]
fn r_and_blame_are_those_of_the_processor() {
    let case = case_of(LENET);
    let (joint, state) = case.joint();
    let samples = case.samples(BATCH);
    let indices: Vec<u32> = (0..BATCH as u32).collect();
    let batch = Batch { samples: &samples, indices: &indices, epoch: 1 };
    let plan = reference::plan(&joint);
    let on_processor = ReferenceProgram::new(plan, &state, options(BATCH)).unwrap();
    let [found, expected] = [driven(&joint, &state), on_processor].map(|mut program| {
        let size = program.size().unwrap();
        let mut step = |step| program.step(&batch, &HyperValues { lr: 1e30, step });
        let broken = step(1).and_then(|_| step(2)).unwrap_err();
        // A step that broke changes nothing.
        let kept = singles(&program.state().unwrap());
        assert!(
            kept.iter().flat_map(|(_, bits)| bits).all(|bits| f32::from_bits(*bits).is_finite())
        );
        (size, broken.to_string())
    });
    assert_eq!(found, expected);
    assert_eq!(found.1, "the output of `conv2` is not finite");
}

#[test]
#[cfg(feature = "emulated")]
fn every_layer_and_loss_agrees_with_the_reference() {
    for (number, case) in cases().iter().enumerate() {
        for n in [1, 17, 40] {
            agrees_one_by_one(&format!("case {number} {} {}", case.loss, case.train), case, n);
        }
    }
}
