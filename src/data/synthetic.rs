//! Generated samples.
//!
//! In: a [`Synthetic`]. Out: floats that are a function of its fields alone, the same bits on every machine.
//!
//! All numbers come from [`Stream::Data`] under the seed of the data. Class centres: epoch 0, sample = class. Training sample
//! `i`: epoch 1, sample = `i`; test sample `i`: epoch 2. A sample first draws its place on the curve (spirals and moons, one
//! uniform f64), then its noise in pairs of normal numbers. Sums are taken in f64 and rounded to f32 once.

use std::f64::consts::{PI, TAU};

use super::error::DataError;
use super::files::MAX_FILE_BYTES;
use super::spec::{Synthetic, SyntheticKind};
use super::split::{Pixels, Split};
use crate::kernels::philox::{Draws, Philox, Stream};

/// Most classes of any data set.
pub(super) const MAX_CLASSES: usize = 65_536;

/// Training and test part.
pub(super) fn generate(spec: &Synthetic) -> Result<(Split, Split), DataError> {
    let sample_len = check(spec)?;
    let philox = Philox::new(spec.seed, Stream::Data);
    let centres: Vec<Vec<f64>> = match spec.kind {
        SyntheticKind::Blobs => (0..spec.classes as u32)
            .map(|class| Normals::new(philox.draws(0, class)).take(sample_len).collect())
            .collect(),
        SyntheticKind::Spirals | SyntheticKind::Moons => vec![],
    };
    let part = |epoch: u32, n: usize| {
        let mut values = Vec::with_capacity(n * sample_len);
        let mut labels = Vec::with_capacity(n);
        for i in 0..n {
            let class = i % spec.classes;
            let mut draws = philox.draws(epoch, i as u32);
            let place: [f64; 2];
            let base: &[f64] = match spec.kind {
                SyntheticKind::Blobs => &centres[class],
                SyntheticKind::Spirals => {
                    place = spiral(draws.uniform_f64(), class as f64 / spec.classes as f64);
                    &place
                }
                SyntheticKind::Moons => {
                    place = moon(draws.uniform_f64(), class);
                    &place
                }
            };
            let noise = Normals::new(draws);
            values.extend(base.iter().zip(noise).map(|(&b, e)| (b + spec.noise * e) as f32));
            labels.push(class as u32);
        }
        Split::new(Pixels::F32(values), labels)
    };
    Ok((part(1, spec.n_train), part(2, spec.n_test)))
}

/// The length of a sample.
///
/// # Errors
/// [`DataError::Setting`] for what the kind does not allow, and beyond the bound of a data file.
pub(super) fn check(spec: &Synthetic) -> Result<usize, DataError> {
    let setting = |name, found: String, expected| Err(DataError::Setting { name, found, expected });
    let plane = spec.shape == [2];
    match spec.kind {
        SyntheticKind::Blobs => {
            if spec.shape.is_empty() || spec.shape.contains(&0) {
                let found = format!("{:?}", spec.shape);
                return setting("shape", found, "at least one size, all of them positive");
            }
        }
        SyntheticKind::Spirals | SyntheticKind::Moons if !plane => {
            let found = format!("{:?}", spec.shape);
            return setting("shape", found, "[2], for `spirals` and `moons`");
        }
        SyntheticKind::Moons if spec.classes != 2 => {
            return setting("classes", spec.classes.to_string(), "2, for `moons`");
        }
        SyntheticKind::Spirals | SyntheticKind::Moons => {}
    }
    if !(2..=MAX_CLASSES).contains(&spec.classes) {
        return setting("classes", spec.classes.to_string(), "from 2 to 65536");
    }
    // Beyond 1e30 a sum could leave the range of f32.
    if !(0.0..=1e30).contains(&spec.noise) {
        return setting("noise", spec.noise.to_string(), "a number from 0 to 1e30");
    }
    for (name, n) in [("n_train", spec.n_train), ("n_test", spec.n_test)] {
        if n == 0 || u32::try_from(n).is_err() {
            return setting(name, n.to_string(), "from 1 to 4294967295");
        }
    }
    let sample =
        spec.shape.iter().fold(4_u128, |product, &size| product.saturating_mul(size as u128));
    let n = spec.n_train as u128 + spec.n_test as u128 + spec.classes as u128;
    let declared = sample.saturating_mul(n);
    if declared > u128::from(MAX_FILE_BYTES) {
        let name = if n > sample { "n_train" } else { "shape" };
        return setting(
            name,
            format!("{declared} bytes in all"),
            "at most 8 GiB of samples in all",
        );
    }
    Ok(spec.shape.iter().product())
}

/// One turn outwards, the arm of a class starting at its share of the circle.
fn spiral(t: f64, turn: f64) -> [f64; 2] {
    let (sine, cosine) = libm::sincos(TAU * (turn + t));
    [t * cosine, t * sine]
}

/// The upper half circle for class 0; for class 1 the lower one, moved right by 1 and up by a half.
fn moon(t: f64, class: usize) -> [f64; 2] {
    let (sine, cosine) = libm::sincos(PI * t);
    if class == 0 { [cosine, sine] } else { [1.0 - cosine, 0.5 - sine] }
}

/// Normal numbers one at a time.
struct Normals {
    draws: Draws,
    second: Option<f64>,
}

impl Normals {
    fn new(draws: Draws) -> Self {
        Self { draws, second: None }
    }
}

impl Iterator for Normals {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        if let Some(second) = self.second.take() {
            return Some(second);
        }
        let [first, second] = self.draws.normal_pair();
        self.second = Some(second);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: SyntheticKind, shape: &[usize]) -> Synthetic {
        Synthetic {
            kind,
            shape: shape.to_vec(),
            classes: 2,
            n_train: 40,
            n_test: 10,
            noise: 0.1,
            seed: 5,
        }
    }

    #[test]
    fn more_samples_leave_the_first_as_they_are() {
        for (kind, shape) in [
            (SyntheticKind::Blobs, &[2, 3, 3][..]),
            (SyntheticKind::Spirals, &[2]),
            (SyntheticKind::Moons, &[2]),
        ] {
            let small = spec(kind, shape);
            let (train, test) = generate(&small).unwrap();
            assert_eq!((train.len(), test.len()), (40, 10));
            let (mut more, _) = generate(&Synthetic { n_train: 50, ..small.clone() }).unwrap();
            more.truncate(40);
            assert_eq!(train, more);
            assert_ne!(train, generate(&Synthetic { seed: 6, ..small }).unwrap().0);
        }
    }

    #[test]
    fn what_a_kind_does_not_allow_is_refused() {
        let blobs = spec(SyntheticKind::Blobs, &[3]);
        assert!(generate(&spec(SyntheticKind::Spirals, &[3])).is_err());
        assert!(generate(&Synthetic { classes: 3, ..spec(SyntheticKind::Moons, &[2]) }).is_err());
        for wrong in [
            Synthetic { classes: 1, ..blobs.clone() },
            Synthetic { noise: f64::NAN, ..blobs.clone() },
            Synthetic { n_test: 0, ..blobs.clone() },
            Synthetic { shape: vec![], ..blobs.clone() },
            Synthetic { shape: vec![1 << 40, 1 << 40], ..blobs },
        ] {
            assert!(generate(&wrong).is_err(), "{wrong:?}");
        }
    }
}
