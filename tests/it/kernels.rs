//! Kernels against the double-precision reference on random shapes, on every instruction set of this machine.

mod conv;
mod elementwise;
mod input;
mod layers;
mod loss;
mod norm;
mod optim;
mod sample;
