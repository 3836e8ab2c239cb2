//! Work on slices by several threads whose result does not depend on how many there are.
//!
//! Work is cut by sizes that never depend on the number of threads, and no two tasks add to the same element.

use rayon::prelude::*;

use super::tensor::Real;

/// Elements per task: large enough to hide the cost of a task, small enough to share out a LeNet activation.
const TASK: usize = 1 << 14;

/// `f(row index, row)` on every row of `len` elements.
pub(super) fn rows<T: Send>(out: &mut [T], len: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    rows_of_cost(out, len, len, f);
}

/// As [`rows`], for rows whose work is that of `cost` elements.
pub(super) fn rows_of_cost<T: Send>(
    out: &mut [T],
    len: usize,
    cost: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    if len == 0 || out.is_empty() {
        return;
    }
    let per_task = (TASK / cost.max(1)).max(1);
    if out.len() <= per_task * len {
        out.chunks_mut(len).enumerate().for_each(|(row, chunk)| f(row, chunk));
        return;
    }
    out.par_chunks_mut(per_task * len).enumerate().for_each(|(task, chunk)| {
        for (row, part) in chunk.chunks_mut(len).enumerate() {
            f(task * per_task + row, part);
        }
    });
}

/// `f(x)` element by element.
pub(super) fn map<T: Real>(x: &[T], f: impl Fn(T) -> T + Sync) -> Vec<T> {
    let mut out = vec![T::default(); x.len()];
    rows(&mut out, TASK, |task, out| {
        let x = &x[task * TASK..][..out.len()];
        for (out, x) in out.iter_mut().zip(x) {
            *out = f(*x);
        }
    });
    out
}

/// `f(a, b)` element by element; both of equal length.
pub(super) fn zip<T: Real>(a: &[T], b: &[T], f: impl Fn(T, T) -> T + Sync) -> Vec<T> {
    let mut out = vec![T::default(); a.len()];
    rows(&mut out, TASK, |task, out| {
        let a = &a[task * TASK..][..out.len()];
        let b = &b[task * TASK..][..out.len()];
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = f(*a, *b);
        }
    });
    out
}

/// `f(a, b, c)` element by element; all of equal length.
pub(super) fn zip3<T: Real>(a: &[T], b: &[T], c: &[T], f: impl Fn(T, T, T) -> T + Sync) -> Vec<T> {
    let mut out = vec![T::default(); a.len()];
    rows(&mut out, TASK, |task, out| {
        let start = task * TASK;
        let operands = a[start..].iter().zip(&b[start..]).zip(&c[start..]);
        for (out, ((a, b), c)) in out.iter_mut().zip(operands) {
            *out = f(*a, *b, *c);
        }
    });
    out
}

/// Σ f(x, y) in double precision over eight interleaved partial sums, added in a fixed order.
pub(super) fn sum_by<T: Real>(x: &[T], y: &[T], f: impl Fn(f64, f64) -> f64) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let split = x.len() - x.len() % LANES;
    for (x, y) in x[..split].chunks_exact(LANES).zip(y[..split].chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += f(x[lane].double(), y[lane].double());
        }
    }
    for (lane, (x, y)) in x[split..].iter().zip(&y[split..]).enumerate() {
        lanes[lane] += f(x.double(), y.double());
    }
    lanes.iter().sum()
}

/// Σ x, as [`sum_by`].
pub(super) fn sum<T: Real>(x: &[T]) -> f64 {
    sum_by(x, x, |x, _| x)
}
