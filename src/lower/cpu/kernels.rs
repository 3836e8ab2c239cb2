//! The kernels of the fused CPU path, with what each is planned for.
//!
//! In the docs of a kernel, what it reads stands in brackets, in order; what it writes stands behind the arrow, the result
//! of its node where nothing is said; scratch comes last. [`CpuKernel::signature`] says the same to the executor.

use crate::ir::{self, ClassOp, Hyper, Pool};
use crate::kernels::conv::{Conv, PooledGradInput, PooledGradWeight};
use crate::kernels::linear::Linear;
use crate::kernels::pointwise::Chain;
use crate::kernels::pool2d::PoolGeometry;

/// A kernel, by the kind of stage that it runs in.
#[derive(Clone, Debug)]
pub enum CpuKernel {
    /// For one block of 16 samples, or for all blocks of a group.
    Block(BlockKernel),
    /// For all samples at once, or for parameters.
    Whole(WholeKernel),
}

impl From<BlockKernel> for CpuKernel {
    fn from(kernel: BlockKernel) -> Self {
        Self::Block(kernel)
    }
}

impl From<WholeKernel> for CpuKernel {
    fn from(kernel: WholeKernel) -> Self {
        Self::Whole(kernel)
    }
}

/// The kernels of block stages; they run on one block unless said otherwise.
#[derive(Clone, Debug)]
pub enum BlockKernel {
    /// () → samples; rows of the block, planes of the block.
    Input,
    /// Element-wise operations on per-sample or fixed tensors and scalars; with sums, (…, lanes) → …, partials; scratch,
    /// accumulators.
    Chain(Box<Chain>),
    /// (x, packed weight, bias?); scratch.
    Conv {
        /// Its plan.
        conv: Box<Conv>,
        /// Whether a bias is added.
        bias: bool,
        /// Whether relu follows.
        relu: bool,
    },
    /// (x, packed weight, bias?) → y, masks; scratch.
    ConvMaxPool {
        /// Its plan.
        conv: Box<Conv>,
        /// Whether a bias is added.
        bias: bool,
        /// Whether relu comes before pooling.
        relu: bool,
        /// Side of the windows.
        size: usize,
    },
    /// (dy, turned weight); scratch.
    ConvGradInput(Box<Conv>),
    /// (dy, x) → partial; accumulators, scratch.
    ConvGradWeight(Box<Conv>),
    /// (dy, x, masks) → partial, from the gradient of the pooled output; accumulators, scratch.
    ConvGradWeightPooled(Box<PooledGradWeight>),
    /// (dy, packed weight, masks), from the gradient of the pooled output; scratch.
    ConvGradInputPooled(Box<PooledGradInput>),
    /// (x, w): any convolution, plainly.
    PlainConv(PlainConv),
    /// (dy, w): its input gradient.
    PlainConvGradInput(PlainConv),
    /// (dy, x) → partial: its weight gradient.
    PlainConvGradWeight(PlainConv),
    /// Group: (x, weight, bias?).
    Linear {
        /// Its plan.
        linear: Linear,
        /// Whether a bias is added.
        bias: bool,
        /// Whether relu follows.
        relu: bool,
    },
    /// Group: (dy, weight).
    LinearGradInput(Linear),
    /// Group: (dy, x) → partial; turned input.
    LinearGradWeight(Linear),
    /// (x) → y, masks; masks take relu in.
    MaxPool {
        /// Sizes.
        pool: PoolGeometry,
        /// Whether relu comes first.
        relu: bool,
    },
    /// (dy, masks)
    Unpool(PoolGeometry),
    /// (dy, masks): zero where a window has no winner, dy elsewhere.
    Winners(PoolGeometry),
    /// (x)
    AvgPool(PoolGeometry),
    /// (dy)
    AvgPoolGrad(PoolGeometry),
    /// A pool with windows that are not square, or a gradient without masks, plainly.
    PlainPool {
        /// Which.
        kind: PlainPoolKind,
        /// Sizes.
        pool: Pool,
        /// Channels, height and width of the input.
        input: [usize; 3],
    },
    /// (x): sums vectors into fewer, by the result's vector of each.
    SumVectors(Box<[u32]>),
    /// (x, lanes) → partial: sums over samples, by the result's element of each vector; accumulators.
    SumBatch {
        /// Result of each vector; empty for vectors that repeat with this period.
        targets: Box<[u32]>,
        /// Elements of the result.
        n: usize,
        /// Whether lanes without a sample may hold something else than zero.
        masked: bool,
    },
    /// (x, lanes) → partial: per channel count, mean and sum of squared differences.
    Moments {
        /// Channels.
        channels: usize,
    },
    /// (parts…): moves vectors.
    Move(Box<[VectorRun]>),
    /// (x), (x, index) or (v, index).
    Class(ClassOp),
    /// (x): layer or group norm; groups, eps.
    Normalize(usize, f32),
    /// (x, dy): its gradient.
    NormalizeGrad(usize, f32),
    /// () → a dropout mask; a row.
    Dropout {
        /// Probability of a zero.
        p: f64,
        /// Which layer.
        stream: u32,
    },
    /// (x, lanes): x on lanes with a sample, zero elsewhere.
    MaskLanes,
}

