//! Elementary functions on the [`Simd`] operations: the same bits wherever the operations have the same bits.
//!
//! Polynomials are those of the Cephes library (S. Moshier); errors are a few units in the last place.
//! Special values: NaN stays NaN, overflow gives infinity, `log(0) = -inf`, `log(x < 0) = NaN`.

use super::Simd;

/// Evaluates a polynomial given from its highest coefficient by Horner's rule.
#[inline(always)]
unsafe fn poly<S: Simd, const K: usize>(x: S::V, coefficients: [f32; K]) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        let mut value = S::splat(coefficients[0]);
        for &c in &coefficients[1..] {
            value = S::fma(value, x, S::splat(c));
        }
        value
    }
}

/// e to the power of x.
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        // Outside these bounds the result is 0 or infinity anyway; the order of operands keeps NaN.
        let x = S::min(S::splat(89.0), S::max(S::splat(-104.0), x));
        let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
        let r = S::fma(n, S::splat(-0.693_359_4), x);
        let r = S::fma(n, S::splat(2.121_944_4e-4), r);
        let p = poly::<S, 6>(
            r,
            [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5],
        );
        let y = S::add(S::fma(p, S::mul(r, r), r), S::splat(1.0));
        // Two factors, because 2^n itself may be out of range at both ends.
        let half = S::round(S::mul(n, S::splat(0.5)));
        S::mul(S::mul(y, S::pow2(half)), S::pow2(S::sub(n, half)))
    }
}

/// Natural logarithm.
#[inline(always)]
pub(crate) unsafe fn log<S: Simd>(x: S::V) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        let zero = S::splat(0.0);
        let one = S::splat(1.0);
        let is_small = S::gt(S::splat(f32::MIN_POSITIVE), x);
        let scaled = S::select(is_small, S::mul(x, S::splat(8_388_608.0)), x);
        let (exponent, mantissa) = S::split(scaled);
        let exponent = S::sub(exponent, S::select(is_small, S::splat(23.0), zero));
        let is_high = S::gt(mantissa, S::splat(std::f32::consts::SQRT_2));
        let mantissa = S::select(is_high, S::mul(mantissa, S::splat(0.5)), mantissa);
        let e = S::add(exponent, S::select(is_high, one, zero));
        let f = S::sub(mantissa, one);
        let z = S::mul(f, f);
        let p = poly::<S, 9>(
            f,
            [
                7.037_683_6e-2,
                -1.151_461e-1,
                1.167_699_9e-1,
                -1.242_014_1e-1,
                1.424_932_3e-1,
                -1.666_805_8e-1,
                2.000_071_5e-1,
                -2.499_999_4e-1,
                0.333_333_3,
            ],
        );
        let y = S::mul(S::mul(f, z), p);
        let y = S::fma(e, S::splat(-2.121_944_4e-4), y);
        let y = S::fma(z, S::splat(-0.5), y);
        let y = S::fma(e, S::splat(0.693_359_4), S::add(f, y));
        let infinity = S::splat(f32::INFINITY);
        let y = S::select(S::eq(x, zero), S::splat(f32::NEG_INFINITY), y);
        let y = S::select(S::gt(zero, x), S::splat(f32::NAN), y);
        // Infinity and NaN map to themselves.
        S::select(S::or(S::is_nan(x), S::ge(x, infinity)), x, y)
    }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) unsafe fn tanh<S: Simd>(x: S::V) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        let one = S::splat(1.0);
        let size = S::abs(x);
        let z = S::mul(x, x);
        let p = poly::<S, 5>(
            z,
            [-5.704_989e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1],
        );
        let small = S::fma(S::mul(p, z), x, x);
        let e = exp::<S>(S::add(size, size));
        let large = S::sub(one, S::div(S::splat(2.0), S::add(e, one)));
        let large = S::copy_sign(large, x);
        S::select(S::gt(S::splat(0.625), size), small, large)
    }
}

/// The logistic function 1 / (1 + e^-x).
#[inline(always)]
pub(crate) unsafe fn sigmoid<S: Simd>(x: S::V) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        let one = S::splat(1.0);
        S::div(one, S::add(one, exp::<S>(S::sub(S::splat(0.0), x))))
    }
}

