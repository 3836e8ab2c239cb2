//! Instruction sets: which one runs, and the vector operations that kernel bodies are written on.
//!
//! In: a kernel body generic over [`Simd`]. Out: one function per instruction set, chosen by an [`Isa`] value that
//! can only be made for instruction sets this processor has. Invariant: [`Avx512`] and [`Avx2`] give the same bits for every
//! operation, because every lane is computed on its own with IEEE operations and fused multiply-add.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod math;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IsaKind {
    /// 16 lanes in one register, fused multiply-add.
    Avx512,
    /// 8 lanes in one register, fused multiply-add; the same bits as [`IsaKind::Avx512`].
    Avx2,
    /// Plain Rust, multiply then add: close to the others, not bit-equal with them.
    Portable,
}

impl IsaKind {
    /// All kinds, fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The name used on the command line and in `env.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }
}

/// An instruction set that this processor has: holding one is the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(IsaKind);

impl Isa {
    /// The fastest instruction set of this processor.
    pub fn detect() -> Self {
        IsaKind::ALL.into_iter().find_map(Self::new).unwrap_or(Self::portable())
    }

    /// The instruction set of that kind, if this processor has it.
    pub fn new(kind: IsaKind) -> Option<Self> {
        is_available(kind).then_some(Self(kind))
    }

    /// Plain Rust, which every processor has.
    pub fn portable() -> Self {
        Self(IsaKind::Portable)
    }

    /// All instruction sets of this processor, fastest first.
    pub fn available() -> Vec<Self> {
        IsaKind::ALL.into_iter().filter_map(Self::new).collect()
    }

    /// Which kind this is.
    pub fn kind(self) -> IsaKind {
        self.0
    }

