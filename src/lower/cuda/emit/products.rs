//! The bodies of products: how operands are read, and what is done with each sum.

use super::code::{At, Code};
use super::tasks::store;
use crate::ir::NodeId;
use crate::lower::cuda::product::{DEPTH, Geometry, Map, Tiling};

/// A tile for each block.
pub(super) fn product(code: &mut Code<'_>, members: &[NodeId], tiling: &Tiling) -> usize {
    let id = members[0];
    let inputs = code.facts().inputs(id).to_vec();
    let [rows, columns] = tiling.counts();
    let per_group = rows * columns * tiling.parts;
    code.line(&format!("const int group = block / {per_group}, in_group = block % {per_group};"));
    code.line(&format!("const int part = in_group / {}, tile = in_group % {};", rows * columns, rows * columns));
    let depth = sizes(tiling)[2].clone();
    code.line(&format!("const int begin = part * {};", tiling.per_part));
    code.line(&format!("int end = begin + {};", tiling.per_part));
    code.line(&format!("if (end > {depth}) end = {depth};"));
    let [left, right] = [code.address(inputs[0]), code.address(inputs[1])];
    code.line(&format!("const float* left = {left};"));
    code.line(&format!("const float* right = {right};"));
    functors(code, tiling);
    code.block("auto keep = [&](int first, int n, const float* sums)", |code| {
        let [m_size, n_size, _] = sizes(tiling);
        code.line(&format!("if (n >= {n_size}) return;"));
        code.line("#pragma unroll");
        code.block(&format!("for (int i = 0; i < {}; i++)", tiling.tile[2]), |code| {
            code.line("const int m = first + i;");
            code.block(&format!("if (m < {m_size})"), |code| keep(code, members, tiling));
        });
    });
    code.line(";");
    let [tile_m, tile_n, per_m, per_n] = tiling.tile;
    let [a, b] = tiling.by_k;
    code.line(&format!(
        "product<{tile_m}, {tile_n}, {DEPTH}, {per_m}, {per_n}, {a}, {b}>(tile / {columns}, tile % {columns}, begin, end, a, b, keep, (float*)shared);"
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
        Map::Conv(g) => [batch(g.pixels_out()), n, k],
        Map::ConvInput(g) => [batch(g.pixels_in()), n, k],
        Map::ConvWeight(g) => [m, n, batch(g.pixels_out())],
    }
}

/// `a(m, k)` and `b(k, n)`, 0 outside.
fn functors(code: &mut Code<'_>, tiling: &Tiling) {
    let [m_size, n_size, _] = sizes(tiling);
    let (inputs, outputs) = (tiling.sizes[1], tiling.sizes[2]);
    match &tiling.map {
        Map::Linear => {
            let depth = tiling.sizes[2];
            functor(code, "a", "m", &m_size, &[&format!("return left[m * {depth} + k];")]);
            functor(code, "b", "n", &n_size, &[&format!("return right[n * {depth} + k];")]);
        }
        Map::LinearInput => {
            functor(code, "a", "m", &m_size, &[&format!("return left[m * {outputs} + k];")]);
            functor(code, "b", "n", &n_size, &[&format!("return right[k * {inputs} + n];")]);
        }
        Map::LinearWeight => {
            let (rows, columns) = (tiling.sizes[0], tiling.sizes[1]);
            functor(code, "a", "m", &m_size, &[&format!("return left[k * {rows} + m];")]);
            functor(code, "b", "n", &n_size, &[&format!("return right[k * {columns} + n];")]);
        }
        Map::Conv(g) => {
            let pixel = pixel_of("m", g.pixels_out(), g.output[2]);
            let tap = tap_of("k", g);
            let body = [pixel.as_str(), &tap, &place(g), &outside(g), &read_input(g, "left", "channel")];
            functor(code, "a", "m", &m_size, &body);
            let depth = tiling.sizes[2];
            let body = format!("return right[(group * {n_size} + n) * {depth} + k];");
            functor(code, "b", "n", &n_size, &[&body]);
        }
        Map::ConvInput(g) => {
            let pixel = pixel_of("m", g.pixels_in(), g.input[2]);
            let tap = tap_of("k", g);
            let [rows, columns] = [g.output[1], g.output[2]];
            let [step_rows, step_columns] = g.conv.stride;
            let body = [
                pixel.as_str(),
                &tap,
                &format!("const int down = y + {} - ky, along = x + {} - kx;", g.conv.pad[0], g.conv.pad[1]),
                &format!("if (down < 0 || along < 0 || down % {step_rows} || along % {step_columns}) return 0.0f;"),
                &format!("const int row = down / {step_rows}, column = along / {step_columns};"),
                &format!("if (row >= {rows} || column >= {columns}) return 0.0f;"),
                &format!(
                    "return left[((sample * {} + group * {} + channel) * {rows} + row) * {columns} + column];",
                    g.output[0],
                    g.group_out()
                ),
            ];
            functor(code, "a", "m", &m_size, &body);
            let body = format!(
                "return right[((group * {} + channel) * {} + n) * {} + k % {}];",
                g.group_out(),
                g.group_in(),
                g.taps(),
                g.taps()
            );
            functor(code, "b", "n", &n_size, &[&format!("const int channel = k / {};", g.taps()), &body]);
        }
        Map::ConvWeight(g) => {
            let pixels = g.pixels_out();
            let body = format!(
                "return left[(k / {pixels} * {} + group * {} + m) * {pixels} + k % {pixels}];",
                g.output[0],
                g.group_out()
            );
            functor(code, "a", "m", &m_size, &[&body]);
            let pixel = pixel_of("k", pixels, g.output[2]);
            let tap = tap_of("n", g);
            let body = [pixel.as_str(), &tap, &place(g), &outside(g), &read_input(g, "right", "channel")];
            functor(code, "b", "n", &n_size, &body);
        }
    }
}

fn functor(code: &mut Code<'_>, name: &str, bounded: &str, bound: &str, body: &[&str]) {
    let arguments = if name == "a" { "int m, int k" } else { "int k, int n" };
    code.block(&format!("auto {name} = [&]({arguments}) -> float"), |code| {
        code.line(&format!("if ({bounded} >= {bound}) return 0.0f;"));
        for line in body {
            code.line(line);
        }
    });
    code.line(";");
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

/// The pixel of the input that a tap meets.
fn place(g: &Geometry) -> String {
    format!(
        "const int row = y * {} + ky - {}, column = x * {} + kx - {};",
        g.conv.stride[0], g.conv.pad[0], g.conv.stride[1], g.conv.pad[1]
    )
}

fn outside(g: &Geometry) -> String {
    format!(
        "if (row < 0 || row >= {} || column < 0 || column >= {}) return 0.0f;",
        g.input[1], g.input[2]
    )
}

fn read_input(g: &Geometry, operand: &str, channel: &str) -> String {
    format!(
        "return {operand}[((sample * {} + group * {} + {channel}) * {} + row) * {} + column];",
        g.input[0],
        g.group_in(),
        g.input[1],
        g.input[2]
    )
}

/// What is done with one sum: the members that are computed from it, and what others read.
fn keep(code: &mut Code<'_>, members: &[NodeId], tiling: &Tiling) {
    let id = members[0];
    let shape = code.facts().shape(id).clone();
    let n_size = tiling.sizes[1];
    let place = match &tiling.map {
        Map::Linear | Map::LinearInput => {
            code.place(&shape, vec!["m".to_owned(), "n".to_owned()])
        }
        Map::LinearWeight => code.place(&shape, vec!["m".to_owned(), "n".to_owned()]),
        Map::Conv(g) => picture(code, id, g.pixels_out(), g.output[2], n_size),
        Map::ConvInput(g) => picture(code, id, g.pixels_in(), g.input[2], n_size),
        Map::ConvWeight(g) => {
            let linear = format!("(group * {} + m) * {} + n", g.group_out(), g.group_in() * g.taps());
            code.at(&shape, &linear)
        }
    };
    if tiling.parts > 1 {
        let base = Code::floats(code.ground.layout.offset(id));
        let count = code.facts().elements(id);
        code.line(&format!("{base}[(size_t)part * {count} + {}] = sums[i];", place.linear));
        return;
    }
    code.remember(id, &place, "sums[i]");
    let mut values = vec![];
    for member in members {
        let shape = code.facts().shape(*member).clone();
        let at = if *member == id { place.clone() } else { code.at(&shape, &place.linear) };
        values.push((*member, code.value(*member, &at)));
    }
    for (member, value) in values {
        store(code, member, &value, &place.linear);
    }
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
