//! The operations: a closed list, so that each analysis is one exhaustive `match`.
//!
//! Letters: n batch, c channels, k classes, h × w picture, o outputs, i inputs, g groups.
//! Element-wise operations take operands of equal shape; [`Op::Expand`] is the only broadcast.

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
    /// (x, slope, dy): gradient in x. At 0 the slope counts.
    PreluGradInput,
    /// (x, slope, dy): gradient in the slope, of the slope's shape.
    PreluGradSlope,
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
    /// (x): x placed at `start` of an axis of size `full`, zero elsewhere: the gradient of a slice.
    Unslice {
        /// The axis, batch counted.
        axis: usize,
        /// First index.
        start: usize,
        /// Size of the axis in the result.
        full: usize,
    },

    // Linear maps.
    /// (x `[n, i]`, w `[o, i]`): x wᵀ, `[n, o]`.
    Linear,
    /// (dy `[n, o]`, w `[o, i]`): `[n, i]`.
    LinearGradInput,
    /// (dy `[n, o]`, x `[n, i]`): `[o, i]`, summed over the batch.
    LinearGradWeight,
    /// (x `[n, c, h, w]`, w `[o, c/g, kh, kw]`): cross-correlation with zero padding.
    Conv(Conv),
    /// (dy, w): gradient in the input, whose picture is `input`.
    ConvGradInput {
        /// The convolution.
        conv: Conv,
        /// Height and width of its input.
        input: [usize; 2],
    },
    /// (dy, x): gradient in the weight with kernels of size `kernel`, summed over the batch.
    ConvGradWeight {
        /// The convolution.
        conv: Conv,
        /// Height and width of its kernel.
        kernel: [usize; 2],
    },

    // Pools over h × w.
    /// (x): maximum of each window; padding never wins.
    MaxPool(Pool),
    /// (x, dy): the first maximum of a window, in row-major order, gets all of its gradient.
    MaxPoolGrad(Pool),
    /// (x): mean of each window, padding counted as zeros.
    AvgPool(Pool),
    /// (dy): gradient in an input with picture `input`.
    AvgPoolGrad {
        /// The pool.
        pool: Pool,
        /// Height and width of its input.
        input: [usize; 2],
    },

    // Normalisation.
    /// (x, running mean `[c]`, running variance `[c]`): batch norm before the mode is chosen;
    /// training and evaluation graphs hold [`Op::Normalize`] or [`Op::NormalizeRunning`] instead.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
        /// Share of the batch in the new running statistics.
        momentum: f64,
    },
    /// (x): dropout before the mode is chosen.
    Dropout {
        /// Probability of a zero.
        p: f64,
        /// Tells the dropout layers of a net apart.
        stream: u32,
    },
    /// (x): (x − mean) / sqrt(variance + eps) over the groups of [`Norm`], biased variance, statistics of x itself.
    Normalize {
        /// What shares a mean and a variance.
        norm: Norm,
        /// Added to the variance.
        eps: f64,
    },
    /// (x, dy): gradient of [`Op::Normalize`] in x, through the statistics.
    NormalizeGrad {
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
    /// (dy, variance `[c]`): gradient of [`Op::NormalizeRunning`] in x.
    NormalizeRunningGrad {
        /// Added to the variance.
        eps: f64,
    },
    /// (x `[n, c, …]`): mean per channel, `[c]`.
    BatchMean,
    /// (x `[n, c, …]`): variance per channel with divisor max(count − 1, 1), `[c]`.
    BatchVar,

    // Classes: x is `[n, k]`.
    /// (x): softmax over the last axis.
    Softmax,
    /// (x): log of softmax over the last axis, by a shifted log-sum-exp.
    LogSoftmax,
    /// (x, index `[n]`): `[n]`, the element of each row at its index.
    Gather,
    /// (v `[n]`, index `[n]`): `[n, classes]`, v at the index, zero elsewhere.
    Scatter {
        /// Length of a row.
        classes: usize,
    },
    /// (x): index of the first maximum of each row, `[n]`.
    ArgMax,
    /// (x, label `[n]`): index of the first maximum among the others, `[n]`; needs k ≥ 2.
    ArgMaxExcept,
    /// (x, label): log(1 − softmax(x)_label), `[n]`, exact where 1 − p rounds to zero.
    LogNotLabel,
    /// (x, label): softmax over the other classes, zero at the label.
    SoftmaxExcept,
    /// (x): threshold τ of the projection onto the simplex, `[n]`: Σ max(x − τ, 0) = 1.
    SparsemaxThreshold,
    /// (x): derivative of the threshold: 1/|support| on the support, else 0.
    SparsemaxSupport,

    // Sizes.
    /// (w `[o, …]`): largest singular value of w seen as o × rest, `[]`.
    SpectralNorm,
    /// (w): u vᵀ of the largest singular value, of w's shape.
    SpectralNormGrad,
}

/// Element-wise functions of one operand; derivative values at kinks are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// −x.
    Neg,
    /// |x|; derivative 0 at 0.
    Abs,
    /// eˣ.
    Exp,
    /// ln x.
    Log,
    /// √x.
    Sqrt,
    /// x².
    Square,
    /// xᵖ with a constant exponent.
    Power(f64),
    /// −1, 0 or 1.
    Sign,
    /// 1 where x > 0, else 0.
    Step,
    /// max(x, 0); derivative 0 at 0.
    Relu,
    /// x where x > 0, else slope · x; derivative slope at 0.
    LeakyRelu(f64),
    /// 1 where x > 0, else slope.
    LeakyStep(f64),
    /// tanh x.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x Φ(x), exact.
    Gelu,
    /// Φ(x) + x φ(x).
    GeluGrad,
    /// x · sigmoid(x).
    Silu,
    /// Derivative of silu.
    SiluGrad,
}

/// Element-wise functions of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// The larger; a tie gives the gradient to a.
    Max,
    /// The smaller; a tie gives the gradient to a.
    Min,
    /// aᵇ for a ≥ 0, or integer b; no gradient in b.
    Pow,
    /// 1 where a ≥ b; no gradient.
    Ge,
    /// 1 where a > b; no gradient.
    Gt,
    /// 1 where a = b; no gradient.
    Eq,
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
}

/// Geometry of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conv {
    /// Step between windows, rows and columns.
    pub stride: [usize; 2],
    /// Zeros added on each side, rows and columns.
    pub pad: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

/// Geometry of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pool {
    /// Window, rows and columns.
    pub kernel: [usize; 2],
    /// Step between windows, rows and columns.
    pub stride: [usize; 2],
    /// Padding on each side, rows and columns.
    pub pad: [usize; 2],
}

/// Which elements share a mean and a variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Norm {
    /// One channel over batch and picture; x is `[n, c]` or `[n, c, h, w]`.
    Batch,
    /// All elements of one sample.
    Layer,
    /// One of this many groups of channels of one sample.
    Group(usize),
}
