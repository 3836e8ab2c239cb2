//! Features that are the same in every sample.

use super::finding::Finding;
use crate::data::dataset::Dataset;
use crate::data::spec::Normalize;
use crate::data::split::{Pixels, Split};

/// Constant features that deserve a word.
///
/// Under `standard` all of them, since their deviation of 0 is replaced. Otherwise features of flat samples whose input is not
/// 0: they act as a bias. A pixel that is always blank is an input of 0 and changes nothing.
pub(super) fn findings(data: &Dataset, normalize: Normalize) -> Option<Finding> {
    let flat = data.shape.len() == 1;
    let of = data.shape.first().copied().unwrap_or(1);
    let standard = normalize == Normalize::Standard;
    if data.train.len() < 2 || !(standard || flat) {
        return None;
    }
    let train = constants(&data.train, of);
    let test = constants(&data.test, of);
    let mut features = vec![];
    let mut vary_in_test = 0;
    for (number, (in_train, in_test)) in train.into_iter().zip(test).enumerate() {
        let Some(value) = in_train else { continue };
        if standard || data.normalization.value(number, value) != 0.0 {
            features.push((number, value));
            vary_in_test += usize::from(in_test != Some(value));
        }
    }
    let found = !features.is_empty();
    found.then_some(Finding::Constant { features, of, flat, normalize, vary_in_test })
}

/// The one value of each channel, where it has one.
fn constants(split: &Split, n_channels: usize) -> Vec<Option<f64>> {
    match split.pixels() {
        Pixels::U8(values) => one_value(values, split.sample_len(), n_channels),
        Pixels::F32(values) => one_value(values, split.sample_len(), n_channels),
    }
}

fn one_value<T: Copy + PartialEq + Into<f64>>(
    values: &[T],
    sample_len: usize,
    n_channels: usize,
) -> Vec<Option<f64>> {
    let plane = (sample_len / n_channels.max(1)).max(1);
    let mut constant: Vec<Option<T>> =
        values.chunks_exact(plane).take(n_channels).map(|plane| plane.first().copied()).collect();
    let mut open: Vec<usize> = (0..constant.len()).collect();
    // Most channels differ in the first samples; only what is still constant is looked at further.
    for sample in values.chunks_exact(sample_len.max(1)) {
        if open.is_empty() {
            break;
        }
        open.retain(|&channel| {
            let plane = &sample[channel * plane..(channel + 1) * plane];
            let same = plane.iter().all(|&value| Some(value) == constant[channel]);
            if !same {
                constant[channel] = None;
            }
            same
        });
    }
    constant.into_iter().map(|value| value.map(Into::into)).collect()
}
