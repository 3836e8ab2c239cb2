//! Stored values to network inputs: `(x / divisor - mean) / deviation` per channel, evaluated in f64.
//!
//! In: the training samples and a [`Normalize`]. Out: a [`Normalization`] whose f64 values are those of the same formula in
//! any IEEE arithmetic, and whose f32 values are these rounded once. A channel is an index of the first axis of a sample.

use rayon::prelude::*;

use super::spec::Normalize;
use super::split::{Pixels, Split};

/// Most channels that get a table of the 256 byte values; with more the formula is evaluated for each value.
const MAX_TABLES: usize = 4096;

/// A float type of inputs.
pub trait Element: Copy + Send + Sync + 'static {
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The tables of `normalization` for bytes, one for each channel, one for all, or none.
    fn tables(normalization: &Normalization) -> &[[Self; 256]];
}

impl Element for f32 {
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    fn tables(normalization: &Normalization) -> &[[Self; 256]] {
        &normalization.tables_f32
    }
}

impl Element for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }

    fn tables(normalization: &Normalization) -> &[[Self; 256]] {
        &normalization.tables_f64
    }
}

/// Mean and deviation that a channel is normalised with, after the division.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelNorm {
    /// Subtracted.
    pub mean: f64,
    /// Divided by; 1 where the channel is constant.
    pub deviation: f64,
}

/// The map from stored values to inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    divisor: f64,
    /// One for each channel, or one for all.
    channels: Vec<ChannelNorm>,
    /// The same as factor and term.
    affine: Vec<(f64, f64)>,
    tables_f32: Vec<[f32; 256]>,
    tables_f64: Vec<[f64; 256]>,
}

impl Normalization {
    /// The map that `kind` asks for; `standard` takes mean and population deviation over all of `train`.
    ///
    /// `divisor` is the largest stored value: 255 for bytes, 16 for `digits`, 1 for floats.
    pub(super) fn new(kind: Normalize, divisor: f64, train: &Split, n_channels: usize) -> Self {
        let channels = match kind {
            Normalize::Unit => vec![ChannelNorm { mean: 0.0, deviation: 1.0 }],
            Normalize::Half => vec![ChannelNorm { mean: 0.5, deviation: 0.5 }],
            Normalize::Standard => statistics(train, n_channels.max(1), divisor),
        };
        let factor_and_term =
            |norm: &ChannelNorm| (1.0 / (divisor * norm.deviation), -norm.mean / norm.deviation);
        let affine = channels.iter().map(factor_and_term).collect();
        let (tables_f32, tables_f64) = (vec![], vec![]);
        let mut normalization = Self { divisor, channels, affine, tables_f32, tables_f64 };
        let bytes = match train.pixels() {
            Pixels::U8(_) => true,
            Pixels::F32(_) => false,
        };
        if bytes && normalization.channels.len() <= MAX_TABLES {
            normalization.tables_f64 = (0..normalization.channels.len())
                .map(|channel| std::array::from_fn(|x| normalization.value(channel, x as f64)))
                .collect();
            normalization.tables_f32 =
                normalization.tables_f64.iter().map(|table| table.map(|v| v as f32)).collect();
        }
        normalization
    }

    /// What stored values are divided by first.
    pub fn divisor(&self) -> f64 {
        self.divisor
    }

    /// The number of channels that differ: 1 where all share their numbers.
    pub fn n_channels(&self) -> usize {
        self.channels.len()
    }

    /// Mean and deviation of a channel.
    pub fn channel(&self, channel: usize) -> ChannelNorm {
        self.channels[if self.channels.len() == 1 { 0 } else { channel }]
    }

    /// Factor and term of each channel, or one pair for all: stored value · factor + term is the input up to rounding.
    pub fn affine(&self) -> &[(f64, f64)] {
        &self.affine
    }

    /// The input for the stored value `x` of a channel.
    pub fn value(&self, channel: usize, x: f64) -> f64 {
        let norm = self.channel(channel);
        (x / self.divisor - norm.mean) / norm.deviation
    }
}

