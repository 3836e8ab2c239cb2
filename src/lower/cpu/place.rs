//! Orders units, cuts them into stages and segments, and gives every value its memory.
//!
//! Invariant: two values share memory only where one is dead before the other is written, in the order in which their
//! area is run through: steps for fixed values, stages for what groups keep, segments and steps inside a worker.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

use super::covers::works;
use super::facts::Facts;
use super::kernels::{CpuKernel, WholeKernel};
use super::select::Selection;
use super::types::{AreaSizes, CpuPhase, CpuStage, CpuStep, CpuValue, Place, StageKind};
use super::units::{Aux, Memory, Unit};
use crate::ir::{Graph, Kind, NodeId, Op, Shape, Written};
use crate::kernels::LANES;
use crate::kernels::memory::{Area, Buffer};
use crate::lower::{PhaseOutputs, ValueId, Write};

/// Turns the units of a graph into a phase. `kept` says where parameters, then buffers lie.
pub(super) fn place(
    name: &str,
    graph: &Graph,
    facts: &Facts<'_>,
    selection: &Selection,
    kept: &[Buffer],
    kept_len: usize,
) -> CpuPhase {
    let order = order(&selection.units);
    let stages = stages(&selection.units, &order);
    let mut placer = Placer::new(graph, facts, selection, kept, &order, &stages);
    let writes = placer.updates();
    let in_place = placer.in_place(&writes);
    placer.assign(&in_place, kept_len);
    placer.finish(name, writes, &in_place, stages)
}

/// Units by number, each after what it reads, earlier stages first, then in the order of the graph.
fn order(units: &[Unit]) -> Vec<usize> {
    let mut writer = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        for memory in &unit.writes {
            writer.insert(*memory, number);
        }
    }
    let mut waits = vec![0; units.len()];
    let mut followers: Vec<Vec<usize>> = vec![vec![]; units.len()];
    for (number, unit) in units.iter().enumerate() {
        let mut sources: Vec<usize> =
            unit.reads.iter().filter_map(|memory| writer.get(memory).copied()).collect();
        sources.sort_unstable();
        sources.dedup();
        for source in sources {
            if source != number {
                followers[source].push(number);
                waits[number] += 1;
            }
        }
    }
    let priority = |number: usize| Reverse((units[number].key, units[number].node, number));
    let mut ready: BinaryHeap<_> =
        (0..units.len()).filter(|number| waits[*number] == 0).map(priority).collect();
    let mut order = Vec::with_capacity(units.len());
    while let Some(Reverse((_, _, number))) = ready.pop() {
        order.push(number);
        for follower in &followers[number] {
            waits[*follower] -= 1;
            if waits[*follower] == 0 {
                ready.push(priority(*follower));
            }
        }
    }
    assert_eq!(order.len(), units.len(), "broken invariant: units wait for each other in a circle");
    order
}

fn is_group_wise(kernel: &CpuKernel) -> bool {
    matches!(kernel, CpuKernel::Block(kernel) if kernel.is_group_wise())
}

fn stages(units: &[Unit], order: &[usize]) -> Vec<CpuStage> {
    let mut stages: Vec<CpuStage> = vec![];
    let mut last_key = None;
    for (at, number) in order.iter().enumerate() {
        let unit = &units[*number];
        let kind = if unit.key.blocks { StageKind::Blocks } else { StageKind::Whole };
        if last_key != Some(unit.key) {
            stages.push(CpuStage { kind, steps: at..at, segments: vec![] });
            last_key = Some(unit.key);
        }
        let Some(stage) = stages.last_mut() else { continue };
        stage.steps.end = at + 1;
        if kind == StageKind::Blocks {
            let by_block = !is_group_wise(&unit.kernel);
            match stage.segments.last_mut() {
                Some((known, steps)) if *known == by_block => steps.end = at + 1,
                Some(_) | None => stage.segments.push((by_block, at..at + 1)),
            }
        }
    }
    stages
}

struct Placer<'a, 'g> {
    graph: &'a Graph,
    facts: &'a Facts<'g>,
    selection: &'a Selection,
    kept: &'a [Buffer],
    order: &'a [usize],
    values: Vec<CpuValue>,
    of_memory: BTreeMap<Memory, ValueId>,
    /// First and last step of each value; past the end for what the phase gives.
    life: Vec<(usize, usize)>,
    /// Stage and segment of each step.
    stage_of: Vec<usize>,
    segment_of: Vec<usize>,
    segments: Vec<Range<usize>>,
    n_scalars: usize,
    sizes: AreaSizes,
}