/// The kernels of whole stages.
#[derive(Clone, Debug)]
pub enum WholeKernel {
    /// Element-wise operations on fixed tensors and scalars.
    Chain(Box<Chain>),
    /// (weight) → packed for the forward pass.
    Pack(Box<Conv>),
    /// (weight) → packed for the input gradient.
    PackTurned(Box<Conv>),
    /// (weight) → packed for the input gradient behind a pool.
    PackPooled(Box<PooledGradInput>),
    /// (dy, x) → gradient, turned input of the batch.
    LinearGradWeight(Linear),
    /// (partial): groups added in order; the length.
    Reduce(usize),
    /// (partial) → mean `[c]`, unbiased variance `[c]`.
    ReduceMoments {
        /// Channels.
        channels: usize,
    },
    /// (partial) → scalar.
    ReduceScalar,
    /// (parts…): moves elements of fixed tensors.
    Move(Box<[VectorRun]>),
    /// (x): single elements of a fixed tensor by index, `u32::MAX` for zero.
    MoveElements(Box<[u32]>),
    /// (x): sums elements of a fixed tensor, by the result's element of each.
    SumElements(Box<[u32]>),
    /// Scalars, or one fixed tensor → scalar.
    Scalar(ScalarOp),
    /// (scalar) → every element.
    Fill,
    /// (w) → u vᵀ; rows and columns.
    SpectralGrad(usize, usize),
}

/// Runs of vectors from inputs to a result; what no run covers becomes zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorRun {
    /// First vector of the result.
    pub to: usize,
    /// Which input.
    pub input: usize,
    /// First vector of the input.
    pub from: usize,
    /// Vectors.
    pub len: usize,
}

/// What a scalar step computes, in double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScalarOp {
    /// A constant.
    Const(f64),
    /// A number of the step.
    Hyper(Hyper),
    /// Samples of the batch.
    BatchCount,
    /// One operand.
    Unary(ir::Unary),
    /// Two operands.
    Binary(ir::Binary),
    /// (mask, a, b)
    Select,
    /// The first element of a fixed tensor.
    Load,
    /// Sum of squares of a fixed tensor of this many elements.
    SumSquares(usize),
    /// Sum of the first elements of a fixed tensor.
    Sum(usize),
    /// Largest singular value of a fixed tensor with this many rows and columns.
    SpectralNorm(usize, usize),
}

/// Sizes of a convolution without a kernel of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainConv {
    /// Stride, padding, groups.
    pub conv: ir::Conv,
    /// Channels, height and width of the input.
    pub input: [usize; 3],
    /// Channels, height and width of the output.
    pub output: [usize; 3],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
}

/// Pools without a kernel of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainPoolKind {
    /// (x): maxima.
    Max,
    /// (x, dy): their gradient.
    MaxGrad,
    /// (x): means.
    Average,
    /// (dy): their gradient.
    AverageGrad,
}

/// How many operands a kernel has of each sort, in this order. Chains read tensors and scalars in any order; for them
/// `reads` counts both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Tensors that it reads; `None` for as many as there are.
    pub reads: Option<usize>,
    /// Scalars that it reads.
    pub scalars: usize,
    /// Tensors that it writes.
    pub writes: usize,
    /// Pieces of scratch.
    pub scratch: usize,
    /// Whether it gives a scalar.
    pub gives_scalar: bool,
}

impl Signature {
    fn tensors(reads: usize, writes: usize, scratch: usize) -> Self {
        Self { reads: Some(reads), writes, scratch, ..Self::default() }
    }

