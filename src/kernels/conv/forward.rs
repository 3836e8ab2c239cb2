//! Forward convolution, alone or with max pooling while a strip of rows is still in the first-level cache.

use super::Conv;
use super::sweep::Job;
use crate::kernels::LANES;
use crate::kernels::micro::fma::Start;
use crate::kernels::pool2d::{PoolGeometry, max};
use crate::kernels::winograd::{self, Images, Then};

impl Conv {
    /// **What** `y = conv(x) + bias`, then relu if asked.
    ///
    /// **Shapes** `x: [in_height][in_width][in_channels][16]`, `y: [out_height][out_width][out_channels][16]`, both one
    /// block; `packed` from [`Conv::pack`]; `bias: [out_channels]`; `scratch` at least `[forward_scratch_len]`, any content. A
    /// NaN passes through the relu.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn forward(
        &self,
        packed: &[f32],
        x: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &mut [f32],
        scratch: &mut [f32],
    ) {
        self.check_forward(packed, x, bias);
        assert_eq!(y.len(), self.geometry.out_len(), "length of the output");
        if let Some(pass) = &self.winograd.forward {
            let then = if relu { Then::Relu } else { Then::Write };
            pass.run(x, packed, scratch, &mut Images { y, masks: &mut [], bias, then });
            return;
        }
        let job = Self::forward_job(packed, x, bias, relu, y.as_mut_ptr());
        // SAFETY: the slices have the lengths of the geometry.
        unsafe { self.forward.run(&job, 0..self.geometry.out_height()) };
    }

    /// Floats of scratch for [`Conv::forward`].
    pub fn forward_scratch_len(&self) -> usize {
        self.winograd.forward.as_ref().map_or(0, winograd::Pass::scratch_len)
    }

    /// Floats of scratch for [`Conv::forward_max_pool`] with windows of `size`.
    pub fn pool_scratch_len(&self, size: usize) -> usize {
        if let Some(pass) = &self.winograd.forward {
            let whole = if size == winograd::POOL { 0 } else { self.geometry.out_len() };
            return pass.scratch_len() + whole;
        }
        size * self.geometry.out_width() * self.geometry.out_channels * LANES
    }

    /// **What** `y = max_pool(conv(x) + bias)` over windows of `size × size` that do not overlap, with relu before the pooling
    /// if asked; the output of the convolution itself is not kept.
    ///
    /// **Shapes** `y: [out_height / size][out_width / size][out_channels][16]`; `masks`: the same with `size²` words in
    /// place of 16 floats, see [`max::forward`].
    ///
    /// # Panics
    /// When a slice has the wrong length or the window does not fit.
    #[expect(clippy::too_many_arguments, reason = "operands of one fused operation")]
    pub fn forward_max_pool(
        &self,
        packed: &[f32],
        x: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        size: usize,
        y: &mut [f32],
        masks: &mut [u16],
        scratch: &mut [f32],
    ) {
        self.check_forward(packed, x, bias);
        let pool = PoolGeometry {
            channels: self.geometry.out_channels,
            in_height: self.geometry.out_height(),
            in_width: self.geometry.out_width(),
            kernel: size,
            stride: size,
            pad: 0,
        };
        assert!(pool.check().is_ok(), "a window that fits");
        assert_eq!(y.len(), pool.out_len(), "length of the output");
        assert_eq!(masks.len(), pool.mask_len(), "length of the masks");
        assert!(scratch.len() >= self.pool_scratch_len(size), "length of the scratch");
        if let Some(pass) = &self.winograd.forward {
            if size == winograd::POOL {
                let then = Then::Pool { relu };
                pass.run(x, packed, scratch, &mut Images { y, masks, bias, then });
            } else {
                // Windows are not the tiles: pooling follows as a pass of its own.
                let (whole, scratch) = scratch.split_at_mut(self.geometry.out_len());
                self.forward(packed, x, bias, false, whole, scratch);
                max::forward(self.isa, &pool, relu, whole, y, masks);
            }
            return;
        }
        let row_len = self.geometry.out_width() * self.geometry.out_channels * LANES;
        let y_row = pool.out_width() * pool.channels * LANES;
        let mask_row = pool.out_width() * pool.channels * size * size;
        let rows = y.chunks_exact_mut(y_row).zip(masks.chunks_exact_mut(mask_row));
        for (pooled, (y, masks)) in rows.enumerate() {
            let first = pooled * size;
            let target = scratch.as_mut_ptr().wrapping_sub(first * row_len);
            // The relu comes with the pooling: max and relu commute.
            let job = Self::forward_job(packed, x, bias, false, target);
            // SAFETY: rows `first .. first + size` land in the scratch; the rest has the lengths of the geometry.
            unsafe { self.forward.run(&job, first..first + size) };
            max::row_of_strip(self.isa, &pool, relu, scratch, y, masks);
        }
    }

    fn check_forward(&self, packed: &[f32], x: &[f32], bias: Option<&[f32]>) {
        assert_eq!(packed.len(), self.packed_len(), "length of the packed weights");
        assert_eq!(x.len(), self.geometry.in_len(), "length of the input");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.geometry.out_channels, "length of the bias");
        }
    }

    fn forward_job(
        packed: &[f32],
        x: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: *mut f32,
    ) -> Job {
        Job {
            x: x.as_ptr(),
            packed: packed.as_ptr(),
            y,
            bias: bias.map_or(std::ptr::null(), <[f32]>::as_ptr),
            start: Start::Zero,
            relu,
        }
    }
}
