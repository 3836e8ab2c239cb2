//! Input gradient: the same tile with the kernel turned, one sweep for each phase of the stride.
//!
//! Input row `i` gets taps from output rows `o` with `o · stride + k = i + pad`: for a fixed phase `(i + pad) mod stride`
//! these are neighbouring output rows, and kernel rows in steps of the stride, backwards.

use super::sweep::{Job, Sweep, WeightView};
use super::{Conv, ConvGeometry};
use crate::kernels::geometry::Axis;
use crate::kernels::isa::Isa;
use crate::kernels::micro::fma::Start;
use crate::kernels::winograd::{self, Images, Then};

impl Conv {
    /// Floats of scratch for [`Conv::grad_input`].
    pub fn grad_input_scratch_len(&self) -> usize {
        self.winograd.backward.as_ref().map_or(0, winograd::Pass::scratch_len)
    }

    /// **What** `dx = convᵀ(dy)`, or `dx += convᵀ(dy)`.
    ///
    /// **Shapes** as for [`Conv::forward`]; `packed` from [`Conv::pack_turned`]; `scratch` at least
    /// `[grad_input_scratch_len]`, any content.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn grad_input(
        &self,
        packed: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        accumulate: bool,
        scratch: &mut [f32],
    ) {
        assert_eq!(packed.len(), self.packed_turned_len(), "length of the packed weights");
        assert_eq!(dy.len(), self.geometry.out_len(), "length of the output gradient");
        assert_eq!(dx.len(), self.geometry.in_len(), "length of the input gradient");
        if let Some(pass) = &self.winograd.backward {
            let then = if accumulate { Then::Add } else { Then::Write };
            pass.run(dy, packed, scratch, &mut Images { y: dx, masks: &mut [], bias: None, then });
            return;
        }
        let job = Job {
            x: dy.as_ptr(),
            packed: packed.as_ptr(),
            y: dx.as_mut_ptr(),
            bias: std::ptr::null(),
            start: if accumulate { Start::Output } else { Start::Zero },
            relu: false,
        };
        for sweep in &self.backward {
            // SAFETY: the slices have the lengths of the geometry.
            unsafe { sweep.run(&job, 0..sweep.rows.n_targets) };
        }
    }
}

/// The sweeps of all phases; together they write every input position once.
pub(super) fn sweeps(isa: Isa, geometry: &ConvGeometry) -> Vec<Sweep> {
    let stride = geometry.stride;
    let (inputs, outputs) = (geometry.group_in(), geometry.group_out());
    let taps = geometry.kernel * geometry.kernel;
    let mut sweeps: Vec<Sweep> = Vec::new();
    let mut packed = 0;
    for row_phase in 0..stride.min(geometry.in_height) {
        for column_phase in 0..stride.min(geometry.in_width) {
            let rows = phase(geometry, row_phase, geometry.in_height, geometry.out_height());
            let columns = phase(geometry, column_phase, geometry.in_width, geometry.out_width());
            let view = WeightView {
                group: outputs * inputs * taps,
                output: taps,
                channel: inputs * taps,
                first: (rows.last_tap, columns.last_tap),
                step: -(stride as isize),
                kernel: geometry.kernel,
            };
            let sweep = Sweep::new(
                isa,
                rows.axis,
                columns.axis,
                ((row_phase, column_phase), stride),
                geometry.in_width,
                (outputs, inputs, geometry.groups),
                view,
                packed,
            );
            packed += sweep.packed_len();
            sweeps.push(sweep);
        }
    }
    sweeps
}

struct Phase {
    axis: Axis,
    /// Kernel index of the first tap in source order.
    last_tap: usize,
}

/// One axis of the input positions `first, first + stride, …`, with the output as source.
fn phase(geometry: &ConvGeometry, first: usize, n_inputs: usize, n_outputs: usize) -> Phase {
    let &ConvGeometry { kernel, stride, pad, .. } = geometry;
    let remainder = (first + pad) % stride;
    let n_taps = kernel.saturating_sub(remainder).div_ceil(stride);
    // The output position of kernel index `remainder` for input position `first`.
    let nearest = (first + pad) / stride;
    Phase {
        axis: Axis {
            n_taps,
            step: 1,
            offset: nearest as isize - n_taps as isize + 1,
            source: n_outputs,
            n_targets: (n_inputs - first).div_ceil(stride),
        },
        last_tap: if n_taps == 0 { 0 } else { remainder + stride * (n_taps - 1) },
    }
}
