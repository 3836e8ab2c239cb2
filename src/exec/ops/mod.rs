//! One function per operation of the graph, on contiguous tensors of one element type.
//!
//! What candle does right and fast is candle's (matrix products, storage); what it does wrong, inaccurately or on one
//! thread is plain code over slices here.

mod classes;
mod conv;
mod elementwise;
mod layout;
pub(super) mod linear;
mod norm;
mod pool;
mod spectral;

use candle_core::{Error, Result, Tensor};

use super::device::OnDevice;
use super::parallel::rows;
use super::tensor::{Real, cast, scalar, tensor};
use crate::ir::{GradOp, Hyper, Op, Shape};
use crate::kernels::dropout::Dropout;
use crate::lower::HyperValues;

/// What operations without operands read.
pub(super) struct Context<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Numbers of the step.
    pub hyper: HyperValues,
    /// Positions of the samples in their split.
    pub indices: &'a [u32],
    /// The samples.
    pub input: Option<&'a Tensor>,
    /// The labels.
    pub labels: Option<&'a Tensor>,
    /// Parameters by their id.
    pub params: &'a [Tensor],
    /// Kept tensors by their id.
    pub buffers: &'a [Tensor],
    /// What computes, where it is not the processor.
    pub device: Option<&'a OnDevice>,
}

/// The result of `op`, of shape `shape` for the batch of `ctx`.
///
/// Single numbers, of shape `[]`, are double precision in every run, so that R, the mean loss and what follows from them
/// lose nothing on the way.
pub(super) fn run<T: Real>(
    op: &Op,
    inputs: &[&Tensor],
    shape: &Shape,
    ctx: &Context<'_>,
) -> Result<Tensor> {
    let is_single = shape.rank() == 0;
    let sizes = shape.sizes(ctx.indices.len());
    let a = || operand(inputs, 0);
    let b = || operand(inputs, 1);
    let c = || operand(inputs, 2);
    match op {
        Op::Input => leaf(ctx.input)?.reshape(sizes),
        Op::Labels => leaf(ctx.labels).cloned(),
        Op::Param(id) if is_single => cast::<f64>(leaf(ctx.params.get(id.0 as usize))?),
        Op::Param(id) => leaf(ctx.params.get(id.0 as usize)).cloned(),
        Op::Buffer(id) if is_single => cast::<f64>(leaf(ctx.buffers.get(id.0 as usize))?),
        Op::Buffer(id) => leaf(ctx.buffers.get(id.0 as usize)).cloned(),
        Op::Hyper(Hyper::Lr) => scalar(ctx.hyper.lr),
        Op::Hyper(Hyper::BiasCorrection { beta }) => {
            scalar(-(ctx.hyper.step as f64 * beta.ln()).exp_m1())
        }
        Op::Hyper(Hyper::Setting(_)) => {
            Err(Error::Msg("a setting of runs that step together".to_owned()))
        }
        Op::Const(value) => scalar(*value),
        Op::BatchCount => scalar(ctx.indices.len() as f64),
        Op::SumSquares => scalar(layout::sum_squares(a()?)?),
        Op::SpectralNorm => scalar(spectral::norm::<T>(a()?)?),
        Op::Unary(function) if is_single => elementwise::unary::<f64>(*function, a()?),
        Op::Unary(function) => elementwise::unary::<T>(*function, a()?),
        Op::Binary(function) if is_single => elementwise::binary::<f64>(*function, a()?, b()?),
        Op::Binary(function) => elementwise::binary::<T>(*function, a()?, b()?),
        Op::Select if is_single => elementwise::select::<f64>(a()?, b()?, c()?),
        Op::Select => elementwise::select::<T>(a()?, b()?, c()?),
        Op::Prelu => elementwise::prelu::<T>(a()?, b()?),
        Op::DropoutMask { p, stream } => {
            dropout_mask::<T>(&Dropout::new(ctx.seed, *stream, *p), shape, ctx)
        }
        Op::StopGradient => a().cloned(),
        Op::Reshape(_) if is_single => cast::<f64>(a()?)?.reshape(sizes),
        Op::Reshape(_) => cast::<T>(a()?)?.reshape(sizes),
        Op::Expand { .. } if is_single => a().cloned(),
        Op::Expand { axes, .. } => layout::expand::<T>(&cast::<T>(a()?)?, &sizes, axes),
        Op::Sum { axes } if is_single => layout::sum::<T, f64>(a()?, axes),
        Op::Sum { axes } => layout::sum::<T, T>(a()?, axes),
        Op::Concat { axis } => layout::concat::<T>(inputs, *axis, &sizes),
        Op::Slice { axis, start, len } => layout::slice::<T>(a()?, *axis, *start, *len),
        Op::Linear => linear::forward(a()?, b()?),
        Op::Conv(conv) => conv::forward::<T>(a()?, b()?, conv),
        Op::MaxPool(pool) => pool::max::<T>(a()?, pool),
        Op::AvgPool(pool) => pool::average::<T>(a()?, pool),
        Op::Normalize { norm, eps } => norm::normalize::<T>(a()?, *norm, *eps),
        Op::NormalizeRunning { eps } => norm::running::<T>(a()?, b()?, c()?, *eps),
        Op::BatchMean => norm::batch_mean::<T>(a()?),
        Op::BatchVar => norm::batch_variance::<T>(a()?),
        Op::Class(op) => classes::run::<T>(*op, inputs),
        Op::Modal(_) => Err(Error::Msg(
            "a layer that differs between training and evaluation was not resolved".to_owned(),
        )),
        Op::Grad(op) => gradient::<T>(*op, inputs),
    }
}