impl<'a, 'g> Placer<'a, 'g> {
    fn new(
        graph: &'a Graph,
        facts: &'a Facts<'g>,
        selection: &'a Selection,
        kept: &'a [Buffer],
        order: &'a [usize],
        stages: &[CpuStage],
    ) -> Self {
        let n = order.len();
        let (mut stage_of, mut segment_of) = (vec![0; n], vec![0; n]);
        let mut segments = vec![];
        for (number, stage) in stages.iter().enumerate() {
            stage_of[stage.steps.clone()].fill(number);
            let whole = [(true, stage.steps.clone())];
            let parts = if stage.segments.is_empty() { &whole[..] } else { &stage.segments };
            for (_, steps) in parts {
                segment_of[steps.clone()].fill(segments.len());
                segments.push(steps.clone());
            }
        }
        let mut placer = Self {
            graph,
            facts,
            selection,
            kept,
            order,
            values: vec![],
            of_memory: BTreeMap::new(),
            life: vec![],
            stage_of,
            segment_of,
            segments,
            n_scalars: 0,
            sizes: AreaSizes::default(),
        };
        for id in &facts.live {
            if matches!(facts.op(*id), Op::Labels | Op::Param(_) | Op::Buffer(_)) {
                placer.value(Memory::Node(*id), 0);
            }
        }
        // Labels and lanes are filled in before the first stage.
        placer.value(Memory::Aux(selection.lanes), 0);
        for (at, number) in order.iter().enumerate() {
            let unit = &selection.units[*number];
            for memory in unit.writes.iter().chain(&unit.reads).chain(&unit.scratch) {
                placer.value(*memory, at);
            }
        }
        let roots = graph.outputs.values().copied().chain(graph.updates.iter().map(|u| u.value));
        for root in roots.collect::<Vec<_>>() {
            placer.value(Memory::Node(facts.storage(root)), n);
        }
        placer
    }

    /// The value in some memory, alive at step `at`.
    fn value(&mut self, memory: Memory, at: usize) -> ValueId {
        let next = ValueId(self.values.len() as u32);
        let id = *self.of_memory.entry(memory).or_insert(next);
        if id == next {
            self.values.push(self.describe(memory));
            self.life.push((at, at));
        }
        let life = &mut self.life[id.0 as usize];
        *life = (life.0.min(at), life.1.max(at));
        id
    }

    fn describe(&self, memory: Memory) -> CpuValue {
        let nowhere = |area, len| Place::Buffer(Buffer { area, offset: 0, len });
        let unnamed = |area, len: usize| CpuValue {
            shape: Shape::fixed([len]),
            kind: Kind::Real,
            layout: [len, 1],
            place: nowhere(area, len.next_multiple_of(LANES)),
            node: None,
        };
        match memory {
            Memory::Aux(number) => match self.selection.aux[number] {
                Aux::Block(len) => unnamed(Area::Batch, len),
                Aux::Partial(len) => unnamed(Area::Partial, len),
                Aux::Fixed(len) => unnamed(Area::Fixed, len),
                Aux::Scratch(len, _) => unnamed(Area::Worker, len),
            },
            Memory::Node(node) => {
                let shape = self.facts.shape(node).clone();
                let elements = shape.elements();
                let place = if self.facts.is_scalar(node) {
                    Place::Scalar(0)
                } else if shape.batched {
                    nowhere(Area::Batch, elements * LANES)
                } else {
                    match self.facts.op(node) {
                        Op::Param(id) => Place::Buffer(self.kept[id.0 as usize]),
                        Op::Buffer(id) => {
                            Place::Buffer(self.kept[self.graph.params.len() + id.0 as usize])
                        }
                        _ => nowhere(Area::Fixed, elements.next_multiple_of(LANES)),
                    }
                };
                CpuValue {
                    kind: self.facts.node(node).kind,
                    layout: self.facts.layout(node),
                    shape,
                    place,
                    node: Some(node),
                }
            }
        }
    }

    fn is_kept(&self, value: ValueId) -> bool {
        let node = self.values[value.0 as usize].node;
        node.is_some_and(|node| matches!(self.facts.op(node), Op::Param(_) | Op::Buffer(_)))
    }

    fn updates(&self) -> Vec<Write> {
        let value = |node| self.of_memory[&Memory::Node(self.facts.storage(node))];
        let updates = self.graph.updates.iter();
        updates.map(|u| Write { value: value(u.value), target: u.target }).collect()
    }

    fn kept_buffer(&self, target: Written) -> Buffer {
        match target {
            Written::Param(id) => self.kept[id.0 as usize],
            Written::Buffer(id) => self.kept[self.graph.params.len() + id.0 as usize],
        }
    }

