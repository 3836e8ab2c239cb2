//! The transforms of F(2×2, 3×3), one lane at a time: additions only, except for the halves in the weights' one.
//!
//! In: patches of 4×4 input pixels, tiles of 2×2 output gradients, 3×3 kernels. Out: 16 points each, in the order of
//! [`POINTS`]. Invariant: every lane is computed on its own in a fixed order.

use crate::kernels::LANES;
use crate::kernels::isa::{Simd, per_isa};

/// Points of a tile, row by row.
pub(super) const POINTS: usize = 16;

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

per_isa!(pub(super) unsafe fn patch(pixels: &[*const f32; 16], targets: &Targets) = patch_body);

/// `Bᵀ d B` of the 4×4 pixels `d`, for every vector of a pixel.
#[inline(always)]
unsafe fn patch_body<S: Simd>(pixels: &[*const f32; 16], targets: &Targets) {
    for vector in 0..targets.n_vectors {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for `n_vectors` vectors at each pixel and for all targets.
            unsafe {
                let at = vector * LANES + part;
                let mut columns = [[S::splat(0.0); 4]; 4];
                for (j, column) in columns.iter_mut().enumerate() {
                    *column = input::<S>([
                        S::load(pixels[j].add(at)),
                        S::load(pixels[4 + j].add(at)),
                        S::load(pixels[8 + j].add(at)),
                        S::load(pixels[12 + j].add(at)),
                    ]);
                }
                let to = targets.to.add(vector * targets.vector + part);
                let [a, b, c, d] = columns;
                for i in 0..4 {
                    let row = input::<S>([a[i], b[i], c[i], d[i]]);
                    store_row::<S>(to.add(4 * i * targets.point), targets.point, row);
                }
            }
        }
    }
}

per_isa!(pub(super) unsafe fn spread(pixels: &[*const f32; 4], targets: &Targets) = spread_body);

/// `A y Aᵀ` of the 2×2 output gradients `y`, for every vector of a pixel.
#[inline(always)]
unsafe fn spread_body<S: Simd>(pixels: &[*const f32; 4], targets: &Targets) {
    for vector in 0..targets.n_vectors {
        for part in (0..LANES).step_by(S::N) {
            // SAFETY: the caller vouches for `n_vectors` vectors at each pixel and for all targets.
            unsafe {
                let at = vector * LANES + part;
                let [a, b, c, d] = *pixels;
                let left = output_turned::<S>([S::load(a.add(at)), S::load(c.add(at))]);
                let right = output_turned::<S>([S::load(b.add(at)), S::load(d.add(at))]);
                let to = targets.to.add(vector * targets.vector + part);
                for i in 0..4 {
                    let row = output_turned::<S>([left[i], right[i]]);
                    store_row::<S>(to.add(4 * i * targets.point), targets.point, row);
                }
            }
        }
    }
}

/// `Aᵀ m A` of one vector of each of the 16 points, `point` floats apart: 2×2 outputs, row by row.
///
/// # Safety
/// All 16 vectors must be readable, on an instruction set that `S` stands for.
#[inline(always)]
pub(super) unsafe fn gather<S: Simd>(from: *const f32, point: usize) -> [S::V; 4] {
    // SAFETY: forwarded from the caller.
    unsafe {
        let mut columns = [[S::splat(0.0); 2]; 4];
        for (j, column) in columns.iter_mut().enumerate() {
            *column = output::<S>([
                S::load(from.add(j * point)),
                S::load(from.add((4 + j) * point)),
                S::load(from.add((8 + j) * point)),
                S::load(from.add((12 + j) * point)),
            ]);
        }
        let [a, b, c, d] = columns;
        let upper = output::<S>([a[0], b[0], c[0], d[0]]);
        let lower = output::<S>([a[1], b[1], c[1], d[1]]);
        [upper[0], upper[1], lower[0], lower[1]]
    }
}

/// Stores one row of points.
#[inline(always)]
unsafe fn store_row<S: Simd>(to: *mut f32, point: usize, row: [S::V; 4]) {
    // SAFETY: the caller vouches for four vectors, `point` floats apart.
    unsafe {
        for (j, value) in row.into_iter().enumerate() {
            S::store(to.add(j * point), value);
        }
    }
}

/// `Bᵀ d`
#[inline(always)]
unsafe fn input<S: Simd>(d: [S::V; 4]) -> [S::V; 4] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe { [S::sub(d[0], d[2]), S::add(d[1], d[2]), S::sub(d[2], d[1]), S::sub(d[1], d[3])] }
}

/// `Aᵀ m`
#[inline(always)]
unsafe fn output<S: Simd>(m: [S::V; 4]) -> [S::V; 2] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe { [S::add(S::add(m[0], m[1]), m[2]), S::sub(S::sub(m[1], m[2]), m[3])] }
}

/// `A y`
#[inline(always)]
unsafe fn output_turned<S: Simd>(y: [S::V; 2]) -> [S::V; 4] {
    // SAFETY: the caller runs on an instruction set that `S` stands for.
    unsafe { [y[0], S::add(y[0], y[1]), S::sub(y[0], y[1]), S::sub(S::splat(0.0), y[1])] }
}

/// `G g Gᵀ` of a 3×3 kernel.
pub(super) fn kernel(g: [f32; 9]) -> [f32; POINTS] {
    let line = |g: [f32; 3]| {
        let (ends, middle) = (0.5 * (g[0] + g[2]), 0.5 * g[1]);
        [g[0], ends + middle, ends - middle, g[2]]
    };
    let columns = [0, 1, 2].map(|j| line([g[j], g[3 + j], g[6 + j]]));
    let rows = [0, 1, 2, 3].map(|i| line([columns[0][i], columns[1][i], columns[2][i]]));
    std::array::from_fn(|p| rows[p / 4][p % 4])
}

/// `Gᵀ u G`: the gradient of a 3×3 kernel from that of its 16 points.
pub(super) fn kernel_grad(u: [f32; POINTS]) -> [f32; 9] {
    let line = |u: [f32; 4]| {
        let (sum, difference) = (0.5 * (u[1] + u[2]), 0.5 * (u[1] - u[2]));
        [u[0] + sum, difference, sum + u[3]]
    };
    let columns = [0, 1, 2, 3].map(|j| line([u[j], u[4 + j], u[8 + j], u[12 + j]]));
    let rows =
        [0, 1, 2].map(|i| line([columns[0][i], columns[1][i], columns[2][i], columns[3][i]]));
    std::array::from_fn(|k| rows[k / 3][k % 3])
}
