//! Chooses a kernel for every node: from a graph and its facts to units.

use std::collections::{BTreeMap, BTreeSet};

use super::chains::{chains, translate};
use super::facts::{Facts, idx};
use super::kernels::{BlockKernel, CpuKernel, PlainConv, WholeKernel};
use super::types::PlanOptions;
use super::units::{Aux, Head, Key, Memory, Unit, patterns};
use crate::ir::{GradOp, NodeId, Op, Pool};
use crate::kernels::LANES;
use crate::kernels::conv::{Conv, ConvGeometry};
use crate::kernels::linear::Linear;
use crate::kernels::pool2d::PoolGeometry;

/// Floats of partial statistics per channel: count, mean, sum of squared differences, each per lane.
pub(super) const MOMENTS: usize = 3;

/// Most sums that a chain makes.
const MAX_SUMS: usize = 8;

/// All units of a graph, and what is beside the results of nodes.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) units: Vec<Unit>,
    pub(super) aux: Vec<Aux>,
    /// The memory of the mask of lanes with a sample.
    pub(super) lanes: usize,
    /// For chains: (last reads of inputs, writers of outputs), by unit.
    pub(super) reads_and_writes: BTreeMap<usize, (Vec<usize>, Vec<usize>)>,
}

/// Chooses kernels.
pub(super) fn select(facts: &Facts<'_>, options: &PlanOptions, group_blocks: usize) -> Selection {
    let (heads, absorbed) = patterns(facts);
    let mut selector = Selector {
        facts,
        options,
        group_blocks,
        heads,
        selection: Selection {
            units: vec![],
            aux: vec![Aux::Block(LANES)],
            lanes: 0,
            reads_and_writes: BTreeMap::new(),
        },
        packed: BTreeMap::new(),
        masks: BTreeMap::new(),
        moments: BTreeMap::new(),
        winners: BTreeMap::new(),
        summed: BTreeSet::new(),
    };
    let is_taken = |id: NodeId| absorbed[idx(id)] || selector.heads.contains_key(&id);
    let needs_chain = |id: NodeId| {
        if is_taken(id) || facts.storage(id) != id {
            return false;
        }
        let stored = facts.is_root(id)
            || facts.users(id).iter().any(|user| !reads_inline(facts, *user, &selector.heads));
        if facts.is_inline(id) { stored } else { facts.is_element_wise(id) }
    };
    let chains = chains(facts, |id| needs_chain(id) && facts.is_element_wise(id));
    let single: Vec<NodeId> = facts
        .live
        .iter()
        .copied()
        .filter(|id| needs_chain(*id) && !facts.is_element_wise(*id))
        .collect();
    for members in chains {
        selector.chain(&members);
    }
    for id in single {
        selector.chain(&[id]);
    }
    for id in facts.live.iter().copied() {
        if absorbed[idx(id)] || facts.storage(id) != id {
            continue;
        }
        if let Some(head) = selector.heads.get(&id).copied() {
            selector.head(id, head);
        } else if !facts.is_element_wise(id)
            && !facts.is_inline(id)
            && !selector.summed.contains(&id)
        {
            selector.node(id);
        }
    }
    selector.selection
}

/// Whether the user computes inline operands itself.
fn reads_inline(facts: &Facts<'_>, user: NodeId, heads: &BTreeMap<NodeId, Head>) -> bool {
    match heads.get(&user) {
        // A bias and a step are part of the pattern.
        Some(Head::Layer { .. } | Head::Pooled { .. } | Head::Unpool { .. }) => true,
        None => facts.is_element_wise(user) || facts.is_inline(user),
    }
}

/// The choice under way.
pub(super) struct Selector<'a, 'g> {
    pub(super) facts: &'a Facts<'g>,
    pub(super) options: &'a PlanOptions,
    pub(super) group_blocks: usize,
    pub(super) heads: BTreeMap<NodeId, Head>,
    pub(super) selection: Selection,
    /// Packed weights by weight, sizes and direction.
    pub(super) packed: BTreeMap<(NodeId, ConvGeometry, bool), Memory>,
    /// Masks by pool.
    pub(super) masks: BTreeMap<NodeId, Memory>,
    pub(super) moments: BTreeMap<NodeId, Memory>,
    /// Gradients of pooled outputs where windows have a winner, by pool.
    pub(super) winners: BTreeMap<NodeId, Memory>,
    /// Sums that chains make.
    pub(super) summed: BTreeSet<NodeId>,
}