    /// Values that can be made where they are to end up: nothing reads the old content afterwards.
    fn in_place(&self, writes: &[Write]) -> BTreeMap<ValueId, Written> {
        let mut found = BTreeMap::new();
        for Write { value, target } in writes {
            let is_single = writes.iter().filter(|other| other.value == *value).count() == 1;
            if self.is_kept(*value)
                || !is_single
                || self.values[value.0 as usize].place.area().is_none()
            {
                continue;
            }
            let old = self.values.iter().position(|other| {
                other.place.buffer() == Some(self.kept_buffer(*target))
                    && other
                        .node
                        .is_some_and(|n| matches!(self.facts.op(n), Op::Param(_) | Op::Buffer(_)))
            });
            let made = self.life[value.0 as usize].0;
            let unit = &self.selection.units[self.order[made]];
            let is_chain = matches!(unit.kernel, CpuKernel::Whole(WholeKernel::Chain(_)));
            let fits = match old {
                None => is_chain,
                Some(old) => {
                    self.life[old].1 <= made
                        && is_chain
                        && self.reads_before_write(self.order[made], ValueId(old as u32), *value)
                }
            };
            if fits {
                found.insert(*value, *target);
            }
        }
        found
    }

    /// Whether a chain reads all of `old` no later than it writes `new`, element by element.
    fn reads_before_write(&self, number: usize, old: ValueId, new: ValueId) -> bool {
        let unit = &self.selection.units[number];
        let Some((reads, writes)) = self.selection.reads_and_writes.get(&number) else {
            return false;
        };
        let CpuKernel::Whole(WholeKernel::Chain(chain)) = &unit.kernel else { return false };
        let written = unit.writes.iter().position(|memory| self.of_memory[memory] == new);
        let Some(written) = written.map(|output| writes[output]) else { return false };
        unit.reads.iter().enumerate().filter(|(_, memory)| self.of_memory[memory] == old).all(
            |(i, _)| {
                reads[i] <= written && chain.inputs()[i] == crate::kernels::pointwise::Access::Full
            },
        )
    }

    fn assign(&mut self, in_place: &BTreeMap<ValueId, Written>, kept_len: usize) {
        let mut fixed = Packer::default();
        let mut batch = Packer::default();
        let mut partial = Packer::default();
        let mut group = Packer::default();
        let mut worker = Packer::default();
        let lasting: Vec<bool> = self.scratch_that_lasts();
        let mut requests = vec![];
        for (number, lasts) in lasting.into_iter().enumerate() {
            let id = ValueId(number as u32);
            if let Some(target) = in_place.get(&id) {
                self.values[number].place = Place::Buffer(self.kept_buffer(*target));
                continue;
            }
            if self.is_kept(id) {
                continue;
            }
            let (first, last) = self.life[number];
            match self.values[number].place {
                Place::Scalar(_) => {
                    self.values[number].place = Place::Scalar(self.n_scalars);
                    self.n_scalars += 1;
                }
                Place::Buffer(buffer) => {
                    let area = self.area(id, buffer.area, first, last);
                    let stage =
                        |step: usize| self.stage_of.get(step).copied().unwrap_or(usize::MAX);
                    let segment =
                        |step: usize| self.segment_of.get(step).copied().unwrap_or(usize::MAX);
                    let life = match area {
                        Area::Batch | Area::Partial => (stage(first), stage(last)),
                        Area::Group => (segment(first), segment(last)),
                        Area::Worker if lasts => {
                            let steps = &self.segments[self.segment_of[first]];
                            (steps.start, steps.end)
                        }
                        Area::Fixed | Area::Worker => (first, last),
                    };
                    // What the caller fills in is there from the start.
                    let given = self.values[number]
                        .node
                        .is_some_and(|node| *self.facts.op(node) == Op::Labels)
                        || self.of_memory.get(&Memory::Aux(self.selection.lanes)) == Some(&id);
                    let life = if given { (0, life.1) } else { life };
                    requests.push((number, area, buffer.len, life));
                }
            }
        }
        // Long-lived and large ones first, so that short ones fill the gaps.
        requests.sort_by_key(|(number, _, len, life)| (life.0, Reverse(*len), *number));
        for (number, area, len, life) in requests {
            let packer = match area {
                Area::Fixed => &mut fixed,
                Area::Batch => &mut batch,
                Area::Partial => &mut partial,
                Area::Group => &mut group,
                Area::Worker => &mut worker,
            };
            let mut offset = packer.add(len, life);
            if area == Area::Fixed {
                offset += kept_len;
            }
            self.values[number].place = Place::Buffer(Buffer { area, offset, len });
        }
        self.sizes = AreaSizes {
            fixed: kept_len + fixed.size,
            batch: batch.size,
            partial: partial.size,
            group: group.size,
            worker: worker.size,
        };
    }

