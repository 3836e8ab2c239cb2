//! Pooling of one 16-sample block over square windows: [`max`], [`average`].
//!
//! In and out: blocks `[height][width][channel][16]`. Windows start at multiples of the stride, less the padding; the number of windows
//! is rounded down, as PyTorch's default. Invariant: gradients are added in the order of windows.

pub mod average;
pub mod max;

use super::LANES;
use super::geometry::{Axis, GeometryError, fits};

/// Sizes of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolGeometry {
    /// Channels.
    pub channels: usize,
    /// Rows of the input.
    pub in_height: usize,
    /// Columns of the input.
    pub in_width: usize,
    /// Rows and columns of the window.
    pub kernel: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Padding on each side, at most half a window.
    pub pad: usize,
}

impl PoolGeometry {
    /// Checks that the sizes make a pooling layer.
    ///
    /// # Errors
    /// A zero size, a padding of more than half a window, a window larger than the padded input, or tensors of more than
    /// 2^40 floats.
    pub fn check(&self) -> Result<(), GeometryError> {
        let Self { channels, in_height, in_width, kernel, stride, pad } = *self;
        if [channels, in_height, in_width, kernel, stride].contains(&0) {
            return Err(GeometryError::Zero);
        }
        if pad > kernel / 2 || kernel - pad > in_height.min(in_width).saturating_add(pad) {
            return Err(GeometryError::Window);
        }
        fits(&[channels, in_height, in_width, LANES])?;
        fits(&[channels, self.out_height(), self.out_width(), kernel, kernel])
    }

    /// Rows of the output.
    pub fn out_height(&self) -> usize {
        (self.in_height + 2 * self.pad - self.kernel) / self.stride + 1
    }

    /// Columns of the output.
    pub fn out_width(&self) -> usize {
        (self.in_width + 2 * self.pad - self.kernel) / self.stride + 1
    }

    /// Floats of one input block.
    pub fn in_len(&self) -> usize {
        self.in_height * self.in_width * self.channels * LANES
    }

    /// Floats of one output block.
    pub fn out_len(&self) -> usize {
        self.out_height() * self.out_width() * self.channels * LANES
    }

    /// Words of the masks of one block: for each output vector one word of 16 lanes per window position.
    pub fn mask_len(&self) -> usize {
        self.out_height() * self.out_width() * self.channels * self.kernel * self.kernel
    }

    pub(super) fn rows(&self) -> Axis {
        self.axis(self.in_height, self.out_height())
    }

    pub(super) fn columns(&self) -> Axis {
        self.axis(self.in_width, self.out_width())
    }

    fn axis(&self, source: usize, n_targets: usize) -> Axis {
        Axis {
            n_taps: self.kernel,
            step: self.stride,
            offset: -(self.pad as isize),
            source,
            n_targets,
        }
    }

    /// Whether every input position lies in at most one window.
    pub(super) fn is_disjoint(&self) -> bool {
        self.stride >= self.kernel
    }
}