impl Selector<'_, '_> {
    pub(super) fn memory(&self, id: NodeId) -> Memory {
        Memory::Node(self.facts.storage(id))
    }

    pub(super) fn aux(&mut self, aux: Aux) -> Memory {
        self.selection.aux.push(aux);
        Memory::Aux(self.selection.aux.len() - 1)
    }

    /// One kernel call after `level` barriers.
    pub(super) fn push(
        &mut self,
        level: usize,
        kernel: impl Into<CpuKernel>,
        reads: Vec<Memory>,
        writes: Vec<Memory>,
        node: NodeId,
    ) -> &mut Unit {
        let (scratch, kernel) = (vec![], kernel.into());
        let key = Key { level, blocks: matches!(kernel, CpuKernel::Block(_)) };
        self.selection.units.push(Unit {
            key,
            kernel,
            reads,
            writes,
            scratch,
            node,
            fallback: None,
        });
        self.selection.units.last_mut().expect("just pushed")
    }

    pub(super) fn chain(&mut self, members: &[NodeId]) {
        let facts = self.facts;
        let sums = self.sums_of_chain(members);
        let inside: Vec<NodeId> = members.iter().chain(&sums).copied().collect();
        let outputs: Vec<NodeId> = members
            .iter()
            .copied()
            .filter(|id| facts.is_root(*id) || self.aliased_outside(*id, &inside))
            .collect();
        let first = members[0];
        let translated = translate(facts, members, &outputs, &sums);
        let lanes = Memory::Aux(self.selection.lanes);
        let mut reads: Vec<Memory> =
            translated.inputs.iter().map(|input| input.map_or(lanes, Memory::Node)).collect();
        let mut writes: Vec<Memory> = outputs.iter().map(|id| Memory::Node(*id)).collect();
        let scratch = self.aux(Aux::Scratch(translated.chain.scratch_len(), false));
        let mut accumulators = vec![];
        for (id, sum) in sums.iter().zip(translated.chain.sums()) {
            let partial = self.aux(Aux::Partial(sum.channels));
            writes.push(partial);
            accumulators.push(self.aux(Aux::Scratch(sum.channels * LANES, true)));
            self.add_groups(*id, partial);
            self.summed.insert(*id);
        }
        if !sums.is_empty() {
            reads.push(lanes);
        }
        let last = members.last().copied().unwrap_or(first);
        let chain = Box::new(translated.chain);
        let kernel: CpuKernel = if facts.shape(first).batched {
            BlockKernel::Chain(chain).into()
        } else {
            WholeKernel::Chain(chain).into()
        };
        let unit = self.push(facts.level(first), kernel, reads, writes, last);
        unit.scratch.push(scratch);
        unit.scratch.append(&mut accumulators);
        let number = self.selection.units.len() - 1;
        self.selection.reads_and_writes.insert(number, (translated.last_read, translated.written));
    }

    /// Sums of members over samples, as many as the chain can make on its way.
    fn sums_of_chain(&self, members: &[NodeId]) -> Vec<NodeId> {
        let facts = self.facts;
        let level = facts.level(members[0]);
        let of_member = |member: &NodeId| {
            let sums = facts.users(*member).iter().copied().filter(|user| {
                matches!(facts.op(*user), Op::Sum { .. })
                    && facts.inputs(*user)[0] == *member
                    && facts.level(*user) == level + 1
                    && facts.channel_sum(*user).is_some()
            });
            sums.collect::<Vec<_>>()
        };
        let members = members.iter().filter(|member| facts.is_element_wise(**member));
        members.flat_map(of_member).take(MAX_SUMS).collect()
    }

    /// Whether anything but chain members reads the node, directly, through an alias or through inline operations.
    pub(super) fn aliased_outside(&self, id: NodeId, members: &[NodeId]) -> bool {
        self.facts.users(id).iter().any(|user| {
            if members.contains(user) {
                return false;
            }
            if self.facts.storage(*user) != *user {
                return self.facts.is_root(*user) || self.aliased_outside(*user, members);
            }
            if self.facts.is_inline(*user) && !self.is_stored(*user) {
                return self.aliased_outside(*user, members);
            }
            true
        })
    }

    pub(super) fn is_stored(&self, id: NodeId) -> bool {
        self.facts.is_root(id)
            || self.facts.users(id).iter().any(|user| !reads_inline(self.facts, *user, &self.heads))
    }

