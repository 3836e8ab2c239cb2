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
        let mut settings = vec![vec![]; joints.len()];
        let mut graphs = vec![];
        for (graph, differing) in first.graphs().zip(differing(joints)?) {
            graphs.push(shared(graph, differing, &mut settings));
        }
        let mut graphs = graphs.into_iter();
        let mut next = || graphs.next().expect("every phase has a graph");
        let train = first.train.iter().map(|phase| Phase { name: phase.name, graph: next() });
        let train = train.collect();
        let (eval, size) = (next(), first.size.as_ref().map(|_| next()));
        Some(Self { joint: Joint { train, eval, size }, settings })
    }

    /// Whether there is a joint of such runs: what [`Shared::of`] would say, without making it.
    pub fn is_there(joints: &[&Joint]) -> bool {
        differing(joints).is_some()
    }
}

/// What each run puts in the place of a node: a value of its own where the node is a constant that differs.
type Differing = Vec<Option<Vec<f64>>>;

/// For each phase and each of its live nodes what differs; `None` where joints differ in more than constants.
fn differing(joints: &[&Joint]) -> Option<Vec<Differing>> {
    let first = joints.first()?;
    let names = |joint: &Joint| joint.train.iter().map(|phase| phase.name).collect::<Vec<_>>();
    let has_same_phases = |joint: &&Joint| {
        names(joint) == names(first) && joint.size.is_some() == first.size.is_some()
    };
    if !joints.iter().all(has_same_phases) {
        return None;
    }
    let mut all: Vec<_> = joints.iter().map(|joint| joint.graphs()).collect();
    let phases = first.graphs().map(|_| {
        let graphs: Vec<&Graph> = all.iter_mut().filter_map(Iterator::next).collect();
        differing_in(&graphs)
    });
    phases.collect()
}

/// The same for the graphs of one phase.
fn differing_in(graphs: &[&Graph]) -> Option<Differing> {
    let (first, others) = graphs.split_first()?;
    if !others.iter().all(|other| is_alike(first, other)) {
        return None;
    }
    let node = |id| {
        let values: Vec<f64> = graphs.iter().filter_map(|graph| constant(&graph[id].op)).collect();
        if values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits()) {
            return Some(None);
        }
        // A power with an exponent that is known is compiled into products.
        let is_power = |user| matches!(first[user].op, Op::Binary(Binary::Pow));
        (!first.users(id).into_iter().any(is_power)).then_some(Some(values))
    };
    first.live().into_iter().map(node).collect()
}

/// A graph with settings where runs differ; their values are added to those of each run.
fn shared(graph: &Graph, differing: Differing, settings: &mut [Vec<f64>]) -> Graph {
    let mut differing = differing.into_iter();
    rebuild(graph, |emit, node, inputs| match differing.next().flatten() {
        Some(values) => {
            let setting = settings[0].len() as u32;
            settings.iter_mut().zip(values).for_each(|(own, value)| own.push(value));
            emit.op(Op::Hyper(Hyper::Setting(setting)), &[])
        }
        None => copy(emit, node, inputs),
    })
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
