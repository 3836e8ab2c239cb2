//! The plan: which kernel runs when, on which buffers, and how long each buffer lives.
//!
//! A plan knows nothing of devices or tensors. Executors walk its phases; `--emit plan` prints it.
//! Invariant: the steps of a phase are in an order in which every input is written before it is read,
//! and no buffer is read after its last use.

use std::collections::BTreeMap;

use crate::diag::Span;
use crate::ir::{self, Kind, LayerId, NodeId, Op, ParamId, Shape};

use super::DType;

/// Where a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Op by op on library tensors (`--no-fuse`); what every other target is compared with.
    Reference,
    /// Fused kernels over one arena.
    Cpu,
    /// Kernels compiled for one GPU.
    Cuda,
}

impl Target {
    /// The word for the target in plans and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// A buffer of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

/// How many copies of a buffer a step needs, and how often its content changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One part per sample of the batch.
    Sample,
    /// One, of parameters or of what is summed over the batch.
    Parameter,
    /// One, with the same content at every step.
    Constant,
}

/// Whose memory a buffer uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Its own, from its first use to its last.
    Own,
    /// That of another buffer of the phase, whose elements it shows under its own shape.
    View(SlotId),
    /// That of a parameter, which nothing writes before the end of the phase.
    Param(ParamId),
    /// That of a tensor kept between steps.
    Buffer(ir::BufferId),
}

/// What is known about a buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Shape with the symbolic batch.
    pub shape: Shape,
    /// Reals or indices.
    pub kind: Kind,
    /// Per sample, per parameter, constant.
    pub scope: Scope,
    /// Whose memory it uses.
    pub place: Place,
    /// The step that writes it.
    pub first: usize,
    /// The last step that reads it, views of it included; the number of steps where an output or an update does.
    pub last: usize,
}

/// What a step runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// One operation of the graph as its documentation states it.
    Op(Op),
}

/// One call of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What runs.
    pub kernel: Kernel,
    /// What it reads, in the order of the kernel's operands.
    pub inputs: Vec<SlotId>,
    /// What it writes.
    pub outputs: Vec<SlotId>,
    /// The node it comes from; the last one where several are fused.
    pub node: NodeId,
    /// The place in the source.
    pub origin: Span,
    /// The layer it belongs to.
    pub layer: Option<LayerId>,
}

/// A write at the end of a phase; all of a phase happen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// What is written.
    pub target: ir::Target,
    /// The new value.
    pub value: SlotId,
}

/// Steps that run one after the other on one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// `step`, `perturb`, `descend`, `eval` or `size`.
    pub name: String,
    /// The calls in order.
    pub steps: Vec<Step>,
    /// Buffers by [`SlotId`].
    pub slots: Vec<Slot>,
    /// Results by name.
    pub outputs: BTreeMap<String, SlotId>,
    /// Writes at the end.
    pub writes: Vec<Write>,
}

/// The ordered work of a run for one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where it runs.
    pub target: Target,
    /// Parameters by their id.
    pub params: Vec<ir::Param>,
    /// Tensors kept between steps by their id.
    pub buffers: Vec<ir::Buffer>,
    /// Layers by their id.
    pub layers: Vec<ir::Layer>,
    /// The phases of a training step.
    pub train: Vec<Stage>,
    /// Logits and loss in evaluation mode.
    pub eval: Stage,
    /// R(θ), where defined.
    pub size: Option<Stage>,
}

/// Memory that a phase needs at once beside parameters and kept tensors, as elements: `fixed + n · per_sample`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Footprint {
    /// Whatever the batch.
    pub fixed: usize,
    /// For each sample.
    pub per_sample: usize,
}

impl Footprint {
    /// Elements for a batch of `n`; saturates.
    pub fn elements(self, n: usize) -> usize {
        self.per_sample.saturating_mul(n).saturating_add(self.fixed)
    }
}

impl Stage {
    /// A buffer by its id.
    pub fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.0 as usize]
    }

    /// The slot behind a named result.
    pub fn output(&self, name: &str) -> Option<SlotId> {
        self.outputs.get(name).copied()
    }

    /// The buffers whose last use is step `idx`.
    pub fn released(&self) -> Vec<Vec<SlotId>> {
        let mut released = vec![vec![]; self.steps.len()];
        for (idx, slot) in self.slots.iter().enumerate() {
            if let Some(list) = released.get_mut(slot.last) {
                list.push(SlotId(idx as u32));
            }
        }
        released
    }

    /// What lives at once, for each step. Workspace inside a kernel is not counted.
    pub fn live(&self) -> Vec<Footprint> {
        let mut live = vec![Footprint::default(); self.steps.len()];
        for slot in &self.slots {
            if slot.place != Place::Own {
                continue;
            }
            let end = slot.last.min(self.steps.len().saturating_sub(1));
            for at in &mut live[slot.first..=end] {
                let size = if slot.shape.batched { &mut at.per_sample } else { &mut at.fixed };
                *size = size.saturating_add(slot.shape.elements());
            }
        }
        live
    }

    /// Elements at the most demanding step for a batch of `n`.
    pub fn peak(&self, n: usize) -> usize {
        self.live().into_iter().map(|at| at.elements(n)).max().unwrap_or(0)
    }

    /// The most demanding step for large batches.
    pub fn peak_footprint(&self) -> Footprint {
        self.live().into_iter().max_by_key(|at| (at.per_sample, at.fixed)).unwrap_or_default()
    }
}

impl Plan {
    /// The stages in the order of printing: training, evaluation, size.
    pub fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.train.iter().chain(std::iter::once(&self.eval)).chain(&self.size)
    }

    /// Elements of all parameters, saturating.
    pub fn param_elements(&self) -> usize {
        self.params.iter().fold(0, |sum: usize, p| sum.saturating_add(p.shape.elements()))
    }

    /// Elements of all tensors kept between steps, saturating.
    pub fn buffer_elements(&self) -> usize {
        self.buffers.iter().fold(0, |sum: usize, b| sum.saturating_add(b.shape.elements()))
    }

    /// Bytes of a run at its most demanding moment for a batch of `n`, saturating: an estimate from above, without
    /// the workspace of kernels.
    pub fn memory_bytes(&self, n: usize, dtype: DType) -> usize {
        let activations = self.stages().map(|stage| stage.peak(n)).max().unwrap_or(0);
        self.param_elements()
            .saturating_add(self.buffer_elements())
            .saturating_add(activations)
            .saturating_mul(dtype.bytes())
    }
}
