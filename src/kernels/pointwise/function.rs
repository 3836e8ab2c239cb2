//! The functions that chains are made of, and what each does to a tile.

use crate::kernels::LANES;
use crate::kernels::isa::{Simd, math, per_isa};

/// An element-wise function; operands a, b, c in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// a.
    Copy,
    /// −a.
    Neg,
    /// |a|.
    Abs,
    /// eᵃ.
    Exp,
    /// ln a.
    Log,
    /// √a.
    Sqrt,
    /// a².
    Square,
    /// aᵖ with a constant exponent, element by element in double precision.
    Power(f64),
    /// −1, 0 or 1; NaN stays.
    Sign,
    /// 1 where a > 0, else 0.
    Step,
    /// max(a, 0); NaN stays.
    Relu,
    /// a where a > 0, else slope · a.
    LeakyRelu(f32),
    /// 1 where a > 0, else slope.
    LeakyStep(f32),
    /// tanh a.
    Tanh,
    /// 1 / (1 + e⁻ᵃ).
    Sigmoid,
    /// a Φ(a).
    Gelu,
    /// Φ(a) + a φ(a).
    GeluGrad,
    /// a · sigmoid(a).
    Silu,
    /// Derivative of silu.
    SiluGrad,
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// aᵇ, element by element in double precision.
    Pow,
    /// 1 where a ≥ b, else 0.
    Ge,
    /// 1 where a > b, else 0.
    Gt,
    /// 1 where a = b, else 0.
    Eq,
    /// b where a is not 0, else c.
    Select,
}

impl Function {
    /// The function of one operand that is called so; `number` is the exponent or slope of those that have one.
    pub fn named(name: &str, number: Option<f64>) -> Option<Self> {
        let slope = || Some(number? as f32);
        Some(match name {
            "neg" => Self::Neg,
            "abs" => Self::Abs,
            "exp" => Self::Exp,
            "log" => Self::Log,
            "sqrt" => Self::Sqrt,
            "square" => Self::Square,
            "power" => Self::Power(number?),
            "sign" => Self::Sign,
            "step" => Self::Step,
            "relu" => Self::Relu,
            "leaky_relu" => Self::LeakyRelu(slope()?),
            "leaky_step" => Self::LeakyStep(slope()?),
            "tanh" => Self::Tanh,
            "sigmoid" => Self::Sigmoid,
            "gelu" => Self::Gelu,
            "gelu_grad" => Self::GeluGrad,
            "silu" => Self::Silu,
            "silu_grad" => Self::SiluGrad,
            _ => return None,
        })
    }
}

/// Operands that a function has.
pub fn arity(function: Function) -> usize {
    match function {
        Function::Copy
        | Function::Neg
        | Function::Abs
        | Function::Exp
        | Function::Log
        | Function::Sqrt
        | Function::Square
        | Function::Power(_)
        | Function::Sign
        | Function::Step
        | Function::Relu
        | Function::LeakyRelu(_)
        | Function::LeakyStep(_)
        | Function::Tanh
        | Function::Sigmoid
        | Function::Gelu
        | Function::GeluGrad
        | Function::Silu
        | Function::SiluGrad => 1,
        Function::Add
        | Function::Sub
        | Function::Mul
        | Function::Div
        | Function::Max
        | Function::Min
        | Function::Pow
        | Function::Ge
        | Function::Gt
        | Function::Eq => 2,
        Function::Select => 3,
    }
}

/// A second function that one pass over a tile computes from the result of a first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// first + c.
    Add,
    /// first − c.
    Sub,
    /// c − first.
    SubFrom,
    /// first · c.
    Mul,
    /// max(first, 0); NaN stays.
    Relu,
}

impl Then {
    /// What `function` is to a pass, with the result of the first function as operand `at`.
    pub(super) fn of(function: Function, at: usize) -> Option<Self> {
        match (function, at) {
            (Function::Add, _) => Some(Self::Add),
            (Function::Sub, 0) => Some(Self::Sub),
            (Function::Sub, _) => Some(Self::SubFrom),
            (Function::Mul, _) => Some(Self::Mul),
            (Function::Relu, _) => Some(Self::Relu),
            (_, _) => None,
        }
    }
}

/// A first function of which one pass computes a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// 1 where a > 0, else 0.
    Step,
}

impl First {
    /// What `function` is to a pass.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these four are worth a pass")]
    pub(super) fn of(function: Function) -> Option<Self> {
        match function {
            Function::Add => Some(Self::Add),
            Function::Sub => Some(Self::Sub),
            Function::Mul => Some(Self::Mul),
            Function::Step => Some(Self::Step),
            _ => None,
        }
    }
}

per_isa!(pub(super) unsafe fn apply_pair(
    first: First, then: Then, n: usize, operands: [*const f32; 3], to: *mut f32
) = apply_pair_body);

