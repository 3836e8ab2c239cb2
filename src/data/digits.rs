//! The embedded digits: 1,797 images of 8 × 8 pixels with values 0..16.
//!
//! They are the test part of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (UCI Machine Learning
//! Repository, 1998, CC BY 4.0). `tools/export-digits.py` writes `digits.bin` and states its layout.

use super::split::{Pixels, Split};

/// The largest pixel value; `unit` divides by it.
pub(super) const LARGEST: f64 = 16.0;

/// The first so many samples train, the others test.
pub(super) const N_TRAIN: usize = 1437;

const PACKED: &[u8] = include_bytes!("digits.bin");

/// Training and test part.
pub(super) fn read() -> (Split, Split) {
    let mut train = unpack(PACKED);
    let test = train.split_off(N_TRAIN.min(train.len()));
    (train, test)
}

fn unpack(packed: &[u8]) -> Split {
    let (head, rest) = packed.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let n = (u32::from_le_bytes(*head) as usize).min(rest.len() / 9);
    let (labels, rest) = rest.split_at(n);
    let (masks, nibbles) = rest.split_at(8 * n);
    let mut values = nibbles.iter().flat_map(|byte| [byte & 15, byte >> 4]);
    let pixels = masks
        .iter()
        .flat_map(|mask| (0..8).map(move |bit| mask >> bit & 1 == 1))
        .map(|inked| if inked { values.next().unwrap_or(0) + 1 } else { 0 })
        .collect();
    Split::new(Pixels::U8(pixels), labels.iter().map(|&label| u32::from(label)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_those_of_the_published_set() {
        let (train, test) = read();
        assert_eq!((train.len(), test.len(), train.sample_len()), (1437, 360, 64));
        assert_eq!(&train.labels()[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let Pixels::U8(pixels) = train.pixels() else { panic!("bytes") };
        assert_eq!(&pixels[..16], [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
        assert!(pixels.iter().all(|&p| p <= 16) && pixels.contains(&16));
        let Pixels::U8(more) = test.pixels() else { panic!("bytes") };
        let sum: u64 = pixels.iter().chain(more).map(|&p| u64::from(p)).sum();
        assert_eq!(sum, 561_718);
    }
}
