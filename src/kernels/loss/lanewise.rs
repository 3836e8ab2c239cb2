//! Reductions over classes, one result per lane, and the softmax family.

use super::{Lanes, label_lanes, n_classes};
use crate::kernels::LANES;
use crate::kernels::isa::math::{exp, log};
use crate::kernels::isa::{Isa, Simd, per_isa};

/// Which form of the probabilities is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogProbability {
    /// Probabilities.
    No,
    /// Their logarithms.
    Yes,
}

/// **What** `Σ_k z[k]` for each lane.
///
/// # Panics
/// When `z` is not a block of classes.
pub fn class_sum(z: &[f32]) -> Lanes {
    n_classes(z);
    let mut sum = [0.0; LANES];
    for z in z.chunks_exact(LANES) {
        for (sum, z) in sum.iter_mut().zip(z) {
            *sum += z;
        }
    }
    sum
}

/// **What** `max_k z[k]` for each lane; a NaN wins.
///
/// # Panics
/// When `z` is not a block of classes.
pub fn class_max(z: &[f32]) -> Lanes {
    n_classes(z);
    let mut top = [f32::NEG_INFINITY; LANES];
    for z in z.chunks_exact(LANES) {
        for (top, &z) in top.iter_mut().zip(z) {
            if z > *top || z.is_nan() {
                *top = z;
            }
        }
    }
    top
}

/// **What** the first class with the largest logit, for each lane; class 0 when all are NaN.
///
/// # Panics
/// When `z` is not a block of classes.
pub fn argmax(z: &[f32]) -> [u32; LANES] {
    n_classes(z);
    let (mut top, mut best) = ([f32::NEG_INFINITY; LANES], [0; LANES]);
    for (k, z) in z.chunks_exact(LANES).enumerate() {
        for ((top, best), &z) in top.iter_mut().zip(&mut best).zip(z) {
            if z > *top {
                (*top, *best) = (z, k as u32);
            }
        }
    }
    best
}

/// **What** `z[label]` for each lane; zero in lanes without a label.
///
/// # Panics
/// When a label is not a class.
pub fn gather(z: &[f32], labels: &[u32]) -> Lanes {
    label_lanes(labels, n_classes(z));
    let mut values = [0.0; LANES];
    for (lane, (value, &label)) in values.iter_mut().zip(labels).enumerate() {
        *value = z[label as usize * LANES + lane];
    }
    values
}

/// **What** the margin `z[label] - max_{k ≠ label} z[k]` for each lane; zero in lanes without a label, infinite with one class.
///
/// # Panics
/// When a label is not a class.
pub fn margin(isa: Isa, z: &[f32], labels: &[u32]) -> Lanes {
    let n = n_classes(z);
    let labels = label_lanes(labels, n);
    let mut margins = [0.0; LANES];
    // SAFETY: the block holds `n` vectors.
    unsafe { margins_of(isa, n, z.as_ptr(), &labels, &mut margins) };
    margins
}

/// **What** `log Σ_k e^z[k]` for each lane.
///
/// # Panics
/// When `z` is not a block of classes.
pub fn log_sum_exp(isa: Isa, z: &[f32]) -> Lanes {
    let mut result = [0.0; LANES];
    // SAFETY: the block holds that many vectors.
    unsafe { log_sum(isa, n_classes(z), z.as_ptr(), &mut result) };
    result
}

/// **What** `y = softmax(z)` over classes.
///
/// # Panics
/// When lengths differ.
pub fn softmax(isa: Isa, z: &[f32], y: &mut [f32]) {
    normalize(isa, z, LogProbability::No, y);
}

/// **What** `y = log softmax(z)` over classes.
///
/// # Panics
/// When lengths differ.
pub fn log_softmax(isa: Isa, z: &[f32], y: &mut [f32]) {
    normalize(isa, z, LogProbability::Yes, y);
}

/// **What** `dz = y (dy - Σ_k dy[k] y[k])` for `y = softmax(z)`.
///
/// # Panics
/// When lengths differ.
pub fn softmax_backward(isa: Isa, y: &[f32], dy: &[f32], dz: &mut [f32]) {
    gradient(isa, y, dy, LogProbability::No, dz);
}

/// **What** `dz = dy - e^y Σ_k dy[k]` for `y = log softmax(z)`.
///
/// # Panics
/// When lengths differ.
pub fn log_softmax_backward(isa: Isa, y: &[f32], dy: &[f32], dz: &mut [f32]) {
    gradient(isa, y, dy, LogProbability::Yes, dz);
}

fn normalize(isa: Isa, z: &[f32], form: LogProbability, y: &mut [f32]) {
    let n = n_classes(z);
    assert_eq!(y.len(), z.len(), "length of the output");
    // SAFETY: both blocks hold `n` vectors.
    unsafe { probabilities(isa, n, z.as_ptr(), form, y.as_mut_ptr()) };
}

