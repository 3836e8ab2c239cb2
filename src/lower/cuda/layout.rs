//! Where each value of a phase lies in the memory of a replica.
//!
//! Values of one phase share memory where no level needs both. Offsets are in floats; single numbers and singular values are in
//! double precision, at even offsets.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::selection::Selection;
use crate::ir::{NodeId, Op};

/// Floats that every tensor starts at a multiple of: 256 bytes.
pub(super) const ALIGN: usize = 64;

/// Most vectors of the basis of a singular value, as in `spectral.cu`.
pub(super) const LANCZOS: usize = 128;

/// Offsets of one phase.
pub(super) struct Layout {
    offsets: BTreeMap<NodeId, usize>,
    /// Where parameters lie, then kept tensors.
    pub(super) kept: Vec<usize>,
    pub(super) n_params: usize,
    pub(super) input: usize,
    /// The end of the single numbers, which come first.
    pub(super) scalars_end: usize,
    /// The end of the memory of the phase.
    pub(super) end: usize,
}

impl Layout {
    /// Lays out what the selection wants in memory, from `begin` on.
    pub(super) fn new(
        facts: &Facts<'_>,
        selection: &Selection,
        kept: &[usize],
        input: usize,
        begin: usize,
    ) -> Self {
        let mut layout = Self {
            offsets: BTreeMap::new(),
            kept: kept.to_vec(),
            n_params: facts.graph.params.len(),
            input,
            scalars_end: begin,
            end: begin,
        };
        let mut placed: Vec<Placed> = vec![];
        let (scalars, tensors): (Vec<Life>, Vec<Life>) =
            lifetimes(facts, selection).into_iter().partition(|life| facts.is_scalar(life.node));
        for life in scalars {
            layout.offsets.insert(life.node, layout.scalars_end);
            layout.scalars_end += life.len;
        }
        layout.scalars_end = layout.scalars_end.next_multiple_of(ALIGN);
        layout.end = layout.scalars_end;
        for life in tensors {
            let offset = lowest(&placed, &life, layout.scalars_end);
            layout.end = layout.end.max(offset + life.len);
            layout.offsets.insert(life.node, offset);
            placed.push(Placed { offset, life });
        }
        layout
    }

    /// Where a stored value lies.
    pub(super) fn offset(&self, id: NodeId) -> usize {
        *self.offsets.get(&id).expect("what is read from memory has a place")
    }
}

/// How long a value is needed.
#[derive(Clone, Copy)]
struct Life {
    node: NodeId,
    len: usize,
    first: usize,
    last: usize,
}

struct Placed {
    offset: usize,
    life: Life,
}

fn lowest(placed: &[Placed], life: &Life, begin: usize) -> usize {
    let mut taken: Vec<(usize, usize)> = placed
        .iter()
        .filter(|other| other.life.first <= life.last && life.first <= other.life.last)
        .map(|other| (other.offset, other.offset + other.life.len))
        .collect();
    taken.sort_unstable();
    let mut offset = begin;
    for (from, to) in taken {
        if offset + life.len <= from {
            break;
        }
        offset = offset.max(to);
    }
    offset
}

fn lifetimes(facts: &Facts<'_>, selection: &Selection) -> Vec<Life> {
    let end = selection.n_levels();
    let mut lives: BTreeMap<NodeId, Life> = BTreeMap::new();
    for id in &facts.live {
        let Some(task) = selection.home(*id) else { continue };
        let is_elsewhere = matches!(facts.op(*id), Op::Input);
        if !selection.in_memory[id.0 as usize] || is_elsewhere {
            continue;
        }
        let level = selection.tasks[task].level;
        let len = len_of(facts, selection, *id);
        let len = if facts.is_scalar(*id) { len } else { len.next_multiple_of(ALIGN) };
        let last = if facts.is_wanted(*id) { end } else { level };
        lives.insert(*id, Life { node: *id, len, first: level, last });
    }
    for task in &selection.tasks {
        let of_members = task.all().flat_map(|member| selection.reads(member));
        let read = of_members.map(|read| read.node).chain(task.all());
        for node in read.chain(task.writes.iter().map(|write| write.value)) {
            if let Some(life) = lives.get_mut(&node) {
                life.last = life.last.max(task.level);
            }
        }
    }
    lives.into_values().collect()
}

/// Floats of a stored value.
fn len_of(facts: &Facts<'_>, selection: &Selection, id: NodeId) -> usize {
    if *facts.op(id) == Op::SpectralNorm {
        let [rows, columns] = matrix(facts, id);
        let (few, many) = (rows.min(columns), rows.max(columns));
        return 2 * (1 + rows + columns + many + (LANCZOS + 2) * few);
    }
    let parts = selection.parts(id);
    if facts.is_scalar(id) {
        return 2 * parts;
    }
    facts.elements(id) * parts
}

/// Rows and columns of the operand of a singular value.
pub(super) fn matrix(facts: &Facts<'_>, id: NodeId) -> [usize; 2] {
    let shape = facts.shape(facts.inputs(id)[0]);
    let rows = shape.dims.first().copied().unwrap_or(1);
    [rows, shape.elements() / rows.max(1)]
}