/// The same bits as one function after the other: each is rounded by itself.
///
/// # Safety
/// As [`apply`].
#[inline(always)]
unsafe fn apply_pair_body<S: Simd>(
    first: First,
    then: Then,
    n: usize,
    [a, b, c]: [*const f32; 3],
    to: *mut f32,
) {
    // SAFETY: the caller vouches for the instruction set.
    let (zero, one) = unsafe { (S::splat(0.0), S::splat(1.0)) };
    macro_rules! each {
        (|$x:ident, $y:ident, $z:ident| $value:expr) => {
            for at in (0..n).step_by(S::N) {
                let ($x, $y) = (S::load(a.add(at)), S::load(b.add(at)));
                let $z = S::load(c.add(at));
                S::store(to.add(at), $value);
            }
        };
    }
    macro_rules! second {
        (|$x:ident, $y:ident| $first:expr) => {
            match then {
                Then::Add => each!(|$x, $y, z| S::add($first, z)),
                Then::Sub => each!(|$x, $y, z| S::sub($first, z)),
                Then::SubFrom => each!(|$x, $y, z| S::sub(z, $first)),
                Then::Mul => each!(|$x, $y, z| S::mul($first, z)),
                Then::Relu => each!(|$x, $y, _z| S::max(zero, $first)),
            }
        };
    }
    // SAFETY: the caller vouches for `n` floats behind every pointer.
    unsafe {
        match first {
            First::Add => second!(|x, y| S::add(x, y)),
            First::Sub => second!(|x, y| S::sub(x, y)),
            First::Mul => second!(|x, y| S::mul(x, y)),
            First::Step => second!(|x, _y| S::select(S::gt(x, zero), one, zero)),
        }
    }
}

per_isa!(pub(super) unsafe fn apply(
    function: Function, n: usize, a: *const f32, b: *const f32, c: *const f32, to: *mut f32
) = apply_body);

/// # Safety
/// All pointers reach `n` floats, a multiple of 16; `to` equals an operand or overlaps none.
#[inline(always)]
unsafe fn apply_body<S: Simd>(
    function: Function,
    n: usize,
    a: *const f32,
    b: *const f32,
    c: *const f32,
    to: *mut f32,
) {
    macro_rules! each {
        (|$x:ident| $value:expr) => {
            for at in (0..n).step_by(S::N) {
                let $x = S::load(a.add(at));
                S::store(to.add(at), $value);
            }
        };
        (|$x:ident, $y:ident| $value:expr) => {
            for at in (0..n).step_by(S::N) {
                let ($x, $y) = (S::load(a.add(at)), S::load(b.add(at)));
                S::store(to.add(at), $value);
            }
        };
    }
    debug_assert!(n.is_multiple_of(LANES), "whole vectors");
    // SAFETY: the caller vouches for `n` floats behind every pointer.
    unsafe {
        let zero = S::splat(0.0);
        let one = S::splat(1.0);
        let half = S::splat(0.5);
        match function {
            Function::Copy => each!(|x| x),
            Function::Neg => each!(|x| S::mul(x, S::splat(-1.0))),
            Function::Abs => each!(|x| S::abs(x)),
            Function::Exp => each!(|x| math::exp::<S>(x)),
            Function::Log => each!(|x| math::log::<S>(x)),
            Function::Sqrt => each!(|x| S::sqrt(x)),
            Function::Square => each!(|x| S::mul(x, x)),
            Function::Power(power) => {
                for at in 0..n {
                    *to.add(at) = libm::pow(f64::from(*a.add(at)), power) as f32;
                }
            }
            Function::Sign => each!(|x| {
                let negative = S::select(S::gt(zero, x), S::splat(-1.0), zero);
                let sign = S::select(S::gt(x, zero), one, negative);
                S::select(S::is_nan(x), x, sign)
            }),
            Function::Step => each!(|x| S::select(S::gt(x, zero), one, zero)),
            Function::Relu => each!(|x| S::max(zero, x)),
            Function::LeakyRelu(slope) => {
                each!(|x| S::select(S::gt(x, zero), x, S::mul(x, S::splat(slope))));
            }
            Function::LeakyStep(slope) => {
                each!(|x| S::select(S::gt(x, zero), one, S::splat(slope)));
            }
            Function::Tanh => each!(|x| math::tanh::<S>(x)),
            Function::Sigmoid => each!(|x| math::sigmoid::<S>(x)),
            Function::Gelu => each!(|x| {
                let scaled = S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2));
                S::mul(S::mul(half, x), S::add(one, math::erf::<S>(scaled)))
            }),
            Function::GeluGrad => each!(|x| {
                let scaled = S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2));
                let normal = S::mul(half, S::add(one, math::erf::<S>(scaled)));
                let density = math::exp::<S>(S::sub(zero, S::mul(scaled, scaled)));
                S::add(normal, S::mul(S::mul(x, density), S::splat(0.398_942_3)))
            }),
            Function::Silu => each!(|x| S::mul(x, math::sigmoid::<S>(x))),
            Function::SiluGrad => each!(|x| {
                let s = math::sigmoid::<S>(x);
                S::mul(s, S::add(one, S::mul(x, S::sub(one, s))))
            }),
            Function::Add => each!(|x, y| S::add(x, y)),
            Function::Sub => each!(|x, y| S::sub(x, y)),
            Function::Mul => each!(|x, y| S::mul(x, y)),
            Function::Div => each!(|x, y| S::div(x, y)),
            Function::Max => each!(|x, y| S::select(S::is_nan(x), x, S::max(x, y))),
            Function::Min => each!(|x, y| S::select(S::is_nan(x), x, S::min(x, y))),
            Function::Pow => {
                for at in 0..n {
                    let power = libm::pow(f64::from(*a.add(at)), f64::from(*b.add(at)));
                    *to.add(at) = power as f32;
                }
            }
            Function::Ge => each!(|x, y| S::select(S::ge(x, y), one, zero)),
            Function::Gt => each!(|x, y| S::select(S::gt(x, y), one, zero)),
            Function::Eq => each!(|x, y| S::select(S::eq(x, y), one, zero)),
            Function::Select => {
                for at in (0..n).step_by(S::N) {
                    let mask = S::eq(S::load(a.add(at)), zero);
                    let (x, y) = (S::load(b.add(at)), S::load(c.add(at)));
                    S::store(to.add(at), S::select(mask, y, x));
                }
            }
        }
    }
}
