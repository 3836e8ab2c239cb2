//! Operations by candle's own kernels, on whatever device the tensors are.

use candle_core::{Device, Error, Result, Tensor};

use crate::exec::ops::{Context, leaf, linear, operand};
use crate::exec::tensor::{cast, to_host};
use crate::ir::{Binary, GradOp, Op, Unary};

/// The result of `op`, of these sizes. Operands of rank 0 are on the host; a result of rank 0 is left there.
#[expect(clippy::wildcard_enum_match_arm, reason = "`way` decides which operations come here")]
pub(super) fn run(
    op: &Op,
    inputs: &[&Tensor],
    sizes: &[usize],
    ctx: &Context<'_>,
    device: &Device,
) -> Result<Tensor> {
    let a = || operand(inputs, 0);
    let b = || operand(inputs, 1);
    let result = match op {
        Op::Input => leaf(ctx.input)?.reshape(sizes),
        Op::Labels => leaf(ctx.labels).cloned(),
        Op::Param(id) => leaf(ctx.params.get(id.0 as usize)).cloned(),
        Op::Buffer(id) => leaf(ctx.buffers.get(id.0 as usize)).cloned(),
        Op::StopGradient => a().cloned(),
        Op::Reshape(_) if sizes.is_empty() => cast::<f64>(&to_host(a()?)?)?.reshape(sizes),
        Op::Reshape(_) => on(device, a()?)?.reshape(sizes),
        Op::Expand { axes, .. } => expand(&on(device, a()?)?, sizes, axes),
        Op::Concat { axis } => Tensor::cat(inputs, *axis),
        Op::Slice { axis, start, len } => a()?.narrow(*axis, *start, *len),
        Op::Unary(function) => unary(*function, a()?),
        Op::Binary(function) => binary(*function, a()?, b()?),
        Op::Linear => linear::forward(a()?, b()?),
        Op::Conv(conv) => a()?.conv2d(b()?, conv.pad[0], conv.stride[0], 1, conv.groups),
        Op::Grad(GradOp::Slice { axis, start, full }) => {
            let x = a()?;
            x.pad_with_zeros(*axis, *start, full - start - x.dim(*axis)?)
        }
        Op::Grad(GradOp::LinearInput) => linear::grad_input(a()?, b()?),
        Op::Grad(GradOp::LinearWeight) => linear::grad_weight(a()?, b()?),
        other => Err(not_here(other)),
    };
    result?.contiguous()
}

/// A single number of the host as a tensor of the device, in single precision; what is there already stays.
fn on(device: &Device, x: &Tensor) -> Result<Tensor> {
    if x.rank() == 0 { cast::<f32>(x)?.to_device(device) } else { Ok(x.clone()) }
}

fn expand(x: &Tensor, sizes: &[usize], axes: &[usize]) -> Result<Tensor> {
    let mut aligned = vec![1; sizes.len()];
    for (axis, size) in axes.iter().zip(x.dims()) {
        aligned[*axis] = *size;
    }
    x.reshape(aligned)?.broadcast_as(sizes)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`way` decides which functions come here")]
fn unary(function: Unary, x: &Tensor) -> Result<Tensor> {
    match function {
        Unary::Neg => x.neg(),
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x.sqr(),
        Unary::Tanh => x.tanh(),
        other => Err(not_here(&Op::Unary(other))),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`way` decides which functions come here")]
fn binary(function: Binary, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match function {
        Binary::Add => a.add(b),
        Binary::Sub => a.sub(b),
        Binary::Mul => a.mul(b),
        Binary::Div => a.div(b),
        other => Err(not_here(&Op::Binary(other))),
    }
}

fn not_here(op: &Op) -> Error {
    Error::Msg(format!("`{op}` is not computed by the library"))
}
