//! The kernels of the CUDA target: plain CUDA C++ that NVRTC compiles, and a C++ compiler behind the shim of the tests.
//!
//! A program is these texts, in order, and the launches that `lower::cuda` generates behind them. Invariant: no header is
//! included, no floating-point number is added atomically, and no result depends on the number of replicas.

/// Threads of every block.
pub const THREADS: usize = 256;

/// Threads of a warp.
pub const WARP: usize = 32;

/// Numbers, random words, samples, reductions, matrix products, the same on tensor cores, convolutions of small pictures, singular
/// values: in the order of their use.
pub const SOURCES: [&str; 8] = [
    include_str!("base.cu"),
    include_str!("random.cu"),
    include_str!("gather.cu"),
    include_str!("reduce.cu"),
    include_str!("product.cu"),
    include_str!("tensor.cu"),
    include_str!("direct.cu"),
    include_str!("spectral.cu"),
];
