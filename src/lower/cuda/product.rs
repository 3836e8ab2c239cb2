//! Matrix products: how each linear map and each of its gradients is one, and how it is cut into tiles.
//!
//! Sums run over k in order, whatever the tile, so that a tile changes no bit and may follow from the number of replicas; the
//! number of parts does change bits, and depends on shapes and the full batch alone.

use super::direct::Direct;
use super::facts::Facts;
use crate::ir::{Conv, GradOp, NodeId, Op};
use crate::lower::Precision;

/// Blocks that a large GPU holds at once where each thread has many sums.
const SLOTS: usize = 264;

/// What the depth of a part is a multiple of.
const PART_STEP: usize = 16;

/// Shortest part of a sum.
const MIN_PART: usize = 512;

/// Most parts of a sum.
const MAX_PARTS: usize = 64;

/// Pixels of a window.
pub(super) const WINDOW: usize = 4;

/// `[rows, columns, rows of a thread, columns of a thread]`, each with 256 threads, and how fast it is beside the largest: smaller
/// tiles read shared memory more often for each product.
const TILES: [([usize; 4], f64); 9] = [
    ([128, 128, 8, 8], 1.0),
    ([128, 64, 8, 4], 0.9),
    ([64, 64, 4, 4], 0.7),
    ([128, 32, 4, 4], 0.65),
    ([256, 16, 4, 4], 0.5),
    ([256, 8, 4, 2], 0.4),
    ([32, 64, 2, 4], 0.5),
    ([32, 32, 2, 2], 0.35),
    ([16, 16, 1, 1], 0.15),
];

/// Which map it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Map {
    Linear,
    LinearInput,
    LinearWeight,
    Conv(Geometry),
    ConvInput(Geometry),
    ConvWeight(Geometry),
}

/// Sizes of a convolution; of a group where groups matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    pub(super) conv: Conv,
    /// Channels of the input, rows, columns.
    pub(super) input: [usize; 3],
    /// Channels of the output, rows, columns.
    pub(super) output: [usize; 3],
    /// Rows and columns of the kernel.
    pub(super) kernel: [usize; 2],
}

impl Geometry {
    pub(super) fn group_in(&self) -> usize {
        self.input[0] / self.conv.groups.max(1)
    }

    pub(super) fn group_out(&self) -> usize {
        self.output[0] / self.conv.groups.max(1)
    }

    /// Places of a kernel.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub(super) fn pixels_in(&self) -> usize {
        self.input[1] * self.input[2]
    }

    pub(super) fn pixels_out(&self) -> usize {
        self.output[1] * self.output[2]
    }
}

/// A product with its cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tiling {
    pub(super) map: Map,
    /// Products side by side that share nothing.
    pub(super) groups: usize,
    /// Rows, columns and depth for a full batch.
    pub(super) sizes: [usize; 3],
    pub(super) tile: [usize; 4],
    pub(super) parts: usize,
    /// Depth of a part.
    pub(super) per_part: usize,
    /// Whether neighbours along k are neighbours in the memory of each operand.
    pub(super) by_k: [bool; 2],
    /// Whether four rows that follow one another are a window of 2 × 2 pixels.
    pub(super) is_windowed: bool,
    /// How a convolution of a small picture is cut instead.
    pub(super) direct: Option<Direct>,
    /// How it is taken.
    pub(super) precision: Precision,
    /// Replicas that fill the GPU together.
    replicas: usize,
}

impl Tiling {
    /// The same with rows in the order of windows; `None` where the product is no convolution.
    pub(super) fn windowed(&self) -> Option<Self> {
        let Map::Conv(g) = &self.map else { return None };
        let windows = g.output[1].div_ceil(2) * g.output[2].div_ceil(2);
        let samples = self.sizes[0] / g.pixels_out().max(1);
        let sizes = [samples * windows * WINDOW, self.sizes[1], self.sizes[2]];
        let tile = match &self.direct {
            Some(direct) => direct.tile(),
            None => choose(sizes, self.groups, self.replicas, WINDOW, self.precision),
        };
        Some(Self { sizes, tile, is_windowed: true, ..*self })
    }

    /// Tiles along rows and columns.
    pub(super) fn counts(&self) -> [usize; 2] {
        [self.sizes[0].div_ceil(self.tile[0]), self.sizes[1].div_ceil(self.tile[1])]
    }

    /// Blocks.
    pub(super) fn blocks(&self) -> usize {
        if let Some(direct) = &self.direct {
            return direct.blocks;
        }
        let [rows, columns] = self.counts();
        rows * columns * self.parts * self.groups
    }

    /// Steps of k that are in shared memory at once: more where a step has little to do.
    pub(super) fn depth(&self) -> usize {
        match self.tile[0] + self.tile[1] {
            ..=32 => 64,
            33..=96 => 32,
            _ => 16,
        }
    }

    /// Sums that a thread holds.
    pub(super) fn sums(&self) -> usize {
        self.tile[2] * self.tile[3]
    }

    /// Floats of shared memory: two slices with a margin each.
    pub(super) fn shared(&self) -> usize {
        match &self.direct {
            Some(direct) => direct.shared,
            None => 2 * self.depth() * (self.tile[0] + self.tile[1] + 8),
        }
    }
}

