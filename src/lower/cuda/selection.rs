//! What is chosen for one graph: tasks with their levels and members, and which values are kept in memory.

use super::product::Tiling;
use crate::ir::{NodeId, Update};

/// Position of a task in [`Selection::tasks`].
pub(super) type TaskIdx = usize;

/// What a task does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Gather,
    Elements,
    Rows,
    Sums { parts: usize },
    Scalars,
    Product { tiling: Box<Tiling> },
    Spectral,
}

/// Values that are computed together.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) body: Body,
    pub(super) level: usize,
    /// What is computed, operands first.
    pub(super) members: Vec<NodeId>,
    /// What is written at the end, all after all values are computed.
    pub(super) writes: Vec<Update>,
    /// A pool whose windows a product computes together.
    pub(super) pool: Option<PoolBehind>,
}

impl Home {
    /// Everything that is computed.
    pub(super) fn all(&self) -> impl Iterator<Item = NodeId> + '_ {
        let behind = self.pool.iter().flat_map(|pool| pool.members.iter());
        self.members.iter().chain(behind).copied()
    }
}

/// What a product computes behind its own elements, in pictures of another size: pools of 2 × 2 without overlap.
#[derive(Clone, Debug)]
pub(super) struct PoolBehind {
    /// The pool, which gathers windows of a member, or its gradient, which spreads an element over its window.
    pub(super) node: NodeId,
    pub(super) is_gradient: bool,
    /// The pool and what is computed from it at the same element; operands first.
    pub(super) members: Vec<NodeId>,
}

/// What a value is read through: a stored value, a leaf, and whether only at the same element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Read {
    pub(super) node: NodeId,
    pub(super) same: bool,
}

/// The choices for one graph.
pub(super) struct Selection {
    pub(super) tasks: Vec<Home>,
    /// The task that computes a stored value.
    pub(super) home: Vec<Option<TaskIdx>>,
    /// Whether another task, or the host, reads the value from memory.
    pub(super) in_memory: Vec<bool>,
    /// What each value is computed from, as far as it is computed by its reader.
    pub(super) reads: Vec<Vec<Read>>,
}

impl Selection {
    /// The task that computes a stored value; `None` for leaves and for what readers compute.
    pub(super) fn home(&self, id: NodeId) -> Option<TaskIdx> {
        self.home[id.0 as usize]
    }

    /// Parts that the value is stored in.
    pub(super) fn parts(&self, id: NodeId) -> usize {
        match self.home(id).map(|task| &self.tasks[task].body) {
            Some(Body::Sums { parts }) => *parts,
            // What is computed behind a product is computed of whole sums.
            Some(Body::Product { tiling }) => tiling.parts,
            Some(Body::Gather | Body::Elements | Body::Rows | Body::Scalars | Body::Spectral)
            | None => 1,
        }
    }

    /// The number of levels.
    pub(super) fn n_levels(&self) -> usize {
        self.tasks.iter().map(|task| task.level + 1).max().unwrap_or(0)
    }

    /// What a member is computed from.
    pub(super) fn reads(&self, id: NodeId) -> &[Read] {
        &self.reads[id.0 as usize]
    }
}
