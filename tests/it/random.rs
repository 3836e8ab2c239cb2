//! Numbers without structure for tests, the same in every run.

/// Marsaglia's xorshift with shifts 13, 7 and 17.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to `bound`, without it.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// In [−1, 1).
    pub(crate) fn signed(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// In (−1, 1), in single precision, never 0.
    pub(crate) fn single(&mut self) -> f32 {
        ((self.next() >> 40) as f32 + 0.5) / (1_u64 << 23) as f32 - 1.0
    }

    /// So many numbers in (−1, 1).
    pub(crate) fn singles(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.single()).collect()
    }
}
