//! What operations are called: in texts of graphs and plans, and towards users.

use std::fmt;

use super::{Hyper, Op};

impl Op {
    /// The word for the operation in texts of graphs and plans.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Labels => "labels",
            Self::Param(_) => "param",
            Self::Buffer(_) => "buffer",
            Self::Hyper(Hyper::Lr) => "lr",
            Self::Hyper(Hyper::BiasCorrection { .. }) => "bias_correction",
            Self::Hyper(Hyper::Setting(_)) => "setting",
            Self::Const(_) => "const",
            Self::BatchCount => "batch_count",
            Self::Unary(function) => function.name(),
            Self::Binary(function) => function.name(),
            Self::Select => "select",
            Self::Prelu => "prelu",
            Self::DropoutMask { .. } => "dropout_mask",
            Self::StopGradient => "stop_gradient",
            Self::Reshape(_) => "reshape",
            Self::Expand { .. } => "expand",
            Self::Sum { .. } => "sum",
            Self::SumSquares => "sum_squares",
            Self::Concat { .. } => "concat",
            Self::Slice { .. } => "slice",
            Self::Linear => "linear",
            Self::Conv(_) => "conv",
            Self::MaxPool(_) => "max_pool",
            Self::AvgPool(_) => "avg_pool",
            Self::Normalize { .. } => "normalize",
            Self::NormalizeRunning { .. } => "normalize_running",
            Self::BatchMean => "batch_mean",
            Self::BatchVar => "batch_var",
            Self::SpectralNorm => "spectral_norm",
            Self::Class(op) => op.name(),
            Self::Modal(op) => op.name(),
            Self::Grad(op) => op.name(),
        }
    }

    /// The attributes after the word: `stride=1 pad=0`; tensors by their number.
    pub fn attributes(&self) -> String {
        match self {
            Self::Param(id) => id.0.to_string(),
            Self::Buffer(id) => id.0.to_string(),
            Self::Hyper(Hyper::BiasCorrection { beta }) => format!("beta={beta}"),
            Self::Hyper(Hyper::Setting(at)) => at.to_string(),
            Self::Const(value) => value.to_string(),
            Self::Unary(function) => function.attributes(),
            Self::DropoutMask { p, stream } => format!("p={p} stream={stream}"),
            Self::Expand { axes, .. } | Self::Sum { axes } => format!("axes={}", listed(axes)),
            Self::Concat { axis } => format!("axis={axis}"),
            Self::Slice { axis, start, len } => format!("axis={axis} start={start} len={len}"),
            Self::Conv(conv) => conv.to_string(),
            Self::MaxPool(pool) | Self::AvgPool(pool) => pool.to_string(),
            Self::Normalize { norm, eps } => format!("{norm} eps={eps}"),
            Self::NormalizeRunning { eps } => format!("eps={eps}"),
            Self::Class(op) => op.attributes(),
            Self::Modal(op) => op.attributes(),
            Self::Grad(op) => op.attributes(),
            Self::Input
            | Self::Labels
            | Self::Hyper(Hyper::Lr)
            | Self::BatchCount
            | Self::Binary(_)
            | Self::Select
            | Self::Prelu
            | Self::StopGradient
            | Self::Reshape(_)
            | Self::SumSquares
            | Self::Linear
            | Self::BatchMean
            | Self::BatchVar
            | Self::SpectralNorm => String::new(),
        }
    }

    /// The word users know the operation by.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Input => "the input",
            Self::Param(_) | Self::Expand { .. } => "a parameter",
            Self::Buffer(_) | Self::Const(_) | Self::Hyper(_) | Self::BatchCount | Self::Labels => {
                "a constant"
            }
            Self::Unary(function) => function.word(),
            Self::Binary(function) => function.word(),
            Self::Select => "a choice",
            Self::Prelu => "`prelu`",
            Self::DropoutMask { .. } => "`dropout`",
            Self::StopGradient | Self::Slice { .. } => "a part",
            Self::Reshape(_) => "`reshape`",
            Self::Sum { .. } | Self::SumSquares => "a sum",
            Self::Concat { .. } => "`concat`",
            Self::Linear => "`linear`",
            Self::Conv(_) => "`conv`",
            Self::MaxPool(_) => "`max_pool`",
            Self::AvgPool(_) => "`avg_pool`",
            Self::Normalize { norm, .. } => norm.word(),
            Self::NormalizeRunning { .. } => "`batch_norm`",
            Self::BatchMean | Self::BatchVar => "batch statistics",
            Self::SpectralNorm => "a spectral norm",
            Self::Class(op) => op.word(),
            Self::Modal(op) => op.word(),
            Self::Grad(op) => op.word(),
        }
    }
}

/// The name with its attributes: `conv(stride=1 pad=0)`.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = self.attributes();
        f.write_str(self.name())?;
        if attributes.is_empty() { Ok(()) } else { write!(f, "({attributes})") }
    }
}

fn listed(axes: &[usize]) -> String {
    let axes: Vec<_> = axes.iter().map(usize::to_string).collect();
    format!("[{}]", axes.join(", "))
}
