//! The plan as stable text, for `--emit plan`: equal plans give equal bytes.

use std::fmt::{self, Display, Formatter};

use super::types::{CpuKernel, CpuPhase, CpuPlan, CpuStep, Place, StageKind};
use crate::kernels::conv::Conv;
use crate::kernels::memory::Area;
use crate::lower::ValueId;

impl Display for CpuPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "target cpu, {}, blocks of 16 samples, {} in a group",
            self.options.isa.kind().name(),
            self.group_blocks
        )?;
        for phase in self.phases.iter() {
            writeln!(f)?;
            write_phase(f, self, phase)?;
        }
        Ok(())
    }
}

fn write_phase(f: &mut Formatter<'_>, plan: &CpuPlan, phase: &CpuPhase) -> fmt::Result {
    let bytes = |floats: usize| floats.saturating_mul(4);
    let sizes = &phase.sizes;
    writeln!(f, "phase {}", phase.name)?;
    writeln!(
        f,
        "  memory {} bytes, {} a block, {} a group, {} a thread",
        bytes(sizes.fixed),
        bytes(sizes.batch),
        bytes(sizes.partial),
        bytes(sizes.group * plan.group_blocks + sizes.worker),
    )?;
    for stage in &phase.stages {
        match stage.kind {
            StageKind::Whole => {
                writeln!(f, "  whole")?;
                for step in &phase.steps[stage.steps.clone()] {
                    write_step(f, plan, phase, step)?;
                }
            }
            StageKind::Blocks => {
                for (by_block, steps) in &stage.segments {
                    writeln!(f, "  {}", if *by_block { "each block" } else { "each group" })?;
                    for step in &phase.steps[steps.clone()] {
                        write_step(f, plan, phase, step)?;
                    }
                }
            }
        }
    }
    for write in &phase.writes {
        let how = if phase.copies.contains(write) { "copied to" } else { "is" };
        let name = plan.tables.written(write.target);
        writeln!(f, "  {} {how} {name}", operand(phase, write.value))?;
    }
    for (name, value) in &phase.outputs {
        writeln!(f, "  output {name} = {}", operand(phase, *value))?;
    }
    Ok(())
}

fn write_step(
    f: &mut Formatter<'_>,
    plan: &CpuPlan,
    phase: &CpuPhase,
    step: &CpuStep,
) -> fmt::Result {
    let outputs: Vec<String> = step.outputs.iter().map(|id| operand(phase, *id)).collect();
    let inputs: Vec<String> = step.inputs.iter().map(|id| operand(phase, *id)).collect();
    let shape = step.outputs.first().map(|id| phase.value(*id).shape.to_string());
    write!(f, "    {} {}", outputs.join(" "), shape.unwrap_or_default())?;
    write!(f, " = {}", kernel_name(&step.kernel))?;
    if !inputs.is_empty() {
        write!(f, " {}", inputs.join(" "))?;
    }
    if let Some(layer) = step.layer {
        write!(f, "  ; {}", plan.tables.layer(layer))?;
    }
    if let Some(reason) = step.fallback {
        write!(f, "  fallback: {reason}")?;
    }
    writeln!(f)
}

/// A value with the letter of its area: scalar, fixed, batch, partial, group, worker.
fn operand(phase: &CpuPhase, id: ValueId) -> String {
    let letter = match phase.value(id).place {
        Place::Scalar(_) => 's',
        Place::Buffer(buffer) => match buffer.area {
            Area::Fixed => 'f',
            Area::Batch => 'b',
            Area::Partial => 'p',
            Area::Group => 'g',
            Area::Worker => 'w',
        },
    };
    format!("%{letter}{}", id.0)
}

