//! Planning for the CUDA target: from joint graphs to launches, with the text of their kernels.
//!
//! In: a [`Joint`] and the size of a full batch. Out: a [`CudaPlan`]. Every phase becomes levels; the tasks of a level do not
//! read each other and are one launch. Invariant: no bit depends on the number of replicas, and every sum has one order.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "patterns look for a few operations; the exhaustive choice of kernels is in `facts`"
)]

mod alone;
mod decompose;
mod direct;
mod emit;
mod facts;
mod layout;
mod product;
mod select;
mod selection;
mod text;
mod types;

pub use alone::{Alone, At, Value, alone};
pub use types::{
    CudaPhase, CudaPlan, Feed, Launch, Memory, Place, PlanOptions, Scalars, Task, TaskKind,
};

use self::emit::Ground;
use self::facts::Facts;
use self::layout::{ALIGN, Layout};
use self::select::select;
use self::selection::{Body, Home, Selection};
use crate::grad::Joint;
use crate::ir::{Graph, Hyper, NodeId, Op};
use crate::kernels::cuda::{THREADS, WARP};
use crate::lower::{Phases, Tables, Work};

/// Bytes of shared memory that every architecture gives a block without asking.
pub const MAX_SHARED: usize = 48 * 1024;

/// Words of the call at the head of a feed, as in `base.cu`.
const CALL_WORDS: usize = 10;

/// Words of a window, as in `gather.cu`.
pub const WINDOW_WORDS: usize = 8;

/// Results that a phase reports: loss, correct, well, R.
pub const PHASE_RESULTS: usize = 4;

/// Double precision numbers of the report of a replica: two phases of training, evaluation, size.
pub const REPORT_DOUBLES: usize = 4 * PHASE_RESULTS;

/// Most channels whose normalisation a feed holds.
const MAX_CHANNELS: usize = 16;

/// Plans a run.
pub fn plan(joint: &Joint, options: &PlanOptions) -> CudaPlan {
    let PlanOptions { batch, replicas, precision } = *options;
    let options = PlanOptions { batch: batch.max(1), replicas: replicas.max(1), precision };
    let input_dims = input_dims(joint);
    let feed = feed(&input_dims, options.batch, n_settings(joint));
    let mut memory = Memory { len: ALIGN, ..Memory::default() };
    let params = joint.eval.params.iter().map(|param| &param.shape);
    let buffers = joint.eval.buffers.iter().map(|buffer| &buffer.shape);
    for shape in params.chain(buffers) {
        memory.kept.push(memory.len);
        memory.len += shape.elements().next_multiple_of(ALIGN);
    }
    memory.input = memory.len;
    let sample: usize = input_dims.iter().product();
    memory.len += (sample * options.batch).next_multiple_of(ALIGN);
    // Results of the first phase of a step are read after the last one.
    let mut begin = memory.len;
    let mut end = begin;
    let mut position = 0;
    let phases = Phases::of(joint, |name, graph| {
        let (phase, used) = phase(name, position, graph, options, feed, &memory, begin);
        position += 1;
        end = end.max(used.end);
        begin = begin.max(used.scalars_end);
        phase
    });
    memory.len = end;
    CudaPlan { tables: Tables::of(&joint.eval), phases, options, memory, feed, input_dims }
}

fn input_dims(joint: &Joint) -> Vec<usize> {
    let mut inputs = joint.graphs().flat_map(|graph| graph.ids().map(move |id| &graph[id]));
    inputs.find(|node| node.op == Op::Input).map(|node| node.shape.dims.clone()).unwrap_or_default()
}

/// Settings that the graphs of a joint read.
fn n_settings(joint: &Joint) -> usize {
    let ops = joint.graphs().flat_map(|graph| graph.ids().map(move |id| &graph[id].op));
    let setting = |op: &Op| match op {
        Op::Hyper(Hyper::Setting(at)) => *at as usize + 1,
        _ => 0,
    };
    ops.map(setting).max().unwrap_or(0)
}

fn feed(input_dims: &[usize], batch: usize, n_settings: usize) -> Feed {
    let settings = CALL_WORDS;
    let scales = settings + 2 * n_settings;
    let labels = scales + 2 * MAX_CHANNELS;
    let indices = labels + batch;
    let windows = indices + batch;
    let has_windows = input_dims.len() == 3;
    let len = windows + if has_windows { WINDOW_WORDS * batch } else { 0 };
    Feed { settings, scales, labels, indices, windows, len: len.next_multiple_of(4) }
}

/// How far a phase reaches in memory.
struct Used {
    end: usize,
    scalars_end: usize,
}

