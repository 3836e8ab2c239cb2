//! Functions of one row of classes, and the singular vectors of a matrix.

use super::Tensor;

pub(super) fn rows(x: &Tensor) -> impl Iterator<Item = &[f64]> {
    x.data.chunks(x.sizes[1])
}

pub(super) fn log_sum_exp(row: &[f64], except: Option<usize>) -> f64 {
    let others =
        || row.iter().enumerate().filter(move |(i, _)| Some(*i) != except).map(|(_, x)| *x);
    let top = others().fold(f64::NEG_INFINITY, f64::max);
    top + others().map(|x| (x - top).exp()).sum::<f64>().ln()
}

pub(super) fn softmax(row: &[f64], except: Option<usize>) -> Vec<f64> {
    let log = log_sum_exp(row, except);
    let p = |(i, x): (usize, &f64)| if Some(i) == except { 0.0 } else { (x - log).exp() };
    row.iter().enumerate().map(p).collect()
}

pub(super) fn arg_max(row: &[f64], except: Option<usize>) -> f64 {
    let mut best: Option<usize> = None;
    for i in (0..row.len()).filter(|i| Some(*i) != except) {
        if best.is_none_or(|best| row[i] > row[best]) {
            best = Some(i);
        }
    }
    best.unwrap() as f64
}

/// τ and the size of the support.
pub(super) fn threshold(row: &[f64]) -> (f64, usize) {
    let mut sorted = row.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut best) = (0.0, (0.0, 0));
    for (i, x) in sorted.iter().enumerate() {
        sum += x;
        let count = i + 1;
        let tau = (sum - 1.0) / count as f64;
        if *x > tau {
            best = (tau, count);
        }
    }
    best
}

/// Largest singular value of w as out × rest, with its vectors, by one-sided Jacobi rotations.
pub(super) fn singular(w: &Tensor) -> (f64, Vec<f64>, Vec<f64>) {
    let (rows, columns) = (w.sizes[0], w.sizes[1..].iter().product::<usize>());
    let mut a: Vec<Vec<f64>> =
        (0..columns).map(|j| (0..rows).map(|i| w.data[i * columns + j]).collect()).collect();
    let mut v: Vec<Vec<f64>> =
        (0..columns).map(|j| (0..columns).map(|i| f64::from(u8::from(i == j))).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..60 {
        for p in 0..columns {
            for q in p + 1..columns {
                let (pp, qq, pq) = (dot(&a[p], &a[p]), dot(&a[q], &a[q]), dot(&a[p], &a[q]));
                if pq.abs() <= f64::EPSILON * (pp * qq).sqrt() {
                    continue;
                }
                let zeta = (qq - pp) / (2.0 * pq);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let c = 1.0 / (1.0 + t * t).sqrt();
                for m in [&mut a, &mut v] {
                    for i in 0..m[p].len() {
                        let (x, y) = (m[p][i], m[q][i]);
                        (m[p][i], m[q][i]) = (c * x - c * t * y, c * t * x + c * y);
                    }
                }
            }
        }
    }
    let best =
        (0..columns).max_by(|i, j| dot(&a[*i], &a[*i]).total_cmp(&dot(&a[*j], &a[*j]))).unwrap();
    let norm = dot(&a[best], &a[best]).sqrt();
    (norm, a[best].iter().map(|x| x / norm).collect(), v[best].clone())
}
