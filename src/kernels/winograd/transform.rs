//! The transforms of F(4×4, 3×3), one lane at a time.
//!
//! In: patches of 6×6 input pixels, tiles of 4×4 output gradients, 3×3 kernels. Out: 36 points each, row by row. Invariant: every
//! lane is computed on its own in a fixed order.
//!
//! The points are 0, ±[`NEAR`], ±[`FAR`], ∞; all matrices but G are exact in floats. With ±1 and ±2, as usual, results in f32 are
//! twice as far from exact ones; with ours, root mean square errors over 64 channels are 6e-7 of the result, and 1e-6 for the
//! weights' gradient. That is three times those of F(2×2, 3×3), which needs 1.8 times as many products.

use super::output::{POOL, WINDOWS};
use super::{PATCH, TILE};
use crate::kernels::LANES;
use crate::kernels::isa::{Simd, per_isa};

/// Points of a tile, row by row.
pub(super) const POINTS: usize = PATCH * PATCH;

/// The inner pair of points. Both pairs were chosen for the error of sums over 64 channels of random values,
/// forward and for the weights.
const NEAR: f32 = 0.625;
/// The outer pair.
const FAR: f32 = 1.5;
const NEAR_2: f32 = NEAR * NEAR;
const FAR_2: f32 = FAR * FAR;
const NEAR_3: f32 = NEAR * NEAR_2;
const FAR_3: f32 = FAR * FAR_2;
/// Factors of the weights' transform at 0 and at both pairs.
const G_ZERO: f32 = 1.0 / (NEAR_2 * FAR_2);
const G_NEAR: f32 = 1.0 / (2.0 * NEAR_2 * (NEAR_2 - FAR_2));
const G_FAR: f32 = 1.0 / (2.0 * FAR_2 * (FAR_2 - NEAR_2));

/// Where a transform reads and writes; distances in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Targets {
    /// Vectors of 16 lanes at each source pixel.
    pub(super) n_vectors: usize,
    /// First vector of the first point.
    pub(super) to: *mut f32,
    /// Distance between vectors.
    pub(super) vector: usize,
    /// Distance between points.
    pub(super) point: usize,
}

per_isa!(pub(super) unsafe fn patch(pixels: &[*const f32; POINTS], targets: &Targets) = patch_body);

/// `Bᵀ d B` of the 6×6 pixels `d`, for every vector of a pixel.
#[inline(always)]
unsafe fn patch_body<S: Simd>(pixels: &[*const f32; POINTS], targets: &Targets) {
    for vector in 0..targets.n_vectors {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for `n_vectors` vectors at each pixel and for all targets.
            unsafe {
                let at = vector * LANES + part;
                let mut columns = [[S::splat(0.0); PATCH]; PATCH];
                for (j, column) in columns.iter_mut().enumerate() {
                    let mut pixel = [S::splat(0.0); PATCH];
                    for (i, value) in pixel.iter_mut().enumerate() {
                        *value = S::load(pixels[PATCH * i + j].add(at));
                    }
                    *column = input::<S>(pixel);
                }
                let to = targets.to.add(vector * targets.vector + part);
                store_rows::<S, PATCH>(to, targets.point, &columns, |row| input::<S>(row));
            }
        }
    }
}

per_isa!(pub(super) unsafe fn spread(pixels: &[*const f32; TILE * TILE], targets: &Targets) = spread_body);

/// `A y Aᵀ` of the 4×4 output gradients `y`, for every vector of a pixel.
#[inline(always)]
unsafe fn spread_body<S: Simd>(pixels: &[*const f32; TILE * TILE], targets: &Targets) {
    for vector in 0..targets.n_vectors {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for `n_vectors` vectors at each pixel and for all targets.
            unsafe {
                let at = vector * LANES + part;
                let mut columns = [[S::splat(0.0); PATCH]; TILE];
                for (j, column) in columns.iter_mut().enumerate() {
                    let mut pixel = [S::splat(0.0); TILE];
                    for (i, value) in pixel.iter_mut().enumerate() {
                        *value = S::load(pixels[TILE * i + j].add(at));
                    }
                    *column = output_turned::<S>(pixel);
                }
                let to = targets.to.add(vector * targets.vector + part);
                let line = |row| output_turned::<S>(row);
                store_rows::<S, TILE>(to, targets.point, &columns, line);
            }
        }
    }
}

/// The gradient of a pooled pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Its vector of the first output.
    pub(super) dy: *const f32,
    /// Four words for each output: who won.
    pub(super) masks: *const u16,
}

per_isa!(pub(super) unsafe fn spread_pooled(windows: &[Window; WINDOWS], targets: &Targets) = spread_pooled_body);

