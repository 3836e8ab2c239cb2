//! The bodies of products: how operands are read, and what is done with each sum.

use super::behind;
use super::code::{At, Code};
use super::tasks::{store, write};
use crate::ir::NodeId;
use crate::lower::Precision;
use crate::lower::cuda::product::{Geometry, Map, Tiling, WINDOW};
use crate::lower::cuda::selection::PoolBehind;

/// A tile for each block.
pub(super) fn product(
    code: &mut Code<'_>,
    members: &[NodeId],
    pool: Option<&PoolBehind>,
    tiling: &Tiling,
) -> usize {
    let id = members[0];
    let inputs = code.facts().inputs(id).to_vec();
    let [rows, columns] = tiling.counts();
    let per_group = rows * columns * tiling.parts;
    code.line(&format!("const int group = block / {per_group}, in_group = block % {per_group};"));
    code.line(&format!(
        "const int part = in_group / {}, tile = in_group % {};",
        rows * columns,
        rows * columns
    ));
    let depth = sizes(tiling)[2].clone();
    code.line(&format!("const int begin = part * {};", tiling.per_part));
    code.line(&format!("int end = begin + {};", tiling.per_part));
    code.line(&format!("if (end > {depth}) end = {depth};"));
    let [left, right] = [code.address(inputs[0]), code.address(inputs[1])];
    code.line(&format!("const float* left = {left};"));
    code.line(&format!("const float* right = {right};"));
    operands(code, tiling);
    code.block("auto keep = [&](int first, int n, const float* sums)", |code| {
        let [m_size, n_size, _] = sizes(tiling);
        code.line(&format!("if (n >= {n_size}) return;"));
        if let (true, Some(pool)) = (tiling.is_windowed, pool) {
            behind::gather(code, members, pool, tiling);
            return;
        }
        code.line("#pragma unroll");
        code.block(&format!("for (int i = 0; i < {}; i++)", tiling.tile[2]), |code| {
            code.line("const int m = first + i;");
            code.block(&format!("if (m < {m_size})"), |code| {
                let place = place_of(code, members[0], tiling);
                keep(code, members, &place, tiling);
                if let Some(pool) = pool {
                    behind::spread(code, pool, &place);
                }
            });
        });
    });
    code.line(";");
    let [tile_m, tile_n, per_m, per_n] = tiling.tile;
    let ([a, b], depth) = (tiling.by_k, tiling.depth());
    let way = match tiling.precision {
        Precision::F32 => "Plain",
        Precision::Tf32 => "Tensor",
    };
    code.line(&format!(
        "product<{way}<{tile_m}, {tile_n}, {per_m}, {per_n}>, {depth}, {a}, {b}>(tile / {columns}, tile % {columns}, begin, end, a, b, keep, (float*)shared);"
    ));
    tiling.blocks()
}

/// Rows, columns and depth of the batch at hand.
fn sizes(tiling: &Tiling) -> [String; 3] {
    let [m, n, k] = tiling.sizes.map(|size| size.to_string());
    let batch = |per_sample: usize| format!("call.n * {per_sample}");
    match &tiling.map {
        Map::Linear | Map::LinearInput => ["call.n".to_owned(), n, k],
        Map::LinearWeight => [m, n, "call.n".to_owned()],
        Map::Conv(g) if tiling.is_windowed => [batch(windows(g) * WINDOW), n, k],
        Map::Conv(g) => [batch(g.pixels_out()), n, k],
        Map::ConvInput(g) => [batch(g.pixels_in()), n, k],
        Map::ConvWeight(g) => [m, n, batch(g.pixels_out())],
    }
}