/// The kernel in words, also for tables of times.
pub fn kernel_name(kernel: &CpuKernel) -> String {
    let parts = |name: &str, bias: bool, relu: bool| {
        format!("{name}{}{}", if bias { "+bias" } else { "" }, if relu { "+relu" } else { "" })
    };
    match kernel {
        CpuKernel::Input => "input".to_owned(),
        CpuKernel::Map(chain) => format!("chain of {}", chain.instructions().len()),
        CpuKernel::Conv { conv, bias, relu } => parts(by(conv, 0, "conv"), *bias, *relu),
        CpuKernel::ConvMaxPool { conv, bias, relu, size } => {
            format!("{}+max_pool({size})", parts(by(conv, 0, "conv"), *bias, *relu))
        }
        CpuKernel::ConvGradInput(conv) => by(conv, 1, "conv_grad_input").to_owned(),
        CpuKernel::ConvGradWeight(conv) => by(conv, 2, "conv_grad_weight").to_owned(),
        CpuKernel::ConvGradWeightPooled(_) => "conv_grad_weight of winners".to_owned(),
        CpuKernel::ConvGradInputPooled(_) => "conv_grad_input of winners".to_owned(),
        CpuKernel::PackPooled(_) => "pack_rows".to_owned(),
        CpuKernel::PlainConv(_) => "plain_conv".to_owned(),
        CpuKernel::PlainConvGradInput(_) => "plain_conv_grad_input".to_owned(),
        CpuKernel::PlainConvGradWeight(_) => "plain_conv_grad_weight".to_owned(),
        CpuKernel::Pack(conv) => by(conv, 0, "pack").to_owned(),
        CpuKernel::PackTurned(conv) => by(conv, 1, "pack_turned").to_owned(),
        CpuKernel::Linear { bias, relu, .. } => parts("linear", *bias, *relu),
        CpuKernel::LinearGradInput(_) => "linear_grad_input".to_owned(),
        CpuKernel::LinearGradWeight(_) => "linear_grad_weight".to_owned(),
        CpuKernel::LinearGradWeightWhole(_) => "linear_grad_weight of the batch".to_owned(),
        CpuKernel::MaxPool { relu, .. } => parts("max_pool", false, *relu),
        CpuKernel::Unpool(_) => "max_pool_grad".to_owned(),
        CpuKernel::Winners(_) => "winners".to_owned(),
        CpuKernel::AvgPool(_) => "avg_pool".to_owned(),
        CpuKernel::AvgPoolGrad(_) => "avg_pool_grad".to_owned(),
        CpuKernel::PlainPool { is_grad, .. } => {
            if *is_grad { "plain_pool_grad" } else { "plain_pool" }.to_owned()
        }
        CpuKernel::SumVectors(_) | CpuKernel::SumElements(_) => "sum".to_owned(),
        CpuKernel::SumBatch { .. } => "sum over samples".to_owned(),
        CpuKernel::Moments { .. } => "moments".to_owned(),
        CpuKernel::Reduce(_) | CpuKernel::ReduceScalar => "add groups".to_owned(),
        CpuKernel::ReduceMoments { .. } => "join moments".to_owned(),
        CpuKernel::Move(_) | CpuKernel::MoveElements(_) => "move".to_owned(),
        CpuKernel::Class(op) => op.name().to_owned(),
        CpuKernel::Normalize(groups, _) => format!("normalize({groups})"),
        CpuKernel::NormalizeGrad(groups, _) => format!("normalize_grad({groups})"),
        CpuKernel::Dropout { p, .. } => format!("dropout_mask({p})"),
        CpuKernel::MaskLanes => "mask".to_owned(),
        CpuKernel::Scalar(op) => scalar_name(*op),
        CpuKernel::Fill => "fill".to_owned(),
        CpuKernel::SpectralGrad(..) => "spectral_norm_grad".to_owned(),
    }
}

/// The name of an operation of a convolution, by Winograd's algorithm or not; operations as [`Conv::by_winograd`] lists them.
fn by(conv: &Conv, operation: usize, name: &'static str) -> &'static str {
    if !conv.by_winograd()[operation] {
        return name;
    }
    match name {
        "conv" => "winograd_conv",
        "conv_grad_input" => "winograd_conv_grad_input",
        "conv_grad_weight" => "winograd_conv_grad_weight",
        "pack" => "winograd_pack",
        "pack_turned" => "winograd_pack_turned",
        other => other,
    }
}

fn scalar_name(op: super::types::ScalarOp) -> String {
    use super::types::ScalarOp;
    use crate::ir::Hyper;
    match op {
        ScalarOp::Const(value) => format!("{value}"),
        ScalarOp::Hyper(Hyper::Lr) => "lr".to_owned(),
        ScalarOp::Hyper(Hyper::BiasCorrection { beta }) => format!("bias_correction({beta})"),
        ScalarOp::BatchCount => "batch_count".to_owned(),
        ScalarOp::Unary(function) => crate::ir::Op::Unary(function).to_string(),
        ScalarOp::Binary(function) => function.name().to_owned(),
        ScalarOp::Select => "select".to_owned(),
        ScalarOp::Load => "load".to_owned(),
        ScalarOp::SumSquares(_) => "sum_squares".to_owned(),
        ScalarOp::Sum(_) => "sum".to_owned(),
        ScalarOp::SpectralNorm(..) => "spectral_norm".to_owned(),
    }
}
