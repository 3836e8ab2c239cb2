//! The words that a replica is told before a step: the call, the scales of its samples, labels, positions, windows.

use crate::kernels::augment::Window;
use crate::lower::cuda::{CudaPlan, WINDOW_WORDS};
use crate::lower::{Batch, ExecError, HyperValues, RawSamples};

/// Whether the kernels decode the samples of a batch.
pub(super) fn is_raw(plan: &CudaPlan, batch: &Batch<'_>) -> bool {
    batch.samples.raw().and_then(|raw| scales(plan, &raw)).is_some()
}

/// Writes the feed of one replica into `words`, of the length that the plan states.
///
/// The result says whether the kernels decode the samples; else the caller sends them as numbers.
pub(super) fn fill(
    plan: &CudaPlan,
    batch: &Batch<'_>,
    hyper: &HyperValues,
    seed: u64,
    settings: &[f64],
    words: &mut [u32],
) -> Result<bool, ExecError> {
    let feed = plan.feed;
    let n = batch.indices.len();
    if n == 0 || n > plan.options.batch {
        let message = format!("a batch of {n} samples for a plan of {}", plan.options.batch);
        return Err(ExecError::Device { message });
    }
    let raw = batch.samples.raw().and_then(|raw| scales(plan, &raw));
    let is_raw = raw.is_some();
    for (pair, (scale, shift)) in words[feed.scales..].chunks_mut(2).zip(raw.unwrap_or_default()) {
        pair[0] = scale.to_bits();
        pair[1] = shift.to_bits();
    }
    let labels = &mut words[feed.labels..feed.labels + n];
    batch.samples.labels(batch, labels);
    words[feed.indices..feed.indices + n].copy_from_slice(batch.indices);
    let mut windows = vec![Window::default(); n];
    let is_moved =
        is_raw && plan.input_dims.len() == 3 && batch.samples.windows(batch, &mut windows);
    if is_moved {
        let to = words[feed.windows..].chunks_mut(WINDOW_WORDS);
        to.zip(&windows).for_each(|(words, window)| write_window(words, window));
    }
    write_call(words, hyper, seed, n);
    for (words, value) in words[feed.settings..feed.scales].chunks_mut(2).zip(settings) {
        write_double(words, *value);
    }
    (words[7], words[8]) = (u32::from(is_raw), u32::from(is_moved));
    Ok(is_raw)
}

/// Writes the call of a step on `n` samples, which are numbers already.
pub(super) fn write_call(words: &mut [u32], hyper: &HyperValues, seed: u64, n: usize) {
    write_double(&mut words[0..2], hyper.lr);
    write_double(&mut words[2..4], hyper.step as f64);
    (words[4], words[5]) = (seed as u32, (seed >> 32) as u32);
    (words[6], words[7], words[8]) = (n as u32, 0, 0);
}

fn write_double(words: &mut [u32], value: f64) {
    let bits = value.to_bits();
    (words[0], words[1]) = (bits as u32, (bits >> 32) as u32);
}

fn write_window(words: &mut [u32], window: &Window) {
    let hole = window.hole;
    let side = |value: Option<usize>| value.unwrap_or(0) as u32;
    words.copy_from_slice(&[
        window.dy as u32,
        window.dx as u32,
        u32::from(window.flip),
        side(hole.map(|hole| hole.top)),
        side(hole.map(|hole| hole.bottom)),
        side(hole.map(|hole| hole.left)),
        side(hole.map(|hole| hole.right)),
        u32::from(hole.is_some()),
    ]);
}

/// Scale and shift of each channel, where the feed has room for them.
fn scales(plan: &CudaPlan, raw: &RawSamples<'_>) -> Option<Vec<(f32, f32)>> {
    let channels = plan.input_dims.first().copied().unwrap_or(1);
    let room = (plan.feed.labels - plan.feed.scales) / 2;
    if channels > room {
        return None;
    }
    let of_channel = |channel: usize| match raw.normalization {
        [pair] => Some(*pair),
        pairs => pairs.get(channel).copied(),
    };
    let pair = |channel: usize| of_channel(channel).map(|(a, b)| (a as f32, b as f32));
    (0..channels).map(pair).collect()
}
