//! The largest singular value by Lanczos iteration on w wᵀ or wᵀ w, whichever is smaller, in double precision.
//!
//! In: a matrix. Out: σ and its two unit vectors. With full re-orthogonalisation and a fixed start the result is deterministic;
//! where the largest singular value is repeated, the vectors are those of the start's part in its space.

/// A matrix in row-major order.
#[derive(Clone, Debug)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// `values` as rows, one after the other; a last short row is not looked at.
    pub fn new(rows: usize, values: Vec<f64>) -> Self {
        Self { rows, columns: values.len() / rows.max(1), values }
    }

    /// σ, u and v with w v = σ u and wᵀ u = σ v.
    pub fn largest(&self) -> (f64, Vec<f64>, Vec<f64>) {
        let zero = (0.0, vec![0.0; self.rows], vec![0.0; self.columns]);
        let biggest = self.values.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        if self.values.iter().any(|v| !v.is_finite()) {
            return (f64::NAN, vec![f64::NAN; self.rows], vec![f64::NAN; self.columns]);
        }
        if biggest == 0.0 {
            return zero;
        }
        // Squares of a matrix scaled to 1 neither overflow nor vanish.
        let scaled = Self {
            values: self.values.iter().map(|v| v / biggest).collect(),
            rows: self.rows,
            columns: self.columns,
        };
        let by_rows = self.rows <= self.columns;
        let vector = scaled.top_vector(by_rows);
        let (mut left, mut right) = if by_rows {
            let right = scaled.transposed_times(&vector);
            (vector, right)
        } else {
            (scaled.times(&vector), vector)
        };
        let sigma = if by_rows { normalize(&mut right) } else { normalize(&mut left) };
        (sigma * biggest, left, right)
    }

    fn times(&self, x: &[f64]) -> Vec<f64> {
        self.values.chunks(self.columns).map(|row| dot(row, x)).collect()
    }

    fn transposed_times(&self, y: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.columns];
        for (row, y) in self.values.chunks(self.columns).zip(y) {
            out.iter_mut().zip(row).for_each(|(out, w)| *out += w * y);
        }
        out
    }

    /// The eigenvector of the largest eigenvalue of w wᵀ (`by_rows`) or wᵀ w.
    fn top_vector(&self, by_rows: bool) -> Vec<f64> {
        /// Residual at which the vector is as good as rounding allows, relative to the eigenvalue.
        const CONVERGED: f64 = 1e-15;
        /// Steps between two looks at the small eigenproblem.
        const CHECK_EVERY: usize = 8;
        let size = self.rows.min(self.columns);
        let mut basis = vec![start(size)];
        let (mut diagonal, mut off_diagonal): (Vec<f64>, Vec<f64>) = (vec![], vec![]);
        loop {
            let last = &basis[basis.len() - 1];
            let mut next = if by_rows {
                self.times(&self.transposed_times(last))
            } else {
                self.transposed_times(&self.times(last))
            };
            diagonal.push(dot(last, &next));
            // Twice is enough to keep the basis orthogonal to rounding.
            for _ in 0..2 {
                for vector in &basis {
                    let part = dot(vector, &next);
                    next.iter_mut().zip(vector).for_each(|(x, v)| *x -= part * v);
                }
            }
            let norm = normalize(&mut next);
            let steps = diagonal.len();
            let scale = diagonal.iter().fold(0.0_f64, |a, b| a.max(*b));
            let exhausted = steps == size || norm <= CONVERGED * scale;
            if exhausted || steps.is_multiple_of(CHECK_EVERY) {
                let (value, weights) = top_of_tridiagonal(&diagonal, &off_diagonal);
                let residual = norm * weights[steps - 1].abs();
                if exhausted || residual <= CONVERGED * value {
                    let mut vector = vec![0.0; size];
                    for (weight, part) in weights.iter().zip(&basis) {
                        vector.iter_mut().zip(part).for_each(|(x, p)| *x += weight * p);
                    }
                    normalize(&mut vector);
                    return vector;
                }
            }
            off_diagonal.push(norm);
            basis.push(next);
        }
    }
}

/// Largest eigenvalue and its unit vector of a symmetric tridiagonal matrix: bisection, then inverse iteration.
fn top_of_tridiagonal(diagonal: &[f64], off_diagonal: &[f64]) -> (f64, Vec<f64>) {
    let size = diagonal.len();
    let radius = |i: usize| {
        let below = if i > 0 { off_diagonal[i - 1].abs() } else { 0.0 };
        below + off_diagonal.get(i).map_or(0.0, |b| b.abs())
    };
    let mut low = diagonal.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut high = (0..size).map(|i| diagonal[i] + radius(i)).fold(low, f64::max);
    // The largest eigenvalue is at least the largest diagonal element.
    while high - low > f64::EPSILON * high.abs() {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if all_below(diagonal, off_diagonal, middle) { high = middle } else { low = middle }
    }
    let shift = high * (1.0 + 4.0 * f64::EPSILON) + f64::MIN_POSITIVE;
    let mut vector = start(size);
    for _ in 0..4 {
        solve_shifted(diagonal, off_diagonal, shift, &mut vector);
        normalize(&mut vector);
    }
    (high, vector)
}

