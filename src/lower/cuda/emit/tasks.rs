//! The bodies of tasks but products: elements, rows, sums, single numbers, samples, singular values.

use super::code::{At, Code};
use super::rows;
use crate::ir::{NodeId, Op, Update, Written};
use crate::kernels::cuda::{THREADS, WARP};
use crate::lower::cuda::layout::matrix;

/// Longest sum that a warp takes alone.
const WARP_SUM: usize = 1024;

/// Elements of a sample that one thread decodes.
const DECODED: usize = 4;

/// Blocks that a task over elements takes.
pub(super) fn element_blocks(elements: usize) -> usize {
    elements.div_ceil(THREADS).max(1)
}

/// A thread for each element of the members.
pub(super) fn elements(code: &mut Code<'_>, members: &[NodeId], writes: &[Update]) -> usize {
    let facts = code.facts();
    let shape = facts.shape(members[0]).clone();
    let count = if shape.batched {
        format!("call.n * {}", shape.elements())
    } else {
        shape.elements().to_string()
    };
    code.line(&format!("const int i = block * {THREADS} + threadIdx.x;"));
    code.block(&format!("if (i < {count})"), |code| {
        let values: Vec<(NodeId, String)> = members
            .iter()
            .map(|member| {
                let place = code.at(&code.facts().shape(*member).clone(), "i");
                (*member, code.value(*member, &place))
            })
            .collect();
        for (member, value) in &values {
            store(code, *member, value, "i");
        }
        write(code, writes, "i");
    });
    element_blocks(facts.elements(members[0]))
}

/// Writes the updates of a task at a place, unless the loss is not finite; every value is known before the first is written.
pub(super) fn write(code: &mut Code<'_>, writes: &[Update], linear: &str) {
    if writes.is_empty() {
        return;
    }
    let value = |write: &Update| {
        let place = code.at(&code.facts().shape(write.value).clone(), linear);
        (write.target, code.value(write.value, &place))
    };
    let written: Vec<(Written, String)> = writes.iter().map(value).collect();
    let loss = code.facts().graph.output("loss").expect("phases with updates have a loss");
    let loss = code.value(loss, &At::scalar());
    code.block(&format!("if (is_sound(A, {loss}))"), |code| {
        for (target, value) in &written {
            write_kept(code, *target, value, linear);
        }
    });
}

/// Stores a value that others read.
pub(super) fn store(code: &mut Code<'_>, member: NodeId, value: &str, linear: &str) {
    let is_home = code.ground.selection.home(member) == Some(code.task);
    if is_home && code.ground.selection.in_memory[member.0 as usize] {
        let base = Code::floats(code.ground.layout.offset(member));
        code.line(&format!("{base}[{linear}] = {value};"));
    }
}

fn write_kept(code: &mut Code<'_>, target: Written, value: &str, linear: &str) {
    let layout = code.ground.layout;
    let (position, least) = match target {
        Written::Param(id) => (id.0 as usize, 0),
        Written::Buffer(id) => {
            (layout.n_params + id.0 as usize, code.facts().graph.buffer(id).min_samples)
        }
    };
    let check = if least > 1 { format!("if (call.n >= {least}) ") } else { String::new() };
    code.line(&format!("{check}{}[{linear}] = {value};", Code::floats(layout.kept[position])));
}

/// A warp for each row of the members.
pub(super) fn rows(code: &mut Code<'_>, members: &[NodeId]) -> usize {
    code.line(&format!("const int row = block * {} + threadIdx.x / WARP;", THREADS / WARP));
    code.line("const int lane = threadIdx.x % WARP;");
    code.block("if (row < call.n)", |code| {
        rows::prepare(code, members);
        let (single, wide): (Vec<NodeId>, Vec<NodeId>) =
            members.iter().partition(|member| code.facts().shape(**member).rank() == 1);
        for member in single {
            let value = code.value(member, &At::row());
            code.block("if (lane == 0)", |code| store(code, member, &value, "row"));
        }
        let mut done: Vec<NodeId> = vec![];
        for member in &wide {
            if done.contains(member) {
                continue;
            }
            let len = code.facts().shape(*member).elements();
            let alike = |other: &&NodeId| code.facts().shape(**other).elements() == len;
            let alike: Vec<NodeId> = wide.iter().filter(alike).copied().collect();
            let k = code.name();
            code.block(&format!("for (int {k} = lane; {k} < {len}; {k} += WARP)"), |code| {
                let linear = code.constant("int", &format!("row * {len} + {k}"));
                for member in &alike {
                    let shape = code.facts().shape(*member).clone();
                    let place = code.at(&shape, &linear);
                    // The axes of a matrix are known without a division.
                    let axes = if shape.dims.len() == 1 {
                        vec!["row".to_owned(), k.clone()]
                    } else {
                        place.axes
                    };
                    let value = code.value(*member, &At { linear: linear.clone(), axes });
                    store(code, *member, &value, &linear);
                }
            });
            done.extend(alike);
        }
    });
    code.facts().batch.div_ceil(THREADS / WARP).max(1)
}

