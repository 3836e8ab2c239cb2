//! Kernels: slices, layouts and scalars in, slices out. They know neither graphs nor files.

pub mod augment;
pub mod philox;
