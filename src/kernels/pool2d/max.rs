//! Max pooling, with the relu before it if asked; the gradient goes to the first maximum of a window.

use super::PoolGeometry;
use crate::kernels::LANES;
use crate::kernels::isa::{Isa, Simd, per_isa};

/// **What** `y = max over each window of x`, then relu if asked, and who won.
///
/// **Shapes** `x: [in_height][in_width][channels][16]`, `y: [out_height][out_width][channels][16]`, `masks: [out_height][out_width]
/// [channels][kernel²]`: bit `lane` of word `i` says that position `i` of the window is the first maximum of that lane
/// and, with relu, that it is positive. A NaN in a window wins.
///
/// # Panics
/// When a slice has the wrong length.
pub fn forward(
    isa: Isa,
    geometry: &PoolGeometry,
    relu: bool,
    x: &[f32],
    y: &mut [f32],
    masks: &mut [u16],
) {
    assert!(geometry.check().is_ok(), "valid sizes");
    assert_eq!(x.len(), geometry.in_len(), "length of the input");
    assert_eq!(y.len(), geometry.out_len(), "length of the output");
    assert_eq!(masks.len(), geometry.mask_len(), "length of the masks");
    let row_len = geometry.in_width * geometry.channels * LANES;
    let rows = geometry.rows();
    let y_row = geometry.out_len() / geometry.out_height();
    let mask_row = geometry.mask_len() / geometry.out_height();
    let targets = y.chunks_exact_mut(y_row).zip(masks.chunks_exact_mut(mask_row));
    for (row, (y, masks)) in targets.enumerate() {
        let taps = rows.taps(row);
        let x = &x[rows.position(row, taps.0) * row_len..];
        window_row(isa, geometry, relu, taps, x, y, masks);
    }
}

/// One output row from a strip that holds exactly the rows of its windows.
pub(crate) fn row_of_strip(
    isa: Isa,
    geometry: &PoolGeometry,
    relu: bool,
    strip: &[f32],
    y: &mut [f32],
    masks: &mut [u16],
) {
    window_row(isa, geometry, relu, (0, geometry.kernel), strip, y, masks);
}

/// One output row; `x` starts at the first row of `taps`.
fn window_row(
    isa: Isa,
    geometry: &PoolGeometry,
    relu: bool,
    taps: (usize, usize),
    x: &[f32],
    y: &mut [f32],
    masks: &mut [u16],
) {
    let pixel = geometry.channels * LANES;
    let area = geometry.kernel * geometry.kernel;
    assert!(x.len() >= taps.1 * geometry.in_width * pixel, "rows of the window");
    assert_eq!(y.len(), geometry.out_width() * pixel, "length of the row");
    assert_eq!(masks.len(), geometry.out_width() * geometry.channels * area, "length of the masks");
    // SAFETY: the slices hold the rows that the geometry speaks of.
    unsafe { row(isa, geometry, relu, taps, x.as_ptr(), y.as_mut_ptr(), masks.as_mut_ptr()) };
}

per_isa!(unsafe fn row(
    geometry: &PoolGeometry, relu: bool, taps: (usize, usize), x: *const f32, y: *mut f32, masks: *mut u16
) = row_body);

