//! What gradients of a convolution behind a max pool share: sizes, and images that lie sample by sample.
//!
//! In: a convolution and the side of disjoint pooling windows. Out: blocks unfolded to 16 images `[row][column][channel]` with
//! their padding, and folded back. Invariant: only moves data.

use super::ConvGeometry;
use crate::kernels::LANES;
use crate::kernels::isa::Isa;
use crate::kernels::pool2d::PoolGeometry;
use crate::kernels::turn::square;

/// Positions of the largest window.
pub(super) const MAX_AREA: usize = 16;

/// A convolution, then pooling over disjoint windows.
#[derive(Clone, Debug)]
pub(super) struct BehindPool {
    pub(super) isa: Isa,
    pub(super) geometry: ConvGeometry,
    pub(super) pool: PoolGeometry,
    /// Floats of the taps of one kernel row, whole vectors.
    pub(super) taps: usize,
}

impl BehindPool {
    /// `None` for several groups, large windows, and sizes that make no convolution or no pool.
    pub(super) fn new(isa: Isa, geometry: ConvGeometry, size: usize) -> Option<Self> {
        geometry.check().ok()?;
        let pool = PoolGeometry {
            channels: geometry.out_channels,
            in_height: geometry.out_height(),
            in_width: geometry.out_width(),
            kernel: size,
            stride: size,
            pad: 0,
        };
        pool.check().ok()?;
        if geometry.groups != 1 || size * size > MAX_AREA {
            return None;
        }
        let taps = (geometry.kernel * geometry.in_channels).next_multiple_of(LANES);
        Some(Self { isa, geometry, pool, taps })
    }

    /// Taps of one kernel row, without what fills the last vector.
    pub(super) fn used_taps(&self) -> usize {
        self.geometry.kernel * self.geometry.in_channels
    }

    /// Positions of a window.
    pub(super) fn area(&self) -> usize {
        self.pool.kernel * self.pool.kernel
    }

    /// Floats between rows of an image.
    pub(super) fn pitch(&self) -> usize {
        (self.geometry.in_width + 2 * self.geometry.pad) * self.geometry.in_channels
    }

    /// One image with its padding, and slack for the last vector of taps.
    pub(super) fn image_len(&self) -> usize {
        let height = self.geometry.in_height + 2 * self.geometry.pad;
        (height * self.pitch()).next_multiple_of(LANES) + LANES
    }

    /// One sample's list of a number per window and output.
    pub(super) fn list_len(&self) -> usize {
        (self.pool.out_len() / LANES).next_multiple_of(LANES)
    }

    /// `[height][width][channel][16]` to 16 images, zero around them.
    pub(super) fn unfold(&self, x: &[f32], images: &mut [f32]) {
        let (image_len, n) = (self.image_len(), self.run_len());
        if self.geometry.pad > 0 {
            images.fill(0.0);
        }
        for (x, start) in x.chunks_exact(n * LANES).zip(self.starts()) {
            if n < LANES {
                for (lane, image) in images.chunks_exact_mut(image_len).enumerate() {
                    for (i, to) in image[start..start + n].iter_mut().enumerate() {
                        *to = x[i * LANES + lane];
                    }
                }
                continue;
            }
            for first in squares(n) {
                let (from, to) = (&x[first * LANES..][..LANES * LANES], start + first);
                assert!(to + LANES <= image_len, "a square inside the image");
                // SAFETY: a whole square of the source; in each of 16 images 16 floats from `to` on.
                unsafe {
                    square(self.isa, from.as_ptr(), LANES, images.as_mut_ptr().add(to), image_len);
                }
            }
        }
    }

    /// 16 images without their padding to `[height][width][channel][16]`.
    pub(super) fn fold(&self, images: &[f32], dx: &mut [f32]) {
        let (image_len, n) = (self.image_len(), self.run_len());
        for (dx, start) in dx.chunks_exact_mut(n * LANES).zip(self.starts()) {
            if n < LANES {
                for (lane, image) in images.chunks_exact(image_len).enumerate() {
                    for (i, value) in image[start..start + n].iter().enumerate() {
                        dx[i * LANES + lane] = *value;
                    }
                }
                continue;
            }
            for first in squares(n) {
                let (from, to) = (start + first, &mut dx[first * LANES..][..LANES * LANES]);
                assert!(from + LANES <= image_len, "a square inside the image");
                // SAFETY: 16 floats from `from` on in each of 16 images; a whole square of the target.
                unsafe {
                    let from = images.as_ptr().add(from);
                    square(self.isa, from, image_len, to.as_mut_ptr(), LANES);
                }
            }
        }
    }

    /// Floats of a sample that lie together in an image: all of it, or a row where there is padding.
    fn run_len(&self) -> usize {
        let row = self.geometry.in_width * self.geometry.in_channels;
        if self.geometry.pad == 0 { self.geometry.in_height * row } else { row }
    }

    /// Where these runs start in an image.
    fn starts(&self) -> impl Iterator<Item = usize> {
        let &ConvGeometry { pad, in_channels, in_height, .. } = &self.geometry;
        let (pitch, n_runs) = (self.pitch(), if pad == 0 { 1 } else { in_height });
        (0..n_runs).map(move |row| (row + pad) * pitch + pad * in_channels)
    }
}

/// Starts of squares that cover `n ≥ 16` vectors; the last one overlaps the one before it.
fn squares(n: usize) -> impl Iterator<Item = usize> {
    (0..n).step_by(LANES).map(move |first| first.min(n - LANES))
}
