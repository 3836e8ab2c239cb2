//! The compute kernels of the fused CPU path: slices in, slices out; no knowledge of graphs.
//!
//! A batch is cut into blocks of 16 samples. A tensor that has a value per sample is laid out
//! `[n / 16][height][width][channel][16]`: the 16 samples of a block lie along one vector, channels of a pixel follow one another. Features
//! without image are `[n / 16][feature][16]`. Parameters have the layouts of PyTorch. A kernel works on one block unless it
//! says otherwise. Lanes without a sample in a short last block hold any finite value; their gradient is exactly zero.
//!
//! Invariants: the bits of a result depend neither on the number of threads nor on the choice between AVX-512 and AVX2; a kernel writes
//! all of its output; nothing is allocated inside a kernel.
#![expect(unsafe_code, reason = "vector instructions and register tiles on raw pointers")]

pub mod arena;
pub mod augment;
pub mod bias;
pub mod classes;
pub mod conv;
pub mod cuda;
pub mod dropout;
pub(crate) mod geometry;
pub mod input;
pub mod isa;
pub mod lanes;
pub mod linear;
pub mod memory;
pub(crate) mod micro;
pub mod moments;
pub mod peak;
pub mod philox;
pub mod pointwise;
pub mod pool2d;
pub mod reference;
pub mod spectral;
pub mod threads;
pub mod turn;
pub(crate) mod winograd;

/// Samples in a block, which lie along one vector.
pub const LANES: usize = 16;

/// How close a result comes to its reference in double precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// A few roundings of single precision: elementwise results.
    Rounding,
    /// A sum of up to some ten thousand products in single precision; the scale is the sum of their magnitudes.
    Sum,
    /// A central difference in double precision against an exact derivative.
    Slope,
    /// A few roundings of double precision.
    Double,
    /// A sum of some hundred products in double precision.
    DoubleSum,
}

impl Tolerance {
    /// Largest error relative to the scale of the terms.
    pub fn relative(self) -> f64 {
        match self {
            Self::Rounding => 1e-6,
            Self::Sum => 4e-6,
            Self::Slope => 1e-5,
            Self::Double => 1e-14,
            Self::DoubleSum => 1e-12,
        }
    }

    /// Whether `found` is `expected` within the tolerance at the given scale of the terms; NaN never is.
    pub fn holds(self, found: f64, expected: f64, scale: f64) -> bool {
        let scale = scale.abs().max(expected.abs()).max(f64::from(f32::MIN_POSITIVE));
        (found - expected).abs() <= self.relative() * scale
    }
}
