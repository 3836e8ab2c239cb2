//! Batches of a [`Split`]: stored values to network inputs.
//!
//! In: numbers of samples, the normalisation, and for augmentation the changes of each. Out: normalised samples one after the
//! other, in f32 or f64; a sample does not depend on what else is in the batch.

use super::augment::Draw;
use super::normalize::{Element, Normalization};
use super::split::{Pixels, Split};
use crate::kernels::augment::{Convert, Planes, augment};

impl Split {
    /// Writes the normalised samples of these numbers to `out`, one after the other.
    ///
    /// `out` holds `indices.len() × sample_len` values; every index is below [`Split::len`].
    pub fn gather<T: Element>(&self, indices: &[u32], norm: &Normalization, out: &mut [T]) {
        debug_assert_eq!(out.len(), indices.len() * self.sample_len());
        let tables = T::tables(norm);
        for (&index, out) in indices.iter().zip(out.chunks_exact_mut(self.sample_len().max(1))) {
            let range = self.range(index);
            match self.pixels() {
                Pixels::U8(bytes) if !tables.is_empty() => {
                    let plane = self.sample_len() / tables.len();
                    let planes = bytes[range].chunks_exact(plane);
                    for ((table, input), out) in
                        tables.iter().zip(planes).zip(out.chunks_exact_mut(plane))
                    {
                        for (value, &byte) in out.iter_mut().zip(input) {
                            *value = table[usize::from(byte)];
                        }
                    }
                }
                Pixels::U8(bytes) => convert(&bytes[range], norm, out),
                Pixels::F32(floats) => convert(&floats[range], norm, out),
            }
        }
    }

    /// As [`Split::gather`], with the random changes that `draws` gives for each sample number.
    ///
    /// Padding is the stored value 0 before normalisation; a cut-out hole is 0 after it.
    pub fn gather_augmented<T: Element>(
        &self,
        indices: &[u32],
        norm: &Normalization,
        shape: Planes,
        draws: impl Fn(u32) -> Draw,
        out: &mut [T],
    ) {
        debug_assert_eq!(out.len(), indices.len() * self.sample_len());
        let converter = Converter { norm };
        for (&index, out) in indices.iter().zip(out.chunks_exact_mut(self.sample_len().max(1))) {
            let window = draws(index).window(shape);
            let range = self.range(index);
            match self.pixels() {
                Pixels::U8(bytes) => augment(&bytes[range], shape, window, &converter, out),
                Pixels::F32(floats) => augment(&floats[range], shape, window, &converter, out),
            }
        }
    }
}

/// Values by the formula, for what has no table.
fn convert<S: Copy + Into<f64>, T: Element>(input: &[S], norm: &Normalization, out: &mut [T]) {
    let plane = (input.len() / norm.n_channels()).max(1);
    for (i, (value, &stored)) in out.iter_mut().zip(input).enumerate() {
        *value = T::from_f64(norm.value(i / plane, stored.into()));
    }
}

struct Converter<'a> {
    norm: &'a Normalization,
}

impl<T: Element> Convert<u8, T> for Converter<'_> {
    fn pixel(&self, channel: usize, value: u8) -> T {
        let tables = T::tables(self.norm);
        match tables.get(if tables.len() == 1 { 0 } else { channel }) {
            Some(table) => table[usize::from(value)],
            None => T::from_f64(self.norm.value(channel, f64::from(value))),
        }
    }

    fn padding(&self, channel: usize) -> T {
        T::from_f64(self.norm.value(channel, 0.0))
    }

    fn hole(&self) -> T {
        T::from_f64(0.0)
    }
}

impl<T: Element> Convert<f32, T> for Converter<'_> {
    fn pixel(&self, channel: usize, value: f32) -> T {
        T::from_f64(self.norm.value(channel, f64::from(value)))
    }

    fn padding(&self, channel: usize) -> T {
        T::from_f64(self.norm.value(channel, 0.0))
    }

    fn hole(&self) -> T {
        T::from_f64(0.0)
    }
}
