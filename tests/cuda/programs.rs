//! Programs on the emulated device.

use specc::exec::Options;
use specc::exec::cuda::{CudaProgram, Single, Watched};
use specc::grad::Joint;
use specc::kernels::isa::Isa;
use specc::lower::cuda::{PlanOptions, plan};
use specc::lower::{DType, State};

use crate::emulated::{Emulated, Order};

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
) -> Watched<Emulated> {
    let plan = plan(joint, &PlanOptions { batch });
    let program = CudaProgram::new(plan, Emulated::new(order), replicas).unwrap();
    Watched::new(program, joint, options(batch))
}

/// A program of one run.
pub(crate) fn single(joint: &Joint, state: &State, batch: usize, order: Order) -> Single<Emulated> {
    Single(replicas(joint, batch, order, &[(SEED, state)]))
}
