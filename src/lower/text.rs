//! Plans and operations as text for people and snapshots: one line per step, the same bytes for the same plan.

use std::fmt::{self, Write as _};

use crate::ir::{self, Conv, Hyper, Kind, Norm, Op, Pool};

use super::plan::{Kernel, Place, Plan, Scope, Stage, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan for {}", self.target.name())?;
        writeln!(f, "parameters: {} elements", self.param_elements())?;
        for param in &self.params {
            writeln!(f, "  {} {}", param.name, param.shape)?;
        }
        writeln!(f, "kept between steps: {} elements", self.buffer_elements())?;
        for buffer in &self.buffers {
            writeln!(f, "  {} {}", buffer.name, buffer.shape)?;
        }
        for stage in self.stages() {
            writeln!(f)?;
            self.write_stage(f, stage)?;
        }
        Ok(())
    }
}

impl Plan {
    fn write_stage(&self, f: &mut fmt::Formatter<'_>, stage: &Stage) -> fmt::Result {
        let peak = stage.peak_footprint();
        writeln!(
            f,
            "{}: {} steps, at most n * {} + {} elements at once",
            stage.name,
            stage.steps.len(),
            peak.per_sample,
            peak.fixed
        )?;
        for step in &stage.steps {
            self.write_step(f, stage, step)?;
        }
        for (name, slot) in &stage.outputs {
            writeln!(f, "  {name} is %{}", slot.0)?;
        }
        for write in &stage.writes {
            let name = match write.target {
                ir::Target::Param(id) => &self.params[id.0 as usize].name,
                ir::Target::Buffer(id) => &self.buffers[id.0 as usize].name,
            };
            writeln!(f, "  {name} := %{}", write.value.0)?;
        }
        Ok(())
    }

    fn write_step(&self, f: &mut fmt::Formatter<'_>, stage: &Stage, step: &Step) -> fmt::Result {
        let mut line = String::from(" ");
        for output in &step.outputs {
            let slot = stage.slot(*output);
            write!(line, " %{} {}", output.0, slot.shape)?;
            if slot.kind == Kind::Index {
                line.push_str(" index");
            }
            line.push_str(match slot.scope {
                Scope::Sample => "",
                Scope::Parameter => " parameter",
                Scope::Constant => " constant",
            });
            match slot.place {
                Place::Own => write!(line, " {}..{}", slot.first, slot.last)?,
                Place::View(root) => write!(line, " view of %{}", root.0)?,
                Place::Param(_) | Place::Buffer(_) => {}
            }
        }
        line.push_str(" = ");
        line.push_str(&match &step.kernel {
            Kernel::Op(Op::Param(id)) => self.params[id.0 as usize].name.clone(),
            Kernel::Op(Op::Buffer(id)) => self.buffers[id.0 as usize].name.clone(),
            Kernel::Op(op) => op_text(op),
        });
        for input in &step.inputs {
            write!(line, " %{}", input.0)?;
        }
        if let Some(layer) = step.layer {
            write!(line, "  // {}", self.layers[layer.0 as usize].name)?;
        }
        writeln!(f, "{line}")
    }
}

