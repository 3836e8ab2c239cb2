//! Chains: element-wise operations over equal elements that run as one pass.
//!
//! In: the facts of a graph and the nodes that patterns took. Out: sets of nodes without a path that leaves a set and
//! comes back, so that each can be one kernel call.

use std::collections::BTreeMap;

use super::facts::{Facts, idx};
use crate::ir::{NodeId, Op};
use crate::kernels::pointwise::{Access, Chain, ChannelSum, Function, Instruction, Operand};

/// Most operations of a chain.
const MAX_MEMBERS: usize = 28;

/// Most tensors that a chain reads.
const MAX_READS: usize = 20;

/// What a chain runs over; members agree on it.
type Domain = (bool, [usize; 2], usize, usize);

/// Groups the nodes for which `takes` holds; each set is in the order of the graph.
pub(super) fn chains(facts: &Facts<'_>, takes: impl Fn(NodeId) -> bool) -> Vec<Vec<NodeId>> {
    let mut chain_of: Vec<Option<usize>> = vec![None; facts.graph.len()];
    let mut chains: Vec<Vec<NodeId>> = vec![];
    for id in facts.live.iter().copied() {
        if !takes(id) {
            continue;
        }
        let sources = sources(facts, id);
        let candidate = sources.iter().rev().find_map(|source| {
            let chain = chain_of[idx(*source)]?;
            let fits = domain(facts, chains[chain][0]) == domain(facts, id)
                && chains[chain].len() < MAX_MEMBERS
                && reads(facts, &chains[chain], id) <= MAX_READS
                && !depends(facts, &chains, &chain_of, &sources, chain);
            fits.then_some(chain)
        });
        let chain = candidate.unwrap_or_else(|| {
            chains.push(vec![]);
            chains.len() - 1
        });
        chains[chain].push(id);
        chain_of[idx(id)] = Some(chain);
    }
    join(facts, &mut chains, &mut chain_of);
    chains
}

/// Joins chains where one feeds the other, and nothing computed from the first outside of them leads to the second.
fn join(facts: &Facts<'_>, chains: &mut Vec<Vec<NodeId>>, chain_of: &mut [Option<usize>]) {
    for second in 0..chains.len() {
        loop {
            let mut feeders: Vec<usize> = chains[second]
                .iter()
                .flat_map(|id| sources(facts, *id))
                .filter_map(|source| chain_of[idx(source)])
                .filter(|chain| *chain != second)
                .collect();
            feeders.sort_unstable();
            feeders.dedup();
            let joins = |first: &usize| {
                let all: Vec<NodeId> =
                    chains[*first].iter().chain(&chains[second]).copied().collect();
                domain(facts, chains[*first][0]) == domain(facts, chains[second][0])
                    && all.len() <= MAX_MEMBERS
                    && reads(facts, &all, all[0]) <= MAX_READS
                    && !is_between(facts, chains, chain_of, *first, second)
            };
            let Some(first) = feeders.into_iter().find(joins) else { break };
            let members = std::mem::take(&mut chains[first]);
            for id in &members {
                chain_of[idx(*id)] = Some(second);
            }
            chains[second].extend(members);
            chains[second].sort_unstable();
        }
    }
    chains.retain(|chain| !chain.is_empty());
}

/// Whether something outside two chains is computed from the first and leads to the second.
fn is_between(
    facts: &Facts<'_>,
    chains: &[Vec<NodeId>],
    chain_of: &[Option<usize>],
    first: usize,
    second: usize,
) -> bool {
    let mut seen = vec![false; facts.graph.len()];
    let mut open: Vec<NodeId> = vec![];
    // What is read of a member of the second chain by itself, or on a way outside.
    let mut next = Some((chains[second].clone(), true));
    while let Some((members, is_second)) = next {
        for source in members.iter().flat_map(|id| facts.inputs(*id)) {
            let source = facts.storage(*source);
            match chain_of[idx(source)] {
                Some(chain) if chain == second => {}
                Some(chain) if chain == first => {
                    if !is_second {
                        return true;
                    }
                }
                Some(_) | None => {
                    if !std::mem::replace(&mut seen[idx(source)], true) {
                        open.push(source);
                    }
                }
            }
        }
        next = open.pop().map(|id| {
            let members = chain_of[idx(id)].map_or_else(|| vec![id], |chain| chains[chain].clone());
            (members, false)
        });
    }
    false
}

