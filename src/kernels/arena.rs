//! Memory for kernels: floats that start on a cache line.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::LANES;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// A buffer of floats whose first element lies on a multiple of 64 bytes.
///
/// Dereferences to a slice. Parts at multiples of 16 floats are aligned as well.
#[derive(Clone)]
pub struct Arena {
    lines: Vec<Line>,
    len: usize,
}

impl Arena {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LANES]); len.div_ceil(LANES)], len }
    }

    /// `len` zeros, or `None` where the system does not give the memory.
    pub fn try_zeros(len: usize) -> Option<Self> {
        let n_lines = len.div_ceil(LANES);
        let mut lines = vec![];
        lines.try_reserve_exact(n_lines).ok()?;
        lines.resize(n_lines, Line([0.0; LANES]));
        Some(Self { lines, len })
    }

    /// `len` floats that a kernel is to overwrite: NaN in debug builds, so that a forgotten one shows.
    pub fn unset(len: usize) -> Self {
        let value = if cfg!(debug_assertions) { f32::NAN } else { 0.0 };
        Self { lines: vec![Line([value; LANES]); len.div_ceil(LANES)], len }
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Deref for Arena {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` floats without gaps, a `Line` being exactly 16 of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<f32>(), self.len) }
    }
}

impl DerefMut for Arena {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<f32>(), self.len) }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn aligned_and_of_the_asked_length() {
        for len in [0, 1, 16, 17, 1000] {
            let mut arena = Arena::zeros(len);
            assert_eq!(arena.len(), len);
            assert!(arena.as_ptr().cast::<u8>().addr().is_multiple_of(64) || len == 0);
            arena.iter_mut().for_each(|x| *x += 1.0);
            assert!(arena.iter().all(|&x| x == 1.0));
        }
        assert_eq!(Arena::unset(5).len(), 5);
        assert_eq!(Arena::try_zeros(17).as_deref(), Some([0.0; 17].as_slice()));
        assert!(Arena::try_zeros(usize::MAX / 8).is_none());
    }
}
