//! Input gradient of a convolution whose output goes straight into max pooling: only winners pass a gradient on.
//!
//! Samples come one after the other and the taps of a kernel row lie along the vector, as in
//! [`super::PooledGradWeight`]. In: the gradient of the *pooled* output with the masks of the winners, and packed
//! weights. Out: the gradient of the input. Invariant: an input position is summed window by window, in the order of
//! positions and outputs.

use super::ConvGeometry;
use super::behind_pool::{BehindPool, MAX_AREA};
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};
use crate::kernels::micro::spread::{self, Spread};
use crate::kernels::pool2d::PoolGeometry;
use crate::kernels::turn::square;

/// Outputs from which on adding up all winners of a position pays for reading and writing the image.
const MIN_OUTPUTS: usize = 8;

/// The plan of an input gradient behind pooling, for one instruction set.
#[derive(Clone, Debug)]
pub struct PooledGradInput {
    shape: BehindPool,
    /// Kernel rows and vectors of a tile.
    tile: (usize, usize),
}

impl PooledGradInput {
    /// Plans the gradient for pooling over disjoint windows of `size × size`.
    ///
    /// `None` where it does not pay: several groups, large windows, few outputs, taps that waste more than they save, or sizes
    /// that make no convolution.
    pub fn new(isa: Isa, geometry: ConvGeometry, size: usize) -> Option<Self> {
        let shape = BehindPool::new(isa, geometry, size)?;
        let pays = 2 * shape.taps <= shape.area() * shape.used_taps()
            && geometry.out_channels >= MIN_OUTPUTS;
        let tile = spread::tile(geometry.kernel, shape.taps / LANES);
        pays.then_some(Self { shape, tile })
    }

    /// The sizes of the convolution.
    pub fn geometry(&self) -> &ConvGeometry {
        &self.shape.geometry
    }

    /// The sizes of the pooling.
    pub fn pool(&self) -> &PoolGeometry {
        &self.shape.pool
    }

    /// Floats of the weights packed by [`PooledGradInput::pack`].
    pub fn packed_len(&self) -> usize {
        self.shape.geometry.out_channels * self.shape.geometry.kernel * self.shape.taps
    }

