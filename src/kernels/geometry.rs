//! The shape of a convolution, checked once: every kernel trusts it.

use crate::kernels::LANES;

/// Most floats that one tensor of a layer may hold; keeps every product of sizes far from overflow.
const MAX_FLOATS: usize = 1 << 40;

/// Sizes of a two-dimensional convolution with square kernel, PyTorch's `Conv2d` without dilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConvGeometry {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows of the input.
    pub in_height: usize,
    /// Columns of the input.
    pub in_width: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Distance between neighbouring outputs in the input.
    pub stride: usize,
    /// Zero rows and columns around the input.
    pub pad: usize,
    /// Groups of channels that do not see each other; `in_channels` for a depthwise convolution.
    pub groups: usize,
}

/// Why sizes do not make a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// A size that must be at least one is zero.
    #[error("a size of the layer is zero")]
    Zero,
    /// Channels are not a multiple of the groups.
    #[error("channels are not a multiple of the groups")]
    Groups,
    /// The window is larger than the padded input.
    #[error("the window is larger than the padded input")]
    Window,
    /// Tensors beyond what memory can hold.
    #[error("the layer is too large")]
    TooLarge,
}

impl ConvGeometry {
    /// Checks that the sizes make a convolution.
    ///
    /// # Errors
    /// A zero size, groups that do not divide the channels, a kernel larger than the padded input, or tensors of more
    /// than 2^40 floats.
    pub fn check(&self) -> Result<(), GeometryError> {
        let Self { in_channels, out_channels, in_height, in_width, kernel, stride, pad, groups } =
            *self;
        let sizes = [in_channels, out_channels, in_height, in_width, kernel, stride, groups];
        if sizes.contains(&0) {
            return Err(GeometryError::Zero);
        }
        if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(GeometryError::Groups);
        }
        let padded = |n: usize| pad.checked_mul(2).and_then(|p| p.checked_add(n));
        let (Some(height), Some(width)) = (padded(in_height), padded(in_width)) else {
            return Err(GeometryError::TooLarge);
        };
        if kernel > height || kernel > width {
            return Err(GeometryError::Window);
        }
        fits(&[in_channels.max(out_channels), height, width, LANES])?;
        fits(&[in_channels, out_channels, kernel, kernel, LANES])
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
        self.in_height * self.in_width * self.in_channels * LANES
    }

    /// Floats of one output block.
    pub fn out_len(&self) -> usize {
        self.out_height() * self.out_width() * self.out_channels * LANES
    }

    /// Floats of the weight tensor `[out, in / groups, kernel, kernel]`.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.group_in() * self.kernel * self.kernel
    }

    /// Multiply-adds of one forward pass of one sample, zeros of the padding not counted.
    pub fn multiply_adds(&self) -> u64 {
        let axis = |input: usize, output: usize| -> u64 {
            let valid = |q: usize| {
                (0..self.kernel)
                    .filter(|k| (q * self.stride + k).wrapping_sub(self.pad) < input)
                    .count() as u64
            };
            (0..output).map(valid).sum()
        };
        axis(self.in_height, self.out_height())
            * axis(self.in_width, self.out_width())
            * (self.out_channels * self.group_in()) as u64
    }

    /// Input channels of one group.
    pub(crate) fn group_in(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels of one group.
    pub(crate) fn group_out(&self) -> usize {
        self.out_channels / self.groups
    }
}

/// Errors when the product of sizes is beyond the limit.
pub(crate) fn fits(sizes: &[usize]) -> Result<(), GeometryError> {
    let product = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    match product {
        Some(n) if n <= MAX_FLOATS => Ok(()),
        Some(_) | None => Err(GeometryError::TooLarge),
    }
}

/// One axis of a window operation: where each target position finds its taps in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Taps of the window.
    pub(crate) n_taps: usize,
    /// Source positions between neighbouring targets.
    pub(crate) step: usize,
    /// Source position of the first tap of the first target; may lie outside.
    pub(crate) offset: isize,
    /// Source positions.
    pub(crate) source: usize,
    /// Number of targets.
    pub(crate) n_targets: usize,
}

