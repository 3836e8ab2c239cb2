//! What a spec compiles to, stage by stage, as plain values: to be compared, kept and compared later.
//!
//! In: a compiled spec. Out: a [`Portrait`]; two of them give [`Difference`]s. Layers are a tree of the uses of blocks that they
//! stand in and are aligned as such, whatever their numbers. Invariant: a portrait depends on the spec alone, not on the machine.

mod align;
mod difference;
mod kept;
mod stages;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use difference::{Difference, Kind, counted, differences, text};
pub use kept::kept_stages;

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Items, settings, layers with their operations, shapes and parameters.
    Graph,
    /// Degrees, R, symmetries.
    Facts,
    /// Operations of a training step.
    Joint,
    /// Kernels, on a processor without vector instructions and on a GPU.
    Plan,
}

/// All stages in their order.
pub const STAGES: [Stage; 4] = [Stage::Graph, Stage::Facts, Stage::Joint, Stage::Plan];

impl Stage {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Facts => "facts",
            Self::Joint => "joint",
            Self::Plan => "plan",
        }
    }
}

/// What a spec compiles to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portrait {
    /// The stages, each with what it says of the spec and of its layers.
    pub stages: BTreeMap<Stage, Sheet>,
}

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// What is said of the whole, by key.
    pub whole: BTreeMap<String, String>,
    /// Layers in the order of the source, in the uses of blocks that they stand in.
    pub layers: Vec<Branch>,
}

/// A layer, or the use of a block with what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// `conv1`; of a block its call, `wide(64)`.
    pub name: String,
    /// `conv`, `wide`: what is aligned with its like.
    pub kind: String,
    /// What the stage says of a layer, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub has: BTreeMap<String, String>,
    /// What stands in the use of a block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Branch>,
}

impl Branch {
    /// Layers of it.
    pub fn n_layers(&self) -> usize {
        if self.inside.is_empty() { 1 } else { self.inside.iter().map(Self::n_layers).sum() }
    }

    /// Whether both say the same, whatever their names.
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.has == other.has
            && self.inside.len() == other.inside.len()
            && self.inside.iter().zip(&other.inside).all(|(a, b)| a.is_like(b))
    }
}