/// The operands `a` and `b` with the places of their rows and columns.
#[expect(clippy::too_many_lines, reason = "one arm a map, each a few lines of source")]
fn operands(code: &mut Code<'_>, tiling: &Tiling) {
    let [m, n, _] = sizes(tiling);
    let [rows, columns, depth] = tiling.sizes;
    let line = |stride: usize| format!("{{line * {stride}, 0, 0, true}}");
    let along_k = "return from + place.base + first + c;";
    let across = |stride: usize| format!("return from + place.base + (first + c) * {stride};");
    // Of a matrix in memory: floats from one k to the next, from one line to the next.
    let matrix = |along_k, along_line| Steps {
        along_k,
        along_line,
        is_full: depth.is_multiple_of(TOGETHER) && tiling.map != Map::LinearWeight,
    };
    // Of channels whose taps are summed by sixteens.
    let by_sixteens = |all: usize, along_k: usize, along_line: usize| {
        if all.is_multiple_of(TOGETHER) { matrix(along_k, along_line) } else { Steps::default() }
    };
    match &tiling.map {
        Map::Linear => {
            let steps = matrix(1, depth);
            operand(code, steps, "a", &m, &[], &line(depth), &[along_k]);
            operand(code, steps, "b", &n, &[], &line(depth), &[along_k]);
        }
        Map::LinearInput => {
            operand(code, matrix(1, depth), "a", &m, &[], &line(depth), &[along_k]);
            let across = across(columns);
            operand(code, matrix(columns, 1), "b", &n, &[], &line(1), &[&across]);
        }
        Map::LinearWeight => {
            let [of_a, of_b] = [rows, columns].map(across);
            operand(code, matrix(rows, 1), "a", &m, &[], &line(1), &[&of_a]);
            operand(code, matrix(columns, 1), "b", &n, &[], &line(1), &[&of_b]);
        }
        Map::Conv(g) => {
            let pixel = if tiling.is_windowed {
                behind::pixel_of_window("line", g)
            } else {
                pixel_of("line", g.pixels_out(), g.output[2])
            };
            let place = format!(
                "{{{}, {}, {}, true}}",
                input_base(g, "sample", "0"),
                down(g, "y"),
                along(g, "x")
            );
            operand(
                code,
                by_sixteens(g.group_in(), g.pixels_in(), 0),
                "a",
                &m,
                &[&pixel],
                &place,
                &[
                    &step_of(g.group_in(), g),
                    "const int row = place.y + ky, column = place.x + kx;",
                    &inside(g.input),
                    &format!(
                        "return from + place.base + channel * {} + row * {} + column;",
                        g.pixels_in(),
                        g.input[2]
                    ),
                ],
            );
            let place = format!("{{(group * {n} + line) * {depth}, 0, 0, true}}");
            let read = format!("return from + place.base + channel * {} + tap;", g.taps());
            let steps = by_sixteens(g.group_in(), g.taps(), depth);
            operand(code, steps, "b", &n, &[], &place, &[&step_of(g.group_in(), g), &read]);
        }
        Map::ConvInput(g) => {
            let pixel = pixel_of("line", g.pixels_in(), g.input[2]);
            let [channels, _, out_columns] = g.output;
            let base =
                format!("(sample * {channels} + group * {}) * {}", g.group_out(), g.pixels_out());
            let place = format!("{{{base}, y + {}, x + {}, true}}", g.conv.pad[0], g.conv.pad[1]);
            let [step_rows, step_columns] = g.conv.stride;
            // Without strides the signs are looked at with the bounds.
            let hit = if g.conv.stride == [1, 1] {
                "true".to_owned()
            } else {
                format!(
                    "down >= 0 && along >= 0 && down % {step_rows} == 0 && along % {step_columns} == 0"
                )
            };
            operand(
                code,
                by_sixteens(g.group_out(), g.pixels_out(), 0),
                "a",
                &m,
                &[&pixel],
                &place,
                &[
                    &step_of(g.group_out(), g),
                    "const int down = place.y - ky, along = place.x - kx;",
                    &format!("is_there &= {hit};"),
                    &format!(
                        "const int row = down / {step_rows}, column = along / {step_columns};"
                    ),
                    &inside(g.output),
                    &format!(
                        "return from + place.base + channel * {} + row * {out_columns} + column;",
                        g.pixels_out()
                    ),
                ],
            );
            let taps = g.taps();
            let place = format!(
                "{{(group * {} * {} + line) * {taps}, 0, 0, true}}",
                g.group_out(),
                g.group_in()
            );
            let read =
                format!("return from + place.base + channel * {} + tap;", g.group_in() * taps);
            let steps = by_sixteens(g.group_out(), g.group_in() * g.taps(), g.taps());
            operand(code, steps, "b", &n, &[], &place, &[&step_of(g.group_out(), g), &read]);
        }
        Map::ConvWeight(g) => {
            let pixels = g.pixels_out();
            let place = format!("{{(group * {} + line) * {pixels}, 0, 0, true}}", g.group_out());
            let read = format!(
                "return from + place.base + k / {pixels} * {} + k % {pixels};",
                g.output[0] * pixels
            );
            let whole = "const int k = first + c;";
            // Sixteen pixels that follow one another are those of one sample where sixteens fill it.
            let steps = by_sixteens(pixels, 1, pixels);
            operand(code, steps, "a", &m, &[], &place, &[whole, &read]);
            let place = format!(
                "{{(group * {} + channel) * {}, ky - {}, kx - {}, true}}",
                g.group_in(),
                g.pixels_in(),
                g.conv.pad[0],
                g.conv.pad[1]
            );
            operand(
                code,
                Steps::default(),
                "b",
                &n,
                &[&tap_of("line", g)],
                &place,
                &[
                    whole,
                    &pixel_of("k", pixels, g.output[2]),
                    &format!(
                        "const int row = y * {} + place.y, column = x * {} + place.x;",
                        g.conv.stride[0], g.conv.stride[1]
                    ),
                    &inside(g.input),
                    &format!(
                        "return from + place.base + sample * {} + row * {} + column;",
                        g.input.iter().product::<usize>(),
                        g.input[2]
                    ),
                ],
            );
        }
    }
}

