//! The plan of the fused CPU path: which kernel runs when, on which buffer, in whose memory.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diag::Span;
use crate::ir::{self, ClassOp, Hyper, Kind, LayerId, NodeId, Pool, Shape};
use crate::kernels::conv::{Conv, PooledGradInput, PooledGradWeight};
use crate::kernels::isa::Isa;
use crate::kernels::linear::Linear;
use crate::kernels::memory::{Area, Buffer};
use crate::kernels::pointwise::Chain;
use crate::kernels::pool2d::PoolGeometry;
use crate::lower::{Phases, Tables, ValueId, Work, Write};

/// What a step is told beside its operands.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// The instruction set that kernels are planned for.
    pub isa: Isa,
    /// Samples of a full batch; decides how many blocks make a group, never a bit of the result beyond that.
    pub batch: usize,
}

/// The work of a run.
#[derive(Clone, Debug)]
pub struct CpuPlan {
    /// What ids point into.
    pub tables: Tables,
    /// The work.
    pub phases: Phases<CpuPhase>,
    /// What it was made for.
    pub options: PlanOptions,
    /// Blocks of 16 samples that one task takes.
    pub group_blocks: usize,
    /// Where parameters lie in the fixed area, then buffers.
    pub kept: Vec<Buffer>,
    /// Floats of the fixed area that `kept` takes.
    pub kept_len: usize,
}

/// Steps that run one after the other on one batch.
#[derive(Clone, Debug, Default)]
pub struct CpuPhase {
    /// `step`, `perturb`, `descend`, `eval` or `size`.
    pub name: String,
    /// The calls in order.
    pub steps: Vec<CpuStep>,
    /// Runs of steps that are done together.
    pub stages: Vec<CpuStage>,
    /// Values by their id.
    pub values: Vec<CpuValue>,
    /// Results by name.
    pub outputs: BTreeMap<String, ValueId>,
    /// Values to copy to a kept tensor at the end, all at once.
    pub copies: Vec<Write>,
    /// Every write of the phase with its value, copied or made in place.
    pub writes: Vec<Write>,
    /// Floats of the fixed area, of a block, of a group's partial results, of a worker's block and of a worker.
    pub sizes: AreaSizes,
    /// Scalars.
    pub n_scalars: usize,
    /// Shape of one sample as the net sees it.
    pub input_dims: Vec<usize>,
    /// The labels, one index per lane.
    pub labels: Option<ValueId>,
    /// 1 on lanes with a sample, 0 elsewhere.
    pub lanes: Option<ValueId>,
}

/// Floats of each area in its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AreaSizes {
    /// Once, kept tensors included.
    pub fixed: usize,
    /// For each block of the batch.
    pub batch: usize,
    /// For each group.
    pub partial: usize,
    /// For each block of a group, in each worker.
    pub group: usize,
    /// In each worker.
    pub worker: usize,
}

/// How a stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// Step after step, each over all samples or all parameters.
    Whole,
    /// All steps for one group of blocks, groups in parallel.
    Blocks,
}

/// A run of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuStage {
    /// How it runs.
    pub kind: StageKind,
    /// Its steps.
    pub steps: Range<usize>,
    /// For [`StageKind::Blocks`]: runs of steps done block by block (`true`) or for the group at once.
    pub segments: Vec<(bool, Range<usize>)>,
}

/// A value and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuValue {
    /// Shape with the symbolic batch.
    pub shape: Shape,
    /// Reals or indices.
    pub kind: Kind,
    /// Channels and pixels of the layout `[pixel][channel][16]`.
    pub layout: [usize; 2],
    /// Where.
    pub place: Place,
    /// The node it is the result of.
    pub node: Option<NodeId>,
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the table of scalars, in double precision.
    Scalar(usize),
    /// In the arena.
    Buffer(Buffer),
}

impl Place {
    /// The buffer, for values that are not scalars.
    pub fn buffer(&self) -> Option<Buffer> {
        match self {
            Self::Scalar(_) => None,
            Self::Buffer(buffer) => Some(*buffer),
        }
    }

    /// The area, for values that are not scalars.
    pub fn area(&self) -> Option<Area> {
        self.buffer().map(|buffer| buffer.area)
    }
}