fn statistics(train: &Split, n_channels: usize, divisor: f64) -> Vec<ChannelNorm> {
    let plane = (train.sample_len() / n_channels).max(1);
    let count = (train.len() * plane).max(1);
    let finish = |mean: f64, variance: f64| {
        let deviation = libm::sqrt(variance);
        ChannelNorm { mean, deviation: if deviation > 0.0 { deviation } else { 1.0 } }
    };
    match train.pixels() {
        Pixels::U8(bytes) => {
            let sums = byte_sums(bytes, plane, n_channels);
            // n² σ² = n Σx² − (Σx)² is exact in integers, so nothing cancels.
            let n = count as u128;
            sums.into_iter()
                .map(|(sum, squares)| {
                    let (sum, squares) = (u128::from(sum), u128::from(squares));
                    let spread = (n * squares).saturating_sub(sum * sum) as f64;
                    let n = n as f64;
                    finish(sum as f64 / n / divisor, spread / n / n / divisor / divisor)
                })
                .collect()
        }
        Pixels::F32(values) => {
            let mut means = vec![0.0; n_channels];
            for (plane_idx, plane) in values.chunks_exact(plane).enumerate() {
                means[plane_idx % n_channels] += plane.iter().map(|&v| f64::from(v)).sum::<f64>();
            }
            for mean in &mut means {
                *mean /= count as f64 * divisor;
            }
            let mut spreads = vec![0.0; n_channels];
            for (plane_idx, plane) in values.chunks_exact(plane).enumerate() {
                let mean = means[plane_idx % n_channels];
                spreads[plane_idx % n_channels] += plane
                    .iter()
                    .map(|&v| {
                        let d = f64::from(v) / divisor - mean;
                        d * d
                    })
                    .sum::<f64>();
            }
            means
                .into_iter()
                .zip(spreads)
                .map(|(mean, spread)| finish(mean, spread / count as f64))
                .collect()
        }
    }
}

/// Σx and Σx² of each channel: whole numbers, so the order of tasks does not matter.
fn byte_sums(bytes: &[u8], plane: usize, n_channels: usize) -> Vec<(u64, u64)> {
    /// Samples that one task takes.
    const SAMPLES: usize = 512;
    /// Bytes whose squares a 32-bit sum holds.
    const SAFE: usize = 1 << 16;
    let of_part = |part: &[u8]| {
        let mut sums = vec![(0_u64, 0_u64); n_channels];
        for (plane_idx, values) in part.chunks_exact(plane).enumerate() {
            let (sum, squares) = &mut sums[plane_idx % n_channels];
            for values in values.chunks(SAFE) {
                *sum += u64::from(values.iter().map(|&v| u32::from(v)).sum::<u32>());
                let square = |&v: &u8| u32::from(v) * u32::from(v);
                *squares += u64::from(values.iter().map(square).sum::<u32>());
            }
        }
        sums
    };
    let add = |a: Vec<(u64, u64)>, b: Vec<(u64, u64)>| {
        a.iter().zip(&b).map(|(a, b)| (a.0 + b.0, a.1 + b.1)).collect()
    };
    let parts = bytes.par_chunks(SAMPLES * n_channels * plane).map(of_part);
    parts.reduce(|| vec![(0, 0); n_channels], add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    fn split(pixels: Pixels, n: usize) -> Split {
        Split::new(pixels, vec![0; n])
    }

    #[test]
    fn unit_is_the_exact_quotient() {
        let train = split(Pixels::U8((0..=255).collect()), 1);
        let norm = Normalization::new(Normalize::Unit, 255.0, &train, 1);
        for x in 0..=255_u8 {
            let exact = f64::from(x) / 255.0;
            assert_eq!(f64::tables(&norm)[0][x as usize].to_bits(), exact.to_bits());
            assert_eq!(f32::tables(&norm)[0][x as usize].to_bits(), (exact as f32).to_bits());
        }
    }

    #[test]
    fn standard_of_bytes_and_of_floats_agree() {
        let bytes: Vec<u8> = vec![0, 10, 200, 255, 7, 7, 7, 7];
        let floats = bytes.iter().map(|&b| f32::from(b)).collect();
        let a = Normalization::new(Normalize::Standard, 255.0, &split(Pixels::U8(bytes), 1), 2);
        let b = Normalization::new(Normalize::Standard, 255.0, &split(Pixels::F32(floats), 1), 2);
        for channel in 0..2 {
            let (x, y) = (a.channel(channel), b.channel(channel));
            assert!(Tolerance::Double.holds(x.mean, y.mean, 1.0), "{x:?} {y:?}");
            assert!(Tolerance::Double.holds(x.deviation, y.deviation, 1.0), "{x:?} {y:?}");
        }
        assert_eq!(a.channel(1).deviation.to_bits(), 1.0_f64.to_bits(), "a constant channel");
    }
}
