//! The text of the kernels: one for each launch, which hands its blocks to the tasks of the launch.
//!
//! In: what was selected and where it lies. Out: CUDA C++ behind the functions of `kernels::cuda`. Indices of elements are
//! 32-bit, constants stand in the text.

mod behind;
mod code;
mod direct;
mod products;
mod rows;
mod tasks;
mod value;
mod window;

use std::fmt::Write as _;

pub(super) use self::code::Ground;
use self::code::{At, Code};
use super::PHASE_RESULTS;
use super::selection::{Body, Home, TaskIdx};
use crate::ir::NodeId;

/// The text and the blocks of a task.
pub(super) struct TaskText {
    pub(super) body: String,
    pub(super) blocks: usize,
}

/// Writes a task.
pub(super) fn task(ground: Ground<'_>, at: TaskIdx) -> TaskText {
    let home: &Home = &ground.selection.tasks[at];
    let mut code = Code::new(ground, at);
    let members = &home.members;
    let blocks = match &home.body {
        Body::Gather => tasks::gather(&mut code, members[0]),
        Body::Elements => tasks::elements(&mut code, members, &home.writes),
        Body::Rows => tasks::rows(&mut code, members),
        Body::Sums { parts } => tasks::sums(&mut code, members[0], *parts),
        Body::Scalars => tasks::scalars(&mut code, members),
        Body::Product { tiling } => {
            let pool = home.pool.as_ref();
            match &tiling.direct {
                Some(cut) => direct::direct(&mut code, members, pool, tiling, cut),
                None => products::product(&mut code, members, pool, tiling),
            }
        }
        Body::Spectral => tasks::spectral(&mut code, members[0]),
    };
    TaskText { body: code.into_text(), blocks }
}

/// Writes the task that reports the results of the phase at `position`.
pub(super) fn report(
    ground: Ground<'_>,
    position: usize,
    results: &[Option<NodeId>; PHASE_RESULTS],
) -> TaskText {
    let mut code = Code::new(ground, usize::MAX);
    for (number, id) in results.iter().enumerate() {
        if let Some(id) = id.filter(|id| ground.selection.home(*id).is_some()) {
            let value = code.value(id, &At::scalar());
            let at = position * PHASE_RESULTS + number;
            code.line(&format!("if (threadIdx.x == 0) report[{at}] = {value};"));
        }
    }
    TaskText { body: code.into_text(), blocks: 1 }
}

/// The kernel `name` of tasks side by side, of which a multiprocessor shall hold `at_once` blocks.
pub(super) fn launch(name: &str, tasks: &[TaskText], at_once: usize) -> String {
    const PARAMETERS: &str = "int block, const Call& call, float* A, const int* F, const unsigned char* bytes, double* report, double* shared";
    let mut text = String::new();
    for (number, task) in tasks.iter().enumerate() {
        let _ = writeln!(
            text,
            "__device__ inline void {name}_{number}({PARAMETERS}) {{\n{}}}\n",
            task.body
        );
    }
    let _ = writeln!(
        text,
        "extern \"C\" __global__ void __launch_bounds__(THREADS, {at_once}) {name}(float* memory, size_t stride, const int* feeds, \
         size_t feed_stride, const unsigned char* bytes, double* reports) {{\n    \
         extern __shared__ __align__(16) double shared[];\n    \
         float* A = memory + blockIdx.z * stride;\n    \
         const int* F = feeds + blockIdx.z * feed_stride;\n    \
         const Call call = *(const Call*)F;\n    \
         double* report = reports + blockIdx.z * REPORT;\n    \
         int block = blockIdx.x;"
    );
    for (number, task) in tasks.iter().enumerate() {
        let call = format!("{name}_{number}(block, call, A, F, bytes, report, shared)");
        if number + 1 == tasks.len() {
            let _ = writeln!(text, "    {call};");
        } else {
            let _ = writeln!(text, "    if (block < {}) return {call};", task.blocks);
            let _ = writeln!(text, "    block -= {};", task.blocks);
        }
    }
    text.push_str("}\n");
    text
}
