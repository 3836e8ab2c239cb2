//! Plain Rust: four lanes at a time, which compilers turn into the baseline vectors of the target.

use super::Simd;

/// The implementation of [`Simd`] that every processor runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

const N: usize = 4;
type V = [f32; N];
type M = [bool; N];

#[inline(always)]
fn map(a: V, f: impl Fn(f32) -> f32) -> V {
    [f(a[0]), f(a[1]), f(a[2]), f(a[3])]
}

#[inline(always)]
fn zip<T>(a: V, b: V, f: impl Fn(f32, f32) -> T) -> [T; N] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

// SAFETY of every block below: the trait demands valid pointers; nothing else is unsafe here.
impl Simd for Portable {
    const N: usize = N;
    // One of sixteen holds the product that is not fused.
    const REGISTERS: usize = 15;
    type V = V;
    type M = M;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> V {
        unsafe { from.cast::<V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: V) {
        unsafe { to.cast::<V>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> V {
        [value; N]
    }
    #[inline(always)]
    unsafe fn add(a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn fma(a: V, b: V, c: V) -> V {
        // Without the instruction a fused multiply-add would be a slow library call.
        zip(zip(a, b, |a, b| a * b), c, |ab, c| ab + c)
    }
    #[inline(always)]
    unsafe fn max(a: V, b: V) -> V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(a: V, b: V) -> V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn sqrt(a: V) -> V {
        map(a, f32::sqrt)
    }
    #[inline(always)]
    unsafe fn abs(a: V) -> V {
        map(a, f32::abs)
    }
    #[inline(always)]
    unsafe fn copy_sign(magnitude: V, sign: V) -> V {
        zip(magnitude, sign, f32::copysign)
    }
    #[inline(always)]
    unsafe fn round(a: V) -> V {
        map(a, f32::round_ties_even)
    }
    #[inline(always)]
    unsafe fn pow2(n: V) -> V {
        map(n, |n| f32::from_bits((n as i32 + 127).cast_unsigned() << 23))
    }
    #[inline(always)]
    unsafe fn split(a: V) -> (V, V) {
        let exponent = map(a, |a| ((a.to_bits() >> 23) as i32 - 127) as f32);
        let mantissa = map(a, |a| f32::from_bits((a.to_bits() & 0x007f_ffff) | 0x3f80_0000));
        (exponent, mantissa)
    }
    #[inline(always)]
    unsafe fn gt(a: V, b: V) -> M {
        zip(a, b, |a, b| a > b)
    }
    #[inline(always)]
    unsafe fn ge(a: V, b: V) -> M {
        zip(a, b, |a, b| a >= b)
    }
    #[inline(always)]
    unsafe fn eq(a: V, b: V) -> M {
        zip(a, b, |a, b| a == b)
    }
    #[inline(always)]
    unsafe fn is_nan(a: V) -> M {
        zip(a, a, |a, _| a.is_nan())
    }
    #[inline(always)]
    unsafe fn or(a: M, b: M) -> M {
        [a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3]]
    }
    #[inline(always)]
    unsafe fn select(m: M, a: V, b: V) -> V {
        let pick = |i: usize| if m[i] { a[i] } else { b[i] };
        [pick(0), pick(1), pick(2), pick(3)]
    }
    #[inline(always)]
    unsafe fn bits(m: M) -> u16 {
        let bit = |i: usize| u16::from(m[i]) << i;
        bit(0) | bit(1) | bit(2) | bit(3)
    }
    #[inline(always)]
    unsafe fn from_bits(bits: u16) -> M {
        let lane = |i: u32| bits >> i & 1 == 1;
        [lane(0), lane(1), lane(2), lane(3)]
    }
    #[inline(always)]
    unsafe fn transpose16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for i in 0..16 {
            for j in 0..16 {
                unsafe { *to.add(i * to_stride + j) = *from.add(j * from_stride + i) }
            }
        }
    }
}