/// The error function.
#[inline(always)]
pub(crate) unsafe fn erf<S: Simd>(x: S::V) -> S::V {
    // SAFETY: forwarded from the caller (the instruction set of `S`).
    unsafe {
        let one = S::splat(1.0);
        let size = S::abs(x);
        let z = S::mul(x, x);
        let small = S::mul(
            x,
            poly::<S, 7>(
                z,
                [
                    7.853_861_4e-5,
                    -8.010_194e-4,
                    5.188_327_6e-3,
                    -2.685_381_2e-2,
                    1.128_358_5e-1,
                    -3.761_262_6e-1,
                    std::f32::consts::FRAC_2_SQRT_PI,
                ],
            ),
        );
        let q = S::div(one, S::max(one, size));
        let y = S::mul(q, q);
        let below_two = poly::<S, 9>(
            y,
            [
                2.326_82e-2,
                -1.387_039_4e-1,
                3.687_424_7e-1,
                -5.824_733e-1,
                6.210_004_6e-1,
                -4.944_515_3e-1,
                3.404_88e-1,
                -2.741_127e-1,
                5.638_259_6e-1,
            ],
        );
        let above_two = poly::<S, 8>(
            y,
            [
                -1.047_766_4e1,
                1.297_72e1,
                -7.495_518_7,
                2.921_019,
                -1.015_265_3,
                4.218_463_4e-1,
                -2.820_767_4e-1,
                5.641_895e-1,
            ],
        );
        let tail = S::select(S::gt(S::splat(2.0), size), below_two, above_two);
        let complement = S::mul(S::mul(exp::<S>(S::sub(S::splat(0.0), z)), q), tail);
        let large = S::copy_sign(S::sub(one, complement), x);
        let value = S::select(S::gt(one, size), small, large);
        S::select(S::is_nan(x), x, value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Isa, per_isa};
    use super::*;

    type Exact = fn(f64) -> f64;

    #[derive(Clone, Copy, Debug)]
    enum Function {
        Exp,
        Log,
        Tanh,
        Sigmoid,
        Erf,
    }

    #[inline(always)]
    unsafe fn body<S: Simd>(function: Function, x: &[f32; 16], y: &mut [f32; 16]) {
        for part in (0..16).step_by(S::N) {
            // SAFETY: each part lies inside the arrays.
            unsafe {
                let v = S::load(x.as_ptr().add(part));
                let v = match function {
                    Function::Exp => exp::<S>(v),
                    Function::Log => log::<S>(v),
                    Function::Tanh => tanh::<S>(v),
                    Function::Sigmoid => sigmoid::<S>(v),
                    Function::Erf => erf::<S>(v),
                };
                S::store(y.as_mut_ptr().add(part), v);
            }
        }
    }
    per_isa!(unsafe fn evaluate(function: Function, x: &[f32; 16], y: &mut [f32; 16]) = body);

    fn run(isa: Isa, function: Function, x: f32) -> f32 {
        let mut y = [0.0; 16];
        // SAFETY: arrays of the demanded size.
        unsafe { evaluate(isa, function, &[x; 16], &mut y) };
        y[3]
    }

    #[test]
    fn close_to_double_precision() {
        let cases: [(Function, Exact, f32, f32); 5] = [
            (Function::Exp, f64::exp, -87.0, 88.0),
            (Function::Log, f64::ln, 1e-30, 50.0),
            (Function::Tanh, f64::tanh, -10.0, 10.0),
            (Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -30.0, 30.0),
            (Function::Erf, libm::erf, -5.0, 5.0),
        ];
        for (function, exact, low, high) in cases {
            for i in 0..=4000 {
                let x = low + (high - low) * (i as f32 / 4000.0);
                let expected = exact(f64::from(x));
                let bits: Vec<f32> =
                    Isa::available().into_iter().map(|isa| run(isa, function, x)).collect();
                for &found in &bits {
                    let error = (f64::from(found) - expected).abs();
                    let bound = 6.0 * f64::from(f32::EPSILON) * expected.abs().max(1e-30);
                    assert!(error <= bound, "{function:?}({x}) = {found}, expected {expected}");
                }
                if bits.len() == 3 {
                    assert_eq!(bits[0].to_bits(), bits[1].to_bits(), "{function:?}({x})");
                }
            }
        }
    }

    #[test]
    fn special_values() {
        for isa in Isa::available() {
            for function in
                [Function::Exp, Function::Log, Function::Tanh, Function::Sigmoid, Function::Erf]
            {
                assert!(run(isa, function, f32::NAN).is_nan(), "{function:?} loses NaN");
            }
            let infinity = f32::INFINITY;
            assert_eq!(run(isa, Function::Exp, infinity).to_bits(), infinity.to_bits());
            assert_eq!(run(isa, Function::Exp, -infinity).to_bits(), 0);
            assert_eq!(run(isa, Function::Log, 0.0).to_bits(), (-infinity).to_bits());
            assert_eq!(run(isa, Function::Log, infinity).to_bits(), infinity.to_bits());
            assert!(run(isa, Function::Log, -1.0).is_nan());
            assert!((run(isa, Function::Log, 1e-40) - 1e-40_f32.ln()).abs() < 1e-4);
            for function in [Function::Tanh, Function::Erf] {
                assert_eq!(run(isa, function, infinity).to_bits(), 1f32.to_bits());
                assert_eq!(run(isa, function, -infinity).to_bits(), (-1f32).to_bits());
            }
            assert_eq!(run(isa, Function::Sigmoid, -infinity).to_bits(), 0);
        }
    }
}
