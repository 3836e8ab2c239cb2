//! What the plans of all targets share: the tables that ids point into, the phases of a run, and names of values.

use std::collections::BTreeMap;

use super::{ExecError, HostTensor, State, StateEntry};
use crate::grad::Joint;
use crate::ir::{self, Graph, Shape};

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

/// How matrix products are taken in single precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// By fused multiply-adds.
    #[default]
    F32,
    /// On tensor cores of a GPU: factors are rounded to 10 bits of mantissa (TF32), sums are single precision.
    Tf32,
}

/// A value of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// A write at the end of a phase; all of a phase happen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// The new value.
    pub value: ValueId,
    /// What is written.
    pub target: ir::Written,
}

/// What the graphs of a run have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Parameters by their id.
    pub params: Vec<ir::Param>,
    /// Tensors kept between steps by their id.
    pub buffers: Vec<ir::Buffer>,
    /// Layers by their id.
    pub layers: Vec<ir::Layer>,
}

impl Tables {
    /// The tables of a graph; those of one run are alike.
    pub fn of(graph: &Graph) -> Self {
        Self {
            params: graph.params.clone(),
            buffers: graph.buffers.clone(),
            layers: graph.layers.clone(),
        }
    }

    /// The name of a layer.
    pub fn layer(&self, id: ir::LayerId) -> &str {
        &self.layers[id.0 as usize].name
    }

    /// The name of what a write changes.
    pub fn written(&self, target: ir::Written) -> &str {
        match target {
            ir::Written::Param(id) => &self.params[id.0 as usize].name,
            ir::Written::Buffer(id) => &self.buffers[id.0 as usize].name,
        }
    }

    /// The values of a state in single precision: those of the parameters, then those of kept tensors, each in the order of
    /// its table.
    ///
    /// # Errors
    /// [`ExecError::Shape`] where one is missing or has another shape.
    pub fn floats_of(&self, state: &State) -> Result<Vec<Vec<f32>>, ExecError> {
        let by_name = |entries: &[StateEntry]| -> BTreeMap<String, usize> {
            entries.iter().enumerate().map(|(at, entry)| (entry.name.clone(), at)).collect()
        };
        let (params, buffers) = (by_name(&state.params), by_name(&state.buffers));
        let wanted = self.params.iter().map(|p| (&p.name, &p.shape, &params, &state.params));
        let kept = self.buffers.iter().map(|b| (&b.name, &b.shape, &buffers, &state.buffers));
        let values =
            |(name, shape, table, entries): (&String, &Shape, &BTreeMap<_, _>, &Vec<_>)| {
                let entry: Option<&StateEntry> = table.get(name).map(|at: &usize| &entries[*at]);
                let values: Option<Vec<f32>> = entry.map(|entry| match &entry.values {
                    HostTensor::F32(values) => values.clone(),
                    HostTensor::F64(values) => values.iter().map(|v| *v as f32).collect(),
                });
                match (entry, values) {
                    (Some(entry), Some(values))
                        if entry.shape == shape.dims && values.len() == shape.elements() =>
                    {
                        Ok(values)
                    }
                    (entry, _) => Err(ExecError::Shape {
                        name: name.clone(),
                        found: entry.map(|entry| entry.shape.clone()).unwrap_or_default(),
                        expected: shape.dims.clone(),
                    }),
                }
            };
        wanted.chain(kept).map(values).collect()
    }

    /// Elements of all parameters, saturating.
    pub fn param_elements(&self) -> usize {
        self.params.iter().fold(0, |sum: usize, p| sum.saturating_add(p.shape.elements()))
    }

    /// Elements of all tensors kept between steps, saturating.
    pub fn buffer_elements(&self) -> usize {
        self.buffers.iter().fold(0, |sum: usize, b| sum.saturating_add(b.shape.elements()))
    }
}

/// Which phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseId {
    /// The phase of a training step at this position.
    Train(usize),
    /// Evaluation.
    Eval,
    /// R(θ) alone.
    Size,
}

/// The results of a phase; those that executors report are found once, by the names that [`Joint`] gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseOutputs {
    /// Logits `[n, k]`, in evaluation mode.
    pub logits: Option<ValueId>,
    /// Mean loss over the batch.
    pub loss: Option<ValueId>,
    /// Samples with a positive margin.
    pub correct: Option<ValueId>,
    /// Samples with a margin of at least delta, where one is known.
    pub well: Option<ValueId>,
    /// R of the parameters, where the phase has it.
    pub size: Option<ValueId>,
    /// All by name, for text and for graphs that belong to no run.
    pub named: BTreeMap<String, ValueId>,
}

impl PhaseOutputs {
    /// Sorts results by what they are.
    pub fn new(named: BTreeMap<String, ValueId>) -> Self {
        let find = |name: &str| named.get(name).copied();
        Self {
            logits: find("logits"),
            loss: find("loss"),
            correct: find("correct"),
            well: find("well"),
            size: find("R"),
            named,
        }
    }
}

/// Something for each phase of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Phases<P> {
    /// The phases of a training step.
    pub train: Vec<P>,
    /// Logits and loss in evaluation mode.
    pub eval: P,
    /// R(θ), where defined.
    pub size: Option<P>,
}

impl<P> Phases<P> {
    /// Lowers each graph of a run, with the name of its phase: `step`, `perturb`, `descend`, `eval` or `size`.
    pub fn of(joint: &Joint, mut lower: impl FnMut(&str, &Graph) -> P) -> Self {
        Self {
            train: joint.train.iter().map(|phase| lower(phase.name, &phase.graph)).collect(),
            eval: lower("eval", &joint.eval),
            size: joint.size.as_ref().map(|graph| lower("size", graph)),
        }
    }

    /// What is there for one phase; `None` for a size that is not defined and for a position past the last.
    pub fn get(&self, id: PhaseId) -> Option<&P> {
        match id {
            PhaseId::Train(position) => self.train.get(position),
            PhaseId::Eval => Some(&self.eval),
            PhaseId::Size => self.size.as_ref(),
        }
    }

    /// The same phases with something else for each.
    ///
    /// # Errors
    /// The first that `make` gives.
    pub fn try_map<Q, E>(&self, mut make: impl FnMut(&P) -> Result<Q, E>) -> Result<Phases<Q>, E> {
        Ok(Phases {
            train: self.train.iter().map(&mut make).collect::<Result<_, E>>()?,
            eval: make(&self.eval)?,
            size: self.size.as_ref().map(make).transpose()?,
        })
    }

    /// All phases: training, evaluation, size.
    pub fn iter(&self) -> impl Iterator<Item = &P> {
        self.train.iter().chain([&self.eval]).chain(&self.size)
    }
}