    fn to_scalar(reads: usize, scalars: usize) -> Self {
        Self { reads: Some(reads), scalars, gives_scalar: true, ..Self::default() }
    }
}

impl CpuKernel {
    /// What a step of the kernel must be given.
    pub fn signature(&self) -> Signature {
        match self {
            Self::Block(kernel) => kernel.signature(),
            Self::Whole(kernel) => kernel.signature(),
        }
    }
}

impl BlockKernel {
    /// Whether it takes all blocks of a group at once.
    pub fn is_group_wise(&self) -> bool {
        matches!(self, Self::Linear { .. } | Self::LinearGradInput(_) | Self::LinearGradWeight(_))
    }

    fn signature(&self) -> Signature {
        match self {
            Self::Input => Signature::tensors(0, 1, 2),
            Self::Chain(chain) => {
                let n_sums = chain.sums().len();
                let n_reads = chain.inputs().len() + usize::from(n_sums > 0);
                Signature::tensors(n_reads, chain.n_outputs() + n_sums, 1 + n_sums)
            }
            Self::Conv { bias, .. } => Signature::tensors(2 + usize::from(*bias), 1, 1),
            Self::ConvMaxPool { bias, .. } => Signature::tensors(2 + usize::from(*bias), 2, 1),
            Self::ConvGradWeight(_) => Signature::tensors(2, 1, 2),
            Self::ConvGradWeightPooled(_) => Signature::tensors(3, 1, 2),
            Self::ConvGradInputPooled(_) => Signature::tensors(3, 1, 1),
            Self::Linear { bias, .. } => Signature::tensors(2 + usize::from(*bias), 1, 0),
            Self::ConvGradInput(_) | Self::LinearGradWeight(_) | Self::SumBatch { .. } => {
                Signature::tensors(2, 1, 1)
            }
            Self::MaxPool { .. } => Signature::tensors(1, 2, 0),
            Self::PlainConv(_)
            | Self::PlainConvGradInput(_)
            | Self::PlainConvGradWeight(_)
            | Self::LinearGradInput(_)
            | Self::Unpool(_)
            | Self::Winners(_)
            | Self::Moments { .. }
            | Self::NormalizeGrad(..)
            | Self::MaskLanes => Signature::tensors(2, 1, 0),
            Self::AvgPool(_) | Self::AvgPoolGrad(_) | Self::SumVectors(_) | Self::Normalize(..) => {
                Signature::tensors(1, 1, 0)
            }
            Self::PlainPool { kind, .. } => {
                Signature::tensors(1 + usize::from(*kind == PlainPoolKind::MaxGrad), 1, 0)
            }
            Self::Move(_) => Signature { writes: 1, ..Signature::default() },
            Self::Class(op) => Signature::tensors(1 + usize::from(op.reads_index()), 1, 0),
            Self::Dropout { .. } => Signature::tensors(0, 1, 1),
        }
    }
}

impl WholeKernel {
    fn signature(&self) -> Signature {
        match self {
            Self::Chain(chain) => Signature::tensors(chain.inputs().len(), chain.n_outputs(), 1),
            Self::Pack(_)
            | Self::PackTurned(_)
            | Self::PackPooled(_)
            | Self::Reduce(_)
            | Self::MoveElements(_)
            | Self::SumElements(_)
            | Self::SpectralGrad(..) => Signature::tensors(1, 1, 0),
            Self::LinearGradWeight(_) => Signature::tensors(2, 2, 0),
            Self::ReduceMoments { .. } => Signature::tensors(1, 2, 0),
            Self::ReduceScalar => Signature::to_scalar(1, 0),
            Self::Move(_) => Signature { writes: 1, ..Signature::default() },
            Self::Scalar(op) => op.signature(),
            Self::Fill => Signature { scalars: 1, ..Signature::tensors(0, 1, 0) },
        }
    }
}

impl ScalarOp {
    fn signature(self) -> Signature {
        match self {
            Self::Const(_) | Self::Hyper(_) | Self::BatchCount => Signature::to_scalar(0, 0),
            Self::Unary(_) => Signature::to_scalar(0, 1),
            Self::Binary(_) => Signature::to_scalar(0, 2),
            Self::Select => Signature::to_scalar(0, 3),
            Self::Load | Self::SumSquares(_) | Self::Sum(_) | Self::SpectralNorm(..) => {
                Signature::to_scalar(1, 0)
            }
        }
    }
}
