//! Cross entropy of scaled logits, with everything the two-scale losses need from one pass.

use super::{Lanes, label_lanes, n_classes};
use crate::kernels::LANES;
use crate::kernels::isa::math::{exp, log};
use crate::kernels::isa::{Isa, Simd, per_isa};

/// What one block gives; zero in lanes without a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// `-log softmax(scale · z)[label]`
    pub loss: Lanes,
    /// `Σ_i (p_i - 1[i = label]) z_i`, the derivative of the loss by the scale.
    pub by_scale: Lanes,
}

/// **What** the cross entropy of `scale · z` and its gradient by `z`, for the first `labels.len()` lanes.
///
/// **Shapes** `z`, `grad: [class][16]`; `scale`, `weight`: one per lane.
/// **Formula** `grad_i = weight · scale · (p_i - 1[i = label])` with `p = softmax(scale · z)`; losses are not weighted.
///
/// # Panics
/// When lengths differ or a label is not a class.
pub fn softmax_cross_entropy(
    isa: Isa,
    z: &[f32],
    labels: &[u32],
    scale: &Lanes,
    weight: &Lanes,
    grad: &mut [f32],
) -> CrossEntropy {
    let n = n_classes(z);
    assert_eq!(grad.len(), z.len(), "length of the gradient");
    let labels = label_lanes(labels, n);
    let mut result = CrossEntropy { loss: [0.0; LANES], by_scale: [0.0; LANES] };
    let operands = Operands { n, z: z.as_ptr(), labels, scale: *scale, weight: *weight };
    // SAFETY: both blocks hold `n` vectors.
    unsafe { run(isa, &operands, grad.as_mut_ptr(), &mut result) };
    result
}

struct Operands {
    n: usize,
    z: *const f32,
    labels: Lanes,
    scale: Lanes,
    weight: Lanes,
}

per_isa!(unsafe fn run(operands: &Operands, grad: *mut f32, result: &mut CrossEntropy) = body);

#[inline(always)]
unsafe fn body<S: Simd>(operands: &Operands, grad: *mut f32, result: &mut CrossEntropy) {
    let &Operands { n, z, .. } = operands;
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller passes `n` vectors each; `part` selects lanes inside a vector.
        unsafe {
            let (zero, one) = (S::splat(0.0), S::splat(1.0));
            let (z, grad) = (z.add(part), grad.add(part));
            let scale = S::load(operands.scale.as_ptr().add(part));
            let label = S::load(operands.labels.as_ptr().add(part));
            let mut top = S::mul(scale, S::load(z));
            for k in 1..n {
                top = S::max(S::mul(scale, S::load(z.add(k * LANES))), top);
            }
            let (mut sum, mut at_label) = (zero, zero);
            for k in 0..n {
                let scaled = S::mul(scale, S::load(z.add(k * LANES)));
                let is_label = S::eq(label, S::splat(k as f32));
                at_label = S::select(is_label, scaled, at_label);
                let e = exp::<S>(S::sub(scaled, top));
                S::store(grad.add(k * LANES), e);
                sum = S::add(sum, e);
            }
            let is_active = S::ge(label, zero);
            let loss = S::add(log::<S>(sum), S::sub(top, at_label));
            S::store(result.loss.as_mut_ptr().add(part), S::select(is_active, loss, zero));
            let factor = S::mul(scale, S::load(operands.weight.as_ptr().add(part)));
            let inverse = S::div(one, sum);
            let mut by_scale = zero;
            for k in 0..n {
                let p = S::mul(S::load(grad.add(k * LANES)), inverse);
                let is_label = S::eq(label, S::splat(k as f32));
                let difference = S::sub(p, S::select(is_label, one, zero));
                by_scale = S::fma(difference, S::load(z.add(k * LANES)), by_scale);
                let value = S::select(is_active, S::mul(factor, difference), zero);
                S::store(grad.add(k * LANES), value);
            }
            let by_scale = S::select(is_active, by_scale, zero);
            S::store(result.by_scale.as_mut_ptr().add(part), by_scale);
        }
    }
}
