//! The operations: a closed list, so that each analysis is one exhaustive `match`.
//!
//! Letters: n batch, c channels, k classes, h × w picture, o outputs, i inputs, g groups.
//! Element-wise operations take operands of equal shape; [`Op::Expand`] is the only broadcast.
//!
//! What nets and losses are written in stands in [`Op`] itself. Operations on rows of classes, gradients, and operations
//! whose mode is still open are lists of their own, so that an analysis with nothing to say about a kind says so once.

mod class;
mod flops;
mod function;
mod geometry;
mod grad;
mod modal;
mod shapes;
mod words;

pub use class::ClassOp;
pub use flops::{Flops, flops};
pub use function::{Binary, Homogeneity, Unary};
pub use geometry::{Conv, Norm, Pool};
pub use grad::GradOp;
pub use modal::ModalOp;
pub use shapes::{ShapeError, infer};

use super::{BufferId, ParamId, Shape};

/// One operation. Operands are listed in the order of a node's inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    // Leaves.
    /// The samples, `[n, …]`, normalised.
    Input,
    /// The labels, `[n]`, indices below the number of classes.
    Labels,
    /// The current value of a parameter.
    Param(ParamId),
    /// The value of a buffer at the start of the phase.
    Buffer(BufferId),
    /// A number that changes from step to step, `[]`.
    Hyper(Hyper),
    /// A constant, `[]`.
    Const(f64),
    /// The number of samples in the batch as a real, `[]`.
    BatchCount,

    // Element-wise.
    /// One operand.
    Unary(Unary),
    /// Two operands of equal shape.
    Binary(Binary),
    /// (mask, a, b): a where the mask is not 0, else b.
    Select,
    /// (x, slope): x where x > 0, else slope · x; slope `[1]` or one per channel `[c]`.
    Prelu,
    /// (x): a mask of x's shape, 0 with probability `p`, else 1/(1 − p), drawn by (seed, step, sample, element, `stream`).
    DropoutMask {
        /// Probability of a zero.
        p: f64,
        /// Tells the dropout layers of a net apart.
        stream: u32,
    },
    /// (x): x, through which no gradient flows.
    StopGradient,

    // Shape.
    /// (x): the same elements in row-major order under another shape; the batch axis stays.
    Reshape(Shape),
    /// (x): broadcast to `shape`; axis j of x becomes axis `axes[j]` (batch counted as an axis), sizes equal.
    Expand {
        /// The result.
        shape: Shape,
        /// Strictly increasing, one per axis of x.
        axes: Vec<usize>,
    },
    /// (x): sums over `axes` (strictly increasing, batch counted as axis 0) and removes them.
    Sum {
        /// The axes that go.
        axes: Vec<usize>,
    },
    /// (x): Σ x² over everything, `[]`.
    SumSquares,
    /// (x, …): joined along `axis`, the batch counted as an axis; never the batch itself.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// (x): the part `start .. start + len` of `axis`.
    Slice {
        /// The axis, batch counted.
        axis: usize,
        /// First index.
        start: usize,
        /// How many.
        len: usize,
    },

    // Linear maps.
    /// (x `[n, i]`, w `[o, i]`): x wᵀ, `[n, o]`.
    Linear,
    /// (x `[n, c, h, w]`, w `[o, c/g, kh, kw]`): cross-correlation with zero padding.
    Conv(Conv),

    // Pools over h × w.
    /// (x): maximum of each window; padding never wins.
    MaxPool(Pool),
    /// (x): mean of each window, padding counted as zeros.
    AvgPool(Pool),

    // Normalisation.
    /// (x): (x − mean) / sqrt(variance + eps) over the groups of [`Norm`], biased variance, statistics of x itself.
    Normalize {
        /// What shares a mean and a variance.
        norm: Norm,
        /// Added to the variance.
        eps: f64,
    },
    /// (x, mean `[c]`, variance `[c]`): (x − mean) / sqrt(variance + eps) per channel, statistics given.
    NormalizeRunning {
        /// Added to the variance.
        eps: f64,
    },
    /// (x `[n, c, …]`): mean per channel, `[c]`.
    BatchMean,
    /// (x `[n, c, …]`): variance per channel with divisor max(count − 1, 1), `[c]`.
    BatchVar,

    // Sizes.
    /// (w `[o, …]`): largest singular value of w seen as o × rest, `[]`.
    SpectralNorm,

    // Kinds.
    /// On rows of class values.
    Class(ClassOp),
    /// Different in training and in evaluation; only graphs whose mode is not chosen yet hold any.
    Modal(ModalOp),
    /// The gradient of another operation.
    Grad(GradOp),
}

impl From<Unary> for Op {
    fn from(function: Unary) -> Self {
        Self::Unary(function)
    }
}

impl From<Binary> for Op {
    fn from(function: Binary) -> Self {
        Self::Binary(function)
    }
}

impl From<ClassOp> for Op {
    fn from(op: ClassOp) -> Self {
        Self::Class(op)
    }
}

impl From<ModalOp> for Op {
    fn from(op: ModalOp) -> Self {
        Self::Modal(op)
    }
}

impl From<GradOp> for Op {
    fn from(op: GradOp) -> Self {
        Self::Grad(op)
    }
}

/// Numbers that the training loop sets before each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hyper {
    /// Learning rate after the schedule.
    Lr,
    /// 1 − βᵗ of Adam, t from 1; computed in double precision, since it is small at first.
    BiasCorrection {
        /// β₁ or β₂.
        beta: f64,
    },
    /// A constant of the run, by its place among those in which runs that share a program differ; see
    /// [`crate::lower::Shared`].
    Setting(u32),
}
