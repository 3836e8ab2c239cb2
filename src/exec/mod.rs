//! Programs: plans bound to a device, with their tensors.
//!
//! [`instantiate`] turns a joint graph and a starting state into something that training can step; [`initial_state`]
//! makes that state from a seed or a file. Everything here is a pure function of seed, state and batch.

#[cfg(feature = "exec")]
mod aligned;
#[cfg(feature = "exec")]
mod blame;
pub mod cpu;
pub mod cuda;
#[cfg(feature = "exec")]
mod device;
#[cfg(feature = "exec")]
mod evaluate;
#[cfg(feature = "exec")]
mod exchange;
#[cfg(feature = "exec")]
mod fused;
#[cfg(feature = "exec")]
mod init;
#[cfg(feature = "exec")]
mod ops;
#[cfg(feature = "exec")]
mod parallel;
pub mod profile;
#[cfg(feature = "exec")]
mod reference;
#[cfg(feature = "exec")]
mod start;
#[cfg(feature = "exec")]
mod tensor;
#[cfg(feature = "exec")]
mod walk;

#[cfg(feature = "exec")]
pub use aligned::Pair;
#[cfg(feature = "candle-cuda")]
pub use device::CandleGpu;
#[cfg(feature = "exec")]
pub use evaluate::{Evaluated, evaluate};
#[cfg(feature = "exec")]
pub use init::init;
#[cfg(feature = "exec")]
pub use reference::{Options, ReferenceProgram};
#[cfg(feature = "exec")]
pub use start::{Start, StartError, initial_state, size_of};

#[cfg(feature = "exec")]
use crate::grad::Joint;
#[cfg(feature = "exec")]
use crate::lower::{self, DType, ExecError, Program, State, Target};

/// Binds `joint` to `target`, starting from `state`.
///
/// # Errors
/// [`ExecError`] when the state does not fit the graph or the device cannot be had.
#[cfg(feature = "exec")]
pub fn instantiate(
    joint: &Joint,
    target: Target,
    state: &State,
    options: Options,
) -> Result<Box<dyn Program>, ExecError> {
    match target {
        Target::Reference => {
            let plan = lower::reference::plan(joint);
            Ok(Box::new(ReferenceProgram::new(plan, state, options)?))
        }
        Target::Cpu if options.dtype == DType::F32 => {
            Ok(Box::new(fused::FusedProgram::new(joint, state, options)?))
        }
        Target::Cpu | Target::Cuda => Err(ExecError::Device {
            message: format!("no programs for the target {} yet", target.name()),
        }),
    }
}