fn phase(
    name: &str,
    position: usize,
    graph: &Graph,
    options: PlanOptions,
    feed: Feed,
    memory: &Memory,
    begin: usize,
) -> (CudaPhase, Used) {
    let graph = decompose::decompose(graph);
    let facts = Facts::new(&graph, options);
    let selection = select(&facts);
    let layout = Layout::new(&facts, &selection, &memory.kept, memory.input, begin);
    let ground = Ground { facts: &facts, selection: &selection, layout: &layout, feed };
    let find = |output: &str| graph.output(output).filter(|id| facts.is_scalar(*id));
    let results = ["loss", "correct", "well", "R"].map(find);
    // A report is made as soon as the last result is there.
    let level_of = |id: &NodeId| selection.home(*id).map(|task| selection.tasks[task].level + 1);
    let report = results.iter().flatten().filter_map(level_of).max();
    let n_levels = selection.n_levels().max(report.map_or(0, |level| level + 1));
    let launches = (0..n_levels)
        .filter_map(|level| {
            let results = (report == Some(level)).then_some((position, results));
            launch(name, level, ground, results)
        })
        .collect();
    let [loss, correct, well, size] =
        results.map(|id| id.filter(|id| selection.home(*id).is_some()).map(|id| layout.offset(id)));
    let scalars = Scalars { loss, correct, well, size };
    let logits = graph.output("logits");
    let logits =
        logits.map(|id| Place { offset: layout.offset(id), len: facts.shape(id).elements() });
    let phase = CudaPhase {
        name: name.to_owned(),
        launches,
        scalars,
        logits,
        position,
        loss_origin: graph.output("loss").map(|id| graph[id].origin),
    };
    (phase, Used { end: layout.end, scalars_end: layout.scalars_end })
}

fn launch(
    phase: &str,
    level: usize,
    ground: Ground<'_>,
    results: Option<(usize, [Option<NodeId>; PHASE_RESULTS])>,
) -> Option<Launch> {
    let name = format!("{phase}_{level}");
    let tasks: Vec<usize> = (0..ground.selection.tasks.len())
        .filter(|at| ground.selection.tasks[*at].level == level)
        .collect();
    if tasks.is_empty() && results.is_none() {
        return None;
    }
    let mut texts: Vec<_> = tasks.iter().map(|at| emit::task(ground, *at)).collect();
    texts.extend(results.map(|(position, ids)| emit::report(ground, position, &ids)));
    let is_wide = |at: &usize| is_wide(&ground.selection.tasks[*at]);
    let source = emit::launch(&name, &texts, if tasks.iter().any(is_wide) { 2 } else { 3 });
    let described = tasks.iter().zip(&texts);
    let described: Vec<Task> = described
        .map(|(at, text)| describe(ground, &ground.selection.tasks[*at], text.blocks))
        .collect();
    let blocks = texts.iter().map(|text| text.blocks).sum();
    let shared = tasks.iter().map(|at| shared(&ground.selection.tasks[*at])).max().unwrap_or(0);
    assert!(shared <= MAX_SHARED, "broken invariant: tiles fit the shared memory of a block");
    Some(Launch { name, tasks: described, blocks, shared, source })
}

/// Whether a thread of the task holds so many sums that two blocks fill a multiprocessor.
fn is_wide(home: &Home) -> bool {
    const MANY: usize = 32;
    matches!(&home.body, Body::Product { tiling } if tiling.direct.is_none() && tiling.sums() >= MANY)
}

/// Bytes of shared memory of a task.
fn shared(home: &Home) -> usize {
    const DOUBLE: usize = 8;
    let warps = THREADS / WARP;
    match &home.body {
        Body::Gather | Body::Elements | Body::Rows => 0,
        Body::Sums { .. } | Body::Scalars => warps * DOUBLE,
        Body::Product { tiling } => tiling.shared() * 4,
        Body::Spectral => (warps + 4 * layout::LANCZOS) * DOUBLE,
    }
}

fn describe(ground: Ground<'_>, home: &Home, blocks: usize) -> Task {
    let Selection { in_memory, .. } = ground.selection;
    let kind = match &home.body {
        Body::Gather => TaskKind::Gather,
        Body::Elements => TaskKind::Elements,
        Body::Rows => TaskKind::Rows,
        Body::Sums { parts } => TaskKind::Sums { parts: *parts },
        Body::Scalars => TaskKind::Scalars,
        Body::Product { tiling } => {
            let (tile, parts) = ([tiling.tile[0], tiling.tile[1]], tiling.parts);
            match &tiling.direct {
                Some(direct) => TaskKind::Direct { channels: direct.channels, parts },
                None => TaskKind::Product { tile, parts },
            }
        }
        Body::Spectral => TaskKind::Spectral,
    };
    let node = home.members[0];
    let graph = ground.facts.graph;
    let all: Vec<NodeId> = home.all().collect();
    let n_stored = all.iter().filter(|id| in_memory[id.0 as usize]).count();
    Task {
        kind,
        blocks,
        n_stored,
        writes: home.writes.iter().map(|write| write.target).collect(),
        n_members: all.len(),
        word: graph[node].op.to_string(),
        shape: graph[node].shape.clone(),
        origin: graph[node].origin,
        layer: graph[node].layer,
        work: Work::of(graph, &all, node),
    }
}
