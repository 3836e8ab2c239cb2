//! Philox4x32-10: every random number of a run as a pure function of where it is used.
//!
//! In: a seed, a [`Stream`], an epoch, a sample and a draw. Out: 128 random bits. Nothing is carried from one call to the
//! next, so results cannot depend on threads, batch boundaries or on where a run was interrupted.
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

use std::f64::consts::TAU;

/// What random numbers are used for; streams of one seed are independent of each other.
///
/// An index counts modulo 2^28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Initial values of the parameter with this index.
    Init(u32),
    /// The order of the samples of an epoch.
    Shuffle,
    /// Crops, flips and holes.
    Augment,
    /// The mask of the dropout node with this index.
    Dropout(u32),
    /// Synthetic data.
    Data,
    /// Random tests of claims: homogeneity witnesses, gradient checks.
    Witness,
}

impl Stream {
    /// The fourth counter word: the kind in the top four bits, the index below.
    fn word(self) -> u32 {
        const INDEX: u32 = (1 << 28) - 1;
        let (kind, index) = match self {
            Self::Init(index) => (0, index),
            Self::Shuffle => (1, 0),
            Self::Augment => (2, 0),
            Self::Dropout(index) => (3, index),
            Self::Data => (4, 0),
            Self::Witness => (5, 0),
        };
        kind << 28 | index & INDEX
    }
}

/// The generator of one seed and one stream.
///
/// The key is the seed, low word first; the counter is `[draw, sample, epoch, stream]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
    stream: u32,
}

impl Philox {
    /// The generator for `stream` under `seed`.
    pub fn new(seed: u64, stream: Stream) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], stream: stream.word() }
    }

    /// The 128 random bits at this place.
    pub fn at(&self, epoch: u32, sample: u32, draw: u32) -> [u32; 4] {
        philox4x32_10([draw, sample, epoch, self.stream], self.key)
    }

    /// A reader of the words at `(epoch, sample)` from draw 0 on, one after the other.
    pub fn draws(&self, epoch: u32, sample: u32) -> Draws {
        self.draws_from(epoch, sample, 0)
    }

    /// As [`Philox::draws`], starting at `draw`, so that several uses of one sample do not shift each other.
    pub fn draws_from(&self, epoch: u32, sample: u32, draw: u32) -> Draws {
        Draws { philox: *self, epoch, sample, draw, block: [0; 4], used: 4 }
    }
}

/// Random words read in order from one `(seed, stream, epoch, sample)`.
#[derive(Clone, Debug)]
pub struct Draws {
    philox: Philox,
    epoch: u32,
    sample: u32,
    draw: u32,
    block: [u32; 4],
    used: usize,
}

impl Draws {
    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = self.philox.at(self.epoch, self.sample, self.draw);
            self.draw = self.draw.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Uniform in [0, 1) on multiples of 2^-24; takes one word.
    pub fn uniform_f32(&mut self) -> f32 {
        uniform_f32(self.next_u32())
    }

    /// Uniform in [0, 1) on multiples of 2^-53; takes two words, the high one first.
    pub fn uniform_f64(&mut self) -> f64 {
        let high = self.next_u32();
        uniform_f64(high, self.next_u32())
    }

    /// Two independent standard normal numbers; takes four words.
    pub fn normal_pair(&mut self) -> [f64; 2] {
        let first = self.uniform_f64();
        box_muller(first, self.uniform_f64())
    }

    /// Uniform in `0..bound` without modulo bias; 0 when `bound` is 0. Takes one word, rarely more.
    ///
    /// Source: Lemire, "Fast random integer generation in an interval", TOMACS 29(1), 2019.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }
}

/// The top 24 bits of a word as a number in [0, 1).
pub fn uniform_f32(word: u32) -> f32 {
    (word >> 8) as f32 / 16_777_216.0
}

/// The top 53 bits of two words as a number in [0, 1).
pub fn uniform_f64(high: u32, low: u32) -> f64 {
    let bits = u64::from(high) << 21 | u64::from(low >> 11);
    bits as f64 / 9_007_199_254_740_992.0
}

/// Two standard normal numbers from 128 random bits.
pub fn normal_pair(words: [u32; 4]) -> [f64; 2] {
    box_muller(uniform_f64(words[0], words[1]), uniform_f64(words[2], words[3]))
}

/// Box–Muller with `1 - first` in (0, 1], so that the logarithm is finite; the same bits on every machine.
fn box_muller(first: f64, second: f64) -> [f64; 2] {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - first));
    let (sine, cosine) = libm::sincos(TAU * second);
    [radius * cosine, radius * sine]
}

/// Ten rounds of the Philox bijection over a 128-bit counter.
fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let mut c = counter;
    let mut k = key;
    for _ in 0..10 {
        let p0 = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
        let p1 = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
        c = [
            (p1 >> 32) as u32 ^ c[1] ^ k[0],
            p1 as u32,
            (p0 >> 32) as u32 ^ c[3] ^ k[1],
            p0 as u32,
        ];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known-answer vectors published with the Random123 library.
    #[test]
    fn published_vectors() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn draws_read_the_blocks_in_order() {
        let philox = Philox::new(7, Stream::Dropout(3));
        let mut draws = philox.draws(2, 5);
        let words: Vec<u32> = (0..8).map(|_| draws.next_u32()).collect();
        assert_eq!(words, [philox.at(2, 5, 0), philox.at(2, 5, 1)].concat());
        assert_ne!(philox.at(2, 5, 0), Philox::new(7, Stream::Dropout(4)).at(2, 5, 0));
        assert_ne!(philox.at(2, 5, 0), Philox::new(7 << 32, Stream::Dropout(3)).at(2, 5, 0));
    }

    #[test]
    fn uniform_numbers_stay_below_one() {
        assert!(uniform_f32(u32::MAX) < 1.0);
        assert!(uniform_f64(u32::MAX, u32::MAX) < 1.0);
        assert!(normal_pair([u32::MAX; 4]).iter().all(|x| x.is_finite()));
    }

    #[test]
    fn below_is_uniform() {
        let mut draws = Philox::new(1, Stream::Witness).draws(0, 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[draws.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!(draws.below(1), 0);
        assert_eq!(draws.below(0), 0);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut draws = Philox::new(3, Stream::Init(0)).draws(0, 0);
        let values: Vec<f64> = (0..50_000).flat_map(|_| draws.normal_pair()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
