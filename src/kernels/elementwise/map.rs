//! One loop for all element-wise kernels: up to three inputs, one output.

use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// What happens to one vector.
pub(crate) trait Map: Copy {
    /// The output for three inputs; an input that is not used is any of the others.
    ///
    /// # Safety
    /// The processor has the instruction set of `S`.
    unsafe fn apply<S: Simd>(self, a: S::V, b: S::V, c: S::V) -> S::V;
}

/// `to[i] = f(a[i], b[i], c[i])`; `None` stands for `to` itself before it is written.
///
/// # Panics
/// When lengths differ.
pub(crate) fn map<F: Map>(isa: Isa, f: F, inputs: [Option<&[f32]>; 3], to: &mut [f32]) {
    let len = to.len();
    let own = to.as_ptr();
    let inputs = inputs.map(|input| {
        input.map_or(own, |input| {
            assert_eq!(input.len(), len, "length of an input");
            input.as_ptr()
        })
    });
    // SAFETY: all slices hold `len` floats; the output is read, if at all, before it is written.
    unsafe { run::<F>(isa, f, inputs, to.as_mut_ptr(), len) };
}

per_isa!(unsafe fn run<F: Map>(f: F, inputs: [*const f32; 3], to: *mut f32, len: usize) = body);

#[inline(always)]
unsafe fn body<S: Simd, F: Map>(f: F, [a, b, c]: [*const f32; 3], to: *mut f32, len: usize) {
    let whole = len / S::N * S::N;
    for at in (0..whole).step_by(S::N) {
        // SAFETY: `at + N` is within the slices.
        unsafe {
            let value = f.apply::<S>(S::load(a.add(at)), S::load(b.add(at)), S::load(c.add(at)));
            S::store(to.add(at), value);
        }
    }
    if whole < len {
        let mut rest = [[0.0f32; LANES]; 3];
        // SAFETY: only the `len - whole` floats behind the whole vectors are copied.
        unsafe {
            for (rest, from) in rest.iter_mut().zip([a, b, c]) {
                std::ptr::copy_nonoverlapping(from.add(whole), rest.as_mut_ptr(), len - whole);
            }
            let [a, b, c] = rest.each_ref().map(|rest| S::load(rest.as_ptr()));
            let mut result = [0.0f32; LANES];
            S::store(result.as_mut_ptr(), f.apply::<S>(a, b, c));
            std::ptr::copy_nonoverlapping(result.as_ptr(), to.add(whole), len - whole);
        }
    }
}