/// One call of a kernel.
#[derive(Clone, Debug)]
pub struct CpuStep {
    /// What runs.
    pub kernel: CpuKernel,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it writes.
    pub outputs: Vec<ValueId>,
    /// Memory it needs meanwhile.
    pub scratch: Vec<ValueId>,
    /// The node it comes from; the last one where several are fused.
    pub node: NodeId,
    /// The place in the source.
    pub origin: Span,
    /// The layer it belongs to.
    pub layer: Option<LayerId>,
    /// Why no faster kernel was taken.
    pub fallback: Option<&'static str>,
    /// What it does of the graph.
    pub work: Work,
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

/// The kernels. Block kernels run on one block unless said otherwise.
#[derive(Clone, Debug)]
pub enum CpuKernel {
    /// Samples into a block; rows of the block, planes of the block.
    Input,
    /// A chain of element-wise operations on per-sample or fixed tensors.
    Map(Box<Chain>),
    /// (x, packed weight, bias?) → y; scratch: convolution.
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
    /// (dy, turned weight) → dx; scratch.
    ConvGradInput(Box<Conv>),
    /// (dy, x) → partial; accumulators, scratch.
    ConvGradWeight(Box<Conv>),
    /// (dy, x, masks) → partial, from the gradient of the pooled output; accumulators, scratch.
    ConvGradWeightPooled(Box<PooledGradWeight>),
    /// (dy, packed weight, masks), from the gradient of the pooled output; scratch.
    ConvGradInputPooled(Box<PooledGradInput>),
    /// Whole: (weight) → packed for the input gradient behind a pool.
    PackPooled(Box<PooledGradInput>),
    /// (x, w): any convolution, plainly.
    PlainConv(PlainConv),
    /// (dy, w): its input gradient.
    PlainConvGradInput(PlainConv),
    /// (dy, x) → partial: its weight gradient.
    PlainConvGradWeight(PlainConv),
    /// Whole: (weight) → packed for the forward pass.
    Pack(Box<Conv>),
    /// Whole: (weight) → packed for the input gradient.
    PackTurned(Box<Conv>),
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
    /// Whole: (dy, x) → gradient; turned input of the batch.
    LinearGradWeightWhole(Linear),
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
    /// (x), or (x, dy): pools with windows that are not square, plainly.
    PlainPool {
        /// Sizes.
        pool: Pool,
        /// Height, width and channels of the input.
        input: [usize; 3],
        /// Maximum rather than mean.
        is_max: bool,
        /// The gradient rather than the pool.
        is_grad: bool,
    },
    /// (x): sums vectors into fewer, by the result's vector of each.
    SumVectors(Box<[u32]>),
    /// (x) → partial: sums over samples, by the result's element of each vector.
    SumBatch {
        /// Result of each vector; empty for vectors that repeat with this period.
        targets: Box<[u32]>,
        /// Elements of the result.
        n: usize,
        /// Whether lanes without a sample may hold something else than zero.
        masked: bool,
    },
    /// (x) → partial: per channel count, mean and sum of squared differences.
    Moments {
        /// Channels.
        channels: usize,
    },
    /// Whole: (partial) → result, groups added in order; the length.
    Reduce(usize),
    /// Whole: (partial) → mean `[c]`, unbiased variance `[c]`.
    ReduceMoments {
        /// Channels.
        channels: usize,
    },
    /// Whole: (partial) → scalar.
    ReduceScalar,
    /// Moves vectors (or, for fixed tensors, elements).
    Move(Box<[VectorRun]>),
    /// Whole: moves single elements of a fixed tensor: index of each, `u32::MAX` for zero.
    MoveElements(Box<[u32]>),
    /// Whole: sums elements of a fixed tensor, by the result's element of each.
    SumElements(Box<[u32]>),
    /// Class operations.
    Class(ClassOp),
    /// (x): layer or group norm; groups, eps.
    Normalize(usize, f32),
    /// (x, dy): its gradient.
    NormalizeGrad(usize, f32),
    /// A dropout mask.
    Dropout {
        /// Probability of a zero.
        p: f64,
        /// Which layer.
        stream: u32,
    },
    /// (x): x on lanes with a sample, zero elsewhere.
    MaskLanes,
    /// Whole: a scalar.
    Scalar(ScalarOp),
    /// Whole: (scalar) → every element.
    Fill,
    /// Whole: (w) → u vᵀ; rows and columns.
    SpectralGrad(usize, usize),
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

impl CpuPlan {
    /// Where a kept tensor lies.
    pub fn kept(&self, target: ir::Target) -> Buffer {
        match target {
            ir::Target::Param(id) => self.kept[id.0 as usize],
            ir::Target::Buffer(id) => self.kept[self.tables.params.len() + id.0 as usize],
        }
    }
}

impl CpuPhase {
    /// A value by its id.
    pub fn value(&self, id: ValueId) -> &CpuValue {
        &self.values[id.0 as usize]
    }
}
