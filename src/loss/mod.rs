//! Losses as operations: the size R(θ), the scaled logits, the base loss and the measures of a step.
//!
//! [`attach`] grows them on a graph that ends in logits; everything it adds can be differentiated by
//! [`crate::grad::differentiate`]. Built-in bases and losses defined in `.net` files go through the same
//! rules of `formula`, so that a user's focal loss has the numbers of the built-in one.

mod attach;
mod base;
mod custom;
mod error;
mod formula;
mod functions;
mod scales;
mod size;

pub use attach::{Objective, Subject, attach};
pub use error::LossError;
pub use functions::functions;
pub use scales::{CLASS_WEIGHTS, ScaleParam, Scales, declare, initial_scales, uses_size};
pub use size::{ParameterSize, attach_size};
