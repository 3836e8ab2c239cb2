//! The bodies of convolutions of small pictures.

use super::behind;
use super::code::Code;
use super::products::{keep, windows};
use crate::ir::NodeId;
use crate::lower::cuda::direct::Direct;
use crate::lower::cuda::product::{Geometry, Map, Tiling, WINDOW};
use crate::lower::cuda::selection::PoolBehind;

/// A block for each sample, or for each part of the batch.
pub(super) fn direct(
    code: &mut Code<'_>,
    members: &[NodeId],
    pool: Option<&PoolBehind>,
    tiling: &Tiling,
    cut: &Direct,
) -> usize {
    let inputs = code.facts().inputs(members[0]).to_vec();
    let [left, right] = [code.address(inputs[0]), code.address(inputs[1])];
    code.line(&format!("const float* left = {left};"));
    code.line(&format!("const float* right = {right};"));
    match &tiling.map {
        Map::Conv(g) => {
            let weight = format!("right[(n * {} + channel) * {} + tap]", g.input[0], g.taps());
            picture(code, &weight, [g.input, g.output], g.conv.pad, g.kernel, cut, |code| {
                windows_of(code, members, pool, tiling, g.output);
            });
        }
        Map::ConvInput(g) => {
            let (inputs, taps) = (g.input[0], g.taps());
            let weight = format!("right[(channel * {inputs} + n) * {taps} + {} - tap]", taps - 1);
            let pad = [0, 1].map(|axis| g.kernel[axis] - 1 - g.conv.pad[axis]);
            picture(code, &weight, [g.output, g.input], pad, g.kernel, cut, |code| {
                windows_of(code, members, pool, tiling, g.input);
            });
        }
        Map::ConvWeight(g) => weights(code, members, tiling, cut, g),
        Map::Linear | Map::LinearInput | Map::LinearWeight => {
            panic!("broken invariant: only convolutions are cut by pictures")
        }
    }
    cut.blocks
}

/// A convolution of the picture of sample `block`; `each` keeps the sums of a window.
fn picture(
    code: &mut Code<'_>,
    weight: &str,
    [from, to]: [[usize; 3]; 2],
    pad: [usize; 2],
    kernel: [usize; 2],
    cut: &Direct,
    each: impl FnOnce(&mut Code<'_>),
) {
    code.line("if (block >= call.n) return;");
    code.line("const int group = 0;");
    code.block("auto weight = [&](int channel, int tap, int n)", |code| {
        code.line(&format!("return {weight};"));
    });
    code.line(";");
    code.block("auto keep = [&](int top, int left_edge, int n, const float* sums)", each);
    code.line(";");
    let numbers = from.into_iter().chain(pad).chain(kernel).chain(to).chain([cut.channels]);
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    let sample = from.iter().product::<usize>();
    code.line(&format!(
        "direct<{}>(left + (size_t)block * {sample}, weight, keep, (float*)shared);",
        numbers.join(", ")
    ));
}

/// What is done with the four sums of a window. In the text: `block`, `top`, `left_edge`, `n`, `sums`.
fn windows_of(
    code: &mut Code<'_>,
    members: &[NodeId],
    pool: Option<&PoolBehind>,
    tiling: &Tiling,
    [_, rows, columns]: [usize; 3],
) {
    if let (true, Some(pool), Map::Conv(g)) = (tiling.is_windowed, pool, &tiling.map) {
        code.line(&format!(
            "const int first = (block * {} + top / 2 * {} + left_edge / 2) * {WINDOW};",
            windows(g),
            columns.div_ceil(2)
        ));
        behind::gather(code, members, pool, tiling);
        return;
    }
    code.line("#pragma unroll");
    code.block(&format!("for (int i = 0; i < {WINDOW}; i++)"), |code| {
        code.line("const int row = top + i / 2, column = left_edge + i % 2;");
        code.block(&format!("if (row < {rows} && column < {columns})"), |code| {
            let shape = code.facts().shape(members[0]).clone();
            let axes = ["block", "n", "row", "column"].map(str::to_owned).to_vec();
            let place = code.place(&shape, axes);
            keep(code, members, &place, tiling);
            if let Some(pool) = pool {
                behind::spread(code, pool, &place);
            }
        });
    });
}

/// The gradient of the weights over the samples of part `block`.
fn weights(code: &mut Code<'_>, members: &[NodeId], tiling: &Tiling, cut: &Direct, g: &Geometry) {
    let samples = cut.samples;
    code.line(&format!("const int part = block, first = block * {samples};"));
    code.line(&format!(
        "const int count = call.n - first < {samples} ? call.n - first : {samples};"
    ));
    code.block("auto keep = [&](int n, int k, float sum)", |code| {
        code.line("const float sums[1] = {sum};");
        code.line("const int i = 0;");
        let shape = code.facts().shape(members[0]).clone();
        let place = code.at(&shape, &format!("n * {} + k", g.input[0] * g.taps()));
        keep(code, members, &place, tiling);
    });
    code.line(";");
    let shapes = g.input.into_iter().chain(g.conv.pad).chain(g.kernel).chain(g.output);
    let numbers = shapes.chain([cut.channels, cut.slices]);
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    let [of_input, of_output] = [g.input, g.output].map(|dims| dims.iter().product::<usize>());
    code.line(&format!(
        "direct_weight<{}>(right + (size_t)first * {of_input}, left + (size_t)first * {of_output}, count, keep, (float*)shared);",
        numbers.join(", ")
    ));
}
