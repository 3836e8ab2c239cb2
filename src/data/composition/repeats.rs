//! Samples that occur more than once, value for value.

use rayon::prelude::*;

use super::finding::Finding;
use crate::data::dataset::Dataset;
use crate::data::split::{Pixels, Split};

/// One in so many samples may be repeated or contradicted: that much accuracy may come of it. In published sets it is one in a
/// thousand: 10 test images of CIFAR-100 are training images, 6 of them under another label; none of MNIST and CIFAR-10.
const ONE_IN: usize = 100;

/// Pairs of equal samples that a finding names.
const NAMED: usize = 3;

pub(super) fn findings(data: &Dataset) -> Vec<Finding> {
    let groups = Groups::of(data);
    let mut findings = vec![];
    findings.extend(repeated(data, &groups));
    findings.extend(contradicting(data, &groups));
    findings
}

/// Samples of both parts by their values.
struct Groups {
    /// The group of each training sample, then of each test sample: the number of the first sample equal to it.
    of: Vec<u32>,
}

impl Groups {
    fn of(data: &Dataset) -> Self {
        let n_train = data.train.len();
        let sample = |i: u32| match (i as usize).checked_sub(n_train) {
            None => values(&data.train, i as usize),
            Some(i) => values(&data.test, i),
        };
        let n = u32::try_from(n_train + data.test.len()).unwrap_or(u32::MAX);
        let mut order: Vec<(u64, u32)> =
            (0..n).into_par_iter().map(|i| (sample(i).hash(), i)).collect();
        order.par_sort_unstable();
        let mut of: Vec<u32> = (0..n).collect();
        // Samples of one hash lie together, in file order; those that differ all the same start groups of their own.
        for run in order.chunk_by(|a, b| a.0 == b.0) {
            let mut firsts: Vec<u32> = vec![];
            for &(_, i) in run {
                match firsts.iter().find(|&&first| sample(first) == sample(i)) {
                    Some(&first) => of[i as usize] = first,
                    None => firsts.push(i),
                }
            }
        }
        Self { of }
    }
}

/// The stored values of one sample.
#[derive(PartialEq)]
enum Values<'a> {
    Bytes(&'a [u8]),
    Floats(&'a [f32]),
}

fn values(split: &Split, sample: usize) -> Values<'_> {
    let range = split.range(sample as u32);
    match split.pixels() {
        Pixels::U8(bytes) => Values::Bytes(&bytes[range]),
        Pixels::F32(floats) => Values::Floats(&floats[range]),
    }
}

impl Values<'_> {
    /// Equal for equal values; multiplication and rotation of eight bytes at a time.
    fn hash(&self) -> u64 {
        let mix = |hash: u64, word: u64| {
            (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        };
        match self {
            Self::Bytes(bytes) => {
                let (words, rest) = bytes.as_chunks::<8>();
                let hash = words.iter().fold(0, |hash, word| mix(hash, u64::from_le_bytes(*word)));
                rest.iter().fold(hash, |hash, &byte| mix(hash, u64::from(byte)))
            }
            // A zero of either sign is one value.
            Self::Floats(floats) => {
                floats.iter().fold(0, |hash, &value| mix(hash, u64::from((value + 0.0).to_bits())))
            }
        }
    }
}

fn repeated(data: &Dataset, groups: &Groups) -> Option<Finding> {
    let (n_train, n_test) = (data.train.len(), data.test.len());
    let (in_train, in_test) = groups.of.split_at(n_train);
    let known = |group: u32| (group as usize) < n_train;
    let n = in_test.iter().filter(|&&group| known(group)).count();
    if n * ONE_IN <= n_test {
        return None;
    }
    let mut labelled: Vec<(u32, u32)> =
        in_train.iter().copied().zip(data.train.meant_labels().iter().copied()).collect();
    labelled.sort_unstable();
    let pairs = || {
        (0_u32..)
            .zip(in_test)
            .filter(|&(_, &group)| known(group))
            .map(|(test, &group)| (test, group))
    };
    let other_label = pairs()
        .filter(|&(test, group)| {
            labelled.binary_search(&(group, data.test.labels()[test as usize])).is_err()
        })
        .count();
    let distinct = (0_u32..).zip(in_train).filter(|&(i, &group)| i == group).count();
    let first = pairs().take(NAMED).collect();
    Some(Finding::Repeated { n, other_label, n_test, distinct, n_train, first })
}

fn contradicting(data: &Dataset, groups: &Groups) -> Option<Finding> {
    let n_train = data.train.len();
    let labels = data.train.meant_labels();
    let mut order: Vec<(u32, u32, u32)> = (0_u32..)
        .zip(&groups.of[..n_train])
        .map(|(i, &group)| (group, labels[i as usize], i))
        .collect();
    order.sort_unstable();
    let mut n = 0;
    let mut first: Option<(u32, u32)> = None;
    for group in order.chunk_by(|a, b| a.0 == b.0) {
        let largest = group.chunk_by(|a, b| a.1 == b.1).map(<[_]>::len).max().unwrap_or(0);
        n += group.len() - largest;
        let other = group.iter().find(|sample| sample.1 != group[0].1);
        if let (None, Some(other)) = (first, other) {
            first = Some((group[0].2.min(other.2), group[0].2.max(other.2)));
        }
    }
    let first = first.filter(|_| n * ONE_IN > n_train)?;
    Some(Finding::Contradicting { n, n_train, first })
}