/// An operation with its attributes: `conv(stride=1x1 pad=0x0 groups=1)`.
pub fn op_text(op: &Op) -> String {
    let plain = |name: &str| name.to_owned();
    match op {
        Op::Input => plain("input"),
        Op::Labels => plain("labels"),
        Op::Param(id) => format!("param({})", id.0),
        Op::Buffer(id) => format!("buffer({})", id.0),
        Op::Hyper(Hyper::Lr) => plain("lr"),
        Op::Hyper(Hyper::BiasCorrection { beta }) => format!("bias_correction(beta={beta:?})"),
        Op::Const(value) => format!("const({value:?})"),
        Op::BatchCount => plain("batch_count"),
        Op::Unary(unary) => snake(&format!("{unary:?}")),
        Op::Binary(binary) => snake(&format!("{binary:?}")),
        Op::Select => plain("select"),
        Op::Prelu => plain("prelu"),
        Op::PreluGradInput => plain("prelu_grad_input"),
        Op::PreluGradSlope => plain("prelu_grad_slope"),
        Op::DropoutMask { p, stream } => format!("dropout_mask(p={p:?} stream={stream})"),
        Op::StopGradient => plain("stop_gradient"),
        Op::Reshape(_) => plain("reshape"),
        Op::Expand { axes, .. } => format!("expand(axes={})", list(axes)),
        Op::Sum { axes } => format!("sum(axes={})", list(axes)),
        Op::SumSquares => plain("sum_squares"),
        Op::Concat { axis } => format!("concat(axis={axis})"),
        Op::Slice { axis, start, len } => format!("slice(axis={axis} start={start} len={len})"),
        Op::Unslice { axis, start, full } => {
            format!("unslice(axis={axis} start={start} full={full})")
        }
        Op::Linear => plain("linear"),
        Op::LinearGradInput => plain("linear_grad_input"),
        Op::LinearGradWeight => plain("linear_grad_weight"),
        Op::Conv(conv) => format!("conv({})", conv_text(conv)),
        Op::ConvGradInput { conv, input } => {
            format!("conv_grad_input({} input={})", conv_text(conv), pair(input))
        }
        Op::ConvGradWeight { conv, kernel } => {
            format!("conv_grad_weight({} kernel={})", conv_text(conv), pair(kernel))
        }
        Op::MaxPool(pool) => format!("max_pool({})", pool_text(pool)),
        Op::MaxPoolGrad(pool) => format!("max_pool_grad({})", pool_text(pool)),
        Op::AvgPool(pool) => format!("avg_pool({})", pool_text(pool)),
        Op::AvgPoolGrad { pool, input } => {
            format!("avg_pool_grad({} input={})", pool_text(pool), pair(input))
        }
        Op::BatchNorm { eps, momentum } => format!("batch_norm(eps={eps:?} momentum={momentum:?})"),
        Op::Dropout { p, stream } => format!("dropout(p={p:?} stream={stream})"),
        Op::Normalize { norm, eps } => format!("normalize({} eps={eps:?})", norm_text(norm)),
        Op::NormalizeGrad { norm, eps } => {
            format!("normalize_grad({} eps={eps:?})", norm_text(norm))
        }
        Op::NormalizeRunning { eps } => format!("normalize_running(eps={eps:?})"),
        Op::NormalizeRunningGrad { eps } => format!("normalize_running_grad(eps={eps:?})"),
        Op::BatchMean => plain("batch_mean"),
        Op::BatchVar => plain("batch_var"),
        Op::Softmax => plain("softmax"),
        Op::LogSoftmax => plain("log_softmax"),
        Op::Gather => plain("gather"),
        Op::Scatter { classes } => format!("scatter(classes={classes})"),
        Op::ArgMax => plain("arg_max"),
        Op::ArgMaxExcept => plain("arg_max_except"),
        Op::LogNotLabel => plain("log_not_label"),
        Op::SoftmaxExcept => plain("softmax_except"),
        Op::SparsemaxThreshold => plain("sparsemax_threshold"),
        Op::SparsemaxSupport => plain("sparsemax_support"),
        Op::SpectralNorm => plain("spectral_norm"),
        Op::SpectralNormGrad => plain("spectral_norm_grad"),
    }
}

/// `LeakyRelu(0.01)` as `leaky_relu(0.01)`.
fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    for (i, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && i > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn list(axes: &[usize]) -> String {
    let words: Vec<String> = axes.iter().map(usize::to_string).collect();
    format!("[{}]", words.join(" "))
}

fn pair(sizes: &[usize; 2]) -> String {
    format!("{}x{}", sizes[0], sizes[1])
}

fn conv_text(conv: &Conv) -> String {
    format!("stride={} pad={} groups={}", pair(&conv.stride), pair(&conv.pad), conv.groups)
}

fn pool_text(pool: &Pool) -> String {
    format!("kernel={} stride={} pad={}", pair(&pool.kernel), pair(&pool.stride), pair(&pool.pad))
}

fn norm_text(norm: &Norm) -> String {
    match norm {
        Norm::Batch => "batch".to_owned(),
        Norm::Layer => "layer".to_owned(),
        Norm::Group(groups) => format!("groups={groups}"),
    }
}
