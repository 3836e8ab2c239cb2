//! Convolutions of small pictures: when a sample fits the shared memory of a block, and how its work is cut.
//!
//! Sums run over channels, then rows, then columns of the kernel; the parts of a gradient of weights are groups of samples.
//! Invariant: the cut depends on shapes and the full batch alone.

use super::MAX_SHARED;
use super::product::{Geometry, Map, WINDOW};
use crate::kernels::cuda::THREADS;

/// Floats of shared memory.
const ROOM: usize = MAX_SHARED / 4;

/// Most places of a kernel and most in a row: they are unrolled.
const MOST_TAPS: usize = 49;
const MOST_COLUMNS: usize = 7;

/// Threads with work of a full batch that keep a GPU busy.
const BUSY: usize = 128 * 96;

/// Most parts of a gradient of weights.
const MOST_PARTS: usize = 64;

/// Channels that a thread may compute, from many to few.
const CHANNELS: [usize; 5] = [8, 6, 4, 3, 2];

/// How a convolution is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Direct {
    /// Channels of the output that a thread computes.
    pub(super) channels: usize,
    /// Blocks for a full batch.
    pub(super) blocks: usize,
    /// Samples of a block.
    pub(super) samples: usize,
    /// Threads that share a row of the kernel of a gradient of weights; each has every so manyth row of pixels.
    pub(super) slices: usize,
    /// Parts of each sum.
    pub(super) parts: usize,
    /// Floats of shared memory.
    pub(super) shared: usize,
}

impl Direct {
    /// The cut of a map, where a sample fits a block.
    pub(super) fn of(map: &Map, batch: usize) -> Option<Self> {
        let (Map::Conv(g) | Map::ConvInput(g) | Map::ConvWeight(g)) = map else { return None };
        let is_small = g.taps() <= MOST_TAPS && g.kernel[1] <= MOST_COLUMNS;
        let fits = g.conv.stride == [1, 1] && g.conv.groups <= 1 && is_small;
        let cut = match map {
            _ if !fits => None,
            Map::Conv(_) => of_picture(batch, g.input[0], g.output, g.kernel),
            Map::ConvInput(_) => {
                let is_padded = (0..2).all(|axis| g.conv.pad[axis] < g.kernel[axis]);
                let cut = is_padded.then(|| of_picture(batch, g.output[0], g.input, g.kernel));
                cut.flatten()
            }
            Map::ConvWeight(_) => of_weight(batch, g),
            Map::Linear | Map::LinearInput | Map::LinearWeight => None,
        };
        cut.filter(|cut| cut.shared <= ROOM)
    }

    /// What a thread computes, as tiles of products have it: a window in its channels.
    pub(super) fn tile(&self) -> [usize; 4] {
        [WINDOW, self.channels, WINDOW, self.channels]
    }
}

/// Whether `channels` of a thread leave few of it idle.
fn is_tight(all: usize, channels: usize) -> bool {
    all.next_multiple_of(channels) * 8 <= all * 9
}

/// Channels in shared memory: those of each thread begin at a multiple of four.
fn padded(all: usize, channels: usize) -> usize {
    all.div_ceil(channels) * channels.next_multiple_of(4)
}

/// Windows of 2 × 2 pixels in strips of channels, from `inputs` channels to a picture.
fn of_picture(
    batch: usize,
    inputs: usize,
    [outputs, rows, columns]: [usize; 3],
    kernel: [usize; 2],
) -> Option<Direct> {
    let [down, along] = [rows.div_ceil(2), columns.div_ceil(2)];
    let threads = |channels: usize| batch * down * along * outputs.div_ceil(channels);
    let mut tight = CHANNELS.into_iter().filter(|channels| is_tight(outputs, *channels));
    let fewest = tight.clone().next_back();
    let channels = tight.find(|channels| threads(*channels) >= BUSY).or(fewest)?;
    let picture = inputs * (2 * down + kernel[0] - 1) * (2 * along + kernel[1] - 1);
    let weights = inputs * kernel[0] * kernel[1] * padded(outputs, channels);
    let shared = picture + weights;
    Some(Direct { channels, blocks: batch, samples: 1, slices: 1, parts: 1, shared })
}

/// Rows of the kernel in strips of channels, each by several threads.
fn of_weight(batch: usize, g: &Geometry) -> Option<Direct> {
    let [outputs, rows, columns] = g.output;
    let items = |channels: usize| g.input[0] * g.kernel[0] * outputs.div_ceil(channels);
    let mut fitting = CHANNELS
        .into_iter()
        .filter(|channels| is_tight(outputs, *channels) && items(*channels) <= THREADS);
    let channels = fitting.next()?;
    let per_thread = rows.div_ceil((THREADS / items(channels)).clamp(1, rows));
    let slices = rows.div_ceil(per_thread);
    let pitch = (columns + g.kernel[1] - 1) | 1;
    let picture = g.input[0] * (rows + g.kernel[0] - 1) * pitch;
    let table = outputs * g.input[0] * g.taps();
    let shared = (rows * columns * padded(outputs, channels) + picture).max(slices * table);
    let samples = batch.div_ceil(MOST_PARTS);
    let parts = batch.div_ceil(samples);
    Some(Direct { channels, blocks: parts, samples, slices, parts, shared })
}
