//! The CUDA path: a [`crate::lower::cuda::CudaPlan`] on a device, for several replicas at once.
//!
//! In: a plan, a state and a seed for each replica, batches. Out: steps, logits, states. Invariant: a replica's bits depend
//! neither on how many there are nor on its neighbours, and a loss that is not finite changes nothing.

mod alone;
mod driver;
mod feed;
#[cfg(feature = "cuda")]
pub mod gpu;
mod program;
mod recorded;
mod sending;
mod steps;
#[cfg(feature = "exec")]
mod watched;

pub use alone::{Operand, Operations, Outcome, Reading};
pub use driver::{Argument, Call, Driver, GraphId, KernelId, MemoryId, Module};
pub use program::{CudaProgram, modules, modules_of};
#[cfg(feature = "exec")]
pub use watched::{Single, Watched};
