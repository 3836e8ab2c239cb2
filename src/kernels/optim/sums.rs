//! Sums over a tensor in a fixed order: 64 running sums within a piece, then pieces one by one in double precision.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};
use crate::kernels::lanes::tree;

/// Elements of a piece. A tensor that is summed in parts gives the same bits when the parts start at multiples of this.
pub const PIECE: usize = 1024;

/// Vectors that are summed side by side.
const STRANDS: usize = 4;

/// **What** `Σ x²`
pub fn sum_of_squares(isa: Isa, x: &[f32]) -> f64 {
    total(isa, Term::Product, x, x)
}

/// **What** `Σ a b`
///
/// # Panics
/// When lengths differ.
pub fn dot(isa: Isa, a: &[f32], b: &[f32]) -> f64 {
    total(isa, Term::Product, a, b)
}

/// **What** `Σ ((|p| + eta) g)²`, what an adaptive sharpness-aware step is divided by (its root).
///
/// # Panics
/// When lengths differ.
pub fn asam_sum_of_squares(isa: Isa, parameter: &[f32], grad: &[f32], eta: f32) -> f64 {
    total(isa, Term::Adaptive(eta), parameter, grad)
}

#[derive(Clone, Copy)]
enum Term {
    Product,
    Adaptive(f32),
}

fn total(isa: Isa, term: Term, a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "equal lengths");
    let mut total = 0.0;
    for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
        let mut sums = [0.0; LANES];
        // SAFETY: both pieces hold `a.len()` floats.
        unsafe { piece(isa, term, a.len(), a.as_ptr(), b.as_ptr(), &mut sums) };
        total += f64::from(tree(&sums));
    }
    total
}

per_isa!(unsafe fn piece(
    term: Term, len: usize, a: *const f32, b: *const f32, sums: &mut [f32; LANES]
) = piece_body);

#[inline(always)]
unsafe fn piece_body<S: Simd>(
    term: Term,
    len: usize,
    a: *const f32,
    b: *const f32,
    sums: &mut [f32; LANES],
) {
    const STEP: usize = STRANDS * LANES;
    let whole = len / STEP * STEP;
    let mut rest = [[0.0f32; STEP]; 2];
    // SAFETY: whole steps are read from the slices, the rest from copies filled up with zeros.
    unsafe {
        for (rest, from) in rest.iter_mut().zip([a, b]) {
            std::ptr::copy_nonoverlapping(from.add(whole), rest.as_mut_ptr(), len - whole);
        }
        for part in (0..LANES).step_by(S::N) {
            let mut strands = [S::splat(0.0); STRANDS];
            for at in (0..whole).step_by(STEP) {
                for (i, strand) in strands.iter_mut().enumerate() {
                    let at = at + i * LANES + part;
                    *strand = add_term::<S>(term, a.add(at), b.add(at), *strand);
                }
            }
            for (i, strand) in strands.iter_mut().enumerate() {
                let at = i * LANES + part;
                let (a, b) = (rest[0].as_ptr().add(at), rest[1].as_ptr().add(at));
                *strand = add_term::<S>(term, a, b, *strand);
            }
            let [s0, s1, s2, s3] = strands;
            S::store(sums.as_mut_ptr().add(part), S::add(S::add(s0, s2), S::add(s1, s3)));
        }
    }
}

#[inline(always)]
unsafe fn add_term<S: Simd>(term: Term, a: *const f32, b: *const f32, sum: S::V) -> S::V {
    // SAFETY: forwarded from the caller: one vector each.
    unsafe {
        let (a, b) = (S::load(a), S::load(b));
        match term {
            Term::Product => S::fma(a, b, sum),
            Term::Adaptive(eta) => {
                let scaled = S::mul(S::add(S::abs(a), S::splat(eta)), b);
                S::fma(scaled, scaled, sum)
            }
        }
    }
}