/// Neighbouring targets whose taps inside the source are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    /// First target.
    pub(crate) start: usize,
    /// Number of targets.
    pub(crate) count: usize,
    /// First tap inside the source.
    pub(crate) tap: usize,
    /// Number of taps inside the source.
    pub(crate) n_taps: usize,
}

impl Axis {
    /// The taps of target `q` inside the source: first and number.
    pub(crate) fn taps(&self, q: usize) -> (usize, usize) {
        let origin = (q * self.step) as isize + self.offset;
        let first = (-origin).max(0).cast_unsigned();
        let end = (self.source as isize - origin).clamp(0, self.n_taps as isize).cast_unsigned();
        if first < end { (first, end - first) } else { (0, 0) }
    }

    /// The source position of tap `tap` of target `q`, which must be inside.
    pub(crate) fn position(&self, q: usize, tap: usize) -> usize {
        ((q * self.step + tap) as isize + self.offset).max(0).cast_unsigned()
    }

    /// The targets `first .. end` for which tap `tap` is inside the source.
    pub(crate) fn targets(&self, tap: usize) -> (usize, usize) {
        let origin = self.offset + tap as isize;
        let step = self.step as isize;
        let first = if origin >= 0 { 0 } else { (-origin + step - 1) / step };
        let end = if origin >= self.source as isize {
            0
        } else {
            (self.source as isize - 1 - origin) / step + 1
        };
        let end = end.clamp(0, self.n_targets as isize);
        (first.min(end).cast_unsigned(), end.cast_unsigned())
    }

    /// All targets in classes, in order.
    pub(crate) fn classes(&self) -> Vec<Class> {
        let mut classes: Vec<Class> = Vec::new();
        for q in 0..self.n_targets {
            let (tap, n_taps) = self.taps(q);
            match classes.last_mut() {
                Some(last) if last.tap == tap && last.n_taps == n_taps => last.count += 1,
                Some(_) | None => classes.push(Class { start: q, count: 1, tap, n_taps }),
            }
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        let good = ConvGeometry {
            in_channels: 4,
            out_channels: 6,
            in_height: 5,
            in_width: 7,
            kernel: 3,
            stride: 2,
            pad: 1,
            groups: 2,
        };
        assert_eq!(good.check(), Ok(()));
        assert_eq!((good.out_height(), good.out_width()), (3, 4));
        assert_eq!(ConvGeometry { stride: 0, ..good }.check(), Err(GeometryError::Zero));
        assert_eq!(ConvGeometry { groups: 3, ..good }.check(), Err(GeometryError::Groups));
        assert_eq!(ConvGeometry { kernel: 8, ..good }.check(), Err(GeometryError::Window));
        let huge = ConvGeometry { in_height: usize::MAX, ..good };
        assert_eq!(huge.check(), Err(GeometryError::TooLarge));
    }

    #[test]
    fn classes_and_targets_agree() {
        for (n_taps, step, offset, source, n_targets) in
            [(3, 1, -1, 8, 8), (5, 2, -2, 9, 5), (3, 2, 0, 7, 3), (3, 1, -4, 2, 7), (2, 1, 1, 4, 4)]
        {
            let axis = Axis { n_taps, step, offset, source, n_targets };
            let inside = |q: usize, tap: usize| {
                let position = (q * step + tap) as isize + offset;
                (0..source as isize).contains(&position)
            };
            for class in axis.classes() {
                for q in class.start..class.start + class.count {
                    for tap in 0..n_taps {
                        let listed = (class.tap..class.tap + class.n_taps).contains(&tap);
                        assert_eq!(listed, inside(q, tap));
                    }
                }
            }
            for tap in 0..n_taps {
                let (first, end) = axis.targets(tap);
                for q in 0..n_targets {
                    assert_eq!((first..end).contains(&q), inside(q, tap));
                }
            }
        }
    }
}