fn domain(facts: &Facts<'_>, id: NodeId) -> Domain {
    let shape = facts.shape(id);
    let layout = if shape.batched { facts.layout(id) } else { [0, 0] };
    (shape.batched, layout, shape.elements(), facts.level(id))
}

/// The stored nodes that an element-wise node reads, through what is computed inline.
pub(super) fn sources(facts: &Facts<'_>, id: NodeId) -> Vec<NodeId> {
    let mut sources = vec![];
    let mut open: Vec<NodeId> = facts.inputs(id).to_vec();
    while let Some(input) = open.pop() {
        let input = facts.storage(input);
        if facts.is_inline(input) {
            open.extend(facts.inputs(input));
        } else if !sources.contains(&input) {
            sources.push(input);
        }
    }
    sources
}

fn reads(facts: &Facts<'_>, members: &[NodeId], new: NodeId) -> usize {
    let mut all: Vec<NodeId> =
        members.iter().chain([&new]).flat_map(|id| sources(facts, *id)).collect();
    all.sort_unstable();
    all.dedup();
    all.iter().filter(|id| !members.contains(id)).count()
}

/// Whether one of `from`, outside the chain, is computed from the chain.
fn depends(
    facts: &Facts<'_>,
    chains: &[Vec<NodeId>],
    chain_of: &[Option<usize>],
    from: &[NodeId],
    chain: usize,
) -> bool {
    let first = chains[chain].first().copied().map_or(0, idx);
    let mut seen = vec![false; facts.graph.len()];
    let mut open: Vec<NodeId> = from.to_vec();
    while let Some(id) = open.pop() {
        let at_chain = chain_of[idx(id)];
        if at_chain == Some(chain) {
            // A source in the chain itself is no dependence from outside; one found further up is.
            if !from.contains(&id) || seen[idx(id)] {
                return true;
            }
            continue;
        }
        if std::mem::replace(&mut seen[idx(id)], true) {
            continue;
        }
        let members: &[NodeId] = match at_chain {
            Some(other) => &chains[other],
            None => std::slice::from_ref(&id),
        };
        for member in members {
            seen[idx(*member)] = true;
            for input in facts.inputs(*member) {
                let input = facts.storage(*input);
                if chain_of[idx(input)] == Some(chain) {
                    return true;
                }
                let latest = chain_of[idx(input)]
                    .map_or(idx(input), |other| chains[other].last().copied().map_or(0, idx));
                if latest > first && !seen[idx(input)] {
                    open.push(input);
                }
            }
        }
    }
    false
}

/// A chain for the kernel.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) chain: Chain,
    /// Stored nodes in the order of the chain's inputs; `None` is the mask of lanes with a sample.
    pub(super) inputs: Vec<Option<NodeId>>,
    /// For each input and output: the last instruction that reads the input after the one that writes the output.
    pub(super) last_read: Vec<usize>,
    /// The instruction of each output.
    pub(super) written: Vec<usize>,
}

