//! What each unit does of the graph.
//!
//! In: units in the order in which they run. Out: for each, the work of the nodes between what it reads and what it writes.
//! Invariant: no node counts twice; what several units compute, each for itself, counts with the first.

use std::collections::BTreeSet;

use super::facts::{Facts, idx};
use super::kernels::{CpuKernel, WholeKernel};
use super::units::{Memory, Unit};
use crate::ir::{NodeId, Op};
use crate::lower::Work;

/// The work of each unit of `order`.
pub(super) fn works(facts: &Facts<'_>, units: &[Unit], order: &[usize]) -> Vec<Work> {
    let made: Vec<Vec<NodeId>> = units.iter().map(|unit| results(unit, units)).collect();
    let written: BTreeSet<NodeId> = made.iter().flatten().copied().collect();
    let mut seen = vec![false; facts.graph.len()];
    let mut cover = |own: &[NodeId]| {
        let (mut nodes, mut next) = (vec![], own.to_vec());
        while let Some(id) = next.pop() {
            let is_leaf = matches!(facts.op(id), Op::Labels | Op::Param(_) | Op::Buffer(_));
            let is_given = written.contains(&facts.storage(id)) && !own.contains(&id);
            if seen[idx(id)] || is_leaf || is_given {
                continue;
            }
            seen[idx(id)] = true;
            nodes.push(id);
            next.extend(facts.inputs(id));
        }
        nodes.sort_unstable();
        nodes
    };
    let work = |number: &usize| Work::of(facts.graph, &cover(&made[*number]), units[*number].node);
    order.iter().map(work).collect()
}

/// The nodes whose values a unit makes. Sums over groups are made by the unit that leaves the parts, not by the one that adds
/// them; packed weights and masked copies are no nodes.
fn results(unit: &Unit, units: &[Unit]) -> Vec<NodeId> {
    if adds_parts(&unit.kernel) {
        return vec![];
    }
    let nodes = |unit: &Unit| -> Vec<NodeId> {
        let node = |memory: &Memory| match memory {
            Memory::Node(node) => Some(*node),
            Memory::Aux(_) => None,
        };
        unit.writes.iter().filter_map(node).collect()
    };
    let adders = units.iter().filter(|other| {
        adds_parts(&other.kernel) && other.reads.iter().any(|r| unit.writes.contains(r))
    });
    adders.fold(nodes(unit), |all, adder| [all, nodes(adder)].concat())
}

fn adds_parts(kernel: &CpuKernel) -> bool {
    let CpuKernel::Whole(kernel) = kernel else { return false };
    matches!(
        kernel,
        WholeKernel::Reduce(_) | WholeKernel::ReduceScalar | WholeKernel::ReduceMoments { .. }
    )
}