#[inline(always)]
unsafe fn row_body<S: Simd>(
    geometry: &PoolGeometry,
    relu: bool,
    (first_row, n_rows): (usize, usize),
    x: *const f32,
    y: *mut f32,
    masks: *mut u16,
) {
    let kernel = geometry.kernel;
    let area = kernel * kernel;
    let pixel = geometry.channels * LANES;
    let x_row = geometry.in_width * pixel;
    let columns = geometry.columns();
    for column in 0..geometry.out_width() {
        let (first_column, n_columns) = columns.taps(column);
        let corner = columns.position(column, first_column) * pixel;
        let is_cut = n_rows * n_columns < area;
        if kernel == 2 && !is_cut {
            // SAFETY: the four positions of each window exist; vectors lie inside their buffers.
            unsafe {
                let first = column * geometry.channels;
                let masks = masks.add(first * area);
                quads::<S>(geometry, relu, x.add(corner), x_row, y.add(first * LANES), masks);
            }
            continue;
        }
        for channel in 0..geometry.channels {
            let vector = column * geometry.channels + channel;
            // SAFETY: windows are cut to the rows and columns that exist; vectors lie inside their buffers.
            unsafe {
                let masks = masks.add(vector * area);
                if is_cut {
                    for i in 0..area {
                        *masks.add(i) = 0;
                    }
                }
                for part in (0..LANES).step_by(S::N) {
                    let x = x.add(corner + channel * LANES + part);
                    let mut best = S::load(x);
                    for i in 0..n_rows {
                        for j in 0..n_columns {
                            let value = S::load(x.add(i * x_row + j * pixel));
                            // The larger one; `max` takes its second operand on NaN, so NaN is asked for twice.
                            let larger = S::or(S::gt(value, best), S::is_nan(value));
                            best = S::select(larger, value, best);
                        }
                    }
                    let result = if relu { S::max(S::splat(0.0), best) } else { best };
                    S::store(y.add(vector * LANES + part), result);
                    let alive = if relu { S::gt(best, S::splat(0.0)) } else { S::eq(best, best) };
                    let alive = S::bits(S::or(alive, S::is_nan(best)));
                    let mut open = alive;
                    for i in 0..n_rows {
                        for j in 0..n_columns {
                            let value = S::load(x.add(i * x_row + j * pixel));
                            let is_best = S::or(S::eq(value, best), S::is_nan(value));
                            let won = S::bits(is_best) & open;
                            open &= !won;
                            let mask = masks.add((first_row + i) * kernel + first_column + j);
                            let before = if part == 0 { 0 } else { *mask };
                            *mask = before | won << part;
                        }
                    }
                }
            }
        }
    }
}

/// The windows of one output column where they are whole and 2 × 2: what nearly all pools of images are.
#[inline(always)]
unsafe fn quads<S: Simd>(
    geometry: &PoolGeometry,
    relu: bool,
    x: *const f32,
    x_row: usize,
    y: *mut f32,
    masks: *mut u16,
) {
    let pixel = geometry.channels * LANES;
    for channel in 0..geometry.channels {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for four vectors of input, one of output and four words for each channel.
            unsafe {
                let x = x.add(channel * LANES + part);
                let at = [0, pixel, x_row, x_row + pixel];
                let [a, b, c, d] = at.map(|at| S::load(x.add(at)));
                // The earlier one where two are equal.
                let best = S::max(S::max(d, c), S::max(b, a));
                let has_nan = S::bits(S::or(S::is_nan(S::add(a, b)), S::is_nan(S::add(c, d))));
                let mut won = [0; 4];
                let best = if has_nan == 0 {
                    let mut open = u16::MAX;
                    if relu {
                        open = S::bits(S::gt(best, S::splat(0.0)));
                    }
                    for (won, value) in won.iter_mut().zip([a, b, c, d]) {
                        *won = S::bits(S::eq(value, best)) & open;
                        open &= !*won;
                    }
                    best
                } else {
                    let (best, slow) = with_nan::<S>(relu, [a, b, c, d]);
                    won = slow;
                    best
                };
                let result = if relu { S::max(S::splat(0.0), best) } else { best };
                S::store(y.add(channel * LANES + part), result);
                for (i, won) in won.into_iter().enumerate() {
                    let mask = masks.add(channel * 4 + i);
                    let before = if part == 0 { 0 } else { *mask };
                    *mask = before | won << part;
                }
            }
        }
    }
}

/// Maximum and winners where a NaN may be among the values, or an infinity of each sign.
#[inline(always)]
unsafe fn with_nan<S: Simd>(relu: bool, values: [S::V; 4]) -> (S::V, [u16; 4]) {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let mut best = values[0];
        for value in values {
            let larger = S::or(S::gt(value, best), S::is_nan(value));
            best = S::select(larger, value, best);
        }
        let alive = if relu { S::gt(best, S::splat(0.0)) } else { S::eq(best, best) };
        let mut open = S::bits(S::or(alive, S::is_nan(best)));
        let won = values.map(|value| {
            let won = S::bits(S::or(S::eq(value, best), S::is_nan(value))) & open;
            open &= !won;
            won
        });
        (best, won)
    }
}