/// Steps of k that are read together.
const TOGETHER: usize = 16;

/// How addresses of an operand follow from each other.
#[derive(Clone, Copy, Default)]
struct Steps {
    /// Floats from one step of k to the next, within sixteen; 0 where that differs.
    along_k: usize,
    /// Floats from one row or column to the next; 0 where that differs.
    along_line: usize,
    /// Whether k ends with a whole sixteen.
    is_full: bool,
}

/// Writes an operand as a structure with what it captures: `a` of what stands left, `b` of what stands right.
fn operand(
    code: &mut Code<'_>,
    steps: Steps,
    name: &str,
    bound: &str,
    before: &[&str],
    place: &str,
    read: &[&str],
) {
    code.block(&format!("struct Operand_{name}"), |code| {
        code.line(&format!(
            "enum {{ ALONG_K = {}, ALONG_LINE = {}, IS_FULL = {} }};",
            steps.along_k,
            steps.along_line,
            u8::from(steps.is_full)
        ));
        code.line("const float* from;");
        code.line("const int bound, group;");
        code.block("__device__ inline Place place(int line) const", |code| {
            code.line("if (line >= bound) return Place{0, 0, 0, false};");
            before.iter().for_each(|line| code.line(line));
            code.line(&format!("return Place{place};"));
        });
        code.block(
            "__device__ inline const float* at(const Place& place, int first, int c, bool& is_there) const",
            |code| {
                read.iter().for_each(|line| code.line(line));
            },
        );
    });
    let memory = if name == "a" { "left" } else { "right" };
    code.line(&format!("; const Operand_{name} {name} = {{{memory}, {bound}, group}};"));
}

fn pixel_of(index: &str, pixels: usize, columns: usize) -> String {
    format!(
        "const int sample = {index} / {pixels}, pixel = {index} % {pixels}, y = pixel / {columns}, x = pixel % {columns};"
    )
}

fn tap_of(index: &str, g: &Geometry) -> String {
    let (taps, columns) = (g.taps(), g.kernel[1]);
    format!(
        "const int channel = {index} / {taps}, tap = {index} % {taps}, ky = tap / {columns}, kx = tap % {columns};"
    )
}

