//! Planning for [`Target::Reference`]: one step per live node, in the order of the graph.

use crate::grad::Joint;
use crate::ir::{Graph, NodeId, Op};

use super::plan::{Kernel, Place, Plan, Scope, Slot, SlotId, Stage, Step, Target, Write};

/// Lowers a joint graph to a plan for `target`.
///
/// A target that has no planner of its own yet gets the steps of the reference, which each target can fall back to.
pub fn plan(joint: &Joint, target: Target) -> Plan {
    Plan {
        target,
        params: joint.eval.params.clone(),
        buffers: joint.eval.buffers.clone(),
        layers: joint.eval.layers.clone(),
        train: joint.train.iter().map(|phase| stage(phase.name, &phase.graph)).collect(),
        eval: stage("eval", &joint.eval),
        size: joint.size.as_ref().map(|graph| stage("size", graph)),
    }
}

/// One stage with one step per node that its outputs and updates need.
pub fn stage(name: &str, graph: &Graph) -> Stage {
    let live = graph.live();
    let mut of_node: Vec<Option<SlotId>> = vec![None; graph.len()];
    let mut stage = Stage { name: name.to_owned(), ..Stage::default() };
    for (idx, id) in live.iter().enumerate() {
        let inputs: Vec<SlotId> =
            graph.inputs(*id).into_iter().map(|input| slot_of(&of_node, input)).collect();
        for input in &inputs {
            use_until(&mut stage.slots, *input, idx);
        }
        let slot = slot(graph, *id, idx, &inputs, &stage.slots);
        let output = SlotId(stage.slots.len() as u32);
        of_node[id.0 as usize] = Some(output);
        stage.slots.push(slot);
        let node = &graph[*id];
        stage.steps.push(Step {
            kernel: Kernel::Op(node.op.clone()),
            inputs,
            outputs: vec![output],
            node: *id,
            origin: node.origin,
            layer: node.layer,
        });
    }
    let end = stage.steps.len();
    for (name, id) in &graph.outputs {
        let slot = slot_of(&of_node, *id);
        use_until(&mut stage.slots, slot, end);
        stage.outputs.insert(name.clone(), slot);
    }
    for update in &graph.updates {
        let value = slot_of(&of_node, update.value);
        use_until(&mut stage.slots, value, end);
        stage.writes.push(Write { target: update.target, value });
    }
    stage
}

fn slot_of(of_node: &[Option<SlotId>], id: NodeId) -> SlotId {
    of_node[id.0 as usize].expect("live nodes come in topological order, operands included")
}

/// Extends the life of a slot and of the one whose memory it shows.
fn use_until(slots: &mut [Slot], id: SlotId, step: usize) {
    let mut next = Some(id);
    while let Some(id) = next {
        let slot = &mut slots[id.0 as usize];
        slot.last = slot.last.max(step);
        next = match slot.place {
            Place::View(root) => Some(root),
            Place::Own | Place::Param(_) | Place::Buffer(_) => None,
        };
    }
}

fn slot(graph: &Graph, id: NodeId, idx: usize, inputs: &[SlotId], slots: &[Slot]) -> Slot {
    let node = &graph[id];
    let is_constant = |input: &SlotId| slots[input.0 as usize].scope == Scope::Constant;
    let scope = if node.shape.batched {
        Scope::Sample
    } else if matches!(node.op, Op::Const(_))
        || (!inputs.is_empty() && inputs.iter().all(is_constant))
    {
        Scope::Constant
    } else {
        Scope::Parameter
    };
    let place = match (&node.op, inputs) {
        (Op::Param(param), _) => Place::Param(*param),
        (Op::Buffer(buffer), _) => Place::Buffer(*buffer),
        (Op::Reshape(_) | Op::StopGradient, [input]) => Place::View(*input),
        (_, _) => Place::Own,
    };
    Slot { shape: node.shape.clone(), kind: node.kind, scope, place, first: idx, last: idx }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::ir::{Emit, Init, Kind, Param, ParamRole, Shape, Unary};
    use crate::lower::Footprint;

    /// relu(x wᵀ) as a picture of one row, and its sum.
    fn small() -> Stage {
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
        stage("small", &graph)
    }

    #[test]
    fn buffers_live_from_their_first_use_to_their_last() {
        let stage = small();
        let lives: Vec<_> = stage.slots.iter().map(|slot| (slot.first, slot.last)).collect();
        // The product is read through its view until step 4; the sum is an output.
        assert_eq!(lives, [(0, 2), (1, 2), (2, 4), (3, 4), (4, 5), (5, 6)]);
        assert_eq!(stage.slots[3].place, Place::View(SlotId(2)));
        assert_eq!(stage.released()[4], [SlotId(2), SlotId(3)]);
    }

    #[test]
    fn the_footprint_counts_what_lives_at_once() {
        let stage = small();
        assert_eq!(stage.peak_footprint(), Footprint { fixed: 0, per_sample: 5 });
        assert_eq!(stage.peak(4), 20);
    }
}
