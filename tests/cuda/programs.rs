//! Programs on the device of the tests.

use std::sync::Arc;

use specc::exec::Options;
use specc::exec::cuda::{CudaProgram, Single, Watched};
use specc::grad::Joint;
use specc::kernels::isa::Isa;
use specc::lower::cuda::{PlanOptions, plan};
use specc::lower::{DType, Precision, Shared, State};

use crate::device::Device;
use crate::emulated::Order;

/// The seed of programs of one replica.
pub(crate) const SEED: u64 = 3;

/// What the reference is told when it explains a step.
pub(crate) fn options(batch: usize) -> Options {
    Options { dtype: DType::F32, seed: SEED, threads: 1, batch, isa: Isa::detect() }
}

/// A program with a replica for each seed and state.
pub(crate) fn replicas(
    joint: &Joint,
    batch: usize,
    order: Order,
    replicas: &[(u64, &State)],
) -> Watched<Device> {
    together(&[joint], batch, Precision::F32, order, replicas)
}

/// A program with a replica for each seed and state, whose joints differ in numbers; or one joint for all.
pub(crate) fn together(
    joints: &[&Joint],
    batch: usize,
    precision: Precision,
    order: Order,
    replicas: &[(u64, &State)],
) -> Watched<Device> {
    let shared = Shared::of(joints).expect("joints that differ in numbers only");
    let made_for = PlanOptions { batch, replicas: replicas.len(), precision };
    let plan = plan(&shared.joint, &made_for);
    let program = CudaProgram::new(plan, Device::open(order), replicas).unwrap();
    let settings = shared.settings.into_iter().cycle().take(replicas.len()).collect();
    let joints = joints.iter().map(|joint| Arc::new((*joint).clone())).collect();
    Watched::new(program.with_settings(settings), joints, options(batch))
}

/// A program of one run.
pub(crate) fn single(joint: &Joint, state: &State, batch: usize, order: Order) -> Single<Device> {
    Single(replicas(joint, batch, order, &[(SEED, state)]))
}
