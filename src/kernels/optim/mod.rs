//! Updates of one parameter tensor, norms over it, and the perturbations of sharpness-aware steps.
//!
//! In: parameter, gradient and state of the same length. Out: new parameter and state. Invariant: updates are element-wise; sums are taken
//! in pieces of fixed length, so that nothing depends on how a tensor is cut into whole pieces.

mod adam;
mod sgd;
mod sums;

pub use adam::{AdamStep, adam};
pub use sgd::{SgdStep, axpy, sgd};
pub use sums::{PIECE, asam_sum_of_squares, dot, sum_of_squares};

use super::elementwise::{Map, map};
use super::isa::{Isa, Simd};

/// **What** `p += scale · g`, the move of a sharpness-aware step; `scale` is `rho / ‖g‖`.
///
/// # Panics
/// When lengths differ.
pub fn sam_perturb(isa: Isa, grad: &[f32], scale: f32, parameter: &mut [f32]) {
    axpy(isa, scale, grad, parameter);
}

/// **What** `p += scale · (|p| + eta)² · g`, the move of an adaptive sharpness-aware step; `scale` is `rho / ‖(|p| + eta) g‖`.
///
/// # Panics
/// When lengths differ.
pub fn asam_perturb(isa: Isa, grad: &[f32], scale: f32, eta: f32, parameter: &mut [f32]) {
    map(isa, AsamMove { scale, eta }, [None, Some(grad), Some(grad)], parameter);
}

#[derive(Clone, Copy)]
struct AsamMove {
    scale: f32,
    eta: f32,
}

impl Map for AsamMove {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, p: S::V, g: S::V, _: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe {
            let size = S::add(S::abs(p), S::splat(self.eta));
            let step = S::mul(S::mul(size, size), g);
            S::fma(S::splat(self.scale), step, p)
        }
    }
}
