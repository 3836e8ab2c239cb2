//! From the joint graphs to an ordered plan for one target, and the contract between a plan's executor and training.

mod program;

pub use program::{
    Batch, DType, ExecError, HostTensor, HyperValues, Program, RawSamples, Samples, State,
    StateEntry, StepOutput,
};
