//! From the joint graphs to an ordered plan for one target, and the contract between a plan's executor and training.

pub mod cpu;
mod error;
mod plan;
mod program;
mod reference;
mod text;
mod work;

pub use error::shape_text;
pub use plan::{Footprint, Kernel, Place, Plan, Scope, Slot, SlotId, Stage, Step, Target, Write};
pub use program::{
    Batch, DType, ExecError, HostTensor, HyperValues, Program, RawSamples, Samples, State,
    StateEntry, StepOutput,
};
pub use reference::{plan, stage};
pub use work::{Share, Work};
