//! The graph every stage after `model` works on: operations with shapes, parameters and places in the source.
//!
//! `build` makes a graph from the input to the logits; the loss, the gradients and the updates are
//! later grown in the same [`Graph`] with the same operations, so that every analysis meets one vocabulary.

mod build;
mod emit;
mod graph;
mod hash;
mod json;
mod op;
mod rebuild;
mod shape;
mod specialize;
mod tensor;
mod text;
mod verify;

pub use build::{
    BuildError, MAX_ACTIVATIONS, MAX_NODES, MAX_PARAMETERS, MAX_TENSORS, build, expand,
};
pub use emit::Emit;
pub use graph::{Graph, Layer, LayerId, Node, NodeId, Part, Update, Use, UseId, Written};
pub use hash::{hash, hex};
pub use json::json;
pub use op::{
    Binary, ClassOp, Conv, Flops, GradOp, Homogeneity, Hyper, ModalOp, Norm, Op, Pool, ShapeError,
    Unary, flops, infer,
};
pub use rebuild::{copy, rebuild};
pub use shape::{Kind, Shape};
pub use specialize::{Mode, specialize};
pub use tensor::{AVERAGE, Buffer, BufferId, BufferRole, Init, Param, ParamId, ParamRole};
pub use text::text;
pub use verify::{VerifyError, verify};
