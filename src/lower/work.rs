//! What a step does of the graph: for whom, in which part, and how many operations that is.

use std::collections::BTreeMap;

use crate::ir::{Flops, Graph, LayerId, NodeId, Part, flops};

/// The operations of one step that belong to one part and layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: Part,
    /// The layer; none for the loss, measures and scalars.
    pub layer: Option<LayerId>,
    /// How many.
    pub flops: Flops,
}

/// What one step computes. Its time can only be booked as a whole: on the part that most of its operations belong to, and
/// there on the layer that has most of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The part that the step is booked on.
    pub part: Part,
    /// The layer that the step is booked on.
    pub layer: Option<LayerId>,
    /// All that it computes, each pair of part and layer once.
    pub shares: Vec<Share>,
}

impl Work {
    /// The work of computing `nodes`; `node` says for whom where they count no operations.
    pub fn of(graph: &Graph, nodes: &[NodeId], node: NodeId) -> Self {
        let mut sums: BTreeMap<(Part, Option<LayerId>), Flops> = BTreeMap::new();
        for id in nodes {
            let key = (graph[*id].part, graph[*id].layer);
            sums.entry(key).or_default().add(flops(graph, *id));
        }
        let shares = sums.into_iter().map(|((part, layer), flops)| Share { part, layer, flops });
        let mut work = Self { shares: shares.collect(), ..Self::default() };
        (work.part, work.layer) = (graph[node].part, graph[node].layer);
        if work.flops() != Flops::default() {
            let size = |flops: Flops| (flops.per_sample, flops.fixed);
            let parts = [Part::Update, Part::Backward, Part::Forward];
            let largest = parts.into_iter().max_by_key(|part| size(work.flops_of(*part)));
            work.part = largest.unwrap_or_default();
            let shares = work.shares.iter().filter(|share| share.part == work.part);
            work.layer = shares.max_by_key(|share| size(share.flops)).and_then(|share| share.layer);
        }
        work
    }

    /// All operations.
    pub fn flops(&self) -> Flops {
        self.sum(|_| true)
    }

    /// Operations of one part.
    pub fn flops_of(&self, part: Part) -> Flops {
        self.sum(|share| share.part == part)
    }

    fn sum(&self, is_wanted: impl Fn(&Share) -> bool) -> Flops {
        let mut sum = Flops::default();
        for share in self.shares.iter().filter(|share| is_wanted(share)) {
            sum.add(share.flops);
        }
        sum
    }
}
