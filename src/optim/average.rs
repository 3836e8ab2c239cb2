//! Averages of what a run trains over its steps, which evaluation reads in its place.

use std::collections::BTreeMap;

use crate::ir::{
    AVERAGE, Buffer, BufferId, BufferRole, Emit, Graph, NodeId, Op, ParamId, Part, Update, Written,
    copy, rebuild,
};

/// The buffer of the average of each trained parameter and running statistic.
pub type Averages = BTreeMap<Written, BufferId>;

/// Adds a buffer `<name>/ema` for each trained parameter and running statistic to the tables of `graph`; they start as
/// these do.
pub fn declare_averages(graph: &mut Graph, trained: &[ParamId]) -> Averages {
    let params = trained.iter().map(|id| {
        let param = graph.param(*id);
        let buffer = Buffer {
            name: format!("{}{AVERAGE}", param.name),
            shape: param.shape.clone(),
            role: BufferRole::Average(*id),
            initial: 0.0,
            min_samples: 0,
        };
        (Written::Param(*id), buffer)
    });
    let statistics = graph.buffers.iter().enumerate().filter_map(|(at, buffer)| {
        let is_running = matches!(buffer.role, BufferRole::RunningMean | BufferRole::RunningVar);
        let id = BufferId(at as u32);
        let name = format!("{}{AVERAGE}", buffer.name);
        let average = Buffer { name, role: BufferRole::AverageOf(id), ..buffer.clone() };
        is_running.then_some((Written::Buffer(id), average))
    });
    let buffers: Vec<(Written, Buffer)> = params.chain(statistics).collect();
    let mut averages = Averages::new();
    for (of, buffer) in buffers {
        averages.insert(of, graph.keep(buffer));
    }
    averages
}

/// Adds the updates of the averages behind those of the step.
///
/// **Formula** a ← d · a + (1 − d) · w with the w behind the step; a = w before the first one. Running statistics likewise.
/// **Source** Polyak and Juditsky 1992, in the exponential form of today's programs.
pub fn average(graph: &mut Graph, averages: &Averages, decay: f64) {
    for Update { target, value } in graph.updates.clone() {
        let Some(buffer) = averages.get(&target) else { continue };
        let mut emit = Emit { part: Part::Update, ..Emit::beside(graph, value) };
        decayed(&mut emit, *buffer, decay, value);
    }
}

/// β · old + (1 − β) · new, which replaces the old one in `buffer`.
pub(super) fn decayed(emit: &mut Emit<'_>, buffer: BufferId, beta: f64, new: NodeId) -> NodeId {
    let new = emit.times(new, 1.0 - beta);
    let old = emit.buffer(buffer);
    let kept = emit.times(old, beta);
    let value = emit.add(kept, new);
    emit.graph.updates.push(Update { target: Written::Buffer(buffer), value });
    value
}

/// The graph with averages in the place of what they are averages of.
#[must_use]
pub fn of_averages(graph: &Graph, averages: &Averages) -> Graph {
    rebuild(graph, |emit, node, inputs| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "no other operation reads the tables")]
        let read = match node.op {
            Op::Param(id) => averages.get(&Written::Param(id)),
            Op::Buffer(id) => averages.get(&Written::Buffer(id)),
            _ => None,
        };
        match read {
            Some(average) => emit.buffer(*average),
            None => copy(emit, node, inputs),
        }
    })
}
