//! Average pooling over windows; the padding counts as zeros, as PyTorch's default.

use super::PoolGeometry;
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// **What** `y = (Σ over each window of x) / kernel²`.
///
/// **Shapes** `x: [in_height][in_width][channels][16]`, `y: [out_height][out_width][channels][16]`.
///
/// # Panics
/// When a slice has the wrong length.
pub fn forward(isa: Isa, geometry: &PoolGeometry, x: &[f32], y: &mut [f32]) {
    assert!(geometry.check().is_ok(), "valid sizes");
    assert_eq!(x.len(), geometry.in_len(), "length of the input");
    assert_eq!(y.len(), geometry.out_len(), "length of the output");
    // SAFETY: the slices have the lengths of the geometry.
    unsafe { gather(isa, geometry, x.as_ptr(), y.as_mut_ptr()) };
}

/// **What** `dx = Σ over windows of dy / kernel²`; input positions outside every window get zero.
///
/// # Panics
/// When a slice has the wrong length.
pub fn backward(isa: Isa, geometry: &PoolGeometry, dy: &[f32], dx: &mut [f32]) {
    assert!(geometry.check().is_ok(), "valid sizes");
    assert_eq!(dy.len(), geometry.out_len(), "length of the output gradient");
    assert_eq!(dx.len(), geometry.in_len(), "length of the input gradient");
    dx.fill(0.0);
    // SAFETY: the slices have the lengths of the geometry.
    unsafe { scatter(isa, geometry, dy.as_ptr(), dx.as_mut_ptr()) };
}

per_isa!(unsafe fn gather(geometry: &PoolGeometry, x: *const f32, y: *mut f32) = gather_body);
per_isa!(unsafe fn scatter(geometry: &PoolGeometry, dy: *const f32, dx: *mut f32) = scatter_body);

#[inline(always)]
unsafe fn gather_body<S: Simd>(geometry: &PoolGeometry, x: *const f32, y: *mut f32) {
    let pixel = geometry.channels * LANES;
    let x_row = geometry.in_width * pixel;
    let (rows, columns) = (geometry.rows(), geometry.columns());
    let scale = 1.0 / (geometry.kernel * geometry.kernel) as f32;
    for row in 0..geometry.out_height() {
        let (first_row, n_rows) = rows.taps(row);
        for column in 0..geometry.out_width() {
            let (first_column, n_columns) = columns.taps(column);
            let corner = rows.position(row, first_row) * x_row
                + columns.position(column, first_column) * pixel;
            let target = (row * geometry.out_width() + column) * pixel;
            for at in (0..pixel).step_by(S::N) {
                // SAFETY: windows are cut to the rows and columns that exist.
                unsafe {
                    let mut sum = S::splat(0.0);
                    for i in 0..n_rows {
                        for j in 0..n_columns {
                            sum = S::add(sum, S::load(x.add(corner + i * x_row + j * pixel + at)));
                        }
                    }
                    S::store(y.add(target + at), S::mul(sum, S::splat(scale)));
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn scatter_body<S: Simd>(geometry: &PoolGeometry, dy: *const f32, dx: *mut f32) {
    let pixel = geometry.channels * LANES;
    let x_row = geometry.in_width * pixel;
    let (rows, columns) = (geometry.rows(), geometry.columns());
    let scale = 1.0 / (geometry.kernel * geometry.kernel) as f32;
    for row in 0..geometry.out_height() {
        let (first_row, n_rows) = rows.taps(row);
        for column in 0..geometry.out_width() {
            let (first_column, n_columns) = columns.taps(column);
            let corner = rows.position(row, first_row) * x_row
                + columns.position(column, first_column) * pixel;
            let source = (row * geometry.out_width() + column) * pixel;
            for at in (0..pixel).step_by(S::N) {
                // SAFETY: windows are cut to the rows and columns that exist.
                unsafe {
                    let grad = S::mul(S::load(dy.add(source + at)), S::splat(scale));
                    for i in 0..n_rows {
                        for j in 0..n_columns {
                            let to = dx.add(corner + i * x_row + j * pixel + at);
                            S::store(to, S::add(S::load(to), grad));
                        }
                    }
                }
            }
        }
    }
}
