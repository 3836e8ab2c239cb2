//! Cuts a graph into units, each of which becomes one kernel call: patterns that have a fused kernel first, then chains
//! of element-wise operations, then one unit per node that is left.

use std::collections::BTreeMap;

use super::facts::{Facts, idx};
use super::kernels::CpuKernel;
use crate::ir::{GradOp, NodeId, Op, Unary};

/// Memory that a unit reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Memory {
    /// The result of a node (one that is not an alias).
    Node(NodeId),
    /// Something that is no node's result: masks, packed weights, partial sums.
    Aux(usize),
}

/// What is beside the nodes' results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aux {
    /// For each block so many floats.
    Block(usize),
    /// For each group so many floats.
    Partial(usize),
    /// Once so many floats.
    Fixed(usize),
    /// While its unit runs, in each worker: floats, and whether they last for all blocks of the group.
    Scratch(usize, bool),
}

/// When a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Barriers before it.
    pub(super) level: usize,
    /// Whether it runs per group of blocks, after all whole units of the level.
    pub(super) blocks: bool,
}

/// One kernel call to be.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) key: Key,
    pub(super) kernel: CpuKernel,
    pub(super) reads: Vec<Memory>,
    pub(super) writes: Vec<Memory>,
    pub(super) scratch: Vec<Memory>,
    /// The node it stands for in messages, and which decides the order among equals.
    pub(super) node: NodeId,
    pub(super) fallback: Option<&'static str>,
}

/// Nodes that stand for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// `conv`, plus bias, then relu: this node is the last of them.
    Layer { map: NodeId, bias: Option<NodeId>, relu: bool },
    /// The same with max pooling.
    Pooled { map: NodeId, bias: Option<NodeId>, relu: bool },
    /// Gradient of max pooling, with that of the relu before it: (dy, the pool's node).
    Unpool { dy: NodeId, pool: NodeId },
}

/// Finds the patterns: heads by node, and nodes that are part of a head.
pub(super) fn patterns(facts: &Facts<'_>) -> (BTreeMap<NodeId, Head>, Vec<bool>) {
    let mut heads = BTreeMap::new();
    let mut absorbed = vec![false; facts.graph.len()];
    for map in facts.live.iter().copied() {
        if !matches!(facts.op(map), Op::Conv(_) | Op::Linear) {
            continue;
        }
        if let Op::Conv(conv) = facts.op(map)
            && !is_square_conv(facts, map, conv)
        {
            continue;
        }
        let (mut last, mut chain) = (map, vec![]);
        let mut bias = None;
        if let Some(user) = sole_user(facts, last)
            && matches!(facts.op(user), Op::Binary(crate::ir::Binary::Add))
            && let Some(source) = bias_of(facts, user, last)
        {
            chain.push(last);
            (last, bias) = (user, Some(source));
        }
        let mut relu = false;
        if let Some(user) = sole_user(facts, last)
            && *facts.op(user) == Op::Unary(Unary::Relu)
        {
            chain.push(last);
            (last, relu) = (user, true);
        }
        let pooled = pool_after(facts, map, last, relu);
        if let Some((pool, grads)) = pooled {
            chain.push(last);
            heads.insert(pool, Head::Pooled { map, bias, relu });
            for (grad, head) in grads {
                let dy = facts.inputs(grad)[1];
                heads.insert(head, Head::Unpool { dy, pool });
                if head != grad {
                    absorbed[idx(grad)] = true;
                }
            }
        } else if bias.is_some() || relu {
            heads.insert(last, Head::Layer { map, bias, relu });
        }
        for node in chain {
            absorbed[idx(node)] = true;
        }
    }
    for grad in facts.live.iter().copied() {
        let Op::Grad(GradOp::MaxPool(pool)) = facts.op(grad) else { continue };
        if absorbed[idx(grad)] || heads.contains_key(&grad) {
            continue;
        }
        let (x, dy) = (facts.inputs(grad)[0], facts.inputs(grad)[1]);
        let forward = facts
            .users(x)
            .iter()
            .find(|user| *facts.op(**user) == Op::MaxPool(*pool) && !heads.contains_key(user));
        if let Some(forward) = forward
            && is_square(pool)
        {
            heads.insert(grad, Head::Unpool { dy, pool: *forward });
        }
    }
    (heads, absorbed)
}

pub(super) fn is_square(pool: &crate::ir::Pool) -> bool {
    pool.kernel[0] == pool.kernel[1]
        && pool.stride[0] == pool.stride[1]
        && pool.pad[0] == pool.pad[1]
}

fn is_square_conv(facts: &Facts<'_>, map: NodeId, conv: &crate::ir::Conv) -> bool {
    let kernel = &facts.shape(facts.inputs(map)[1]).dims;
    kernel.get(2) == kernel.get(3) && conv.stride[0] == conv.stride[1] && conv.pad[0] == conv.pad[1]
}

/// The only user of a node that nothing else wants.
fn sole_user(facts: &Facts<'_>, id: NodeId) -> Option<NodeId> {
    match facts.users(id) {
        [user] if !facts.is_root(id) => Some(*user),
        _ => None,
    }
}

/// The bias of `sum = map + expanded bias`.
fn bias_of(facts: &Facts<'_>, sum: NodeId, map: NodeId) -> Option<NodeId> {
    let other = facts.inputs(sum).iter().copied().find(|input| *input != map)?;
    match facts.op(other) {
        Op::Expand { axes, .. } if axes[..] == [1] && !facts.is_masked(other) => {
            let source = facts.inputs(other)[0];
            let fits = !facts.shape(source).batched && !facts.is_scalar(source);
            fits.then_some(source)
        }
        _ => None,
    }
}

/// A pool that alone reads `x`, the result of the convolution `map`, with its gradients: each with the node that
/// stands for it, which takes the relu in.
fn pool_after(
    facts: &Facts<'_>,
    map: NodeId,
    x: NodeId,
    relu: bool,
) -> Option<(NodeId, Vec<(NodeId, NodeId)>)> {
    let Op::Conv(conv) = facts.op(map) else { return None };
    if facts.is_root(x) || !is_square_conv(facts, map, conv) {
        return None;
    }
    let pool = facts.users(x).iter().copied().find(|u| matches!(facts.op(*u), Op::MaxPool(_)))?;
    let Op::MaxPool(geometry) = facts.op(pool) else { return None };
    let is_tiled =
        is_square(geometry) && geometry.stride == geometry.kernel && geometry.pad == [0, 0];
    if !is_tiled {
        return None;
    }
    let mut grads = vec![];
    let mut steps = vec![];
    for user in facts.users(x).iter().copied() {
        match facts.op(user) {
            Op::MaxPool(_) if user == pool => {}
            Op::Grad(GradOp::MaxPool(other)) if other == geometry && facts.inputs(user)[0] == x => {
                grads.push(user);
            }
            Op::Unary(Unary::Step) if relu => steps.push(user),
            _ => return None,
        }
    }
    let heads = grads
        .iter()
        .map(|grad| {
            if !relu {
                return Some((*grad, *grad));
            }
            let product = sole_user(facts, *grad)?;
            let fits = *facts.op(product) == Op::Binary(crate::ir::Binary::Mul)
                && facts.inputs(product).iter().any(|input| steps.contains(input));
            fits.then_some((*grad, product))
        })
        .collect::<Option<Vec<_>>>()?;
    let covered = steps.iter().all(|step| {
        facts.users(*step).iter().all(|user| heads.iter().any(|(_, head)| head == user))
            && !facts.is_root(*step)
    });
    covered.then_some((pool, heads))
}
