//! From the joint graphs to an ordered plan for one target, and the contract between a plan's executor and training.
//!
//! Each target has a plan of its own: [`reference::ReferencePlan`], [`cpu::CpuPlan`] and [`cuda::CudaPlan`]. They share the [`Tables`] that ids
//! point into and the [`Phases`] of a run; neither knows a seed, a device or a tensor.

pub mod cpu;
pub mod cuda;
mod error;
mod motion;
mod program;
pub mod reference;
mod replicas;
mod shared;
mod tables;
mod work;

pub use error::shape_text;
pub use motion::Motion;
pub use program::{
    Batch, DType, ExecError, Fits, HostTensor, HyperValues, Program, RawSamples, Samples, State,
    StateEntry, StepOutput,
};
pub use replicas::{MeasuredStep, Replicas};
pub use shared::Shared;
pub use tables::{PhaseId, PhaseOutputs, Phases, Precision, Tables, Target, ValueId, Write};
pub use work::{Share, Work};
