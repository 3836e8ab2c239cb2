//! Operations over the classes of each sample of a block: `[class][16]`, one sample per lane.
//!
//! In and out: whole blocks; labels are one index per lane, below the number of classes. Invariant: lanes do not meet.

use super::LANES;
use super::isa::Isa;
use super::pointwise::{Function, transform};

type Lane = [f32; LANES];

fn rows(x: &[f32]) -> impl ExactSizeIterator<Item = &[f32]> + Clone {
    x.chunks_exact(LANES)
}

/// The largest class value of each lane; NaN if there is one.
fn largest(x: &[f32]) -> Lane {
    let mut best = [f32::NEG_INFINITY; LANES];
    for row in rows(x) {
        for (best, x) in best.iter_mut().zip(row) {
            *best = if *x > *best || x.is_nan() { *x } else { *best };
        }
    }
    best
}

/// e^(x − max) into `y`, and the sums over the classes.
fn shifted_exp(isa: Isa, x: &[f32], shift: &Lane, y: &mut [f32]) -> Lane {
    for (y, x) in y.chunks_exact_mut(LANES).zip(rows(x)) {
        for ((y, x), shift) in y.iter_mut().zip(x).zip(shift) {
            *y = x - shift;
        }
    }
    transform(isa, Function::Exp, y);
    let mut sums = [0.0f64; LANES];
    for row in rows(y) {
        for (sum, y) in sums.iter_mut().zip(row) {
            *sum += f64::from(*y);
        }
    }
    sums.map(|sum| sum as f32)
}

/// **What** softmax over the classes.
pub fn softmax(isa: Isa, x: &[f32], y: &mut [f32]) {
    let shift = largest(x);
    let sums = shifted_exp(isa, x, &shift, y);
    for row in y.chunks_exact_mut(LANES) {
        for (y, sum) in row.iter_mut().zip(&sums) {
            *y /= sum;
        }
    }
}

/// **What** the logarithm of softmax over the classes, by a shifted log-sum-exp.
pub fn log_softmax(isa: Isa, x: &[f32], y: &mut [f32]) {
    let shift = largest(x);
    let mut logs = shifted_exp(isa, x, &shift, y);
    transform(isa, Function::Log, &mut logs);
    for (y, x) in y.chunks_exact_mut(LANES).zip(rows(x)) {
        for (((y, x), shift), log) in y.iter_mut().zip(x).zip(&shift).zip(&logs) {
            *y = (x - shift) - log;
        }
    }
}

/// **What** softmax over the classes other than the label, zero at the label.
pub fn softmax_except(isa: Isa, x: &[f32], labels: &[u32], y: &mut [f32]) {
    let others = |class: usize, lane: usize, x: f32| {
        if labels[lane] as usize == class { f32::NEG_INFINITY } else { x }
    };
    let mut shift = [f32::NEG_INFINITY; LANES];
    for (class, row) in rows(x).enumerate() {
        for (lane, (shift, x)) in shift.iter_mut().zip(row).enumerate() {
            let x = others(class, lane, *x);
            *shift = if x > *shift || x.is_nan() { x } else { *shift };
        }
    }
    let _ = shifted_exp(isa, x, &shift, y);
    let mut sums = [0.0f64; LANES];
    for (class, row) in y.chunks_exact_mut(LANES).enumerate() {
        for (lane, y) in row.iter_mut().enumerate() {
            if labels[lane] as usize == class {
                *y = 0.0;
            }
            sums[lane] += f64::from(*y);
        }
    }
    for row in y.chunks_exact_mut(LANES) {
        for (y, sum) in row.iter_mut().zip(&sums) {
            *y /= *sum as f32;
        }
    }
}

/// **What** the value at the index of each lane.
pub fn gather(x: &[f32], indices: &[u32], y: &mut [f32]) {
    for (lane, y) in y.iter_mut().enumerate().take(LANES) {
        *y = x[indices[lane] as usize * LANES + lane];
    }
}

/// **What** `v` at the index of each lane, zero elsewhere.
pub fn scatter(v: &[f32], indices: &[u32], y: &mut [f32]) {
    y.fill(0.0);
    for (lane, v) in v.iter().enumerate().take(LANES) {
        y[indices[lane] as usize * LANES + lane] = *v;
    }
}

/// **What** the index of the first maximum of each lane, the label left out if there is one; NaN wins.
pub fn arg_max(x: &[f32], except: Option<&[u32]>, y: &mut [u32]) {
    for (lane, y) in y.iter_mut().enumerate().take(LANES) {
        let skip = except.map(|labels| labels[lane] as usize);
        let mut best: Option<(usize, f32)> = None;
        for (class, row) in rows(x).enumerate() {
            let x = row[lane];
            let wins = best.is_none_or(|(_, max)| x > max || x.is_nan() && !max.is_nan());
            if Some(class) != skip && wins {
                best = Some((class, x));
            }
        }
        *y = best.map_or(0, |(class, _)| class as u32);
    }
}

