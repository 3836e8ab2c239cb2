//! Element-wise kernels on slices of any length.
//!
//! In and out: slices of equal length. Invariant: element `i` of the output depends on element `i` of the inputs alone, so a slice may be
//! cut anywhere without changing a bit.

mod binary;
mod map;
mod prelu;
mod unary;

pub use binary::{Binary, Compare, binary, compare, select};
pub use prelu::{prelu_backward, prelu_forward};
pub use unary::{Saved, Unary, unary, unary_grad, unary_in_place};

pub(crate) use map::{Map, map};