    /// Registers that a tile may fill without spilling.
    pub(crate) fn registers(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx512 => Avx512::REGISTERS,
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => Avx2::REGISTERS,
            #[cfg(not(target_arch = "x86_64"))]
            IsaKind::Avx512 | IsaKind::Avx2 => Portable::REGISTERS,
            IsaKind::Portable => Portable::REGISTERS,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn is_available(kind: IsaKind) -> bool {
    match kind {
        IsaKind::Avx512 => {
            std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl")
                && is_available(IsaKind::Avx2)
        }
        IsaKind::Avx2 => {
            std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
        }
        IsaKind::Portable => true,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn is_available(kind: IsaKind) -> bool {
    matches!(kind, IsaKind::Portable)
}

/// Vector operations on `N` of the 16 lanes of a block; a kernel runs `16 / N` times, once per part.
///
/// # Safety
/// Every method needs the instruction set that the implementor stands for; `load` and `store` need `N`
/// readable or writable floats (any alignment), `transpose16` 16 rows of 16.
pub(crate) trait Simd: Copy + 'static {
    /// Lanes in one register.
    const N: usize;
    /// Registers that a tile may fill without spilling.
    const REGISTERS: usize;
    /// A register of `N` floats.
    type V: Copy;
    /// One truth value per lane.
    type M: Copy;

    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a > b ? a : b`; the second operand when either is NaN.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a < b ? a : b`; the second operand when either is NaN.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sqrt(a: Self::V) -> Self::V;
    unsafe fn abs(a: Self::V) -> Self::V;
    /// Magnitude of the first, sign of the second.
    unsafe fn copy_sign(magnitude: Self::V, sign: Self::V) -> Self::V;
    /// Nearest integer, ties to even.
    unsafe fn round(a: Self::V) -> Self::V;
    /// 2 to the power of an integral `n` in -126 ..= 127.
    unsafe fn pow2(n: Self::V) -> Self::V;
    /// Exponent (as a float) and mantissa in [1, 2) of a positive normal number.
    unsafe fn split(a: Self::V) -> (Self::V, Self::V);
    unsafe fn gt(a: Self::V, b: Self::V) -> Self::M;
    unsafe fn ge(a: Self::V, b: Self::V) -> Self::M;
    unsafe fn eq(a: Self::V, b: Self::V) -> Self::M;
    unsafe fn is_nan(a: Self::V) -> Self::M;
    unsafe fn or(a: Self::M, b: Self::M) -> Self::M;
    /// `m ? a : b`
    unsafe fn select(m: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// The mask as bits, lane 0 lowest.
    unsafe fn bits(m: Self::M) -> u16;
    /// The lowest `N` bits as a mask.
    unsafe fn from_bits(bits: u16) -> Self::M;
    /// `to[i * to_stride + j] = from[j * from_stride + i]` for i, j < 16.
    unsafe fn transpose16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize);
}

/// Makes `name(isa, …)` from a body generic over [`Simd`], compiled once for each instruction set.
///
/// The body is `#[inline(always)] unsafe fn body<S: Simd, …>(…)`. Types go in `<…>`, constants in `[…]`.
macro_rules! per_isa {
    ($vis:vis unsafe fn $name:ident $(<$($g:ident : $bound:path),+>)? $([$($c:ident : $ct:ty),+])?
     ($($a:ident : $t:ty),* $(,)?) $(-> $r:ty)? = $body:ident) => {
        /// Runs the kernel body on the given instruction set.
        ///
        /// # Safety
        /// The contract of the body; an `Isa` value proves that the processor has the instructions.
        $vis unsafe fn $name<$($($g: $bound,)+)? $($(const $c: $ct),+)?>(
            isa: $crate::kernels::isa::Isa, $($a: $t),*
        ) $(-> $r)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            unsafe fn avx512<$($($g: $bound,)+)? $($(const $c: $ct),+)?>($($a: $t),*) $(-> $r)? {
                // SAFETY: forwarded from the caller.
                unsafe { $body::<$crate::kernels::isa::Avx512, $($($g,)+)? $($($c),+)?>($($a),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2<$($($g: $bound,)+)? $($(const $c: $ct),+)?>($($a: $t),*) $(-> $r)? {
                // SAFETY: forwarded from the caller.
                unsafe { $body::<$crate::kernels::isa::Avx2, $($($g,)+)? $($($c),+)?>($($a),*) }
            }
            // SAFETY: the kind was detected when `isa` was made; the rest is forwarded from the caller.
            unsafe {
                match isa.kind() {
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernels::isa::IsaKind::Avx512 =>
                        avx512::<$($($g,)+)? $($($c),+)?>($($a),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernels::isa::IsaKind::Avx2 =>
                        avx2::<$($($g,)+)? $($($c),+)?>($($a),*),
                    #[cfg(not(target_arch = "x86_64"))]
                    $crate::kernels::isa::IsaKind::Avx512 | $crate::kernels::isa::IsaKind::Avx2 =>
                        $body::<$crate::kernels::isa::Portable, $($($g,)+)? $($($c),+)?>($($a),*),
                    $crate::kernels::isa::IsaKind::Portable =>
                        $body::<$crate::kernels::isa::Portable, $($($g,)+)? $($($c),+)?>($($a),*),
                }
            }
        }
    };
}
pub(crate) use per_isa;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detection_is_consistent() {
        let all = Isa::available();
        assert_eq!(all.first().copied(), Some(Isa::detect()));
        assert_eq!(all.last().copied(), Some(Isa::portable()));
    }

    #[inline(always)]
    unsafe fn transpose_body<S: Simd>(from: *const f32, to: *mut f32) {
        // SAFETY: the caller passes 16 rows of 17 floats each way.
        unsafe { S::transpose16(from, 17, to, 17) }
    }
    per_isa!(unsafe fn transpose_any(from: *const f32, to: *mut f32) = transpose_body);

    #[test]
    fn transposes_on_every_instruction_set() {
        let from: Vec<f32> = (0..16 * 17).map(|i| i as f32).collect();
        for isa in Isa::available() {
            let mut to = vec![f32::NAN; 16 * 17];
            // SAFETY: both buffers hold 16 rows of 17 floats.
            unsafe { transpose_any(isa, from.as_ptr(), to.as_mut_ptr()) };
            for i in 0..16 {
                for j in 0..16 {
                    assert_eq!(to[i * 17 + j].to_bits(), from[j * 17 + i].to_bits(), "{isa:?}");
                }
            }
        }
    }
}
