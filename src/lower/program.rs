//! What training asks of an executor; each target implements [`Program`].

use std::collections::BTreeMap;
use std::fmt;

use super::Motion;
use crate::diag::Span;
use crate::ir::AVERAGE;
use crate::kernels::augment::Window;

/// Precision of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DType {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point, for checks.
    F64,
}

impl DType {
    /// Size of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// Elements of a tensor on the host, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum HostTensor {
    /// 32-bit.
    F32(Vec<f32>),
    /// 64-bit.
    F64(Vec<f64>),
}

impl HostTensor {
    /// Whether every element is finite.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::F32(values) => values.iter().all(|value| value.is_finite()),
            Self::F64(values) => values.iter().all(|value| value.is_finite()),
        }
    }

    /// The first element, if there is one.
    pub fn first(&self) -> Option<f64> {
        match self {
            Self::F32(values) => values.first().map(|value| f64::from(*value)),
            Self::F64(values) => values.first().copied(),
        }
    }
}

/// One tensor of a run's state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateEntry {
    /// Name of the parameter or buffer.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements in the dtype of the run.
    pub values: HostTensor,
}

/// Everything that a step changes: parameters in the order of the tables, then buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Parameters, scales of the loss included.
    pub params: Vec<StateEntry>,
    /// Running statistics, optimiser state and others.
    pub buffers: Vec<StateEntry>,
}

impl State {
    /// The state as evaluation sees it: averages in the place of what they are averages of.
    #[must_use]
    pub fn measured(self) -> Self {
        let of = |buffer: &StateEntry| {
            let name = buffer.name.strip_suffix(AVERAGE)?.to_owned();
            Some(StateEntry { name, ..buffer.clone() })
        };
        let averages: Vec<StateEntry> = self.buffers.iter().filter_map(of).collect();
        self.with(&averages)
    }

    /// The state with other values for these tensors, and for their averages.
    #[must_use]
    pub fn with(mut self, tensors: &[StateEntry]) -> Self {
        let given: BTreeMap<&str, &HostTensor> =
            tensors.iter().map(|tensor| (tensor.name.as_str(), &tensor.values)).collect();
        for entry in self.params.iter_mut().chain(&mut self.buffers) {
            let name = entry.name.strip_suffix(AVERAGE).unwrap_or(&entry.name);
            if let Some(values) = given.get(name) {
                entry.values.clone_from(values);
            }
        }
        self
    }
}

/// Samples that a program can gather itself, so that no target needs a copy in a layout it does not want.
pub trait Samples: Sync {
    /// Elements of one sample.
    fn sample_len(&self) -> usize;

    /// Writes the samples of `batch`, normalised and augmented, one after the other in `[c, h, w]` order.
    fn gather_f32(&self, batch: &Batch<'_>, out: &mut [f32]);

    /// The same in double precision.
    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]);

    /// Writes the labels of `batch`.
    fn labels(&self, batch: &Batch<'_>, out: &mut [u32]);

    /// The bytes behind the samples and the map to reals, for targets that decode them themselves.
    fn raw(&self) -> Option<RawSamples<'_>> {
        None
    }

    /// How the samples of `batch` are shifted, mirrored and cut, one window each, where [`Samples::raw`] gives bytes; `false`
    /// when they are taken as they are, and `out` is left alone.
    fn windows(&self, _batch: &Batch<'_>, _out: &mut [Window]) -> bool {
        false
    }
}

/// Undecoded samples: value = byte · scale + shift of its channel.
#[derive(Clone, Copy, Debug)]
pub struct RawSamples<'a> {
    /// All samples, one after the other.
    pub bytes: &'a [u8],
    /// `(scale, shift)` per channel, or one for all.
    pub normalization: &'a [(f64, f64)],
}

/// Which samples a step sees.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// Where samples come from.
    pub samples: &'a dyn Samples,
    /// Positions in the split; their number is the batch, short ones included.
    pub indices: &'a [u32],
    /// Epoch from 1, for augmentation; 0 turns augmentation off.
    pub epoch: u64,
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("indices", &self.indices).field("epoch", &self.epoch).finish()
    }
}

/// Numbers that change from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HyperValues {
    /// Learning rate after the schedule.
    pub lr: f64,
    /// Step of the run, from 1; dropout masks and the bias corrections of Adam follow from it.
    pub step: u64,
}

/// What one phase of a step reports, before its updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutput {
    /// Mean loss over the batch.
    pub loss: f64,
    /// Samples with a positive margin.
    pub correct: u64,
    /// Samples with a margin of at least delta, where one is known.
    pub well: Option<u64>,
    /// R of the parameters, where defined.
    pub size: Option<f64>,
}

/// An executor with its tensors.
pub trait Program: Send {
    /// One training step: all phases on one batch, updates included. One output per phase.
    ///
    /// # Errors
    /// [`ExecError`] when a value stops being finite or the device fails.
    fn step(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<Vec<StepOutput>, ExecError>;

    /// Does what [`Program::step`] does and tells how far each parameter moved, in the order of the tables.
    ///
    /// # Errors
    /// As for the step, and when an update left something that is not finite.
    fn step_measured(
        &mut self,
        batch: &Batch<'_>,
        hyper: &HyperValues,
    ) -> Result<(Vec<StepOutput>, Vec<Motion>), ExecError>;

    /// Logits of a batch in evaluation mode, row-major `[n, k]` in the dtype of the run, with loss and counts.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    fn eval(&mut self, batch: &Batch<'_>) -> Result<(HostTensor, StepOutput), ExecError>;

    /// R(θ) in double precision, where defined.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails.
    fn size(&mut self) -> Result<Option<f64>, ExecError>;

    /// A copy of parameters and buffers.
    ///
    /// # Errors
    /// [`ExecError`] when the device fails or an update left something that is not finite.
    fn state(&self) -> Result<State, ExecError>;

    /// Replaces parameters and buffers; names and shapes are those of [`Program::state`].
    ///
    /// # Errors
    /// [`ExecError`] when the device fails or a shape differs.
    fn load(&mut self, state: &State) -> Result<(), ExecError>;

    /// Says which instruction set or device runs: `avx512`, `avx2`, `portable`, `cuda`.
    fn isa(&self) -> String;
}

/// What of the work would fit into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    /// So many runs at once, fewer than were asked for.
    Runs(usize),
    /// Not even one; about so many samples a batch.
    Batch(usize),
}

impl Fits {
    /// For runs of `per_run` bytes each, with batches of `batch` samples, where `free` bytes are free.
    pub fn of(free: usize, per_run: usize, batch: usize) -> Self {
        match free / per_run.max(1) {
            0 => Self::Batch((free as f64 / per_run as f64 * batch as f64) as usize),
            runs => Self::Runs(runs),
        }
    }
}

/// A program cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExecError {
    /// A value stopped being finite.
    #[error("{what} is not finite")]
    NotFinite {
        /// `loss`, `gradient of conv1.weight`, …
        what: String,
        /// The layer it belongs to.
        layer: Option<String>,
        /// Its place in the spec.
        origin: Option<Span>,
    },
    /// The device or a library under it failed.
    #[error("{message}")]
    Device {
        /// What it said.
        message: String,
    },
    /// The memory of the device does not suffice.
    #[error("{needed} bytes asked, {free} free")]
    Memory {
        /// Bytes asked for.
        needed: usize,
        /// Bytes free.
        free: usize,
        /// How much would fit, where it is known.
        fits: Option<Fits>,
    },
    /// A tensor to load has another shape.
    #[error("`{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Shape given.
        found: Vec<usize>,
        /// Shape of the program.
        expected: Vec<usize>,
    },
}
