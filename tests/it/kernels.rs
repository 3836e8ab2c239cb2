//! Kernels against the double-precision reference on random shapes, on every instruction set of this machine.
#![expect(clippy::float_cmp, reason = "results that must be exact are compared exactly")]
#![expect(clippy::cast_sign_loss, reason = "positions that were checked to be inside")]
#![expect(clippy::too_many_lines, reason = "one case checks a whole layer against its definition")]

mod conv;
mod elementwise;
mod input;
mod layers;
mod loss;
mod norm;
mod optim;
mod sample;
