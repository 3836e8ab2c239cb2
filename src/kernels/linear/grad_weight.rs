//! Weight gradient of a fully connected layer: samples are summed, input features lie along the vector.

use std::ops::Range;

use super::{Linear, row_ranges};
use crate::kernels::LANES;
use crate::kernels::micro::outer::{self, Line, PANEL};
use crate::kernels::micro::{MAX_ROWS, parts};
use crate::kernels::threads::{SharedSlice, ThreadPool};
use crate::kernels::turn::turn_pixel;

impl Linear {
    /// Floats of the turned input of `n_blocks` blocks.
    pub fn turned_len(&self, n_blocks: usize) -> usize {
        n_blocks * LANES * self.in_features().next_multiple_of(LANES)
    }

    /// **What** turns the input for [`Linear::grad_weight`]: panels of up to 64 features in PyTorch's order, in each panel
    /// all samples of the batch.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn turn_input(&self, x: &[f32], turned: &mut [f32]) {
        let inputs = self.in_features();
        let n_blocks = x.len() / (inputs * LANES);
        assert_eq!(x.len(), n_blocks * inputs * LANES, "whole blocks of input features");
        assert_eq!(turned.len(), self.turned_len(n_blocks), "length of the turned input");
        let mut panel_vectors = [0.0; PANEL * LANES];
        let mut rest = turned;
        for (first, panel) in self.panels() {
            let (turned, after) = rest.split_at_mut(n_blocks * LANES * panel);
            rest = after;
            let n = panel.min(inputs - first);
            let targets = turned.chunks_exact_mut(LANES * panel);
            for (x, turned) in x.chunks_exact(inputs * LANES).zip(targets) {
                let from = if self.in_pixels == 1 {
                    &x[first * LANES..(first + n) * LANES]
                } else {
                    let vectors = &mut panel_vectors[..n * LANES];
                    for (i, to) in vectors.chunks_exact_mut(LANES).enumerate() {
                        let (channel, pixel) =
                            ((first + i) / self.in_pixels, (first + i) % self.in_pixels);
                        let at = (pixel * self.in_channels + channel) * LANES;
                        if let (Some(from), Some(to)) =
                            (x[at..].first_chunk::<LANES>(), to.first_chunk_mut::<LANES>())
                        {
                            *to = *from;
                        }
                    }
                    vectors
                };
                turn_pixel(self.isa, from, turned, panel);
            }
        }
    }

    /// **What** `dW = Σ over samples of dy xᵀ`, overwriting.
    ///
    /// **Shapes** `turned` from [`Linear::turn_input`], `dy: [block][out][16]`, `grad: [out][in]`.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn grad_weight(&self, turned: &[f32], dy: &[f32], grad: &mut [f32]) {
        let n_blocks = self.check_grad(turned, dy, grad);
        // SAFETY: lengths were checked.
        unsafe { self.grad_rows(turned, dy, n_blocks, 0..self.out_features, grad) };
    }

    /// [`Linear::grad_weight`] with the rows spread over the threads of a pool; the same bits.
    ///
    /// # Panics
    /// When a slice has the wrong length.
    pub fn grad_weight_on(&self, pool: &ThreadPool, turned: &[f32], dy: &[f32], grad: &mut [f32]) {
        let n_blocks = self.check_grad(turned, dy, grad);
        let ranges = row_ranges(self.out_features, pool.n_threads());
        let grad = SharedSlice::new(grad);
        pool.run(ranges.len(), |task, _| {
            let rows = ranges.get(task);
            let inputs = self.in_features();
            // SAFETY: lengths were checked; tasks write different rows.
            unsafe {
                let grad = grad.range(rows.start * inputs..rows.end * inputs);
                self.grad_rows(turned, dy, n_blocks, rows, grad);
            }
        });
    }

    fn check_grad(&self, turned: &[f32], dy: &[f32], grad: &[f32]) -> usize {
        let block = self.out_features * LANES;
        let n_blocks = dy.len() / block;
        assert_eq!(dy.len(), n_blocks * block, "whole blocks of output features");
        assert_eq!(turned.len(), self.turned_len(n_blocks), "length of the turned input");
        assert_eq!(grad.len(), self.in_features() * self.out_features, "length of the gradient");
        n_blocks
    }

    /// First feature and width of each panel.
    fn panels(&self) -> impl Iterator<Item = (usize, usize)> {
        parts(self.in_features().div_ceil(LANES), PANEL / LANES)
            .map(|(first, n)| (first * LANES, n * LANES))
    }

    /// Rows `rows` of the gradient.
    ///
    /// # Safety
    /// Lengths as `check_grad` demands; `grad` holds these rows.
    unsafe fn grad_rows(
        &self,
        turned: &[f32],
        dy: &[f32],
        n_blocks: usize,
        rows: Range<usize>,
        grad: &mut [f32],
    ) {
        let inputs = self.in_features();
        let mut sums = [0.0; MAX_ROWS * PANEL];
        for (first, panel) in self.panels() {
            let n = panel.min(inputs - first);
            for (row, n_rows) in parts(rows.len(), outer::tile_rows(self.isa, panel)) {
                let sums = &mut sums[..n_rows * panel];
                sums.fill(0.0);
                // SAFETY: rows and features lie inside the checked slices, the tile inside the sums.
                unsafe {
                    let line = Line {
                        dy: dy.as_ptr().add((rows.start + row) * LANES),
                        xt: turned.as_ptr().add(first * n_blocks * LANES),
                        sum: sums.as_mut_ptr(),
                        panel,
                        sum_row: panel,
                        n_pixels: n_blocks,
                        dy_pixel: self.out_features * LANES,
                        xt_pixel: LANES * panel,
                    };
                    outer::run(self.isa, n_rows, &line);
                }
                for (i, sums) in sums.chunks_exact(panel).enumerate() {
                    let at = (row + i) * inputs + first;
                    grad[at..at + n].copy_from_slice(&sums[..n]);
                }
            }
        }
    }
}
