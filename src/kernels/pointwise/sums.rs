//! Sums of results over the pixels of a block, made tile by tile while a chain runs.

use crate::kernels::LANES;
use crate::kernels::bias::add_channel_sums;
use crate::kernels::isa::Isa;

/// A sum of the result of an instruction over the pixels of a block; the result itself need not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSum {
    /// The instruction.
    pub instruction: usize,
    /// Sums.
    pub channels: usize,
    /// Terms of each.
    pub pixels: usize,
    /// Whether lanes without a sample may hold something else than zero.
    pub masked: bool,
}

impl ChannelSum {
    /// Adds a tile that starts at vector `vector` of the block to sums `[channel][16]`, pixel after pixel.
    pub(super) fn add(
        &self,
        isa: Isa,
        vector: usize,
        tile: &[f32],
        lanes: &[f32],
        sums: &mut [f32],
    ) {
        if self.masked && lanes.contains(&0.0) {
            for (number, x) in tile.chunks_exact(LANES).enumerate() {
                let at = (vector + number) % self.channels * LANES;
                let sums = &mut sums[at..at + LANES];
                for lane in (0..LANES).filter(|lane| lanes[*lane] != 0.0) {
                    sums[lane] += x[lane];
                }
            }
            return;
        }
        let pixel = self.channels * LANES;
        let (mut rest, mut at) = (tile, vector % self.channels * LANES);
        while !rest.is_empty() {
            // Whole pixels together; at both ends of the tile what there is of one.
            let len = if at > 0 || rest.len() < pixel {
                rest.len().min(pixel - at)
            } else {
                rest.len() / pixel * pixel
            };
            let (part, behind) = rest.split_at(len);
            let to = if len < pixel { at..at + len } else { 0..pixel };
            add_channel_sums(isa, part, &mut sums[to]);
            (rest, at) = (behind, 0);
        }
    }
}

/// Where the sums of a chain go.
#[derive(Debug)]
pub struct Sums<'a, 'b> {
    /// For each sum of the chain `[channel][16]`, added to.
    pub to: &'a mut [&'b mut [f32]],
    /// 1 on lanes with a sample, 0 elsewhere; asked for where sums are masked.
    pub lanes: &'a [f32],
}
