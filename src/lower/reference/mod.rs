//! Planning for the reference: one step per live node, in the order of the graph.
//!
//! In: a [`Joint`]. Out: a [`ReferencePlan`] with the life of each value.

mod on_gpu;
mod text;
mod types;
mod way;

use std::collections::BTreeMap;

pub use on_gpu::OnGpu;
pub use types::{Footprint, Owner, ReferencePhase, ReferencePlan, ReferenceStep, ReferenceValue};
pub use way::{Way, way};

use super::{PhaseOutputs, Phases, Tables, ValueId, Write};
use crate::grad::Joint;
use crate::ir::{Graph, NodeId, Op};

/// Plans a run.
pub fn plan(joint: &Joint) -> ReferencePlan {
    ReferencePlan { tables: Tables::of(&joint.eval), phases: Phases::of(joint, phase) }
}

/// One phase with one step per node that its outputs and updates need.
pub fn phase(name: &str, graph: &Graph) -> ReferencePhase {
    let mut of_node: Vec<Option<ValueId>> = vec![None; graph.len()];
    let mut phase = ReferencePhase { name: name.to_owned(), ..ReferencePhase::default() };
    for (idx, id) in graph.live().iter().enumerate() {
        let inputs: Vec<ValueId> =
            graph.inputs(*id).into_iter().map(|input| value_of(&of_node, input)).collect();
        for input in &inputs {
            use_until(&mut phase.values, *input, idx);
        }
        let node = &graph[*id];
        let output = ValueId(phase.values.len() as u32);
        of_node[id.0 as usize] = Some(output);
        phase.values.push(ReferenceValue {
            shape: node.shape.clone(),
            kind: node.kind,
            owner: owner(&node.op, &inputs),
            first: idx,
            last: idx,
        });
        phase.steps.push(ReferenceStep {
            op: node.op.clone(),
            inputs,
            output,
            node: *id,
            origin: node.origin,
            layer: node.layer,
        });
    }
    let end = phase.steps.len();
    let mut named = BTreeMap::new();
    for (name, id) in &graph.outputs {
        let value = value_of(&of_node, *id);
        use_until(&mut phase.values, value, end);
        named.insert(name.clone(), value);
    }
    phase.outputs = PhaseOutputs::new(named);
    for update in &graph.updates {
        let value = value_of(&of_node, update.value);
        use_until(&mut phase.values, value, end);
        phase.writes.push(Write { value, target: update.target });
    }
    phase
}

fn value_of(of_node: &[Option<ValueId>], id: NodeId) -> ValueId {
    of_node[id.0 as usize].expect("live nodes come in topological order, operands included")
}

/// Extends the life of a value and of the one whose memory it shows.
fn use_until(values: &mut [ReferenceValue], id: ValueId, step: usize) {
    let mut next = Some(id);
    while let Some(id) = next {
        let value = &mut values[id.0 as usize];
        value.last = value.last.max(step);
        next = match value.owner {
            Owner::View(root) => Some(root),
            Owner::Own | Owner::Param(_) | Owner::Buffer(_) => None,
        };
    }
}

fn owner(op: &Op, inputs: &[ValueId]) -> Owner {
    match (op, inputs) {
        (Op::Param(param), _) => Owner::Param(*param),
        (Op::Buffer(buffer), _) => Owner::Buffer(*buffer),
        (Op::Reshape(_) | Op::StopGradient, [input]) => Owner::View(*input),
        (_, _) => Owner::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::ir::{Emit, Init, Kind, Param, ParamRole, Shape, Unary};

    /// relu(x wᵀ) as a picture of one row, and its sum.
    fn small() -> ReferencePhase {
        let origin = Span::new(FileId(0), 0, 0);
        let mut graph = Graph::new();
        let x = graph.add_leaf(Op::Input, Shape::per_sample([3]), Kind::Real, origin);
        let (_, w) = graph.add_param(Param {
            name: "w".to_owned(),
            shape: Shape::fixed([2, 3]),
            role: ParamRole::Weight,
            init: Init::Constant(0.0),
            layer: None,
            origin,
        });
        let mut emit = Emit::new(&mut graph, origin);
        let y = emit.op(Op::Linear, &[x, w]);
        let picture = emit.reshape(y, Shape::per_sample([1, 2]));
        let relu = emit.unary(Unary::Relu, picture);
        let sum = emit.sum(relu, [0, 1, 2]);
        graph.outputs.insert("sum".to_owned(), sum);
        phase("small", &graph)
    }

    #[test]
    fn buffers_live_from_their_first_use_to_their_last() {
        let phase = small();
        let lives: Vec<_> = phase.values.iter().map(|value| (value.first, value.last)).collect();
        // The product is read through its view until step 4; the sum is an output.
        assert_eq!(lives, [(0, 2), (1, 2), (2, 4), (3, 4), (4, 5), (5, 6)]);
        assert_eq!(phase.values[3].owner, Owner::View(ValueId(2)));
        assert_eq!(phase.released()[4], [ValueId(2), ValueId(3)]);
    }

    #[test]
    fn the_footprint_counts_what_lives_at_once() {
        let peak = small().peak_footprint();
        assert_eq!(peak, Footprint { fixed: 0, per_sample: 5 });
        assert_eq!(peak.elements(4), 20);
    }
}