/// [`spread`] of what the 2×2 windows of a tile, row by row, pass on to their winners.
#[inline(always)]
unsafe fn spread_pooled_body<S: Simd>(windows: &[Window; WINDOWS], targets: &Targets) {
    for vector in 0..targets.n_vectors {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for `n_vectors` vectors and their words at each window and for all targets.
            unsafe {
                let mut columns = [[S::splat(0.0); PATCH]; TILE];
                for right in 0..TILE / POOL {
                    let mut pixels = [[S::splat(0.0); TILE]; POOL];
                    for lower in 0..TILE / POOL {
                        let window = &windows[lower * (TILE / POOL) + right];
                        let grad = S::load(window.dy.add(vector * LANES + part));
                        let masks = window.masks.add(vector * POOL * POOL);
                        for position in 0..POOL * POOL {
                            let won = S::from_bits(*masks.add(position) >> part);
                            let kept = S::select(won, grad, S::splat(0.0));
                            pixels[position % POOL][POOL * lower + position / POOL] = kept;
                        }
                    }
                    for (column, pixels) in pixels.into_iter().enumerate() {
                        columns[POOL * right + column] = output_turned::<S>(pixels);
                    }
                }
                let to = targets.to.add(vector * targets.vector + part);
                let line = |row| output_turned::<S>(row);
                store_rows::<S, TILE>(to, targets.point, &columns, line);
            }
        }
    }
}

/// Stores `line` of every row of the columns, a point after the other.
///
/// # Safety
/// All points must have room for a vector.
#[inline(always)]
unsafe fn store_rows<S: Simd, const T: usize>(
    to: *mut f32,
    point: usize,
    columns: &[[S::V; PATCH]; T],
    line: impl Fn([S::V; T]) -> [S::V; PATCH],
) {
    // SAFETY: forwarded from the caller.
    unsafe {
        for i in 0..PATCH {
            let mut row = [S::splat(0.0); T];
            for (value, column) in row.iter_mut().zip(columns) {
                *value = column[i];
            }
            for (j, value) in line(row).into_iter().enumerate() {
                S::store(to.add((PATCH * i + j) * point), value);
            }
        }
    }
}

/// `Aᵀ m A` of one vector of each of the 36 points, `point` floats apart: 4×4 outputs, row by row.
///
/// # Safety
/// All 36 vectors must be readable, on an instruction set that `S` stands for.
#[inline(always)]
pub(super) unsafe fn gather<S: Simd>(from: *const f32, point: usize) -> [[S::V; TILE]; TILE] {
    // SAFETY: forwarded from the caller.
    unsafe {
        let mut columns = [[S::splat(0.0); TILE]; PATCH];
        for (j, column) in columns.iter_mut().enumerate() {
            let mut values = [S::splat(0.0); PATCH];
            for (i, value) in values.iter_mut().enumerate() {
                *value = S::load(from.add((PATCH * i + j) * point));
            }
            *column = output::<S>(values);
        }
        let mut rows = [[S::splat(0.0); TILE]; TILE];
        for (i, row) in rows.iter_mut().enumerate() {
            let mut values = [S::splat(0.0); PATCH];
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column[i];
            }
            *row = output::<S>(values);
        }
        rows
    }
}

/// `Bᵀ d`
#[inline(always)]
unsafe fn input<S: Simd>(d: [S::V; PATCH]) -> [S::V; PATCH] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe {
        let (product, sum) = (S::splat(NEAR_2 * FAR_2), S::splat(-(NEAR_2 + FAR_2)));
        let pair = |point: f32, other_2: f32| {
            let even = S::fma(S::splat(-other_2), d[2], d[4]);
            let odd = S::fma(S::splat(-other_2), d[1], d[3]);
            [S::fma(S::splat(point), odd, even), S::fma(S::splat(-point), odd, even)]
        };
        let ([a, b], [c, e]) = (pair(NEAR, FAR_2), pair(FAR, NEAR_2));
        let first = S::fma(product, d[0], S::fma(sum, d[2], d[4]));
        let last = S::fma(product, d[1], S::fma(sum, d[3], d[5]));
        [first, a, b, c, e, last]
    }
}

/// `Aᵀ m`
#[inline(always)]
unsafe fn output<S: Simd>(m: [S::V; PATCH]) -> [S::V; TILE] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe {
        let (near, near_odd) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
        let (far, far_odd) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
        [
            S::add(m[0], S::add(near, far)),
            S::fma(S::splat(NEAR), near_odd, S::mul(S::splat(FAR), far_odd)),
            S::fma(S::splat(NEAR_2), near, S::mul(S::splat(FAR_2), far)),
            S::fma(S::splat(NEAR_3), near_odd, S::fma(S::splat(FAR_3), far_odd, m[5])),
        ]
    }
}