/// Translates `members`, whose results `outputs` are wanted, and sums of members over samples.
pub(super) fn translate(
    facts: &Facts<'_>,
    members: &[NodeId],
    outputs: &[NodeId],
    sums: &[NodeId],
) -> Translated {
    let mut writer = Writer {
        facts,
        instructions: vec![],
        inputs: vec![],
        known: BTreeMap::new(),
        last_read: vec![],
    };
    for member in members {
        let operands: Vec<Operand> =
            facts.inputs(*member).iter().map(|input| writer.operand(*input)).collect();
        let result = if facts.is_element_wise(*member) {
            writer.push(function(facts.op(*member)), &operands)
        } else {
            // An expansion that is stored after all.
            let operand = writer.operand(*member);
            writer.push(Function::Copy, &[operand])
        };
        writer.known.insert(*member, result);
    }
    let register = |member: &NodeId| match writer.known.get(member) {
        Some(Operand::Register(register)) => *register,
        Some(Operand::Input(_)) | None => panic!("broken invariant: outputs are members"),
    };
    let written: Vec<usize> = outputs.iter().map(register).collect();
    let sum = |id: &NodeId| {
        let x = facts.inputs(*id)[0];
        let [channels, pixels] = facts.channel_sum(*id).expect("chosen because it is one");
        ChannelSum { instruction: register(&x), channels, pixels, masked: !facts.is_zero_padded(x) }
    };
    let sums = sums.iter().map(sum).collect();
    let accesses = writer.inputs.iter().map(|(_, access)| *access).collect();
    Translated {
        chain: Chain::new(writer.instructions, accesses, &written).summing(sums),
        inputs: writer.inputs.into_iter().map(|(node, _)| node).collect(),
        last_read: writer.last_read,
        written,
    }
}

struct Writer<'a, 'g> {
    facts: &'a Facts<'g>,
    instructions: Vec<Instruction>,
    inputs: Vec<(Option<NodeId>, Access)>,
    known: BTreeMap<NodeId, Operand>,
    last_read: Vec<usize>,
}

impl Writer<'_, '_> {
    fn push(&mut self, function: Function, operands: &[Operand]) -> Operand {
        let first = operands[0];
        let at = |i: usize| operands.get(i).copied().unwrap_or(first);
        let number = self.instructions.len();
        for operand in operands {
            if let Operand::Input(input) = operand {
                self.last_read[*input] = number;
            }
        }
        self.instructions.push(Instruction { function, operands: [at(0), at(1), at(2)] });
        Operand::Register(number)
    }

    fn input(&mut self, node: Option<NodeId>, access: Access) -> Operand {
        let known = self.inputs.iter().position(|input| *input == (node, access));
        let position = known.unwrap_or_else(|| {
            self.inputs.push((node, access));
            self.last_read.push(0);
            self.inputs.len() - 1
        });
        Operand::Input(position)
    }

    fn operand(&mut self, id: NodeId) -> Operand {
        let id = self.facts.storage(id);
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        if let Some(access) = self.facts.access(id) {
            let source = self.facts.storage(self.facts.inputs(id)[0]);
            let operand = self.input(Some(source), access);
            if !self.facts.is_masked(id) {
                return operand;
            }
            let lanes = self.input(None, Access::Lane);
            let masked = self.push(Function::Mul, &[operand, lanes]);
            self.known.insert(id, masked);
            return masked;
        }
        if self.facts.is_inline(id) {
            let x = self.operand(self.facts.inputs(id)[0]);
            let result = self.push(function(self.facts.op(id)), &[x]);
            self.known.insert(id, result);
            return result;
        }
        self.input(Some(id), Access::Full)
    }
}

fn function(op: &Op) -> Function {
    use crate::ir::Binary;
    match op {
        Op::Unary(function) => Function::named(function.name(), function.number())
            .expect("broken invariant: every function of a graph is one of a chain"),
        Op::Binary(function) => match function {
            Binary::Add => Function::Add,
            Binary::Sub => Function::Sub,
            Binary::Mul => Function::Mul,
            Binary::Div => Function::Div,
            Binary::Max => Function::Max,
            Binary::Min => Function::Min,
            Binary::Pow => Function::Pow,
            Binary::Ge => Function::Ge,
            Binary::Gt => Function::Gt,
            Binary::Eq => Function::Eq,
        },
        Op::Select => Function::Select,
        _ => panic!("broken invariant: only element-wise operations are in chains"),
    }
}
