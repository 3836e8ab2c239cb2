//! Adam and AdamW as PyTorch defines them.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Numbers of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub eps: f32,
    /// Factor of the parameter: added to the gradient, or taken off the parameter itself when decoupled.
    pub weight_decay: f32,
    /// Whether weight decay acts on the parameter directly (AdamW).
    pub is_decoupled: bool,
    /// `1 - beta1^t`, t counting steps from 1.
    pub correction1: f32,
    /// `1 - beta2^t`.
    pub correction2: f32,
}

/// **What** one step. **Formula** `m += (1 - beta1)(g - m)`, `v = beta2 v + (1 - beta2) g²`,
/// `p -= lr / correction1 · m / (√v / √correction2 + eps)`.
///
/// # Panics
/// When lengths differ.
pub fn adam(
    isa: Isa,
    step: &AdamStep,
    grad: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    parameter: &mut [f32],
) {
    let len = parameter.len();
    assert!(grad.len() == len && first.len() == len && second.len() == len, "equal lengths");
    let (p, m, v) = (parameter.as_mut_ptr(), first.as_mut_ptr(), second.as_mut_ptr());
    // SAFETY: all slices hold `len` floats.
    unsafe { run(isa, step, len, grad.as_ptr(), m, v, p) };
}

per_isa!(unsafe fn run(
    step: &AdamStep, len: usize, g: *const f32, m: *mut f32, v: *mut f32, p: *mut f32
) = body);

#[inline(always)]
unsafe fn body<S: Simd>(
    step: &AdamStep,
    len: usize,
    g: *const f32,
    m: *mut f32,
    v: *mut f32,
    p: *mut f32,
) {
    let whole = len / S::N * S::N;
    for at in (0..whole).step_by(S::N) {
        // SAFETY: `at + N` is within the slices.
        unsafe { update::<S>(step, g.add(at), m.add(at), v.add(at), p.add(at)) };
    }
    let rest = len - whole;
    if rest > 0 {
        let mut copies = [[0.0f32; LANES]; 4];
        // SAFETY: only the `rest` floats behind the whole vectors are copied.
        unsafe {
            for (copy, from) in copies.iter_mut().zip([g, m, v, p]) {
                std::ptr::copy_nonoverlapping(from.add(whole), copy.as_mut_ptr(), rest);
            }
            let [g, new_m, new_v, new_p] = &mut copies;
            let (new_m, new_v, new_p) =
                (new_m.as_mut_ptr(), new_v.as_mut_ptr(), new_p.as_mut_ptr());
            update::<S>(step, g.as_ptr(), new_m, new_v, new_p);
            for (from, to) in [(new_m, m), (new_v, v), (new_p, p)] {
                std::ptr::copy_nonoverlapping(from, to.add(whole), rest);
            }
        }
    }
}

#[inline(always)]
unsafe fn update<S: Simd>(step: &AdamStep, g: *const f32, m: *mut f32, v: *mut f32, p: *mut f32) {
    // SAFETY: forwarded from the caller: one vector each.
    unsafe {
        let mut parameter = S::load(p);
        let mut grad = S::load(g);
        if step.is_decoupled {
            parameter = S::mul(parameter, S::splat(1.0 - step.lr * step.weight_decay));
        } else {
            grad = S::fma(S::splat(step.weight_decay), parameter, grad);
        }
        let first = S::load(m);
        let first = S::fma(S::sub(grad, first), S::splat(1.0 - step.beta1), first);
        let square = S::mul(S::mul(grad, grad), S::splat(1.0 - step.beta2));
        let second = S::fma(S::splat(step.beta2), S::load(v), square);
        let root = S::div(S::sqrt(second), S::splat(step.correction2.sqrt()));
        let ratio = S::div(first, S::add(root, S::splat(step.eps)));
        S::store(m, first);
        S::store(v, second);
        S::store(p, S::fma(S::splat(-(step.lr / step.correction1)), ratio, parameter));
    }
}
