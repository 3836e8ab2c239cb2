//! The plan of the reference: which operation runs when, on which values, and how long each value lives.
//!
//! It knows nothing of devices or tensors. Invariant: the steps of a phase are in an order in which every input is written
//! before it is read, and no value is read after its last use.

use crate::diag::Span;
use crate::ir::{self, Kind, LayerId, NodeId, Op, ParamId, Shape};
use crate::lower::{PhaseOutputs, Phases, Tables, ValueId, Write};

/// The work of a run, operation by operation.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferencePlan {
    /// What ids point into.
    pub tables: Tables,
    /// The work.
    pub phases: Phases<ReferencePhase>,
}

/// Steps that run one after the other on one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferencePhase {
    /// `step`, `perturb`, `descend`, `eval` or `size`.
    pub name: String,
    /// The operations in order.
    pub steps: Vec<ReferenceStep>,
    /// Values by their id.
    pub values: Vec<ReferenceValue>,
    /// Results.
    pub outputs: PhaseOutputs,
    /// Writes at the end.
    pub writes: Vec<Write>,
}

/// One operation of the graph as its documentation states it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceStep {
    /// What runs.
    pub op: Op,
    /// What it reads, in the order of its operands.
    pub inputs: Vec<ValueId>,
    /// What it writes.
    pub output: ValueId,
    /// The node it comes from.
    pub node: NodeId,
    /// The place in the source.
    pub origin: Span,
    /// The layer it belongs to.
    pub layer: Option<LayerId>,
}

/// What is known about a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceValue {
    /// Shape with the symbolic batch.
    pub shape: Shape,
    /// Reals or indices.
    pub kind: Kind,
    /// Whose memory it uses.
    pub owner: Owner,
    /// The step that writes it.
    pub first: usize,
    /// The last step that reads it, views of it included; the number of steps where an output or an update does.
    pub last: usize,
}

/// Whose memory a value uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Its own, from its first use to its last.
    Own,
    /// That of another value of the phase, whose elements it shows under its own shape.
    View(ValueId),
    /// That of a parameter, which nothing writes before the end of the phase.
    Param(ParamId),
    /// That of a tensor kept between steps.
    Buffer(ir::BufferId),
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

impl ReferencePhase {
    /// A value by its id.
    pub fn value(&self, id: ValueId) -> &ReferenceValue {
        &self.values[id.0 as usize]
    }

    /// The values whose last use is step `idx`.
    pub fn released(&self) -> Vec<Vec<ValueId>> {
        let mut released = vec![vec![]; self.steps.len()];
        for (idx, value) in self.values.iter().enumerate() {
            if let Some(list) = released.get_mut(value.last) {
                list.push(ValueId(idx as u32));
            }
        }
        released
    }

    /// What lives at once, for each step. Workspace inside an operation is not counted.
    pub fn live(&self) -> Vec<Footprint> {
        let mut live = vec![Footprint::default(); self.steps.len()];
        for value in self.values.iter().filter(|value| value.owner == Owner::Own) {
            let end = value.last.min(self.steps.len().saturating_sub(1));
            for at in &mut live[value.first..=end] {
                let size = if value.shape.batched { &mut at.per_sample } else { &mut at.fixed };
                *size = size.saturating_add(value.shape.elements());
            }
        }
        live
    }

    /// The most demanding step for large batches.
    pub fn peak_footprint(&self) -> Footprint {
        self.live().into_iter().max_by_key(|at| (at.per_sample, at.fixed)).unwrap_or_default()
    }
}