fn gradient(isa: Isa, y: &[f32], dy: &[f32], form: LogProbability, dz: &mut [f32]) {
    let n = n_classes(y);
    assert!(dy.len() == y.len() && dz.len() == y.len(), "length of a gradient");
    // SAFETY: all blocks hold `n` vectors.
    unsafe { turn_back(isa, n, y.as_ptr(), dy.as_ptr(), form, dz.as_mut_ptr()) };
}

per_isa!(unsafe fn margins_of(n: usize, z: *const f32, labels: &Lanes, to: &mut Lanes) = margin_body);
per_isa!(unsafe fn log_sum(n: usize, z: *const f32, to: &mut Lanes) = log_sum_body);
per_isa!(unsafe fn probabilities(n: usize, z: *const f32, form: LogProbability, y: *mut f32) = softmax_body);
per_isa!(unsafe fn turn_back(
    n: usize, y: *const f32, dy: *const f32, form: LogProbability, dz: *mut f32
) = gradient_body);

#[inline(always)]
unsafe fn margin_body<S: Simd>(n: usize, z: *const f32, labels: &Lanes, to: &mut Lanes) {
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller passes `n` vectors; `part` selects lanes inside a vector.
        unsafe {
            let label = S::load(labels.as_ptr().add(part));
            let (mut own, mut other) = (S::splat(0.0), S::splat(f32::NEG_INFINITY));
            for k in 0..n {
                let value = S::load(z.add(k * LANES + part));
                let is_label = S::eq(label, S::splat(k as f32));
                own = S::select(is_label, value, own);
                // A NaN stays: `max` takes its second operand, and then nothing is larger.
                let rival = S::select(S::is_nan(other), other, S::max(other, value));
                other = S::select(is_label, other, rival);
            }
            let is_active = S::ge(label, S::splat(0.0));
            let margin = S::select(is_active, S::sub(own, other), S::splat(0.0));
            S::store(to.as_mut_ptr().add(part), margin);
        }
    }
}

/// Largest scaled term and logarithm of the sum above it, for the lanes from `z` on.
#[inline(always)]
unsafe fn top_and_log<S: Simd>(n: usize, z: *const f32) -> (S::V, S::V) {
    // SAFETY: the caller passes `n` vectors.
    unsafe {
        let mut top = S::load(z);
        for k in 1..n {
            top = S::max(S::load(z.add(k * LANES)), top);
        }
        let mut sum = S::splat(0.0);
        for k in 0..n {
            sum = S::add(sum, exp::<S>(S::sub(S::load(z.add(k * LANES)), top)));
        }
        (top, log::<S>(sum))
    }
}

#[inline(always)]
unsafe fn log_sum_body<S: Simd>(n: usize, z: *const f32, to: &mut Lanes) {
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller passes `n` vectors; `part` selects lanes inside a vector.
        unsafe {
            let (top, log) = top_and_log::<S>(n, z.add(part));
            S::store(to.as_mut_ptr().add(part), S::add(top, log));
        }
    }
}

#[inline(always)]
unsafe fn softmax_body<S: Simd>(n: usize, z: *const f32, form: LogProbability, y: *mut f32) {
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller passes `n` vectors each; `part` selects lanes inside a vector.
        unsafe {
            let (top, log) = top_and_log::<S>(n, z.add(part));
            for at in (0..n).map(|k| k * LANES + part) {
                let value = S::sub(S::sub(S::load(z.add(at)), top), log);
                let value = match form {
                    LogProbability::Yes => value,
                    LogProbability::No => exp::<S>(value),
                };
                S::store(y.add(at), value);
            }
        }
    }
}

#[inline(always)]
unsafe fn gradient_body<S: Simd>(
    n: usize,
    y: *const f32,
    dy: *const f32,
    form: LogProbability,
    dz: *mut f32,
) {
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller passes `n` vectors each; `part` selects lanes inside a vector.
        unsafe {
            let mut sum = S::splat(0.0);
            for at in (0..n).map(|k| k * LANES + part) {
                let dy = S::load(dy.add(at));
                sum = match form {
                    LogProbability::No => S::fma(dy, S::load(y.add(at)), sum),
                    LogProbability::Yes => S::add(sum, dy),
                };
            }
            for at in (0..n).map(|k| k * LANES + part) {
                let (y, dy) = (S::load(y.add(at)), S::load(dy.add(at)));
                let value = match form {
                    LogProbability::No => S::mul(y, S::sub(dy, sum)),
                    LogProbability::Yes => S::sub(dy, S::mul(exp::<S>(y), sum)),
                };
                S::store(dz.add(at), value);
            }
        }
    }
}
