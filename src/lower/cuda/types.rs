//! The plan of the CUDA target: which launch runs when, what each of its tasks computes, and where values lie.

use crate::diag::Span;
use crate::ir::{self, LayerId, Shape};
use crate::kernels::cuda::SOURCES;
use crate::lower::{Phases, Precision, Tables, Work};

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// Samples of a full batch; shorter ones run in the same memory.
    pub batch: usize,
    /// Runs that step together; no bit depends on it.
    pub replicas: usize,
    /// How matrix products are taken.
    pub precision: Precision,
}

impl PlanOptions {
    /// For one run whose products are in single precision throughout.
    pub fn of_one(batch: usize) -> Self {
        Self { batch, replicas: 1, precision: Precision::F32 }
    }
}

/// The work of a run.
#[derive(Clone, Debug)]
pub struct CudaPlan {
    /// What ids point into.
    pub tables: Tables,
    /// The work.
    pub phases: Phases<CudaPhase>,
    /// What it was made for.
    pub options: PlanOptions,
    /// Memory of one replica.
    pub memory: Memory,
    /// Words that the host sends before a step, for one replica.
    pub feed: Feed,
    /// Shape of one sample as the net sees it.
    pub input_dims: Vec<usize>,
}

impl CudaPlan {
    /// The text of all kernels.
    pub fn source(&self) -> String {
        let launches = self.phases.iter().flat_map(|phase| &phase.launches);
        let texts = launches.map(|launch| launch.source.as_str());
        SOURCES.into_iter().chain(texts).collect::<Vec<_>>().join("\n")
    }
}

/// Memory of one replica in floats; every replica has as much, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Where parameters lie, then kept tensors.
    pub kept: Vec<usize>,
    /// Where the input of the batch lies.
    pub input: usize,
    /// All of it.
    pub len: usize,
}

/// Words of 32 bits that a replica is told before a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// Settings in double precision; see [`crate::lower::Shared`].
    pub settings: usize,
    /// `(scale, shift)` of each channel.
    pub scales: usize,
    /// Labels of the samples.
    pub labels: usize,
    /// Positions of the samples in their split.
    pub indices: usize,
    /// Windows of the samples, eight words each.
    pub windows: usize,
    /// All of it.
    pub len: usize,
}

/// Launches that run one after the other on one batch.
#[derive(Clone, Debug)]
pub struct CudaPhase {
    /// `step`, `perturb`, `descend`, `eval` or `size`.
    pub name: String,
    /// In order.
    pub launches: Vec<Launch>,
    /// Results that are scalars, as double precision numbers of the replica's memory, in floats.
    pub scalars: Scalars,
    /// Where the logits lie.
    pub logits: Option<Place>,
    /// Position of the phase in a report.
    pub position: usize,
    /// The place of the loss in the source.
    pub loss_origin: Option<Span>,
}

/// A tensor with a row for each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it begins, in floats.
    pub offset: usize,
    /// Floats of a sample.
    pub len: usize,
}

/// Where the results of a phase lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scalars {
    /// Mean loss over the batch.
    pub loss: Option<usize>,
    /// Samples with a positive margin.
    pub correct: Option<usize>,
    /// Samples with a margin of at least delta.
    pub well: Option<usize>,
    /// R.
    pub size: Option<usize>,
}

/// One launch: tasks that do not read each other, side by side.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The name of its kernel.
    pub name: String,
    /// Its tasks, each with blocks of its own.
    pub tasks: Vec<Task>,
    /// Blocks of one replica.
    pub blocks: usize,
    /// Bytes of shared memory of a block.
    pub shared: usize,
    /// The text of the kernel and of its tasks.
    pub source: String,
}

/// What some blocks of a launch compute.
#[derive(Clone, Debug)]
pub struct Task {
    /// The kernel in words.
    pub kind: TaskKind,
    /// Blocks.
    pub blocks: usize,
    /// Nodes that it computes.
    pub n_members: usize,
    /// Values of these that it leaves in memory.
    pub n_stored: usize,
    /// What is written in place, by name.
    pub writes: Vec<ir::Written>,
    /// What the first of its nodes does.
    pub word: String,
    /// Shape of that node's result.
    pub shape: Shape,
    /// The place in the source.
    pub origin: Span,
    /// The layer it belongs to.
    pub layer: Option<LayerId>,
    /// What it does of the graph.
    pub work: Work,
}

/// Kinds of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Bytes of samples to numbers.
    Gather,
    /// Element by element.
    Elements,
    /// A warp for each row of class values.
    Rows,
    /// Sums, in so many parts.
    Sums {
        /// Parts of each sum.
        parts: usize,
    },
    /// Single numbers.
    Scalars,
    /// A matrix product by tiles, its sums in so many parts.
    Product {
        /// Rows and columns of a tile.
        tile: [usize; 2],
        /// Parts of each sum.
        parts: usize,
    },
    /// A convolution of small pictures, a block for some samples, its sums in so many parts.
    Direct {
        /// Channels of the output that a thread computes.
        channels: usize,
        /// Parts of each sum.
        parts: usize,
    },
    /// The largest singular value.
    Spectral,
}

impl TaskKind {
    /// The word for the kind in plans.
    pub fn name(self) -> String {
        match self {
            Self::Gather => "gather".to_owned(),
            Self::Elements => "elements".to_owned(),
            Self::Rows => "rows".to_owned(),
            Self::Sums { parts } => format!("sums parts={parts}"),
            Self::Scalars => "scalars".to_owned(),
            Self::Product { tile: [rows, columns], parts } => {
                format!("product tile={rows}x{columns} parts={parts}")
            }
            Self::Direct { channels, parts } => format!("direct channels={channels} parts={parts}"),
            Self::Spectral => "spectral".to_owned(),
        }
    }
}
