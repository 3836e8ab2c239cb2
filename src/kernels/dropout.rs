//! Dropout masks: a pure function of seed, stream, step, sample and element.
//!
//! Element `i` of a sample uses word `i mod 4` of draw `i / 4` at (step, sample) of [`Stream::Dropout`]; it is dropped
//! where that word, read by [`uniform_f32`], lies below `p`. All targets draw the same masks.

use super::philox::{Philox, Stream, uniform_f32};

/// The masks of one dropout layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    philox: Philox,
    p: f64,
}

impl Dropout {
    /// The masks of `stream` that are zero with probability `p`.
    pub fn new(seed: u64, stream: u32, p: f64) -> Self {
        Self { philox: Philox::new(seed, Stream::Dropout(stream)), p }
    }

    /// What elements that stay are multiplied by: 1 / (1 − p), or 0 where nothing stays.
    pub fn scale(&self) -> f64 {
        if self.p < 1.0 { 1.0 / (1.0 - self.p) } else { 0.0 }
    }

    /// Writes `kept` or `dropped` for each element of `sample` (its position in the split) at `step`.
    pub fn fill<T: Copy>(&self, step: u64, sample: u32, kept: T, dropped: T, out: &mut [T]) {
        for (draw, out) in out.chunks_mut(4).enumerate() {
            let words = self.philox.at(step as u32, sample, draw as u32);
            for (out, word) in out.iter_mut().zip(words) {
                *out = if f64::from(uniform_f32(word)) < self.p { dropped } else { kept };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    #[test]
    fn the_share_of_zeros_is_p() {
        let dropout = Dropout::new(5, 1, 0.3);
        let mut mask = vec![0.0; 20_000];
        dropout.fill(7, 3, dropout.scale(), 0.0, &mut mask);
        let zeros = mask.iter().filter(|m| **m == 0.0).count();
        assert!(zeros.abs_diff(6_000) < 300, "{zeros}");
        assert!(mask.iter().all(|m| *m == 0.0 || Tolerance::Double.holds(*m, 1.0 / 0.7, 1.0)));
    }

    #[test]
    fn masks_differ_between_steps_and_samples() {
        let dropout = Dropout::new(5, 1, 0.5);
        let draw = |step, sample| {
            let mut mask = [0_u8; 64];
            dropout.fill(step, sample, 1, 0, &mut mask);
            mask
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(2, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
    }
}
