//! Kernels against the double-precision reference on random shapes, on every instruction set of this machine.

mod conv;
mod layers;
mod sample;