/// `A y`
#[inline(always)]
unsafe fn output_turned<S: Simd>(y: [S::V; TILE]) -> [S::V; PATCH] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe {
        let pair = |point: f32, square: f32| {
            let even = S::fma(S::splat(square), y[2], y[0]);
            let odd = S::fma(S::splat(square), y[3], y[1]);
            [S::fma(S::splat(point), odd, even), S::fma(S::splat(-point), odd, even)]
        };
        let ([a, b], [c, d]) = (pair(NEAR, NEAR_2), pair(FAR, FAR_2));
        [y[0], a, b, c, d, y[3]]
    }
}

/// `G g Gᵀ` of a 3×3 kernel.
pub(super) fn kernel(g: [f32; 9]) -> [f32; POINTS] {
    let columns = [0, 1, 2].map(|j| kernel_line([g[j], g[3 + j], g[6 + j]]));
    let mut points = [0.0; POINTS];
    for (i, row) in points.chunks_exact_mut(PATCH).enumerate() {
        row.copy_from_slice(&kernel_line(columns.map(|column| column[i])));
    }
    points
}

/// `G g`
fn kernel_line(g: [f32; 3]) -> [f32; PATCH] {
    let pair = |factor: f32, point: f32| {
        let (even, odd) = (g[0] + point * point * g[2], point * g[1]);
        [factor * (even + odd), factor * (even - odd)]
    };
    let ([a, b], [c, d]) = (pair(G_NEAR, NEAR), pair(G_FAR, FAR));
    [G_ZERO * g[0], a, b, c, d, g[2]]
}

per_isa!(pub(super) unsafe fn kernel_grads(
    from: *const f32, point: usize, to: &mut [[f32; LANES]; 9]
) = kernel_grads_body);

/// `Gᵀ u G`: the gradients of 16 kernels 3×3, tap by tap, from those of their points, `point` floats apart.
#[inline(always)]
unsafe fn kernel_grads_body<S: Simd>(from: *const f32, point: usize, to: &mut [[f32; LANES]; 9]) {
    for part in (0..LANES).step_by(S::N) {
        // SAFETY: the caller vouches for 16 floats at each point; a tap has 16 floats.
        unsafe {
            let mut columns = [[S::splat(0.0); 3]; PATCH];
            for (j, column) in columns.iter_mut().enumerate() {
                let mut values = [S::splat(0.0); PATCH];
                for (i, value) in values.iter_mut().enumerate() {
                    *value = S::load(from.add((PATCH * i + j) * point + part));
                }
                *column = kernel_grad::<S>(values);
            }
            for i in 0..3 {
                let mut values = [S::splat(0.0); PATCH];
                for (value, column) in values.iter_mut().zip(&columns) {
                    *value = column[i];
                }
                for (j, value) in kernel_grad::<S>(values).into_iter().enumerate() {
                    S::store(to[3 * i + j].as_mut_ptr().add(part), value);
                }
            }
        }
    }
}

/// `Gᵀ u`
#[inline(always)]
unsafe fn kernel_grad<S: Simd>(u: [S::V; PATCH]) -> [S::V; 3] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe {
        let (near, near_odd) = (S::add(u[1], u[2]), S::sub(u[1], u[2]));
        let (far, far_odd) = (S::add(u[3], u[4]), S::sub(u[3], u[4]));
        let both = |a: f32, near, b: f32, far| S::fma(S::splat(a), near, S::mul(S::splat(b), far));
        [
            S::fma(S::splat(G_ZERO), u[0], both(G_NEAR, near, G_FAR, far)),
            both(G_NEAR * NEAR, near_odd, G_FAR * FAR, far_odd),
            S::add(both(G_NEAR * NEAR_2, near, G_FAR * FAR_2, far), u[5]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::Portable;

    /// One line: a correlation of three taps.
    #[test]
    fn a_line_is_a_correlation() {
        let d = [0.3, -1.2, 0.7, 2.1, -0.4, 0.9_f32];
        let g = [0.5, -0.25, 1.5_f32];
        // SAFETY: every processor has plain Rust; buffers hold 16 floats.
        unsafe {
            let all = |x: f32| Portable::load([x; LANES].as_ptr());
            let first = |v| {
                let mut to = [0.0; LANES];
                Portable::store(to.as_mut_ptr(), v);
                to[0]
            };
            let (at, weights) = (input::<Portable>(d.map(all)), kernel_line(g));
            let products = std::array::from_fn(|p| all(first(at[p]) * weights[p]));
            for (i, found) in output::<Portable>(products).map(first).into_iter().enumerate() {
                let expected: f32 = (0..3).map(|k| d[i + k] * g[k]).sum();
                assert!((found - expected).abs() < 2e-6, "{i}: {found} for {expected}");
            }
        }
    }
}
