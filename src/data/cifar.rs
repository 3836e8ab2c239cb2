//! CIFAR-10 and CIFAR-100: files of fixed records, label bytes first, then three planes of 32 × 32 bytes.
//!
//! In: a folder. Out: pixels and labels in file order, every label in range, every file a whole number of records.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::DataError;
use super::files::{self, MAX_FILE_BYTES};
use super::split::{Pixels, Split};

/// Records that one task reads.
const RUN: usize = 2048;

/// Bytes of an image.
const IMAGE: usize = 3 * 32 * 32;

/// The label bytes in front of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One class byte.
    Cifar10,
    /// One coarse byte, one fine byte.
    Cifar100,
}

impl Layout {
    fn label_bytes(self) -> usize {
        match self {
            Self::Cifar10 => 1,
            Self::Cifar100 => 2,
        }
    }

    fn record(self) -> usize {
        self.label_bytes() + IMAGE
    }

    /// Classes of each label byte.
    fn classes(self) -> &'static [usize] {
        match self {
            Self::Cifar10 => &[10],
            Self::Cifar100 => &[20, 100],
        }
    }
}

/// The super-class of each CIFAR-100 class, as published; used for classes that no record shows.
const PUBLISHED_COARSE: [u8; 100] = [
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7, 6, 13, 15,
    3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4,
    2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13,
    16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
];

/// The records of a part.
#[derive(Debug)]
pub(super) struct Records {
    pixels: Vec<u8>,
    fine: Vec<u32>,
    coarse: Vec<u32>,
}

impl Records {
    /// With the classes, or with the coarse labels as classes.
    pub(super) fn into_split(self, coarse: bool) -> Split {
        Split::new(Pixels::U8(self.pixels), if coarse { self.coarse } else { self.fine })
    }
}

/// The files of the training part of CIFAR-10.
pub(super) fn cifar10_batches(folder: &Path) -> Vec<PathBuf> {
    (1..=5).map(|batch| folder.join(format!("data_batch_{batch}.bin"))).collect()
}

/// The number of records of each file.
pub(super) fn counts(files: &[PathBuf], layout: Layout) -> Result<Vec<usize>, DataError> {
    let record = layout.record() as u64;
    let mut counts = vec![];
    let mut total = 0_u64;
    for file in files {
        let bytes = files::length(file)?;
        total = total.saturating_add(bytes);
        if total > MAX_FILE_BYTES {
            return Err(DataError::TooLarge {
                file: file.clone(),
                declared: total.into(),
                limit: MAX_FILE_BYTES,
            });
        }
        if bytes == 0 || bytes % record != 0 {
            return Err(DataError::PartialRecord {
                file: file.clone(),
                offset: bytes - bytes % record,
                found: bytes % record,
                record,
            });
        }
        counts.push((bytes / record) as usize);
    }
    Ok(counts)
}

/// The first `most` records of these files in order; of all files the length is checked, of the records read the labels.
///
/// Runs of records are read in parallel; of several errors the first one in the files is reported.
pub(super) fn read(files: &[PathBuf], layout: Layout, most: usize) -> Result<Records, DataError> {
    let counts = counts(files, layout)?;
    let n = counts.iter().sum::<usize>().min(most);
    let coarse = if layout == Layout::Cifar100 { n } else { 0 };
    let mut records =
        Records { pixels: vec![0; n * IMAGE], fine: vec![0; n], coarse: vec![0; coarse] };
    let mut runs = vec![];
    let mut rest = (&mut records.pixels[..], &mut records.fine[..], &mut records.coarse[..]);
    for (file, count) in files.iter().zip(counts) {
        for first in (0..count).step_by(RUN) {
            let len = RUN.min(count - first).min(rest.1.len());
            if len == 0 {
                break;
            }
            let (pixels, more_pixels) = rest.0.split_at_mut(len * IMAGE);
            let (fine, more_fine) = rest.1.split_at_mut(len);
            let (coarse, more_coarse) = rest.2.split_at_mut(len.min(rest.2.len()));
            rest = (more_pixels, more_fine, more_coarse);
            runs.push(Run { file, first: first as u64, pixels, fine, coarse });
        }
    }
    let results: Vec<_> = runs.into_par_iter().map(|run| run.read(layout)).collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(records)
}

/// Records that are read as one.
struct Run<'a> {
    file: &'a Path,
    /// The first of them in the file.
    first: u64,
    pixels: &'a mut [u8],
    fine: &'a mut [u32],
    coarse: &'a mut [u32],
}

impl Run<'_> {
    fn read(self, layout: Layout) -> Result<(), DataError> {
        let record_len = layout.record() as u64;
        let mut reader = files::open_at(self.file, self.first * record_len)?;
        let mut labels = [0; 2];
        let labels = &mut labels[..layout.label_bytes()];
        for (i, pixels) in self.pixels.chunks_exact_mut(IMAGE).enumerate() {
            let number = self.first + i as u64;
            let offset = number * record_len;
            let mut filled = files::fill(self.file, &mut reader, labels)?;
            if filled == labels.len() {
                filled += files::fill(self.file, &mut reader, pixels)?;
            }
            if (filled as u64) < record_len {
                let (file, found) = (self.file.to_owned(), filled as u64);
                return Err(DataError::PartialRecord { file, offset, found, record: record_len });
            }
            for (i, (&label, &classes)) in labels.iter().zip(layout.classes()).enumerate() {
                if usize::from(label) >= classes {
                    return Err(DataError::Label {
                        file: self.file.to_owned(),
                        offset: offset + i as u64,
                        record: number,
                        found: i64::from(label),
                        classes,
                        base: 0,
                    });
                }
            }
            match *labels {
                [coarse, fine] => {
                    self.coarse[i] = u32::from(coarse);
                    self.fine[i] = u32::from(fine);
                }
                [fine] => self.fine[i] = u32::from(fine),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The super-class of each class: what the records say, and the published one for classes that none shows.
///
/// # Errors
/// [`DataError::CoarseConflict`] where records of one class differ.
pub(super) fn coarse_of_class(parts: &[(&Path, &Records)]) -> Result<Vec<u32>, DataError> {
    let mut seen: Vec<Option<u32>> = vec![None; PUBLISHED_COARSE.len()];
    for (file, records) in parts {
        for (number, (&class, &second)) in records.fine.iter().zip(&records.coarse).enumerate() {
            let first = *seen[class as usize].get_or_insert(second);
            if first != second {
                return Err(DataError::CoarseConflict {
                    file: file.to_path_buf(),
                    offset: (number * Layout::Cifar100.record()) as u64,
                    class,
                    first,
                    second,
                });
            }
        }
    }
    Ok(seen
        .into_iter()
        .zip(PUBLISHED_COARSE)
        .map(|(seen, published)| seen.unwrap_or(u32::from(published)))
        .collect())
}