/// **What** log(1 − softmax(x)_label), without cancellation at either end.
pub fn log_not_label(x: &[f32], labels: &[u32], y: &mut [f32]) {
    for (lane, y) in y.iter_mut().enumerate().take(LANES) {
        let label = labels[lane] as usize;
        let others = || rows(x).enumerate().filter(move |(class, _)| *class != label);
        let max = others()
            .map(|(_, row)| f64::from(row[lane]))
            .fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
        let total: f64 = others().map(|(_, row)| libm::exp(f64::from(row[lane]) - max)).sum();
        let odds = (max - f64::from(x[label * LANES + lane])) + libm::log(total);
        let value = if odds >= 0.0 {
            -libm::log1p(libm::exp(-odds))
        } else {
            odds - libm::log1p(libm::exp(odds))
        };
        *y = value as f32;
    }
}

/// The threshold τ of the projection of one lane onto the simplex, by bisection of Σ max(x − τ, 0) = 1 and one exact
/// step on the support.
fn threshold(x: &[f32], lane: usize) -> f64 {
    let values = || rows(x).map(|row| f64::from(row[lane]));
    let max = values().fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
    let (mut low, mut high) = (-1.0, 0.0);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        let total: f64 = values().map(|x| (x - max - middle).max(0.0)).sum();
        if middle <= low || middle >= high {
            break;
        }
        if total >= 1.0 { low = middle } else { high = middle }
    }
    let support = || values().map(|x| x - max).filter(|x| *x > low);
    (support().sum::<f64>() - 1.0) / support().count().max(1) as f64 + max
}

/// **What** the sparsemax threshold of each lane.
pub fn sparsemax_threshold(x: &[f32], y: &mut [f32]) {
    for (lane, y) in y.iter_mut().enumerate().take(LANES) {
        *y = threshold(x, lane) as f32;
    }
}

/// **What** 1/|support| on the support of sparsemax, else 0.
pub fn sparsemax_support(x: &[f32], y: &mut [f32]) {
    for lane in 0..LANES {
        let threshold = threshold(x, lane);
        let is_in = |row: &[f32]| f64::from(row[lane]) > threshold;
        let share = 1.0 / rows(x).filter(|row| is_in(row)).count().max(1) as f32;
        for (y, x) in y.chunks_exact_mut(LANES).zip(rows(x)) {
            y[lane] = if is_in(x) { share } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Tolerance;

    fn block() -> Vec<f32> {
        (0..5 * LANES).map(|i| (i as f32 * 0.7).sin() * 3.0).collect()
    }

    #[test]
    fn softmax_and_its_logarithm_agree() {
        let x = block();
        for isa in Isa::available() {
            let (mut p, mut log) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            softmax(isa, &x, &mut p);
            log_softmax(isa, &x, &mut log);
            for lane in 0..LANES {
                let total: f64 = (0..5).map(|k| f64::from(x[k * LANES + lane]).exp()).sum();
                for k in 0..5 {
                    let expected = f64::from(x[k * LANES + lane]).exp() / total;
                    assert!(Tolerance::Rounding.holds(
                        f64::from(p[k * LANES + lane]),
                        expected,
                        1.0
                    ));
                    assert!(Tolerance::Sum.holds(
                        f64::from(log[k * LANES + lane]),
                        expected.ln(),
                        1.0
                    ));
                }
            }
        }
    }

    #[test]
    fn what_is_not_the_label_sums_to_the_rest() {
        let x = block();
        let labels: Vec<u32> = (0..16).map(|i| i % 5).collect();
        let (mut p, mut rest, mut log) = (vec![0.0; 80], vec![0.0; 80], vec![0.0; 16]);
        softmax(Isa::detect(), &x, &mut p);
        softmax_except(Isa::detect(), &x, &labels, &mut rest);
        log_not_label(&x, &labels, &mut log);
        for lane in 0..LANES {
            let label = labels[lane] as usize;
            let not = 1.0 - p[label * LANES + lane];
            assert!(Tolerance::Sum.holds(f64::from(log[lane]), f64::from(not.ln()), 1.0));
            for k in (0..5).filter(|k| *k != label) {
                assert!(Tolerance::Rounding.holds(
                    f64::from(rest[k * LANES + lane] * not),
                    f64::from(p[k * LANES + lane]),
                    1.0
                ));
            }
        }
    }

    #[test]
    fn the_threshold_leaves_one() {
        let x = block();
        let (mut tau, mut share) = (vec![0.0; 16], vec![0.0; 80]);
        sparsemax_threshold(&x, &mut tau);
        sparsemax_support(&x, &mut share);
        for lane in 0..LANES {
            let total: f32 = (0..5).map(|k| (x[k * LANES + lane] - tau[lane]).max(0.0)).sum();
            assert!(Tolerance::Rounding.holds(f64::from(total), 1.0, 1.0));
            let shares: f32 = (0..5).map(|k| share[k * LANES + lane]).sum();
            assert!(Tolerance::Rounding.holds(f64::from(shares), 1.0, 1.0));
        }
    }
}
