//! A loop of multiply-adds in registers, to measure what a processor can do at most.
//!
//! In: an instruction set and a count. Out: the floating-point operations done. Invariant: no memory is touched in the loop.

use super::isa::{Isa, Simd, per_isa};

/// Independent sums in the loop: enough to hide the latency of a multiply-add, few enough for 16 registers.
const SUMS: usize = 10;

/// Runs `n` rounds of multiply-adds and returns the number of operations (a multiply-add is two).
pub fn spin(isa: Isa, n: u64) -> u64 {
    let mut result = 0.0;
    // SAFETY: the body touches only its own variables.
    let lanes = unsafe { rounds(isa, n, std::hint::black_box(0.999_9), &mut result) };
    std::hint::black_box(result);
    2 * n * SUMS as u64 * lanes as u64
}

per_isa!(unsafe fn rounds(n: u64, factor: f32, result: &mut f32) -> usize = rounds_body);

#[inline(always)]
unsafe fn rounds_body<S: Simd>(n: u64, factor: f32, result: &mut f32) -> usize {
    let mut lanes = [0.0; 16];
    // SAFETY: `lanes` holds any register.
    unsafe {
        let factor = S::splat(factor);
        let mut sums = [S::splat(0.0); SUMS];
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = S::splat(i as f32);
        }
        for _ in 0..n {
            for sum in &mut sums {
                *sum = S::fma(*sum, factor, factor);
            }
        }
        for sum in sums {
            S::store(lanes.as_mut_ptr(), sum);
            *result += lanes[0];
        }
    }
    S::N
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_operations() {
        for isa in Isa::available() {
            assert_eq!(spin(isa, 100) % 2000, 0);
        }
    }
}