/// How the operand of a sum is walked.
struct Walk {
    /// Elements of one sum.
    extent: String,
    /// Those for a full batch.
    full: usize,
    kept: Vec<usize>,
    summed: Vec<usize>,
}

fn walk(code: &Code<'_>, id: NodeId) -> Walk {
    let facts = code.facts();
    let x = facts.shape(facts.inputs(id)[0]);
    let all: Vec<usize> = (0..x.rank()).collect();
    let summed = match facts.op(id) {
        Op::Sum { axes } => axes.clone(),
        _ => all.clone(),
    };
    let kept = all.iter().copied().filter(|axis| !summed.contains(axis)).collect();
    let first = usize::from(x.batched);
    let inner: usize =
        summed.iter().filter(|axis| **axis >= first).map(|axis| x.dims[axis - first]).product();
    let is_over_batch = x.batched && summed.contains(&0);
    let extent = if is_over_batch { format!("call.n * {inner}") } else { inner.to_string() };
    Walk { extent, full: facts.extent(id), kept, summed }
}

/// The element of the operand of a sum at position `r` of the sum, for the result at `at`.
fn term(code: &mut Code<'_>, id: NodeId, walk: &Walk, at: &At, r: &str) -> String {
    let facts = code.facts();
    let x = facts.inputs(id)[0];
    let shape = facts.shape(x).clone();
    let sizes = shape.sizes(0);
    let mut axes = vec![String::new(); shape.rank()];
    for (axis, place) in walk.kept.iter().zip(&at.axes) {
        axes[*axis].clone_from(place);
    }
    if walk.kept.is_empty() {
        // Every element, in the order of memory.
        let place = code.at(&shape, r);
        return squared(code, id, &place);
    }
    let mut rest = r.to_owned();
    for (number, axis) in walk.summed.iter().enumerate() {
        if sizes[*axis] == 1 && (*axis > 0 || !shape.batched) {
            "0".clone_into(&mut axes[*axis]);
            continue;
        }
        let inner: usize = walk.summed[number + 1..].iter().map(|axis| sizes[*axis]).product();
        let whole = if inner == 1 {
            rest.clone()
        } else {
            code.constant("int", &format!("{rest} / {inner}"))
        };
        if inner != 1 {
            rest = code.constant("int", &format!("{rest} % {inner}"));
        }
        axes[*axis] = whole;
    }
    let place = code.place(&shape, axes);
    squared(code, id, &place)
}

/// What one element of the operand adds to a sum.
fn squared(code: &mut Code<'_>, id: NodeId, place: &At) -> String {
    let x = code.facts().inputs(id)[0];
    let value = code.value(x, place);
    match code.facts().op(id) {
        Op::SumSquares => format!("(double){value} * (double){value}"),
        _ => format!("(double){value}"),
    }
}

/// A block for each part of each sum.
pub(super) fn sums(code: &mut Code<'_>, id: NodeId, parts: usize) -> usize {
    let facts = code.facts();
    let shape = facts.shape(id).clone();
    let walk = walk(code, id);
    let outputs = facts.elements(id);
    if parts == 1 && shape.rank() > 0 && walk.full <= WARP_SUM {
        return short_sums(code, id, &walk);
    }
    code.line(&format!("const int o = block / {parts}, part = block % {parts};"));
    if shape.batched {
        code.line(&format!("if (o >= call.n * {}) return;", shape.elements()));
    }
    let per_part = walk.full.div_ceil(parts);
    code.line(&format!("const int begin = part * {per_part};"));
    code.line(&format!("int end = begin + {per_part};"));
    code.line(&format!("if (end > {0}) end = {0};", walk.extent));
    let place = if shape.rank() == 0 { At::scalar() } else { code.at(&shape, "o") };
    code.line("double sum = 0;");
    code.block(&format!("for (int r = begin + threadIdx.x; r < end; r += {THREADS})"), |code| {
        let term = term(code, id, &walk, &place, "r");
        code.line(&format!("sum += {term};"));
    });
    code.line("sum = block_sum(sum, shared);");
    let offset = code.ground.layout.offset(id);
    if shape.rank() == 0 {
        code.line(&format!("if (threadIdx.x == 0) {}[part] = sum;", Code::doubles(offset)));
    } else {
        let base = Code::floats(offset);
        code.line(&format!("if (threadIdx.x == 0) {base}[part * {outputs} + o] = (float)sum;"));
    }
    outputs * parts
}

