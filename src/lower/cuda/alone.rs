//! One operation as launches of its own: what the reference executor runs on a GPU, operation by operation.
//!
//! In: an operation and what its operands are. Out: an [`Alone`]: its launches, and where operands and result lie. The text
//! is what the fused target writes for a graph that holds nothing else. Invariant: as there, a batch shorter than the full one
//! runs in the same launches.

use super::layout::ALIGN;
use super::{CudaPhase, Feed, Launch, Memory, PHASE_RESULTS, PlanOptions, feed, phase};
use crate::diag::Span;
use crate::ir::{GradOp, Graph, Init, Kind, Node, NodeId, Op, Param, ParamRole, Shape};

/// The name under which a phase reports R, and its position among the results of a phase.
const REPORTED: (&str, usize) = ("R", PHASE_RESULTS - 1);

/// The name under which a phase leaves a tensor.
const LEFT: &str = "logits";

/// What an operand or a result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its shape; single numbers are in double precision.
    pub shape: Shape,
    /// Reals or indices.
    pub kind: Kind,
}

/// Where an operand or a result lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// So many floats behind the beginning of the memory. A result that is an index lies there as a float.
    Memory(usize),
    /// So many words behind the beginning of the feed.
    Feed(usize),
    /// In the report, which holds [`super::REPORT_DOUBLES`] numbers.
    Report(usize),
}

/// An operation with its launches.
#[derive(Clone, Debug)]
pub struct Alone {
    /// One after the other.
    pub launches: Vec<Launch>,
    /// The operands in order.
    pub operands: Vec<(Value, At)>,
    /// The result.
    pub result: (Value, At),
    /// Samples of a full batch.
    pub batch: usize,
    /// Floats of memory; what is no operand need not be set.
    pub memory: usize,
    /// Words of the feed.
    pub feed: Feed,
}

/// Lowers `op` on operands that are tensors, at most one of them of indices; kernels are called after `name`. There is one
/// replica.
///
/// Leaves and operations on single numbers alone have no launches: they are the host's.
pub fn alone(name: &str, op: &Op, operands: &[Value], options: PlanOptions, origin: Span) -> Alone {
    let batch = options.batch.max(1);
    let feed = feed(&[], batch, 0);
    let mut memory = Memory { len: ALIGN, ..Memory::default() };
    let mut graph = Graph::new();
    let mut leaves = vec![];
    let mut places = vec![];
    for value in operands {
        let Value { shape, kind } = value.clone();
        if kind == Kind::Index {
            leaves.push(graph.add_leaf(Op::Labels, shape, kind, origin));
            places.push((value.clone(), At::Feed(feed.labels)));
            continue;
        }
        memory.kept.push(memory.len);
        places.push((value.clone(), At::Memory(memory.len)));
        let full = if shape.batched { batch } else { 1 };
        memory.len += (shape.elements() * full).next_multiple_of(ALIGN);
        let name = format!("operand{}", leaves.len());
        let (role, init) = (ParamRole::Weight, Init::Constant(0.0));
        leaves.push(graph.add_param(Param { name, shape, role, init, layer: None, origin }).1);
    }
    memory.input = memory.len;
    let add = |graph: &mut Graph, op: Op, inputs: &[NodeId]| {
        let added = graph.add(op, inputs, origin, None);
        added.expect("operands are those of an operation of a sound graph")
    };
    // The vectors of a singular value are found with the value.
    let is_vectors = matches!(op, Op::Grad(GradOp::SpectralNorm));
    let value = is_vectors.then(|| add(&mut graph, Op::SpectralNorm, &leaves));
    let result = add(&mut graph, op.clone(), &leaves);
    let Node { shape, kind, .. } = graph[result].clone();
    // What is read through another operation is whole: sums may lie in parts.
    let whole = match kind {
        Kind::Real => add(&mut graph, Op::StopGradient, &[result]),
        Kind::Index => result,
    };
    let result = Value { shape, kind };
    let (reported, position) = REPORTED;
    let left = if result.shape.rank() == 0 { reported } else { LEFT };
    graph.outputs.extend(value.map(|value| (reported.to_owned(), value)));
    graph.outputs.insert(left.to_owned(), whole);
    let options = PlanOptions { batch, replicas: 1, ..options };
    let begin = memory.len;
    let (phase, used) = phase(name, 0, &graph, options, feed, &memory, begin);
    let CudaPhase { launches, logits, .. } = phase;
    let at = match logits {
        Some(place) => At::Memory(place.offset),
        None => At::Report(position),
    };
    Alone { launches, operands: places, result: (result, at), batch, memory: used.end, feed }
}
