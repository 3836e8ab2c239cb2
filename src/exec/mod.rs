//! Programs: plans bound to a device, with their tensors.
//!
//! [`instantiate`] turns a joint graph and a starting state into something that training can step; [`initial_state`]
//! makes that state from a seed or a file. Everything here is a pure function of seed, state and batch.

mod blame;
mod error;
mod evaluate;
mod init;
mod ops;
mod parallel;
mod reference;
mod start;
mod tensor;

pub use evaluate::{Evaluated, evaluate};
pub use init::init;
pub use reference::{Options, ReferenceProgram};
pub use start::{Start, StartError, initial_state, size_of};

use crate::grad::Joint;
use crate::lower::{self, ExecError, Program, State, Target};

/// Binds `joint` to `target`, starting from `state`.
///
/// # Errors
/// [`ExecError`] when the state does not fit the graph or the device cannot be had.
pub fn instantiate(
    joint: &Joint,
    target: Target,
    state: &State,
    options: Options,
) -> Result<Box<dyn Program>, ExecError> {
    match target {
        Target::Reference => {
            let plan = lower::plan(joint, target);
            Ok(Box::new(ReferenceProgram::new(plan, state, options)?))
        }
        Target::Cpu | Target::Cuda => Err(ExecError::Device {
            message: format!("no programs for the target {} yet", target.name()),
        }),
    }
}
