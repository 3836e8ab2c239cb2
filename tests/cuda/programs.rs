//! Programs on the device of the tests.

use specc::exec::Options;
use specc::exec::cuda::{CudaProgram, Single, Watched};
use specc::grad::Joint;
use specc::kernels::isa::Isa;
use specc::lower::cuda::{PlanOptions, plan};
use specc::lower::{DType, State};

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
    let plan = plan(joint, &PlanOptions { batch, replicas: replicas.len() });
    let program = CudaProgram::new(plan, Device::open(order), replicas).unwrap();
    Watched::new(program, joint, options(batch))
}

/// A program of one run.
pub(crate) fn single(joint: &Joint, state: &State, batch: usize, order: Order) -> Single<Device> {
    Single(replicas(joint, batch, order, &[(SEED, state)]))
}