    pub(super) fn head(&mut self, id: NodeId, head: Head) {
        match head {
            Head::Layer { map, bias, relu } => self.layer(map, id, bias, relu),
            Head::Pooled { map, bias, relu } => {
                let conv = self.conv_of(map).expect("patterns only take square convolutions");
                let size = match self.facts.op(id) {
                    Op::MaxPool(pool) => pool.kernel[0],
                    _ => panic!("broken invariant: pooled heads are pools"),
                };
                let packed = self.packed(map, &conv, false);
                let geometry = pool_geometry(
                    &Pool { kernel: [size; 2], stride: [size; 2], pad: [0; 2] },
                    &[
                        conv.geometry().out_channels,
                        conv.geometry().out_height(),
                        conv.geometry().out_width(),
                    ],
                );
                let masks = self.aux(Aux::Block(geometry.mask_len().div_ceil(2)));
                self.masks.insert(id, masks);
                let mut reads = vec![self.memory(self.facts.inputs(map)[0]), packed];
                reads.extend(bias.map(|bias| self.memory(bias)));
                let scratch = self.aux(Aux::Scratch(conv.pool_scratch_len(size), false));
                let level = self.facts.level(id);
                let writes = vec![Memory::Node(id), masks];
                let kernel = BlockKernel::ConvMaxPool { conv, bias: bias.is_some(), relu, size };
                self.push(level, kernel, reads, writes, id).scratch.push(scratch);
            }
            Head::Unpool { dy, pool } => {
                if !self.needs_unpooled(id) {
                    return;
                }
                let geometry = self.pool_of(pool);
                let masks = self.masks_of(pool);
                let reads = vec![self.memory(dy), masks];
                let level = self.facts.level(id);
                self.push(level, BlockKernel::Unpool(geometry), reads, vec![Memory::Node(id)], id);
            }
        }
    }

    pub(super) fn layer(&mut self, map: NodeId, id: NodeId, bias: Option<NodeId>, relu: bool) {
        let level = self.facts.level(id);
        let mut reads = vec![self.memory(self.facts.inputs(map)[0])];
        let weight = self.facts.inputs(map)[1];
        let writes = vec![Memory::Node(id)];
        let has_bias = bias.is_some();
        if matches!(self.facts.op(map), Op::Linear) {
            let linear = self.linear(self.facts.inputs(map)[0], weight);
            reads.push(self.memory(weight));
            reads.extend(bias.map(|bias| self.memory(bias)));
            self.push(
                level,
                BlockKernel::Linear { linear, bias: has_bias, relu },
                reads,
                writes,
                id,
            );
            return;
        }
        if let Some(conv) = self.conv_of(map) {
            reads.push(self.packed(map, &conv, false));
            reads.extend(bias.map(|bias| self.memory(bias)));
            let scratch = self.aux(Aux::Scratch(conv.forward_scratch_len(), false));
            let kernel = BlockKernel::Conv { conv, bias: has_bias, relu };
            self.push(level, kernel, reads, writes, id).scratch.push(scratch);
            return;
        }
        // Only a map by itself is left for the plain kernel: patterns with bias need the fused one.
        reads.push(self.memory(weight));
        let plain = self.plain_conv(map);
        self.push(level, BlockKernel::PlainConv(plain), reads, writes, id).fallback =
            Some("kernel, stride or padding is not square");
    }

    pub(super) fn linear(&self, x: NodeId, weight: NodeId) -> Linear {
        let [channels, pixels] = self.facts.layout(x);
        let outputs = self.facts.shape(weight).dims[0];
        Linear::new(self.options.isa, channels, pixels, outputs)
            .expect("shapes of checked layers have no zero sizes")
    }

    /// The kernel for a convolution node or one of its gradients; `None` where sizes are not square.
    pub(super) fn conv_of(&self, id: NodeId) -> Option<Box<Conv>> {
        let plain = self.plain_conv(id);
        let [kernel, kernel_width] = plain.kernel;
        let conv = plain.conv;
        let is_square = kernel == kernel_width
            && conv.stride[0] == conv.stride[1]
            && conv.pad[0] == conv.pad[1];
        let geometry = ConvGeometry {
            in_channels: plain.input[0],
            out_channels: plain.output[0],
            in_height: plain.input[1],
            in_width: plain.input[2],
            kernel,
            stride: conv.stride[0],
            pad: conv.pad[0],
            groups: conv.groups,
        };
        if !is_square {
            return None;
        }
        Conv::new(self.options.isa, geometry).ok().map(Box::new)
    }

