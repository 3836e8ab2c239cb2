//! Runs that step together though they differ in numbers: one joint for all of them, and what each puts in.
//!
//! In: the joints of the runs. Out: a joint in which every constant that is not the same for all is an
//! [`Hyper::Setting`], and the values of each run. Invariant: with its values in place of its settings the joint is that of the
//! run, so that each gives the bits it gives alone.

use crate::grad::{Joint, Phase};
use crate::ir::{Binary, Graph, Hyper, Op, copy, rebuild};

/// One joint for several runs.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The graphs, with settings for constants that differ.
    pub joint: Joint,
    /// For each run the values of the settings, by their number.
    pub settings: Vec<Vec<f64>>,
}

impl Shared {
    /// The joint of runs that differ in constants only; `None` where they differ in more, or there is none.
    pub fn of(joints: &[&Joint]) -> Option<Self> {
        let first = joints.first()?;
        let all: Vec<Vec<&Graph>> = joints.iter().map(|joint| graphs(joint)).collect();
        let names = |joint: &Joint| joint.train.iter().map(|phase| phase.name).collect::<Vec<_>>();
        let same_phases = |joint: &&Joint| {
            names(joint) == names(first) && joint.size.is_some() == first.size.is_some()
        };
        if !joints.iter().all(same_phases) {
            return None;
        }
        let mut settings = vec![vec![]; joints.len()];
        let mut shared = (0..all[0].len()).map(|at| {
            let same: Vec<&Graph> = all.iter().map(|graphs| graphs[at]).collect();
            share(&same, &mut settings)
        });
        let mut train = vec![];
        for phase in &first.train {
            train.push(Phase { name: phase.name, graph: shared.next()?? });
        }
        let eval = shared.next()??;
        let size = match &first.size {
            Some(_) => Some(shared.next()??),
            None => None,
        };
        drop(shared);
        Some(Self { joint: Joint { train, eval, size }, settings })
    }
}

/// The graphs of all phases.
fn graphs(joint: &Joint) -> Vec<&Graph> {
    joint.train.iter().map(|phase| &phase.graph).chain([&joint.eval]).chain(&joint.size).collect()
}

/// The graph of one phase; values are added to those of each run.
fn share(graphs: &[&Graph], settings: &mut [Vec<f64>]) -> Option<Graph> {
    let (first, others) = graphs.split_first()?;
    if !others.iter().all(|other| is_alike(first, other)) {
        return None;
    }
    let mut differing = vec![];
    for id in first.live() {
        let values: Vec<f64> = graphs.iter().filter_map(|graph| constant(&graph[id].op)).collect();
        let is_equal = values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
        let setting = (!is_equal).then(|| {
            settings.iter_mut().zip(&values).for_each(|(own, value)| own.push(*value));
            settings[0].len() as u32 - 1
        });
        // A power with an exponent that is known is compiled into products.
        let is_power = |user| matches!(first[user].op, Op::Binary(Binary::Pow));
        if setting.is_some() && first.users(id).into_iter().any(is_power) {
            return None;
        }
        differing.push(setting);
    }
    let mut differing = differing.into_iter();
    Some(rebuild(first, |emit, node, inputs| match differing.next().flatten() {
        Some(setting) => emit.op(Op::Hyper(Hyper::Setting(setting)), &[]),
        None => copy(emit, node, inputs),
    }))
}

fn constant(op: &Op) -> Option<f64> {
    if let Op::Const(value) = op { Some(*value) } else { None }
}

/// Whether graphs agree in all but the values of their constants, and in where they were written.
fn is_alike(a: &Graph, b: &Graph) -> bool {
    let node = |id| {
        let (a_node, b_node) = (&a[id], &b[id]);
        let same_op = a_node.op == b_node.op
            || (constant(&a_node.op).is_some() && constant(&b_node.op).is_some());
        same_op
            && a_node.shape == b_node.shape
            && a_node.kind == b_node.kind
            && a_node.layer == b_node.layer
            && a_node.part == b_node.part
            && a.inputs(id) == b.inputs(id)
    };
    let params = a.params.iter().zip(&b.params);
    let buffers = a.buffers.iter().zip(&b.buffers);
    let layers = a.layers.iter().zip(&b.layers);
    [a.len(), a.params.len(), a.buffers.len(), a.layers.len()]
        == [b.len(), b.params.len(), b.buffers.len(), b.layers.len()]
        && a.outputs == b.outputs
        && a.updates == b.updates
        && params
            .into_iter()
            .all(|(a, b)| (&a.name, &a.shape, a.role) == (&b.name, &b.shape, b.role))
        && buffers.into_iter().all(|(a, b)| {
            (&a.name, &a.shape, a.role, a.min_samples) == (&b.name, &b.shape, b.role, b.min_samples)
        })
        && layers.into_iter().all(|(a, b)| a.name == b.name)
        && a.ids().all(node)
}