/// Whether every eigenvalue is below `bound`: all pivots of `bound` − T are positive.
fn all_below(diagonal: &[f64], off_diagonal: &[f64], bound: f64) -> bool {
    let mut pivot = 1.0;
    for (i, d) in diagonal.iter().enumerate() {
        let below = if i > 0 { off_diagonal[i - 1] } else { 0.0 };
        pivot = bound - d - below * below / pivot;
        if pivot <= 0.0 {
            return false;
        }
    }
    true
}

/// Solves (shift − T) x = b in place; the matrix is positive definite, so elimination needs no exchanges.
fn solve_shifted(diagonal: &[f64], off_diagonal: &[f64], shift: f64, b: &mut [f64]) {
    let size = b.len();
    let mut pivots = Vec::with_capacity(size);
    for i in 0..size {
        let mut pivot = shift - diagonal[i];
        if i > 0 {
            let factor = off_diagonal[i - 1] / pivots[i - 1];
            pivot -= off_diagonal[i - 1] * factor;
            b[i] += factor * b[i - 1];
        }
        pivots.push(pivot.max(f64::EPSILON * f64::EPSILON * shift.max(f64::MIN_POSITIVE)));
    }
    for i in (0..size).rev() {
        if i + 1 < size {
            b[i] += off_diagonal[i] * b[i + 1];
        }
        b[i] /= pivots[i];
    }
}

/// A fixed unit vector without structure, so that no natural matrix has its top vector orthogonal to it.
fn start(size: usize) -> Vec<f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut vector: Vec<f64> = (0..size)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            0.5 + (state >> 11) as f64 / 9_007_199_254_740_992.0
        })
        .collect();
    normalize(&mut vector);
    vector
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums side by side, so that they run in vectors.
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// Scales to length one and returns the length; a zero vector stays.
fn normalize(vector: &mut [f64]) -> f64 {
    let norm = dot(vector, vector).sqrt();
    if norm > 0.0 {
        for value in vector {
            *value /= norm;
        }
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    fn rotation(angle: f64) -> [f64; 4] {
        [angle.cos(), -angle.sin(), angle.sin(), angle.cos()]
    }

    #[test]
    fn the_largest_value_of_a_diagonal_is_found() {
        let matrix = Matrix { rows: 2, columns: 3, values: vec![0.0, 3.0, 0.0, -4.0, 0.0, 0.0] };
        let (sigma, left, right) = matrix.largest();
        assert!(Tolerance::Double.holds(sigma, 4.0, 1.0), "{sigma}");
        assert!(Tolerance::Double.holds(left[1] * right[0], -1.0, 1.0), "{left:?} {right:?}");
    }

    #[test]
    fn repeated_values_give_a_pair_of_unit_vectors() {
        let matrix =
            Matrix { rows: 2, columns: 2, values: rotation(0.7).map(|v| v * 5.0).to_vec() };
        let (sigma, left, right) = matrix.largest();
        assert!(Tolerance::Double.holds(sigma, 5.0, 1.0));
        let image = matrix.times(&right);
        assert!(image.iter().zip(&left).all(|(a, b)| Tolerance::DoubleSum.holds(
            *a,
            sigma * b,
            sigma
        )));
    }

    #[test]
    fn a_large_matrix_satisfies_both_equations() {
        let values: Vec<f64> =
            start(40 * 70).iter().enumerate().map(|(i, v)| v * (i as f64).sin()).collect();
        let matrix = Matrix { rows: 40, columns: 70, values };
        let (sigma, left, right) = matrix.largest();
        let image = matrix.times(&right);
        let back = matrix.transposed_times(&left);
        assert!(image.iter().zip(&left).all(|(a, b)| Tolerance::DoubleSum.holds(
            *a,
            sigma * b,
            sigma
        )));
        assert!(back.iter().zip(&right).all(|(a, b)| Tolerance::DoubleSum.holds(
            *a,
            sigma * b,
            sigma
        )));
        for other in [start(70), right.iter().map(|v| v + 0.01).collect()] {
            let mut other = other;
            normalize(&mut other);
            let image = matrix.times(&other);
            assert!(dot(&image, &image).sqrt() <= sigma * (1.0 + Tolerance::Double.relative()));
        }
    }

    #[test]
    fn zero_has_norm_zero() {
        let (sigma, left, _) = Matrix { rows: 2, columns: 2, values: vec![0.0; 4] }.largest();
        assert_eq!((sigma, left), (0.0, vec![0.0; 2]));
    }
}
