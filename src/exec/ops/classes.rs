//! Operations on rows of class values; each row is worked out in double precision and rounded once.

use candle_core::{Error, Result, Tensor};

use super::operand;
use crate::exec::tensor::{Real, View, tensor};
use crate::ir::ClassOp;

/// The result of `op`.
pub(super) fn run<T: Real>(op: ClassOp, inputs: &[&Tensor]) -> Result<Tensor> {
    let x = || operand(inputs, 0);
    let index = || operand(inputs, 1);
    match op {
        ClassOp::Softmax => softmax::<T>(x()?),
        ClassOp::LogSoftmax => log_softmax::<T>(x()?),
        ClassOp::Gather => gather::<T>(x()?, index()?),
        ClassOp::Scatter { classes } => scatter::<T>(x()?, index()?, classes),
        ClassOp::ArgMax => arg_max::<T>(x()?),
        ClassOp::ArgMaxExcept => arg_max_except::<T>(x()?, index()?),
        ClassOp::LogNotLabel => log_not_label::<T>(x()?, index()?),
        ClassOp::SoftmaxExcept => softmax_except::<T>(x()?, index()?),
        ClassOp::SparsemaxThreshold => sparsemax_threshold::<T>(x()?),
        ClassOp::SparsemaxSupport => sparsemax_support::<T>(x()?),
    }
}

/// [`ClassOp::Softmax`].
fn softmax<T: Real>(x: &Tensor) -> Result<Tensor> {
    per_row::<T>(x, |row, out| {
        let (max, total) = log_sum_exp_parts(row);
        out.iter_mut().zip(row).for_each(|(out, x)| *out = (x - max).exp() / total);
    })
}

/// [`ClassOp::LogSoftmax`].
fn log_softmax<T: Real>(x: &Tensor) -> Result<Tensor> {
    per_row::<T>(x, |row, out| {
        let (max, total) = log_sum_exp_parts(row);
        let log_total = total.ln();
        out.iter_mut().zip(row).for_each(|(out, x)| *out = (x - max) - log_total);
    })
}

/// [`ClassOp::SparsemaxSupport`].
fn sparsemax_support<T: Real>(x: &Tensor) -> Result<Tensor> {
    per_row::<T>(x, |row, out| {
        let threshold = sparsemax(row);
        let support = row.iter().filter(|x| **x > threshold).count();
        let share = 1.0 / support as f64;
        out.iter_mut()
            .zip(row)
            .for_each(|(out, x)| *out = if *x > threshold { share } else { 0.0 });
    })
}

/// [`ClassOp::SparsemaxThreshold`].
fn sparsemax_threshold<T: Real>(x: &Tensor) -> Result<Tensor> {
    reduce_rows::<T>(x, |_, row| sparsemax(row))
}

/// [`ClassOp::SoftmaxExcept`].
fn softmax_except<T: Real>(x: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let labels = labels_of(labels, x)?;
    let mut next = labels.iter();
    per_row::<T>(x, |row, out| {
        let label = next.next().copied().unwrap_or_default();
        let mut others = row.to_vec();
        others[label] = f64::NEG_INFINITY;
        let (max, total) = log_sum_exp_parts(&others);
        for (i, (out, x)) in out.iter_mut().zip(row).enumerate() {
            *out = if i == label { 0.0 } else { (x - max).exp() / total };
        }
    })
}

/// [`ClassOp::LogNotLabel`].
fn log_not_label<T: Real>(x: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let labels = labels_of(labels, x)?;
    reduce_rows::<T>(x, |i, row| log_not(row, labels[i]))
}

/// [`ClassOp::Gather`].
fn gather<T: Real>(x: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let labels = labels_of(labels, x)?;
    reduce_rows::<T>(x, |i, row| row[labels[i]])
}

/// [`ClassOp::Scatter`].
fn scatter<T: Real>(v: &Tensor, labels: &Tensor, classes: usize) -> Result<Tensor> {
    let (values, labels) = (View::<T>::new(v)?, View::<u32>::new(labels)?);
    let mut out = vec![T::default(); values.len() * classes];
    for (i, (value, label)) in values.iter().zip(labels.iter()).enumerate() {
        out[i * classes + checked(*label, classes)?] = *value;
    }
    tensor(out, &[values.len(), classes])
}