    pub(super) fn plain_conv(&self, id: NodeId) -> PlainConv {
        let facts = self.facts;
        let picture = |id: NodeId| -> [usize; 3] {
            let dims = &facts.shape(id).dims;
            [dims[0], dims[1], dims[2]]
        };
        let window = |id: NodeId| -> [usize; 2] {
            let dims = &facts.shape(id).dims;
            [dims[2], dims[3]]
        };
        let inputs = facts.inputs(id);
        match facts.op(id) {
            Op::Conv(conv) => PlainConv {
                conv: *conv,
                input: picture(inputs[0]),
                output: picture(id),
                kernel: window(inputs[1]),
            },
            Op::Grad(GradOp::ConvInput { conv, .. }) => PlainConv {
                conv: *conv,
                input: picture(id),
                output: picture(inputs[0]),
                kernel: window(inputs[1]),
            },
            Op::Grad(GradOp::ConvWeight { conv, kernel }) => PlainConv {
                conv: *conv,
                input: picture(inputs[1]),
                output: picture(inputs[0]),
                kernel: *kernel,
            },
            _ => panic!("broken invariant: only convolutions have sizes of one"),
        }
    }

    pub(super) fn packed(&mut self, map: NodeId, conv: &Conv, turned: bool) -> Memory {
        let weight = self.facts.storage(self.facts.inputs(map)[1]);
        let name = (weight, *conv.geometry(), turned);
        if let Some(known) = self.packed.get(&name) {
            return *known;
        }
        let len = if turned { conv.packed_turned_len() } else { conv.packed_len() };
        let memory = self.aux(Aux::Fixed(len));
        let level = self.facts.level(weight);
        let conv = Box::new(conv.clone());
        let kernel = if turned { WholeKernel::PackTurned(conv) } else { WholeKernel::Pack(conv) };
        self.push(level, kernel, vec![Memory::Node(weight)], vec![memory], map);
        self.packed.insert(name, memory);
        memory
    }

    pub(super) fn pool_of(&self, pool: NodeId) -> PoolGeometry {
        match self.facts.op(pool) {
            Op::MaxPool(sizes) | Op::AvgPool(sizes) => {
                pool_geometry(sizes, &self.facts.shape(self.facts.inputs(pool)[0]).dims)
            }
            _ => panic!("broken invariant: only pools have sizes of one"),
        }
    }

    pub(super) fn masks_of(&mut self, pool: NodeId) -> Memory {
        if let Some(known) = self.masks.get(&pool) {
            return *known;
        }
        let len = self.pool_of(pool).mask_len().div_ceil(2);
        let memory = self.aux(Aux::Block(len));
        self.masks.insert(pool, memory);
        memory
    }

    /// A block kernel that leaves partial sums of `len` elements, and the whole kernel that adds them.
    pub(super) fn partial(
        &mut self,
        id: NodeId,
        kernel: BlockKernel,
        reads: Vec<Memory>,
        len: usize,
        scratch: Vec<Aux>,
    ) {
        let partial = self.aux(Aux::Partial(len));
        let level = self.facts.level(id) - 1;
        let scratch: Vec<Memory> = scratch.into_iter().map(|aux| self.aux(aux)).collect();
        let unit = self.push(level, kernel, reads, vec![partial], id);
        unit.scratch = scratch;
        self.add_groups(id, partial);
    }

    /// The whole kernel that adds the partial sums of groups.
    fn add_groups(&mut self, id: NodeId, partial: Memory) {
        let kernel = if self.facts.is_scalar(id) {
            WholeKernel::ReduceScalar
        } else {
            WholeKernel::Reduce(self.facts.shape(id).elements())
        };
        self.push(self.facts.level(id), kernel, vec![partial], vec![Memory::Node(id)], id);
    }

    /// The operand, zero on lanes without a sample.
    pub(super) fn zero_padded(&mut self, id: NodeId) -> Memory {
        let memory = self.memory(id);
        if self.facts.is_zero_padded(id) {
            return memory;
        }
        let len = self.facts.shape(id).elements() * LANES;
        let masked = self.aux(Aux::Block(len));
        let lanes = Memory::Aux(self.selection.lanes);
        let level = self.facts.level(id);
        self.push(level, BlockKernel::MaskLanes, vec![memory, lanes], vec![masked], id);
        masked
    }
}

pub(super) fn pool_geometry(pool: &Pool, dims: &[usize]) -> PoolGeometry {
    PoolGeometry {
        channels: dims[0],
        in_height: dims[1],
        in_width: dims[2],
        kernel: pool.kernel[0],
        stride: pool.stride[0],
        pad: pool.pad[0],
    }
}
