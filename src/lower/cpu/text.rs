//! The plan as stable text, for `--emit plan`: equal plans give equal bytes.

use std::fmt::{self, Display, Formatter};

use super::kernels::{BlockKernel, CpuKernel, PlainPoolKind, ScalarOp, WholeKernel};
use super::types::{CpuPhase, CpuPlan, CpuStep, Place, StageKind};
use crate::kernels::conv::Conv;
use crate::kernels::memory::Area;
use crate::kernels::pointwise::Chain;
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
    for (name, value) in &phase.outputs.named {
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
    match kernel {
        CpuKernel::Block(kernel) => block_name(kernel),
        CpuKernel::Whole(kernel) => whole_name(kernel),
    }
}

fn block_name(kernel: &BlockKernel) -> String {
    match kernel {
        BlockKernel::Input => "input".to_owned(),
        BlockKernel::Chain(chain) => chain_name(chain),
        BlockKernel::Conv { conv, bias, relu } => with_tail(by(conv, 0, "conv"), *bias, *relu),
        BlockKernel::ConvMaxPool { conv, bias, relu, size } => {
            format!("{}+max_pool({size})", with_tail(by(conv, 0, "conv"), *bias, *relu))
        }
        BlockKernel::ConvGradInput(conv) => by(conv, 1, "conv_grad_input").to_owned(),
        BlockKernel::ConvGradWeight(conv) => by(conv, 2, "conv_grad_weight").to_owned(),
        BlockKernel::ConvGradWeightPooled(plan) => {
            let by = if plan.by_winograd() { "winograd_" } else { "" };
            format!("{by}conv_grad_weight of winners")
        }
        BlockKernel::ConvGradInputPooled(_) => "conv_grad_input of winners".to_owned(),
        BlockKernel::PlainConv(_) => "plain_conv".to_owned(),
        BlockKernel::PlainConvGradInput(_) => "plain_conv_grad_input".to_owned(),
        BlockKernel::PlainConvGradWeight(_) => "plain_conv_grad_weight".to_owned(),
        BlockKernel::Linear { bias, relu, .. } => with_tail("linear", *bias, *relu),
        BlockKernel::LinearGradInput(_) => "linear_grad_input".to_owned(),
        BlockKernel::LinearGradWeight(_) => "linear_grad_weight".to_owned(),
        BlockKernel::MaxPool { relu, .. } => with_tail("max_pool", false, *relu),
        BlockKernel::Unpool(_) => "max_pool_grad".to_owned(),
        BlockKernel::Winners(_) => "winners".to_owned(),
        BlockKernel::AvgPool(_) => "avg_pool".to_owned(),
        BlockKernel::AvgPoolGrad(_) => "avg_pool_grad".to_owned(),
        BlockKernel::PlainPool { kind, .. } => match kind {
            PlainPoolKind::Max | PlainPoolKind::Average => "plain_pool".to_owned(),
            PlainPoolKind::MaxGrad | PlainPoolKind::AverageGrad => "plain_pool_grad".to_owned(),
        },
        BlockKernel::SumVectors(_) => "sum".to_owned(),
        BlockKernel::SumBatch { .. } => "sum over samples".to_owned(),
        BlockKernel::Moments { .. } => "moments".to_owned(),
        BlockKernel::Move(_) => "move".to_owned(),
        BlockKernel::Class(op) => op.name().to_owned(),
        BlockKernel::Normalize(groups, _) => format!("normalize({groups})"),
        BlockKernel::NormalizeGrad(groups, _) => format!("normalize_grad({groups})"),
        BlockKernel::Dropout { p, .. } => format!("dropout_mask({p})"),
        BlockKernel::MaskLanes => "mask".to_owned(),
    }
}

fn whole_name(kernel: &WholeKernel) -> String {
    match kernel {
        WholeKernel::Chain(chain) => chain_name(chain),
        WholeKernel::Pack(conv) => by(conv, 0, "pack").to_owned(),
        WholeKernel::PackTurned(conv) => by(conv, 1, "pack_turned").to_owned(),
        WholeKernel::PackPooled(_) => "pack_rows".to_owned(),
        WholeKernel::LinearGradWeight(_) => "linear_grad_weight of the batch".to_owned(),
        WholeKernel::Reduce(_) | WholeKernel::ReduceScalar => "add groups".to_owned(),
        WholeKernel::ReduceMoments { .. } => "join moments".to_owned(),
        WholeKernel::Move(_) | WholeKernel::MoveElements(_) => "move".to_owned(),
        WholeKernel::SumElements(_) => "sum".to_owned(),
        WholeKernel::Scalar(op) => scalar_name(*op),
        WholeKernel::Fill => "fill".to_owned(),
        WholeKernel::SpectralGrad(..) => "spectral_norm_grad".to_owned(),
    }
}

fn chain_name(chain: &Chain) -> String {
    let (n, n_sums) = (chain.instructions().len(), chain.sums().len());
    match n_sums {
        0 => format!("chain of {n}"),
        1 => format!("chain of {n} with a sum"),
        _ => format!("chain of {n} with {n_sums} sums"),
    }
}

fn with_tail(name: &str, bias: bool, relu: bool) -> String {
    format!("{name}{}{}", if bias { "+bias" } else { "" }, if relu { "+relu" } else { "" })
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

fn scalar_name(op: ScalarOp) -> String {
    use crate::ir::Hyper;
    match op {
        ScalarOp::Const(value) => format!("{value}"),
        ScalarOp::Hyper(Hyper::Lr) => "lr".to_owned(),
        ScalarOp::Hyper(Hyper::BiasCorrection { beta }) => format!("bias_correction({beta})"),
        ScalarOp::Hyper(Hyper::Setting(at)) => format!("setting({at})"),
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
