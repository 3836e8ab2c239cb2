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