fn gradient<T: Real>(op: GradOp, inputs: &[&Tensor]) -> Result<Tensor> {
    let a = || operand(inputs, 0);
    let b = || operand(inputs, 1);
    let c = || operand(inputs, 2);
    match op {
        GradOp::PreluInput => elementwise::prelu_grad_input::<T>(a()?, b()?, c()?),
        GradOp::PreluSlope => elementwise::prelu_grad_slope::<T>(a()?, b()?, c()?),
        GradOp::Slice { axis, start, full } => layout::unslice::<T>(a()?, axis, start, full),
        GradOp::LinearInput => linear::grad_input(a()?, b()?),
        GradOp::LinearWeight => linear::grad_weight(a()?, b()?),
        GradOp::ConvInput { conv, input } => conv::grad_input::<T>(a()?, b()?, &conv, input),
        GradOp::ConvWeight { conv, kernel } => conv::grad_weight::<T>(a()?, b()?, &conv, kernel),
        GradOp::MaxPool(pool) => pool::max_grad::<T>(a()?, b()?, &pool),
        GradOp::AvgPool { pool, input } => pool::average_grad::<T>(a()?, &pool, input),
        GradOp::Normalize { norm, eps } => norm::normalize_grad::<T>(a()?, b()?, norm, eps),
        GradOp::NormalizeRunning { eps } => norm::running_grad::<T>(a()?, b()?, eps),
        GradOp::SpectralNorm => spectral::norm_grad::<T>(a()?),
    }
}

pub(super) fn operand<'a>(inputs: &[&'a Tensor], idx: usize) -> Result<&'a Tensor> {
    inputs.get(idx).copied().ok_or_else(|| Error::Msg("an operand is missing".to_owned()))
}

pub(super) fn leaf(tensor: Option<&Tensor>) -> Result<&Tensor> {
    tensor.ok_or_else(|| Error::Msg("a phase reads what it is not given".to_owned()))
}

fn dropout_mask<T: Real>(dropout: &Dropout, shape: &Shape, ctx: &Context<'_>) -> Result<Tensor> {
    let (kept, dropped) = (T::real(dropout.scale()), T::zero());
    let sizes = shape.sizes(ctx.indices.len());
    let mut out = vec![T::default(); sizes.iter().product()];
    let len = shape.elements();
    rows(&mut out, len, |row, out| {
        let sample = ctx.indices.get(row).copied().unwrap_or_default();
        dropout.fill(ctx.hyper.step, sample, kept, dropped, out);
    });
    tensor(out, &sizes)
}
