//! Functions of one number and their derivatives.

use super::{Map, map};
use crate::kernels::isa::math::{erf, exp, log, sigmoid, tanh};
use crate::kernels::isa::{Isa, Simd};

/// A function of one number.
///
/// **Gradient** at kinks: relu, leaky relu and abs as PyTorch, `relu'(0) = 0`, `leaky'(0) = slope`, `abs'(0) = 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// -x
    Neg,
    /// |x|
    Abs,
    /// max(0, x); NaN stays NaN
    Relu,
    /// x for x > 0, otherwise slope · x
    LeakyRelu(f32),
    /// Hyperbolic tangent
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// x Φ(x), with the exact normal distribution
    Gelu,
    /// x / (1 + e^-x)
    Silu,
    /// e^x
    Exp,
    /// Natural logarithm
    Log,
    /// Square root
    Sqrt,
    /// x²
    Square,
    /// 1 / x
    Reciprocal,
    /// factor · x
    Scale(f32),
    /// x + term
    Shift(f32),
}

/// What the derivative is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The function's argument.
    Input,
    /// The function's value.
    Output,
    /// Neither: the derivative is constant.
    Nothing,
}

impl Unary {
    /// What [`unary_grad`] wants as `saved`.
    pub fn saved(self) -> Saved {
        match self {
            Self::Neg | Self::Scale(_) | Self::Shift(_) => Saved::Nothing,
            Self::Relu | Self::Tanh | Self::Sigmoid | Self::Exp | Self::Sqrt | Self::Reciprocal => {
                Saved::Output
            }
            Self::Abs | Self::LeakyRelu(_) | Self::Gelu | Self::Silu | Self::Log | Self::Square => {
                Saved::Input
            }
        }
    }
}

/// **What** `y = f(x)`.
///
/// # Panics
/// When lengths differ.
pub fn unary(isa: Isa, f: Unary, x: &[f32], y: &mut [f32]) {
    forward(isa, f, Some(x), y);
}

/// **What** `x = f(x)`.
pub fn unary_in_place(isa: Isa, f: Unary, x: &mut [f32]) {
    forward(isa, f, None, x);
}

/// **What** `dx = f' · dy`, or `dx += f' · dy`; `saved` is what [`Unary::saved`] says (any slice of the length for nothing).
///
/// # Panics
/// When lengths differ.
pub fn unary_grad(isa: Isa, f: Unary, saved: &[f32], dy: &[f32], dx: &mut [f32], accumulate: bool) {
    if accumulate {
        backward::<true>(isa, f, saved, dy, dx);
    } else {
        backward::<false>(isa, f, saved, dy, dx);
    }
}

/// Calls `$run` with the zero-sized or one-number type of a function.
macro_rules! with_function {
    ($f:expr, $run:ident) => {
        match $f {
            Unary::Neg => $run!(Neg),
            Unary::Abs => $run!(Abs),
            Unary::Relu => $run!(Relu),
            Unary::LeakyRelu(slope) => $run!(LeakyRelu(slope)),
            Unary::Tanh => $run!(Tanh),
            Unary::Sigmoid => $run!(Sigmoid),
            Unary::Gelu => $run!(Gelu),
            Unary::Silu => $run!(Silu),
            Unary::Exp => $run!(Exp),
            Unary::Log => $run!(Log),
            Unary::Sqrt => $run!(Sqrt),
            Unary::Square => $run!(Square),
            Unary::Reciprocal => $run!(Reciprocal),
            Unary::Scale(factor) => $run!(Scale(factor)),
            Unary::Shift(term) => $run!(Shift(term)),
        }
    };
}

fn forward(isa: Isa, f: Unary, x: Option<&[f32]>, y: &mut [f32]) {
    macro_rules! run {
        ($function:expr) => {
            map(isa, Value($function), [x; 3], y)
        };
    }
    with_function!(f, run);
}

fn backward<const ADD: bool>(isa: Isa, f: Unary, saved: &[f32], dy: &[f32], dx: &mut [f32]) {
    let third = if ADD { None } else { Some(dy) };
    macro_rules! run {
        ($function:expr) => {
            map(isa, Slope::<_, ADD>($function), [Some(saved), Some(dy), third], dx)
        };
    }
    with_function!(f, run);
}

