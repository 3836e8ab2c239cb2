//! Parameters and buffers: the tensors that outlive a step.

use super::{LayerId, Shape};
use crate::diag::Span;

/// Position of a parameter in [`super::Graph::params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(pub u32);

/// Position of a buffer in [`super::Graph::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferId(pub u32);

/// A trainable tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// `conv1.weight`, `loss.r1`.
    pub name: String,
    /// Without batch; scales of the loss have `[1]`.
    pub shape: Shape,
    /// What the tensor is for.
    pub role: ParamRole,
    /// How it starts.
    pub init: Init,
    /// The layer it belongs to; `None` for scales of the loss.
    pub layer: Option<LayerId>,
    /// The call that made it.
    pub origin: Span,
}

/// What a parameter is for; decides scaling, decay, ASAM and the size R.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParamRole {
    /// Weight of a convolution or linear layer.
    Weight,
    /// Bias of a convolution or linear layer.
    Bias,
    /// Gain of a normalisation layer.
    Gain,
    /// Shift of a normalisation layer.
    Shift,
    /// Negative slope of a `prelu`.
    Slope,
    /// Scale of the loss: no weight decay, not perturbed by SAM, not part of R.
    Scale,
}

/// How a parameter starts. `fan_in` and `fan_out` are those of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All elements equal.
    Constant(f64),
    /// Uniform on ±bound.
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// Normal with mean zero.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// Normal with mean zero, redrawn beyond two standard deviations.
    TruncatedNormal {
        /// The standard deviation before the cut.
        deviation: f64,
    },
    /// A (semi-)orthogonal matrix, seen as out × rest, times a gain.
    Orthogonal {
        /// The gain.
        gain: f64,
    },
    /// Given by an expression of the loss once R(θ₀) is known (see `loss::scales`).
    Scale,
}

/// A tensor that is kept between steps but not trained by a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// `bn1.running_mean`, `conv1.weight/momentum`.
    pub name: String,
    /// Without batch.
    pub shape: Shape,
    /// What the buffer is for.
    pub role: BufferRole,
    /// Value of every element at the start.
    pub initial: f64,
    /// A training step of fewer samples leaves the buffer as it is.
    pub min_samples: usize,
}

/// What the name of an average ends in; before it stands the name of what it is the average of.
pub const AVERAGE: &str = "/ema";

/// What a buffer is for; decides where checkpoints put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BufferRole {
    /// Running mean of a batch norm.
    RunningMean,
    /// Running variance of a batch norm.
    RunningVar,
    /// State of the optimiser for one parameter (momentum, moments).
    Optimizer(ParamId),
    /// A parameter put aside between the two phases of SAM.
    Saved(ParamId),
    /// R(θ₀) for `divisor = initial`.
    InitialSize,
    /// The weights that a loss gives to the classes.
    ClassWeights,
    /// The average of a parameter over the steps.
    Average(ParamId),
    /// The average of a running statistic over the steps.
    AverageOf(BufferId),
}
