//! The driver of a forward pass or an input gradient: strips of tiles through transform, product and inverse transform.
//!
//! In: one block and weights as [`Pass::pack`] leaves them. Out: what [`Then`] says, written once. Invariant: the scratch may
//! hold anything before; every target is written.

use super::output::{self, Finish, Images};
use super::transform::{self, POINTS, Targets};
use super::{PATCH, TILE, cost};
use crate::kernels::LANES;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::isa::Isa;
use crate::kernels::micro::fma::{self, Start, Strip, TapLoop};
use crate::kernels::micro::{choose_columns, choose_tile, parts, split};
use crate::kernels::threads::{SharedSlice, ThreadPool};

/// Bytes of transformed patches of a strip, which should stay in the second-level cache with the weights.
const CACHED_PATCHES: usize = 448 << 10;

/// Most tiles of a strip.
const MAX_STRIP: usize = 6;

/// Everything about a pass that does not depend on data.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    isa: Isa,
    /// Rows and columns of the source.
    source: [usize; 2],
    /// Rows and columns of the target.
    target: [usize; 2],
    /// Rows and columns before the source's first one that targets reach; negative where they do not reach it.
    before: isize,
    inputs: usize,
    outputs: usize,
    /// Whether kernels are turned and their channels swapped.
    is_turned: bool,
    /// Tiles whose patches are transformed at a time.
    strip: usize,
    /// Outputs of a register tile.
    tile_rows: usize,
}

impl Pass {
    /// The forward pass, where it pays.
    pub(crate) fn forward(isa: Isa, geometry: &ConvGeometry) -> Option<Self> {
        let target = [geometry.out_height(), geometry.out_width()];
        let source = [geometry.in_height, geometry.in_width];
        let channels = [geometry.in_channels, geometry.out_channels];
        Self::new(isa, geometry, source, target, channels)
    }

    /// The input gradient, where it pays.
    pub(crate) fn backward(isa: Isa, geometry: &ConvGeometry) -> Option<Self> {
        let source = [geometry.out_height(), geometry.out_width()];
        let target = [geometry.in_height, geometry.in_width];
        let channels = [geometry.out_channels, geometry.in_channels];
        let pass = Self::new(isa, geometry, source, target, channels)?;
        Some(Self { is_turned: true, before: 2 - geometry.pad as isize, ..pass })
    }

    fn new(
        isa: Isa,
        geometry: &ConvGeometry,
        source: [usize; 2],
        target: [usize; 2],
        [inputs, outputs]: [usize; 2],
    ) -> Option<Self> {
        let n_tiles = target[0].div_ceil(TILE) * target[1].div_ceil(TILE);
        cost(geometry, inputs, outputs, n_tiles)?;
        let tile_bytes = POINTS * inputs * LANES * size_of::<f32>();
        let strip = (CACHED_PATCHES / tile_bytes).clamp(MAX_STRIP / 2, MAX_STRIP).min(n_tiles);
        let (tile_rows, _) = choose_tile(isa.registers(), outputs, strip);
        let before = geometry.pad as isize;
        let is_turned = false;
        Some(Self { isa, source, target, before, inputs, outputs, is_turned, strip, tile_rows })
    }

    /// Floats of the packed weights.
    pub(crate) fn packed_len(&self) -> usize {
        POINTS * self.inputs * self.outputs
    }

    /// Transforms weights `[out][in][3][3]` to `[tile of outputs][point][input][output of the tile]`.
    pub(crate) fn pack(&self, pool: &ThreadPool, weight: &[f32], packed: &mut [f32]) {
        let tiles: Vec<(usize, usize)> = parts(self.outputs, self.tile_rows).collect();
        let packed = SharedSlice::new(&mut packed[..self.packed_len()]);
        pool.run(tiles.len(), |task, _| {
            let (first, width) = tiles[task];
            let len = POINTS * self.inputs;
            // SAFETY: tiles of outputs do not overlap and each task is run once.
            let tile = unsafe { packed.range(len * first..len * (first + width)) };
            for input in 0..self.inputs {
                for output in 0..width {
                    let taps = self.taps(weight, first + output, input);
                    for (point, value) in transform::kernel(taps).into_iter().enumerate() {
                        tile[(point * self.inputs + input) * width + output] = value;
                    }
                }
            }
        });
    }

    /// The 3×3 kernel from a source channel to a target channel of the pass.
    fn taps(&self, weight: &[f32], output: usize, input: usize) -> [f32; 9] {
        if self.is_turned {
            let at = (input * self.outputs + output) * 9;
            std::array::from_fn(|tap| weight[at + 8 - tap])
        } else {
            let at = (output * self.inputs + input) * 9;
            std::array::from_fn(|tap| weight[at + tap])
        }
    }

    /// Floats of scratch.
    pub(crate) fn scratch_len(&self) -> usize {
        self.zeros_len() + POINTS * (self.patch_point() + self.sum_point())
    }

