//! The order in which an epoch visits the training samples.

use crate::kernels::philox::{Philox, Stream};

/// A uniformly drawn order of `0..n`; a function of `seed`, `epoch` and `n` alone.
///
/// Fisher–Yates from the end, one bounded draw of [`Stream::Shuffle`] at `(epoch, sample 0)` for each position.
pub fn order(seed: u64, epoch: u32, n: usize) -> Vec<u32> {
    let mut indices = in_order(n);
    let mut draws = Philox::new(seed, Stream::Shuffle).draws(epoch, 0);
    for last in (1..indices.len()).rev() {
        let other = draws.below(last as u32 + 1) as usize;
        indices.swap(last, other);
    }
    indices
}

/// `0..n`: file order.
pub fn in_order(n: usize) -> Vec<u32> {
    (0..u32::try_from(n).unwrap_or(u32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_that_follows_seed_and_epoch() {
        let first = order(1, 1, 1000);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, in_order(1000));
        assert_eq!(first, order(1, 1, 1000));
        assert_ne!(first, order(1, 2, 1000));
        assert_ne!(first, order(2, 1, 1000));
        assert!(order(1, 1, 0).is_empty());
    }

    #[test]
    fn the_order_is_pinned() {
        // From an independent program.
        assert_eq!(order(0, 1, 10), [9, 4, 1, 0, 5, 7, 6, 2, 3, 8]);
    }
}
