//! Normalisation; statistics are taken in double precision in a fixed order.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::exec::parallel::{rows, sum, sum_by};
use crate::exec::tensor::{Real, View, tensor};
use crate::ir::Norm;

/// [`crate::ir::Op::Normalize`].
pub(super) fn normalize<T: Real>(x: &Tensor, norm: Norm, eps: f64) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let groups = Groups::new(norm, x.dims());
    let moments = groups.moments(source);
    let mut out = vec![T::default(); source.len()];
    rows(&mut out, groups.run, |run, out| {
        let (mean, variance) = moments[groups.of_run(run)];
        let scale = 1.0 / (variance + eps).sqrt();
        let x = &source[run * groups.run..];
        for (out, x) in out.iter_mut().zip(x) {
            *out = T::real((x.double() - mean) * scale);
        }
    });
    tensor(out, x.dims())
}

/// [`crate::ir::GradOp::Normalize`].
pub(super) fn normalize_grad<T: Real>(
    x: &Tensor,
    dy: &Tensor,
    norm: Norm,
    eps: f64,
) -> Result<Tensor> {
    let (x_view, dy_view) = (View::<T>::new(x)?, View::<T>::new(dy)?);
    let (x_values, dy_values): (&[T], &[T]) = (&x_view, &dy_view);
    let groups = Groups::new(norm, x.dims());
    let moments = groups.moments(x_values);
    // Means of dy and of dy · x̂ over each group.
    let means: Vec<(f64, f64)> = (0..groups.count)
        .into_par_iter()
        .map(|group| {
            let (mean, variance) = moments[group];
            let scale = 1.0 / (variance + eps).sqrt();
            let (mut of_dy, mut of_product) = (0.0, 0.0);
            for run in groups.runs_of(group) {
                let dy = groups.part(dy_values, run);
                of_dy += sum(dy);
                of_product +=
                    sum_by(groups.part(x_values, run), dy, |x, dy| (x - mean) * scale * dy);
            }
            (of_dy / groups.elements(), of_product / groups.elements())
        })
        .collect();
    let mut out = vec![T::default(); x_values.len()];
    rows(&mut out, groups.run, |run, out| {
        let group = groups.of_run(run);
        let (mean, variance) = moments[group];
        let (of_dy, of_product) = means[group];
        let scale = 1.0 / (variance + eps).sqrt();
        let operands = groups.part(x_values, run).iter().zip(groups.part(dy_values, run));
        for (out, (x, dy)) in out.iter_mut().zip(operands) {
            let normalized = (x.double() - mean) * scale;
            *out = T::real(scale * (dy.double() - of_dy - normalized * of_product));
        }
    });
    tensor(out, x.dims())
}

/// [`crate::ir::Op::NormalizeRunning`].
pub(super) fn running<T: Real>(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    eps: f64,
) -> Result<Tensor> {
    let means = View::<T>::new(mean)?;
    per_channel::<T>(x, variance, eps, |channel, x, scale| (x - means[channel].double()) * scale)
}

/// [`crate::ir::GradOp::NormalizeRunning`].
pub(super) fn running_grad<T: Real>(dy: &Tensor, variance: &Tensor, eps: f64) -> Result<Tensor> {
    per_channel::<T>(dy, variance, eps, |_, dy, scale| dy * scale)
}

/// [`crate::ir::Op::BatchMean`].
pub(super) fn batch_mean<T: Real>(x: &Tensor) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let groups = Groups::new(Norm::Batch, x.dims());
    let means: Vec<T> = groups.moments::<T>(&view).iter().map(|(mean, _)| T::real(*mean)).collect();
    tensor(means, &[groups.count])
}

/// [`crate::ir::Op::BatchVar`].
pub(super) fn batch_variance<T: Real>(x: &Tensor) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let groups = Groups::new(Norm::Batch, x.dims());
    let correction = groups.elements() / (groups.elements() - 1.0).max(1.0);
    let variances: Vec<T> =
        groups.moments::<T>(&view).iter().map(|(_, v)| T::real(v * correction)).collect();
    tensor(variances, &[groups.count])
}

fn per_channel<T: Real>(
    x: &Tensor,
    variance: &Tensor,
    eps: f64,
    f: impl Fn(usize, f64, f64) -> f64 + Sync,
) -> Result<Tensor> {
    let (view, variances) = (View::<T>::new(x)?, View::<T>::new(variance)?);
    let source: &[T] = &view;
    let groups = Groups::new(Norm::Batch, x.dims());
    let scales: Vec<f64> = variances.iter().map(|v| 1.0 / (v.double() + eps).sqrt()).collect();
    let mut out = vec![T::default(); source.len()];
    rows(&mut out, groups.run, |run, out| {
        let channel = groups.of_run(run);
        for (out, x) in out.iter_mut().zip(groups.part(source, run)) {
            *out = T::real(f(channel, x.double(), scales[channel]));
        }
    });
    tensor(out, x.dims())
}

/// Runs of neighbouring elements; each run belongs to one group that shares a mean and a variance.
struct Groups {
    /// Number of groups.
    count: usize,
    /// Elements of a run.
    run: usize,
    /// Runs of a group; run `i` belongs to group `i % count`.
    runs: usize,
}

impl Groups {
    /// For `[n, c, …]`.
    fn new(norm: Norm, dims: &[usize]) -> Self {
        let n = dims.first().copied().unwrap_or(1);
        let channels = dims.get(1).copied().unwrap_or(1);
        let picture: usize = dims.iter().skip(2).product();
        match norm {
            Norm::Batch => Self { count: channels, run: picture, runs: n },
            Norm::Layer => Self { count: n, run: channels * picture, runs: 1 },
            Norm::Group(groups) => {
                Self { count: n * groups, run: channels / groups.max(1) * picture, runs: 1 }
            }
        }
    }

    fn of_run(&self, run: usize) -> usize {
        run % self.count
    }

    fn runs_of(&self, group: usize) -> impl Iterator<Item = usize> {
        let count = self.count;
        (0..self.runs).map(move |i| i * count + group)
    }

    fn part<'a, T>(&self, x: &'a [T], run: usize) -> &'a [T] {
        &x[run * self.run..][..self.run]
    }

    /// Elements of a group.
    fn elements(&self) -> f64 {
        (self.runs * self.run) as f64
    }

    /// Mean and biased variance of each group.
    fn moments<T: Real>(&self, x: &[T]) -> Vec<(f64, f64)> {
        let of_group = |group: usize| {
            let total: f64 = self.runs_of(group).map(|run| sum(self.part(x, run))).sum();
            let mean = total / self.elements();
            let squares: f64 = self
                .runs_of(group)
                .map(|run| {
                    let part = self.part(x, run);
                    sum_by(part, part, |x, _| (x - mean) * (x - mean))
                })
                .sum();
            (mean, squares / self.elements())
        };
        (0..self.count).into_par_iter().map(of_group).collect()
    }
}