/// [`ClassOp::ArgMax`].
fn arg_max<T: Real>(x: &Tensor) -> Result<Tensor> {
    let (n, classes) = x.dims2()?;
    let view = View::<T>::new(x)?;
    let best = |row: &[T]| first_max(row.iter().map(|x| x.double()).enumerate());
    tensor(view.chunks(classes.max(1)).map(best).collect(), &[n])
}

/// [`ClassOp::ArgMaxExcept`].
fn arg_max_except<T: Real>(x: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let (n, classes) = x.dims2()?;
    let view = View::<T>::new(x)?;
    let labels = labels_of(labels, x)?;
    let best = |(row, label): (&[T], &usize)| {
        first_max(row.iter().map(|x| x.double()).enumerate().filter(|(i, _)| i != label))
    };
    tensor(view.chunks(classes.max(1)).zip(&labels).map(best).collect(), &[n])
}

/// The first maximum; the first NaN wins.
fn first_max(values: impl Iterator<Item = (usize, f64)>) -> u32 {
    let mut best: Option<(usize, f64)> = None;
    for (i, x) in values {
        if best.is_none_or(|(_, max)| x > max || x.is_nan() && !max.is_nan()) {
            best = Some((i, x));
        }
    }
    best.map_or(0, |(i, _)| i as u32)
}

fn per_row<T: Real>(x: &Tensor, mut f: impl FnMut(&[f64], &mut [f64])) -> Result<Tensor> {
    let (_, classes) = x.dims2()?;
    let view = View::<T>::new(x)?;
    let mut out = Vec::with_capacity(view.len());
    let (mut row, mut result) = (vec![0.0; classes], vec![0.0; classes]);
    for values in view.chunks(classes.max(1)) {
        row.iter_mut().zip(values).for_each(|(row, x)| *row = x.double());
        f(&row, &mut result);
        out.extend(result.iter().map(|v| T::real(*v)));
    }
    tensor(out, x.dims())
}

fn reduce_rows<T: Real>(x: &Tensor, f: impl Fn(usize, &[f64]) -> f64) -> Result<Tensor> {
    let (n, classes) = x.dims2()?;
    let view = View::<T>::new(x)?;
    let mut row = vec![0.0; classes];
    let mut out = Vec::with_capacity(n);
    for (i, values) in view.chunks(classes.max(1)).enumerate() {
        row.iter_mut().zip(values).for_each(|(row, x)| *row = x.double());
        out.push(T::real(f(i, &row)));
    }
    tensor(out, &[n])
}

fn labels_of(labels: &Tensor, x: &Tensor) -> Result<Vec<usize>> {
    let (_, classes) = x.dims2()?;
    View::<u32>::new(labels)?.iter().map(|label| checked(*label, classes)).collect()
}

fn checked(label: u32, classes: usize) -> Result<usize> {
    let label = label as usize;
    if label < classes {
        Ok(label)
    } else {
        Err(Error::Msg(format!("label {label} with {classes} classes")))
    }
}

/// The maximum and Σ e^(x − max).
fn log_sum_exp_parts(row: &[f64]) -> (f64, f64) {
    let max =
        row.iter().copied().fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
    let total = row.iter().map(|x| (x - max).exp()).sum();
    (max, total)
}

/// log(1 − p_label) without cancellation at either end.
fn log_not(row: &[f64], label: usize) -> f64 {
    let mut others = row.to_vec();
    others[label] = f64::NEG_INFINITY;
    let (max, total) = log_sum_exp_parts(&others);
    // Log odds of the others against the label: log((1 − p) / p).
    let odds = (max - row[label]) + total.ln();
    // log(1 − p) = log sigmoid(odds).
    if odds >= 0.0 { -(-odds).exp().ln_1p() } else { odds - odds.exp().ln_1p() }
}

/// Threshold of the projection onto the simplex.
fn sparsemax(row: &[f64]) -> f64 {
    let mut sorted = row.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    // Shifted by the maximum, so that large values do not cancel.
    let max = sorted.first().copied().unwrap_or_default();
    let (mut total, mut threshold) = (0.0, -1.0);
    for (i, x) in sorted.iter().enumerate() {
        let x = x - max;
        total += x;
        let count = (i + 1) as f64;
        if 1.0 + count * x > total || x.is_nan() {
            threshold = (total - 1.0) / count;
        }
    }
    threshold + max
}