    /// Accumulators: scratch that keeps its content from block to block.
    fn scratch_that_lasts(&self) -> Vec<bool> {
        let mut lasting = vec![false; self.values.len()];
        for (memory, id) in &self.of_memory {
            if let Memory::Aux(number) = memory {
                lasting[id.0 as usize] =
                    matches!(self.selection.aux[*number], Aux::Scratch(_, true));
            }
        }
        lasting
    }

    /// Per-sample values stay as near as their users allow.
    fn area(&self, id: ValueId, area: Area, first: usize, last: usize) -> Area {
        if area != Area::Batch {
            return area;
        }
        let is_given = self.of_memory.get(&Memory::Aux(self.selection.lanes)) == Some(&id)
            || self.values[id.0 as usize]
                .node
                .is_some_and(|node| *self.facts.op(node) == Op::Labels);
        let stage = self.stage_of.get(last);
        if is_given || stage.is_none() || stage != self.stage_of.get(first) {
            return Area::Batch;
        }
        let unit = &self.selection.units[self.order[first]];
        if !unit.key.blocks {
            return Area::Batch;
        }
        let segment = self.segment_of[first];
        if segment != self.segment_of[last] || is_group_wise(&unit.kernel) {
            return Area::Group;
        }
        Area::Worker
    }

    fn finish(
        self,
        name: &str,
        writes: Vec<Write>,
        in_place: &BTreeMap<ValueId, Written>,
        stages: Vec<CpuStage>,
    ) -> CpuPhase {
        let id = |memory: &Memory| self.of_memory[memory];
        let works = works(self.facts, &self.selection.units, self.order);
        let steps = self.order.iter().zip(works);
        let steps = steps
            .map(|(number, work)| {
                let unit = &self.selection.units[*number];
                let node = self.facts.node(unit.node);
                CpuStep {
                    kernel: unit.kernel.clone(),
                    inputs: unit.reads.iter().map(id).collect(),
                    outputs: unit.writes.iter().map(id).collect(),
                    scratch: unit.scratch.iter().map(id).collect(),
                    node: unit.node,
                    origin: node.origin,
                    layer: node.layer,
                    fallback: unit.fallback,
                    work,
                }
            })
            .collect();
        let output = |node: &NodeId| id(&Memory::Node(self.facts.storage(*node)));
        let outputs = self.graph.outputs.iter().map(|(name, node)| (name.clone(), output(node)));
        let mut copies: Vec<Write> =
            writes.iter().copied().filter(|write| !in_place.contains_key(&write.value)).collect();
        // Old values of kept tensors first, before anything is written over them.
        copies.sort_by_key(|write| !self.is_kept(write.value));
        let labels = self.of_memory.iter().find_map(|(memory, id)| match memory {
            Memory::Node(node) if *self.facts.op(*node) == Op::Labels => Some(*id),
            Memory::Node(_) | Memory::Aux(_) => None,
        });
        let input = self.facts.live.iter().find(|id| *self.facts.op(**id) == Op::Input);
        CpuPhase {
            labels,
            input_dims: input.map(|id| self.facts.shape(*id).dims.clone()).unwrap_or_default(),
            lanes: self.of_memory.get(&Memory::Aux(self.selection.lanes)).copied(),
            name: name.to_owned(),
            steps,
            stages,
            outputs: PhaseOutputs::new(outputs.collect()),
            copies,
            writes,
            sizes: self.sizes,
            n_scalars: self.n_scalars,
            values: self.values,
        }
    }
}

/// First-fit memory: intervals of time on one side, floats on the other.
#[derive(Default)]
struct Packer {
    taken: Vec<(usize, usize, (usize, usize))>,
    size: usize,
}

impl Packer {
    fn add(&mut self, len: usize, life: (usize, usize)) -> usize {
        let mut busy: Vec<(usize, usize)> = self
            .taken
            .iter()
            .filter(|(_, _, other)| other.0 <= life.1 && life.0 <= other.1)
            .map(|(start, end, _)| (*start, *end))
            .collect();
        busy.sort_unstable();
        let mut offset = 0;
        for (start, end) in busy {
            if offset + len <= start {
                break;
            }
            offset = offset.max(end);
        }
        self.taken.push((offset, offset + len, life));
        self.size = self.size.max(offset + len);
        offset
    }
}