/// Value and derivative on vectors.
trait Function: Copy {
    unsafe fn value<S: Simd>(self, x: S::V) -> S::V;
    unsafe fn slope<S: Simd>(self, saved: S::V) -> S::V;
}

#[derive(Clone, Copy)]
struct Value<F>(F);

impl<F: Function> Map for Value<F> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, a: S::V, _: S::V, _: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe { self.0.value::<S>(a) }
    }
}

#[derive(Clone, Copy)]
struct Slope<F, const ADD: bool>(F);

impl<F: Function, const ADD: bool> Map for Slope<F, ADD> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(self, saved: S::V, dy: S::V, dx: S::V) -> S::V {
        // SAFETY: forwarded from the caller (the instruction set of `S`).
        unsafe {
            let slope = self.0.slope::<S>(saved);
            if ADD { S::fma(slope, dy, dx) } else { S::mul(slope, dy) }
        }
    }
}

/// Defines a function type: its value and its derivative, as expressions on vectors.
macro_rules! function {
    ($name:ident $(($p:ident))?, |$x:ident| $value:expr, |$saved:ident| $slope:expr) => {
        #[derive(Clone, Copy)]
        struct $name $((function!(@type $p)))?;

        impl Function for $name {
            #[inline(always)]
            unsafe fn value<S: Simd>(self, $x: S::V) -> S::V {
                $(let Self($p) = self;)?
                // SAFETY: forwarded from the caller (the instruction set of `S`).
                unsafe { $value }
            }
            #[inline(always)]
            unsafe fn slope<S: Simd>(self, $saved: S::V) -> S::V {
                $(let Self($p) = self;)?
                // SAFETY: forwarded from the caller (the instruction set of `S`).
                unsafe { $slope }
            }
        }
    };
    (@type $p:ident) => { f32 };
}

function!(Neg, |x| S::sub(S::splat(-0.0), x), |_x| S::splat(-1.0));
function!(Abs, |x| S::abs(x), |x| {
    let size = S::select(S::eq(x, S::splat(0.0)), S::splat(0.0), S::splat(1.0));
    S::copy_sign(size, x)
});
function!(Relu, |x| S::max(S::splat(0.0), x), |y| {
    S::select(S::gt(y, S::splat(0.0)), S::splat(1.0), S::splat(0.0))
});
function!(
    LeakyRelu(slope),
    |x| S::select(S::gt(x, S::splat(0.0)), x, S::mul(S::splat(slope), x)),
    |x| S::select(S::gt(x, S::splat(0.0)), S::splat(1.0), S::splat(slope))
);
function!(Tanh, |x| tanh::<S>(x), |y| S::fma(S::sub(S::splat(0.0), y), y, S::splat(1.0)));
function!(Sigmoid, |x| sigmoid::<S>(x), |y| S::mul(y, S::sub(S::splat(1.0), y)));
function!(Gelu, |x| S::mul(x, normal::<S>(x)), |x| {
    // Φ(x) + x φ(x)
    let square = S::mul(x, x);
    let density = exp::<S>(S::mul(square, S::splat(-0.5)));
    let density = S::mul(density, S::splat(0.398_942_3));
    S::fma(x, density, normal::<S>(x))
});
function!(Silu, |x| S::mul(x, sigmoid::<S>(x)), |x| {
    // s + x s (1 - s)
    let s = sigmoid::<S>(x);
    S::fma(S::mul(x, s), S::sub(S::splat(1.0), s), s)
});
function!(Exp, |x| exp::<S>(x), |y| S::mul(y, S::splat(1.0)));
function!(Log, |x| log::<S>(x), |x| S::div(S::splat(1.0), x));
function!(Sqrt, |x| S::sqrt(x), |y| S::div(S::splat(0.5), y));
function!(Square, |x| S::mul(x, x), |x| S::add(x, x));
function!(Reciprocal, |x| S::div(S::splat(1.0), x), |y| S::mul(S::sub(S::splat(0.0), y), y));
function!(Scale(factor), |x| S::mul(x, S::splat(factor)), |_x| S::splat(factor));
function!(Shift(term), |x| S::add(x, S::splat(term)), |_x| {
    let _ = term;
    S::splat(1.0)
});

/// Φ, the distribution function of the standard normal.
#[inline(always)]
unsafe fn normal<S: Simd>(x: S::V) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        let e = erf::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2)));
        S::mul(S::splat(0.5), S::add(S::splat(1.0), e))
    }
}
