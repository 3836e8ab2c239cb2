//! Functions of two numbers, comparisons and selection.

use super::{Map, map};
use crate::kernels::isa::{Isa, Simd};

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a · b
    Mul,
    /// a / b
    Div,
    /// The larger one; b when equal; NaN when either is NaN
    Max,
    /// The smaller one; b when equal; NaN when either is NaN
    Min,
}

/// A comparison; false when either number is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// a > b
    Greater,
    /// a ≥ b
    GreaterEqual,
    /// a = b
    Equal,
}

/// **What** `y = f(a, b)`; with `None` for `a`, `y = f(y, b)`.
///
/// # Panics
/// When lengths differ.
pub fn binary(isa: Isa, f: Binary, a: Option<&[f32]>, b: &[f32], y: &mut [f32]) {
    let inputs = [a, Some(b), Some(b)];
    match f {
        Binary::Add => map(isa, Add, inputs, y),
        Binary::Sub => map(isa, Sub, inputs, y),
        Binary::Mul => map(isa, Mul, inputs, y),
        Binary::Div => map(isa, Div, inputs, y),
        Binary::Max => map(isa, Max, inputs, y),
        Binary::Min => map(isa, Min, inputs, y),
    }
}

/// **What** `y = 1` where the comparison holds, otherwise 0.
///
/// # Panics
/// When lengths differ.
pub fn compare(isa: Isa, f: Compare, a: &[f32], b: &[f32], y: &mut [f32]) {
    let inputs = [Some(a), Some(b), Some(b)];
    match f {
        Compare::Greater => map(isa, Greater, inputs, y),
        Compare::GreaterEqual => map(isa, GreaterEqual, inputs, y),
        Compare::Equal => map(isa, Equal, inputs, y),
    }
}

/// **What** `y = a` where `mask` is not zero, otherwise `b`.
///
/// # Panics
/// When lengths differ.
pub fn select(isa: Isa, mask: &[f32], a: &[f32], b: &[f32], y: &mut [f32]) {
    map(isa, Select, [Some(mask), Some(a), Some(b)], y);
}

/// Defines a function type as an expression on vectors.
macro_rules! function {
    ($name:ident, |$a:ident, $b:ident, $c:ident| $value:expr) => {
        #[derive(Clone, Copy)]
        struct $name;

        impl Map for $name {
            #[inline(always)]
            unsafe fn apply<S: Simd>(self, $a: S::V, $b: S::V, $c: S::V) -> S::V {
                // SAFETY: forwarded from the caller (the instruction set of `S`).
                unsafe { $value }
            }
        }
    };
}

function!(Add, |a, b, _c| S::add(a, b));
function!(Sub, |a, b, _c| S::sub(a, b));
function!(Mul, |a, b, _c| S::mul(a, b));
function!(Div, |a, b, _c| S::div(a, b));
function!(Max, |a, b, _c| S::select(S::is_nan(a), a, S::max(a, b)));
function!(Min, |a, b, _c| S::select(S::is_nan(a), a, S::min(a, b)));
function!(Greater, |a, b, _c| S::select(S::gt(a, b), S::splat(1.0), S::splat(0.0)));
function!(GreaterEqual, |a, b, _c| S::select(S::ge(a, b), S::splat(1.0), S::splat(0.0)));
function!(Equal, |a, b, _c| S::select(S::eq(a, b), S::splat(1.0), S::splat(0.0)));
function!(Select, |mask, a, b| S::select(S::eq(mask, S::splat(0.0)), b, a));