/// A warp for each sum.
fn short_sums(code: &mut Code<'_>, id: NodeId, walk: &Walk) -> usize {
    const WARPS: usize = THREADS / WARP;
    let (shape, outputs) = (code.facts().shape(id).clone(), code.facts().elements(id));
    code.line(&format!("const int o = block * {WARPS} + threadIdx.x / WARP;"));
    let bound =
        if shape.batched { format!("call.n * {}", shape.elements()) } else { outputs.to_string() };
    code.line(&format!("if (o >= {bound}) return;"));
    let place = code.at(&shape, "o");
    code.line("double sum = 0;");
    let head = format!("for (int r = threadIdx.x % WARP; r < {}; r += WARP)", walk.extent);
    code.block(&head, |code| {
        let term = term(code, id, walk, &place, "r");
        code.line(&format!("sum += {term};"));
    });
    code.line("sum = warp_sum(sum);");
    let base = Code::floats(code.ground.layout.offset(id));
    code.line(&format!("if (threadIdx.x % WARP == 0) {base}[o] = (float)sum;"));
    outputs.div_ceil(WARPS).max(1)
}

/// One block: sums by all threads, then the numbers by one.
pub(super) fn scalars(code: &mut Code<'_>, members: &[NodeId]) -> usize {
    let is_sum = |id: &&NodeId| matches!(code.facts().op(**id), Op::Sum { .. } | Op::SumSquares);
    let sums: Vec<NodeId> = members.iter().filter(is_sum).copied().collect();
    for id in &sums {
        let walk = walk(code, *id);
        let sum = code.name();
        code.line(&format!("double {sum} = 0;"));
        let head = format!("for (int r = threadIdx.x; r < {}; r += {THREADS})", walk.extent);
        code.block(&head, |code| {
            let term = term(code, *id, &walk, &At::scalar(), "r");
            code.line(&format!("{sum} += {term};"));
        });
        code.line(&format!("{sum} = block_sum({sum}, shared);"));
        code.remember(*id, &At::scalar(), &sum);
    }
    code.block("if (threadIdx.x == 0)", |code| {
        for id in members {
            let value = code.value(*id, &At::scalar());
            let base = Code::doubles(code.ground.layout.offset(*id));
            code.line(&format!("{base}[0] = {value};"));
        }
        let loss = code.facts().graph.output("loss").filter(|loss| members.contains(loss));
        if let Some(loss) = loss.filter(|_| !code.facts().graph.updates.is_empty()) {
            let value = code.value(loss, &At::scalar());
            code.line(&format!("if (!is_finite({value})) *(double*)A = 1;"));
        }
    });
    1
}

/// A thread for each number of the input.
pub(super) fn gather(code: &mut Code<'_>, id: NodeId) -> usize {
    let facts = code.facts();
    let shape = facts.shape(id).clone();
    let [rows, columns]: [usize; 2] = match shape.dims.as_slice() {
        &[_, rows, columns] => [rows, columns],
        dims => [1, dims.iter().skip(1).product()],
    };
    let (len, plane) = (shape.elements(), rows * columns);
    let feed = code.ground.feed;
    // Neighbours that are decoded together are of one channel.
    let step = if plane.is_multiple_of(DECODED) { DECODED } else { 1 };
    code.line(&format!("const int i = (block * {THREADS} + threadIdx.x) * {step};"));
    code.line(&format!("if (!call.is_raw || i >= call.n * {len}) return;"));
    code.line(&format!("const int row = i / {len}, element = i % {len};"));
    code.line(&format!(
        "const Window* window = call.is_moved ? (const Window*)(F + {}) + row : (const Window*)0;",
        feed.windows
    ));
    code.line(&format!(
        "const unsigned char* sample = bytes + (size_t)(unsigned)F[{} + row] * {len};",
        feed.indices
    ));
    code.line(&format!(
        "decode<{step}, {plane}, {columns}>(sample, (const float*)(F + {}), window, element, {} + i);",
        feed.scales,
        Code::floats(code.ground.layout.input),
    ));
    element_blocks(facts.elements(id).div_ceil(step))
}

/// One block.
pub(super) fn spectral(code: &mut Code<'_>, id: NodeId) -> usize {
    let facts = code.facts();
    let [rows, columns] = matrix(facts, id);
    let w = facts.inputs(id)[0];
    let base = code.address(w);
    let result = Code::doubles(code.ground.layout.offset(id));
    code.line(&format!("spectral({base}, {rows}, {columns}, {result} + 1, {result}, shared);"));
    1
}