    /// Zeros in place of pixels outside the source, and a place for targets outside the image.
    fn zeros_len(&self) -> usize {
        (self.inputs + self.tile_rows) * LANES
    }

    /// Distance between points of the transformed patches; one vector more, for a cache line of another set.
    fn patch_point(&self) -> usize {
        (self.inputs * self.strip + 1) * LANES
    }

    /// Distance between points of the products.
    fn sum_point(&self) -> usize {
        (self.tile_rows * self.strip + 1) * LANES
    }

    /// Runs the pass over one block.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say.
    pub(crate) fn run(
        &self,
        x: &[f32],
        packed: &[f32],
        scratch: &mut [f32],
        images: &mut Images<'_>,
    ) {
        let [n_rows, n_columns] = self.source;
        assert_eq!(x.len(), n_rows * n_columns * self.inputs * LANES, "length of the source");
        assert_eq!(packed.len(), self.packed_len(), "length of the packed weights");
        images.check(self.target, self.outputs);
        let (zeros, rest) = scratch.split_at_mut(self.inputs * LANES);
        let (outside, rest) = rest.split_at_mut(self.tile_rows * LANES);
        let (patches, rest) = rest.split_at_mut(POINTS * self.patch_point());
        let sums = &mut rest[..POINTS * self.sum_point()];
        zeros.fill(0.0);
        let columns = self.target[1].div_ceil(TILE);
        let n_tiles = self.target[0].div_ceil(TILE) * columns;
        for (first, count) in parts(n_tiles, self.strip) {
            for number in 0..count {
                let tile = [(first + number) / columns, (first + number) % columns];
                let pixels = self.pixels(tile, x, zeros);
                let targets = Targets {
                    n_vectors: self.inputs,
                    to: patches[number * LANES..].as_mut_ptr(),
                    vector: count * LANES,
                    point: self.patch_point(),
                };
                // SAFETY: each pixel has `inputs` vectors; patches have room for `strip` tiles at each point.
                unsafe { transform::patch(self.isa, &pixels, &targets) };
            }
            for (output, width) in parts(self.outputs, self.tile_rows) {
                let weights =
                    &packed[POINTS * self.inputs * output..][..POINTS * self.inputs * width];
                self.products(weights, patches, sums, width, count);
                for number in 0..count {
                    let tile = [(first + number) / columns, (first + number) % columns];
                    let finish = Finish {
                        sums: sums[number * LANES..].as_ptr(),
                        point: self.sum_point(),
                        vector: count * LANES,
                        outputs: output..output + width,
                        n_channels: self.outputs,
                        target: self.target,
                        tile,
                    };
                    // SAFETY: the products hold `width` vectors of the tile at each point, `images` was checked.
                    unsafe { output::finish(self.isa, &finish, images, outside) };
                }
            }
        }
    }

    /// Where the source pixels of a tile are; zeros for those outside.
    fn pixels(&self, tile: [usize; 2], x: &[f32], zeros: &[f32]) -> [*const f32; POINTS] {
        let at = |axis: usize, i: usize| {
            let position = (TILE * tile[axis] + i) as isize - self.before;
            usize::try_from(position).ok().filter(|position| *position < self.source[axis])
        };
        std::array::from_fn(|i| match (at(0, i / PATCH), at(1, i % PATCH)) {
            (Some(row), Some(column)) => {
                x[(row * self.source[1] + column) * self.inputs * LANES..].as_ptr()
            }
            _ => zeros.as_ptr(),
        })
    }

    /// `sums[point][output][tile] = Σ_input weights[point][input][output] · patches[point][input][tile]`
    fn products(
        &self,
        weights: &[f32],
        patches: &[f32],
        sums: &mut [f32],
        width: usize,
        count: usize,
    ) {
        let columns = choose_columns(self.isa.registers(), width, count);
        for point in 0..POINTS {
            for (start, tile_columns, repeat) in split(count, columns) {
                let strip = Strip {
                    x: patches[point * self.patch_point() + start * LANES..].as_ptr(),
                    w: weights[point * self.inputs * width..].as_ptr(),
                    y: sums[point * self.sum_point() + start * LANES..].as_mut_ptr(),
                    bias: std::ptr::null(),
                    taps: [
                        TapLoop::ONCE,
                        TapLoop::ONCE,
                        TapLoop { count: self.inputs, x: count * LANES, w: width },
                    ],
                    w_row: 1,
                    y_row: count * LANES,
                    x_column: LANES,
                    y_column: LANES,
                    repeat,
                    start: Start::Zero,
                    relu: false,
                };
                // SAFETY: `count` tiles of each input, `width` weights of each input and `width · count` sums lie at each
                // point inside their slices.
                unsafe { fma::run(self.isa, width, tile_columns, &strip) };
            }
        }
    }
}