/// How the product `id` is cut.
pub(super) fn tiling(facts: &Facts<'_>, id: NodeId) -> Tiling {
    let map = map(facts, id);
    let batch = facts.batch;
    let dims = |at: usize| facts.shape(facts.inputs(id)[at]).dims.as_slice();
    let result = facts.shape(id).dims.as_slice();
    let (sizes, by_k, groups) = match map {
        Map::Linear => ([batch, result[0], dims(0)[0]], [true, true], 1),
        Map::LinearInput => ([batch, result[0], dims(0)[0]], [true, false], 1),
        Map::LinearWeight => ([result[0], result[1], batch], [false, false], 1),
        Map::Conv(g) => {
            let depth = g.group_in() * g.taps();
            ([batch * g.pixels_out(), g.group_out(), depth], [false, true], g.conv.groups)
        }
        Map::ConvInput(g) => {
            let depth = g.group_out() * g.taps();
            ([batch * g.pixels_in(), g.group_in(), depth], [false, false], g.conv.groups)
        }
        Map::ConvWeight(g) => {
            let columns = g.group_in() * g.taps();
            ([g.group_out(), columns, batch * g.pixels_out()], [true, true], g.conv.groups)
        }
    };
    let is_split = matches!(map, Map::LinearWeight | Map::ConvWeight(_));
    let most_parts = if is_split { (sizes[2] / MIN_PART).clamp(1, MAX_PARTS) } else { 1 };
    let (replicas, precision) = (facts.replicas, facts.precision);
    let direct = Direct::of(&map, batch);
    let (tile, parts, per_part) = if let Some(direct) = &direct {
        (direct.tile(), direct.parts, 0)
    } else {
        let alone = choose(sizes, groups, most_parts, 1, precision);
        let parts = most_parts.min((2 * SLOTS).div_ceil(blocks(sizes, groups, alone)));
        let per_part = sizes[2].div_ceil(parts).next_multiple_of(PART_STEP);
        let parts = sizes[2].div_ceil(per_part).max(1);
        (choose(sizes, groups, parts * replicas, 1, precision), parts, per_part)
    };
    let is_windowed = false;
    Tiling {
        map,
        groups,
        sizes,
        tile,
        parts,
        per_part,
        by_k,
        is_windowed,
        direct,
        precision,
        replicas,
    }
}

/// Blocks without parts.
fn blocks(sizes: [usize; 3], groups: usize, tile: [usize; 4]) -> usize {
    sizes[0].div_ceil(tile[0]) * sizes[1].div_ceil(tile[1]) * groups
}

/// The tile that takes the least time where `times` as many run at once, and whose threads have a multiple of `rows` rows.
///
/// Tensor cores want two rows and two columns of a thread: all tiles of a product are theirs, so that the choice changes no bit.
fn choose(
    sizes: [usize; 3],
    groups: usize,
    times: usize,
    rows: usize,
    precision: Precision,
) -> [usize; 4] {
    let rows = match precision {
        Precision::F32 => rows,
        Precision::Tf32 => rows.max(2),
    };
    let rate = |(tile, speed): &([usize; 4], f64)| {
        let count = blocks(sizes, groups, *tile);
        let used = (sizes[0] * sizes[1] * groups) as f64 / (count * tile[0] * tile[1]) as f64;
        let rounds = (count * times).div_ceil(SLOTS).max(1);
        let busy = (count * times) as f64 / (rounds * SLOTS) as f64;
        speed * used * busy
    };
    let fitting = TILES.iter().filter(|(tile, _)| tile[2].is_multiple_of(rows));
    // Of equals the first, which is the larger one.
    let best = fitting.rev().max_by(|a, b| rate(a).total_cmp(&rate(b)));
    best.expect("there are tiles of every kind").0
}

fn map(facts: &Facts<'_>, id: NodeId) -> Map {
    let dims = |at: usize| facts.shape(facts.inputs(id)[at]).dims.as_slice();
    let result = facts.shape(id).dims.as_slice();
    let triple = |dims: &[usize]| [dims[0], dims[1], dims[2]];
    match facts.op(id) {
        Op::Linear => Map::Linear,
        Op::Grad(GradOp::LinearInput) => Map::LinearInput,
        Op::Grad(GradOp::LinearWeight) => Map::LinearWeight,
        Op::Conv(conv) => Map::Conv(Geometry {
            conv: *conv,
            input: triple(dims(0)),
            output: triple(result),
            kernel: [dims(1)[2], dims(1)[3]],
        }),
        Op::Grad(GradOp::ConvInput { conv, .. }) => Map::ConvInput(Geometry {
            conv: *conv,
            input: triple(result),
            output: triple(dims(0)),
            kernel: [dims(1)[2], dims(1)[3]],
        }),
        Op::Grad(GradOp::ConvWeight { conv, kernel }) => Map::ConvWeight(Geometry {
            conv: *conv,
            input: triple(dims(1)),
            output: triple(dims(0)),
            kernel: *kernel,
        }),
        other => panic!("broken invariant: {other} is no product"),
    }
}