    /// **What** `packed[out][kernel row][kernel column · in + channel]`, rows filled with zeros up to whole vectors.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        assert_eq!(weight.len(), self.shape.geometry.weight_len(), "length of the weights");
        assert_eq!(packed.len(), self.packed_len(), "length of the packed weights");
        let (kernel, channels) = (self.shape.geometry.kernel, self.shape.geometry.in_channels);
        packed.fill(0.0);
        let outputs = weight.chunks_exact(channels * kernel * kernel);
        for (weight, packed) in outputs.zip(packed.chunks_exact_mut(kernel * self.shape.taps)) {
            for (channel, weight) in weight.chunks_exact(kernel * kernel).enumerate() {
                for (tap, weight) in weight.iter().enumerate() {
                    let (i, j) = (tap / kernel, tap % kernel);
                    packed[i * self.shape.taps + j * channels + channel] = *weight;
                }
            }
        }
    }

    /// Floats of scratch: 16 images, gradients and winners by sample.
    pub fn scratch_len(&self) -> usize {
        LANES * (self.shape.image_len() + self.shape.list_len() + self.won_len())
    }

    /// **What** the input gradient of one block.
    ///
    /// **Shapes** `dy`: one block of the pooled output's gradient; `masks` as
    /// [`crate::kernels::pool2d::max::forward`] leaves them; `dx: [in_height][in_width][in_channels][16]`; `packed` from
    /// [`PooledGradInput::pack`]; `scratch` at least `[scratch_len]`, any content.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn run(
        &self,
        packed: &[f32],
        dy: &[f32],
        masks: &[u16],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        assert_eq!(packed.len(), self.packed_len(), "length of the packed weights");
        assert_eq!(dy.len(), self.shape.pool.out_len(), "length of the output gradient");
        assert_eq!(masks.len(), self.shape.pool.mask_len(), "length of the masks");
        assert_eq!(dx.len(), self.shape.geometry.in_len(), "length of the input gradient");
        assert!(scratch.len() >= self.scratch_len(), "length of the scratch");
        let (images, rest) = scratch.split_at_mut(LANES * self.shape.image_len());
        let (grads, rest) = rest.split_at_mut(LANES * self.shape.list_len());
        let won = &mut rest[..LANES * self.won_len()];
        images.fill(0.0);
        self.list_grads(dy, grads);
        self.list_winners(masks, won);
        for lane in 0..LANES {
            let image = &mut images[lane * self.shape.image_len()..][..self.shape.image_len()];
            let grads = &grads[lane * self.shape.list_len()..][..self.shape.list_len()];
            self.add_sample(packed, grads, &won[lane * self.won_len()..], image);
        }
        self.shape.fold(images, dx);
    }

    /// Words of 16 outputs for each position of each window.
    fn n_words(&self) -> usize {
        let windows = self.shape.pool.out_height() * self.shape.pool.out_width();
        windows * self.shape.area() * self.shape.pool.channels.div_ceil(LANES)
    }

    /// The words of a sample, two to a float.
    fn won_len(&self) -> usize {
        self.n_words().div_ceil(2).next_multiple_of(LANES)
    }

    /// `[window][output][16]` to `[16][window][output]`.
    fn list_grads(&self, dy: &[f32], grads: &mut [f32]) {
        let (n, list_len) = (dy.len() / LANES, self.shape.list_len());
        for first in (0..n / LANES * LANES).step_by(LANES) {
            // SAFETY: 16 vectors from `first` on, and 16 floats of each of the 16 lists.
            unsafe {
                let to = grads.as_mut_ptr().add(first);
                square(self.shape.isa, dy.as_ptr().add(first * LANES), LANES, to, list_len);
            }
        }
        for vector in n / LANES * LANES..n {
            for (lane, grad) in dy[vector * LANES..][..LANES].iter().enumerate() {
                grads[lane * list_len + vector] = *grad;
            }
        }
    }

    /// `[window][output][position]` words of 16 samples to `[16][window][position]` words of 16 outputs.
    fn list_winners(&self, masks: &[u16], won: &mut [f32]) {
        let area = self.shape.area();
        let shape = (self.shape.pool.channels, area, 2 * self.won_len());
        // SAFETY: the masks are those of all windows; each sample has room for its words.
        unsafe { turn_masks(self.shape.isa, masks, shape, won.as_mut_ptr().cast::<u16>()) };
    }

    fn add_sample(&self, packed: &[f32], grads: &[f32], won: &[f32], image: &mut [f32]) {
        let &ConvGeometry { in_channels, stride, kernel, .. } = &self.shape.geometry;
        let (size, row, column) = (self.shape.pool.kernel, self.shape.pitch(), in_channels);
        let mut shift = [0; MAX_AREA];
        for (position, shift) in shift.iter_mut().enumerate() {
            *shift = (position / size * row + position % size * column) * stride;
        }
        for (tap_row, n_rows) in spread::row_parts(kernel, self.tile.0) {
            for (vector, n_vectors) in spread::vector_parts(self.shape.taps / LANES, self.tile.1) {
                // SAFETY: every tap of every position of every window lies inside the image, whose slack takes the
                // zeros behind a row of taps; gradients, winners and weights have the lengths of the geometry.
                unsafe {
                    let spread = Spread {
                        image: image.as_mut_ptr().add(tap_row * row + vector * LANES),
                        weight: packed.as_ptr().add(tap_row * self.shape.taps + vector * LANES),
                        grad: grads.as_ptr(),
                        won: won.as_ptr().cast::<u16>(),
                        shift: shift.as_ptr(),
                        n_positions: size * size,
                        n_outputs: self.shape.pool.channels,
                        windows: (self.shape.pool.out_height(), self.shape.pool.out_width()),
                        image_step: (size * stride * row, size * stride * column),
                        image_tap_row: row,
                        weight_tap_row: self.shape.taps,
                        weight_output: kernel * self.shape.taps,
                    };
                    spread::run(self.shape.isa, n_rows, n_vectors, &spread);
                }
            }
        }
    }
}

per_isa!(unsafe fn turn_masks(masks: &[u16], shape: (usize, usize, usize), to: *mut u16) = turn_masks_body);

/// Bit `lane` of `masks[window][output][position]` to bit `output % 16` of
/// `to[lane][window][position][output / 16]`.
#[inline(always)]
unsafe fn turn_masks_body<S: Simd>(
    masks: &[u16],
    (outputs, area, row): (usize, usize, usize),
    to: *mut u16,
) {
    let n_words = outputs.div_ceil(LANES);
    for (window, masks) in masks.chunks_exact(outputs * area).enumerate() {
        for position in 0..area {
            for word in 0..n_words {
                let mut turned = [0_u16; LANES];
                for bit in 0..LANES.min(outputs - word * LANES) {
                    let mask = masks[(word * LANES + bit) * area + position];
                    for (lane, turned) in turned.iter_mut().enumerate() {
                        *turned |= (mask >> lane & 1) << bit;
                    }
                }
                let at = (window * area + position) * n_words + word;
                for (lane, turned) in turned.into_iter().enumerate() {
                    // SAFETY: the caller has room for all words of a sample in each of 16 rows.
                    unsafe { *to.add(lane * row + at) = turned };
                }
            }
        }
    }
}
