//! Stochastic gradient descent as PyTorch defines it.

use crate::kernels::elementwise::{Map, map};
use crate::kernels::isa::{Isa, Simd};

/// Numbers of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f32,
    /// Momentum factor; 0 for none.
    pub momentum: f32,
    /// Whether the gradient looks ahead along the momentum.
    pub nesterov: bool,
    /// Factor of the parameter that is added to the gradient.
    pub weight_decay: f32,
    /// Whether there is no momentum yet: the buffer then becomes the gradient.
    pub is_first: bool,
}

/// **What** one step. **Formula** `g = grad + weight_decay · p`; with momentum `b = momentum · b + g` (first step `b = g`) and
/// `g = g + momentum · b` (nesterov) or `g = b`; `p -= lr · g`.
///
/// **Shapes** `velocity` has the length of the parameter with momentum, and is empty without.
///
/// # Panics
/// When lengths differ.
pub fn sgd(isa: Isa, step: &SgdStep, grad: &[f32], velocity: &mut [f32], parameter: &mut [f32]) {
    assert_eq!(grad.len(), parameter.len(), "length of the gradient");
    let has_momentum = step.momentum != 0.0;
    if !has_momentum {
        map(isa, Plain(*step), [None, Some(grad), Some(grad)], parameter);
        return;
    }
    let decay = Velocity(*step);
    map(
        isa,
        decay,
        [Some(grad), Some(parameter), if step.is_first { Some(grad) } else { None }],
        velocity,
    );
    map(isa, Move(*step), [None, Some(velocity), Some(grad)], parameter);
}

/// **What** `y += a · x`.
///
/// # Panics
/// When lengths differ.
pub fn axpy(isa: Isa, a: f32, x: &[f32], y: &mut [f32]) {
    map(isa, Axpy(a), [Some(x), None, Some(x)], y);
}

#[derive(Clone, Copy)]
struct Axpy(f32);

impl Map for Axpy {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, x: S::V, y: S::V, _: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe { S::fma(S::splat(self.0), x, y) }
    }
}

/// `p - lr (g + wd p)`
#[derive(Clone, Copy)]
struct Plain(SgdStep);

impl Map for Plain {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, p: S::V, g: S::V, _: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe {
            let g = S::fma(S::splat(self.0.weight_decay), p, g);
            S::fma(S::splat(-self.0.lr), g, p)
        }
    }
}

/// The new velocity from gradient, parameter and old velocity.
#[derive(Clone, Copy)]
struct Velocity(SgdStep);

impl Map for Velocity {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, g: S::V, p: S::V, b: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe {
            let g = S::fma(S::splat(self.0.weight_decay), p, g);
            if self.0.is_first { g } else { S::fma(S::splat(self.0.momentum), b, g) }
        }
    }
}

/// The new parameter from old parameter, new velocity and gradient.
#[derive(Clone, Copy)]
struct Move(SgdStep);

impl Map for Move {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, p: S::V, b: S::V, g: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe {
            let direction = if self.0.nesterov {
                let g = S::fma(S::splat(self.0.weight_decay), p, g);
                S::fma(S::splat(self.0.momentum), b, g)
            } else {
                b
            };
            S::fma(S::splat(-self.0.lr), direction, p)
        }
    }
}
