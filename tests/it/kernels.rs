//! Kernels against the double-precision reference on random shapes, on every instruction set of this machine.
#![expect(clippy::float_cmp, reason = "results that must be exact are compared exactly")]
#![expect(clippy::cast_sign_loss, reason = "positions that were checked to be inside")]

mod classes;
mod conv;
mod input;
mod layers;
mod norm;
mod pointwise;
mod sample;
