//! Pools over pictures, plane by plane.

use std::ops::Range;

use candle_core::{Result, Tensor};

use crate::exec::parallel::rows_of_cost;
use crate::exec::tensor::{Real, View, tensor};
use crate::ir::Pool;

/// [`crate::ir::Op::MaxPool`]; a NaN wins its window.
pub(super) fn max<T: Real>(x: &Tensor, pool: &Pool) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let windows = Windows::new(pool, [h, w]);
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let mut out = vec![T::default(); n * c * windows.positions()];
    rows_of_cost(&mut out, windows.positions(), h * w, |plane, out| {
        let x = &source[plane * h * w..][..h * w];
        windows
            .each(|position, rows, columns| out[position] = x[windows.first_max(x, rows, columns)]);
    });
    tensor(out, &[n, c, windows.output[0], windows.output[1]])
}

/// [`crate::ir::GradOp::MaxPool`].
pub(super) fn max_grad<T: Real>(x: &Tensor, dy: &Tensor, pool: &Pool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let windows = Windows::new(pool, [h, w]);
    let (x_view, dy_view) = (View::<T>::new(x)?, View::<T>::new(dy)?);
    let (x_values, dy_values): (&[T], &[T]) = (&x_view, &dy_view);
    let mut out = vec![T::default(); x_values.len()];
    rows_of_cost(&mut out, h * w, h * w, |plane, out| {
        let x = &x_values[plane * h * w..][..h * w];
        let dy = &dy_values[plane * windows.positions()..][..windows.positions()];
        windows.each(|position, rows, columns| {
            out[windows.first_max(x, rows, columns)] += dy[position];
        });
    });
    tensor(out, x.dims())
}

/// [`crate::ir::Op::AvgPool`].
pub(super) fn average<T: Real>(x: &Tensor, pool: &Pool) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let windows = Windows::new(pool, [h, w]);
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let mut out = vec![T::default(); n * c * windows.positions()];
    rows_of_cost(&mut out, windows.positions(), h * w, |plane, out| {
        let x = &source[plane * h * w..][..h * w];
        windows.each(|position, rows, columns| {
            let mut total = 0.0;
            for row in rows {
                total += x[row * w..][columns.clone()].iter().map(|x| x.double()).sum::<f64>();
            }
            out[position] = T::real(total / windows.area());
        });
    });
    tensor(out, &[n, c, windows.output[0], windows.output[1]])
}

/// [`crate::ir::GradOp::AvgPool`].
pub(super) fn average_grad<T: Real>(dy: &Tensor, pool: &Pool, input: [usize; 2]) -> Result<Tensor> {
    let (n, c, ..) = dy.dims4()?;
    let [h, w] = input;
    let windows = Windows::new(pool, input);
    let view = View::<T>::new(dy)?;
    let source: &[T] = &view;
    let mut out = vec![T::default(); n * c * h * w];
    rows_of_cost(&mut out, h * w, h * w, |plane, out| {
        let dy = &source[plane * windows.positions()..][..windows.positions()];
        windows.each(|position, rows, columns| {
            let share = T::real(dy[position].double() / windows.area());
            for row in rows {
                out[row * w..][columns.clone()].iter_mut().for_each(|out| *out += share);
            }
        });
    });
    tensor(out, &[n, c, h, w])
}

struct Windows {
    pool: Pool,
    input: [usize; 2],
    output: [usize; 2],
}

impl Windows {
    fn new(pool: &Pool, input: [usize; 2]) -> Self {
        let output =
            [0, 1].map(|i| (input[i] + 2 * pool.pad[i] - pool.kernel[i]) / pool.stride[i] + 1);
        Self { pool: *pool, input, output }
    }

    fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of a window, padding included.
    fn area(&self) -> f64 {
        (self.pool.kernel[0] * self.pool.kernel[1]) as f64
    }

    /// Calls `f(position, rows, columns)` for each window with the part that lies inside the picture.
    fn each(&self, mut f: impl FnMut(usize, Range<usize>, Range<usize>)) {
        for y in 0..self.output[0] {
            for x in 0..self.output[1] {
                f(y * self.output[1] + x, self.inside(0, y), self.inside(1, x));
            }
        }
    }

    fn inside(&self, axis: usize, position: usize) -> Range<usize> {
        let start = position * self.pool.stride[axis];
        let end = (start + self.pool.kernel[axis]).saturating_sub(self.pool.pad[axis]);
        start.saturating_sub(self.pool.pad[axis])..end.min(self.input[axis])
    }

    /// The first maximum in row-major order.
    fn first_max<T: Real>(&self, x: &[T], rows: Range<usize>, columns: Range<usize>) -> usize {
        let width = self.input[1];
        let mut best = rows.start * width + columns.start;
        for row in rows {
            for at in row * width + columns.start..row * width + columns.end {
                let is_first_nan = x[at].double().is_nan() && !x[best].double().is_nan();
                if x[at] > x[best] || is_first_nan {
                    best = at;
                }
            }
        }
        best
    }
}
