//! All signs that n differences may have, or a fixed draw of them.

use crate::kernels::philox::{Philox, Stream};

/// Up to so many differences every combination of signs is looked at.
pub const EXACT_UP_TO: usize = 16;

/// Drawn combinations beyond.
pub const DRAWS: u32 = 100_000;

/// Visits combinations of `n` signs, bit i set where difference i is turned; the first is that of no turn.
///
/// Up to [`EXACT_UP_TO`] these are half of all: turning every sign changes no two-sided statistic, so that the last sign
/// stays. Beyond, [`DRAWS`] are drawn, the same every time. Returns how many stand for how many: the visited and the factor.
pub(super) fn visit(n: usize, mut visitor: impl FnMut(&[bool])) {
    let mut turned = vec![false; n];
    visitor(&turned);
    if n <= EXACT_UP_TO {
        for combination in 1..1_u32 << n.saturating_sub(1) {
            for (i, turn) in turned.iter_mut().enumerate() {
                *turn = combination >> i & 1 == 1;
            }
            visitor(&turned);
        }
        return;
    }
    let philox = Philox::new(0, Stream::Witness);
    for draw in 0..DRAWS {
        for (block, turns) in turned.chunks_mut(128).enumerate() {
            let words = philox.at(0, draw, block as u32);
            for (i, turn) in turns.iter_mut().enumerate() {
                *turn = words[i / 32] >> (i % 32) & 1 == 1;
            }
        }
        visitor(&turned);
    }
}

/// The smallest p that the visited combinations allow: 2 / 2ⁿ, or one of the draws.
pub(super) fn floor(n: usize) -> f64 {
    if n <= EXACT_UP_TO {
        1.0 / f64::from(1_u32 << n.saturating_sub(1))
    } else {
        1.0 / f64::from(DRAWS + 1)
    }
}