/// The first row of the input that the window of an output row covers.
fn down(g: &Geometry, y: &str) -> String {
    format!("{y} * {} - {}", g.conv.stride[0], g.conv.pad[0])
}

fn along(g: &Geometry, x: &str) -> String {
    format!("{x} * {} - {}", g.conv.stride[1], g.conv.pad[1])
}

fn input_base(g: &Geometry, sample: &str, channel: &str) -> String {
    format!(
        "({sample} * {} + group * {} + {channel}) * {}",
        g.input[0],
        g.group_in(),
        g.pixels_in()
    )
}

fn inside(picture: [usize; 3]) -> String {
    format!("is_there &= (unsigned)row < {}u && (unsigned)column < {}u;", picture[1], picture[2])
}

/// Channel and tap of step `first + c` of a convolution that sums over `channels` channels: by sixteen channels, so that steps
/// that are read together share their tap; else channel by channel.
fn step_of(channels: usize, g: &Geometry) -> String {
    if !channels.is_multiple_of(TOGETHER) {
        return format!("const int k = first + c; {}", tap_of("k", g));
    }
    let (taps, columns) = (g.taps(), g.kernel[1]);
    format!(
        "const int sixteen = first / {TOGETHER}, tap = sixteen % {taps}, ky = tap / {columns}, kx = tap % {columns}, \
         channel = sixteen / {taps} * {TOGETHER} + c;"
    )
}

/// Windows of an output.
pub(super) fn windows(g: &Geometry) -> usize {
    g.output[1].div_ceil(2) * g.output[2].div_ceil(2)
}

/// Where the sum of row `m` and column `n` belongs.
fn place_of(code: &mut Code<'_>, id: NodeId, tiling: &Tiling) -> At {
    let shape = code.facts().shape(id).clone();
    let n_size = tiling.sizes[1];
    match &tiling.map {
        Map::Linear | Map::LinearInput | Map::LinearWeight => {
            code.place(&shape, vec!["m".to_owned(), "n".to_owned()])
        }
        Map::Conv(g) => picture(code, id, g.pixels_out(), g.output[2], n_size),
        Map::ConvInput(g) => picture(code, id, g.pixels_in(), g.input[2], n_size),
        Map::ConvWeight(g) => {
            let linear =
                format!("(group * {} + m) * {} + n", g.group_out(), g.group_in() * g.taps());
            code.at(&shape, &linear)
        }
    }
}

/// What is done with one sum: the members that are computed from it, and what others read.
pub(super) fn keep(code: &mut Code<'_>, members: &[NodeId], place: &At, tiling: &Tiling) {
    let id = members[0];
    if tiling.parts > 1 {
        let base = Code::floats(code.ground.layout.offset(id));
        let count = code.facts().elements(id);
        code.line(&format!("{base}[(size_t)part * {count} + {}] = sums[i];", place.linear));
        return;
    }
    code.remember(id, place, "sums[i]");
    let mut values = vec![];
    for member in members {
        let shape = code.facts().shape(*member).clone();
        let at = if *member == id { place.clone() } else { code.at(&shape, &place.linear) };
        values.push((*member, code.value(*member, &at)));
    }
    for (member, value) in values {
        store(code, member, &value, &place.linear);
    }
    let writes = code.ground.selection.tasks[code.task].writes.clone();
    write(code, &writes, &place.linear);
}

fn picture(code: &mut Code<'_>, id: NodeId, pixels: usize, columns: usize, n_size: usize) -> At {
    let shape = code.facts().shape(id).clone();
    let sample = code.constant("int", &format!("m / {pixels}"));
    let pixel = code.constant("int", &format!("m % {pixels}"));
    let channel = code.constant("int", &format!("group * {n_size} + n"));
    let row = code.constant("int", &format!("{pixel} / {columns}"));
    let column = code.constant("int", &format!("{pixel} % {columns}"));
    code.place(&shape, vec![sample, channel, row, column])
}