/// **What** `dx = Σ over windows of dy at the window's winner`; input positions outside every window get zero.
///
/// **Shapes** as for [`forward`].
///
/// # Panics
/// When a slice has the wrong length.
pub fn backward(isa: Isa, geometry: &PoolGeometry, dy: &[f32], masks: &[u16], dx: &mut [f32]) {
    assert!(geometry.check().is_ok(), "valid sizes");
    assert_eq!(dy.len(), geometry.out_len(), "length of the output gradient");
    assert_eq!(dx.len(), geometry.in_len(), "length of the input gradient");
    assert_eq!(masks.len(), geometry.mask_len(), "length of the masks");
    let is_tiled = geometry.is_disjoint()
        && geometry.pad == 0
        && geometry.stride == geometry.kernel
        && geometry.out_height() * geometry.kernel == geometry.in_height
        && geometry.out_width() * geometry.kernel == geometry.in_width;
    if !is_tiled {
        dx.fill(0.0);
    }
    // SAFETY: the slices have the lengths of the geometry.
    unsafe { scatter(isa, geometry, !is_tiled, dy.as_ptr(), masks.as_ptr(), dx.as_mut_ptr()) };
}

/// **What** `y = dy` where the window has a winner, zero elsewhere: what [`backward`] adds, before it is spread.
///
/// **Shapes** `dy`, `y` as the output of [`forward`].
///
/// # Panics
/// When a slice has the wrong length.
pub fn winners(isa: Isa, geometry: &PoolGeometry, dy: &[f32], masks: &[u16], y: &mut [f32]) {
    assert!(geometry.check().is_ok(), "valid sizes");
    assert_eq!(dy.len(), geometry.out_len(), "length of the output gradient");
    assert_eq!(y.len(), geometry.out_len(), "length of the result");
    assert_eq!(masks.len(), geometry.mask_len(), "length of the masks");
    let area = geometry.kernel * geometry.kernel;
    // SAFETY: one vector and `area` words for each output.
    unsafe { keep(isa, dy.len() / LANES, area, dy.as_ptr(), masks.as_ptr(), y.as_mut_ptr()) };
}

per_isa!(unsafe fn keep(
    n: usize, area: usize, dy: *const f32, masks: *const u16, y: *mut f32
) = keep_body);

#[inline(always)]
unsafe fn keep_body<S: Simd>(
    n: usize,
    area: usize,
    dy: *const f32,
    masks: *const u16,
    y: *mut f32,
) {
    for vector in 0..n {
        // SAFETY: the caller vouches for `n` vectors with their masks.
        unsafe {
            let any = (0..area).fold(0, |any, at| any | *masks.add(vector * area + at));
            for part in (0..LANES).step_by(S::N) {
                let grad = S::load(dy.add(vector * LANES + part));
                let kept = S::select(S::from_bits(any >> part), grad, S::splat(0.0));
                S::store(y.add(vector * LANES + part), kept);
            }
        }
    }
}

per_isa!(unsafe fn scatter(
    geometry: &PoolGeometry, accumulate: bool, dy: *const f32, masks: *const u16, dx: *mut f32
) = scatter_body);

#[inline(always)]
unsafe fn scatter_body<S: Simd>(
    geometry: &PoolGeometry,
    accumulate: bool,
    dy: *const f32,
    masks: *const u16,
    dx: *mut f32,
) {
    let kernel = geometry.kernel;
    let area = kernel * kernel;
    let pixel = geometry.channels * LANES;
    let x_row = geometry.in_width * pixel;
    let (rows, columns) = (geometry.rows(), geometry.columns());
    for row in 0..geometry.out_height() {
        let (first_row, n_rows) = rows.taps(row);
        for column in 0..geometry.out_width() {
            let (first_column, n_columns) = columns.taps(column);
            let corner = rows.position(row, first_row) * x_row
                + columns.position(column, first_column) * pixel;
            for channel in 0..geometry.channels {
                let vector = (row * geometry.out_width() + column) * geometry.channels + channel;
                for part in (0..LANES).step_by(S::N) {
                    // SAFETY: windows are cut to the rows and columns that exist.
                    unsafe {
                        let grad = S::load(dy.add(vector * LANES + part));
                        let to = dx.add(corner + channel * LANES + part);
                        for i in 0..n_rows {
                            for j in 0..n_columns {
                                let position = (first_row + i) * kernel + first_column + j;
                                let mask = *masks.add(vector * area + position) >> part;
                                let zero = S::splat(0.0);
                                let kept = S::select(S::from_bits(mask), grad, zero);
                                let to = to.add(i * x_row + j * pixel);
                                let value =
                                    if accumulate { S::add(S::load(to), kept) } else { kept };
                                S::store(to, value);
                            }
                        }
                    }
                }
            }
        }
    }
}
