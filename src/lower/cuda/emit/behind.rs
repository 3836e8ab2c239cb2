//! Pools of 2 × 2 behind a product: four neighbouring sums of a thread are one window, or one sum is spread over its window.

use super::code::{At, Code};
use super::products::{keep, windows};
use super::tasks::store;
use crate::ir::NodeId;
use crate::lower::cuda::product::{Geometry, Map, Tiling, WINDOW};
use crate::lower::cuda::selection::PoolBehind;

/// Sample and pixel of a line in the order of windows: window by window, its pixels in row-major order. Windows at the border may
/// hold pixels outside.
pub(super) fn pixel_of_window(line: &str, g: &Geometry) -> String {
    let (count, columns) = (windows(g), g.output[2].div_ceil(2));
    format!(
        "const int sample = {line} / {0}, window = {line} % {0} / {WINDOW}, pixel = {line} % {WINDOW}, \
         y = window / {columns} * 2 + pixel / 2, x = window % {columns} * 2 + pixel % 2;",
        count * WINDOW
    )
}

/// Keeps the sums of whole windows and pools them. In the text: `first`, `n`, `sums`.
pub(super) fn gather(code: &mut Code<'_>, members: &[NodeId], pool: &PoolBehind, tiling: &Tiling) {
    let Map::Conv(g) = &tiling.map else { panic!("broken invariant: windows are of convolutions") };
    let [rows, columns] = [g.output[1], g.output[2]];
    let x = code.facts().inputs(pool.node)[0];
    let shape = code.facts().shape(members[0]).clone();
    let pooled = code.facts().shape(pool.node).clone();
    let (count, window_columns) = (windows(g), columns.div_ceil(2));
    code.line("#pragma unroll");
    code.block(&format!("for (int q = 0; q < {}; q++)", tiling.tile[2] / WINDOW), |code| {
        code.line(&format!("const int window = first / {WINDOW} + q;"));
        code.line(&format!("if (window >= call.n * {count}) return;"));
        code.line(&format!("const int sample = window / {count}, place = window % {count};"));
        code.line(&format!(
            "const int down = place / {window_columns}, along = place % {window_columns};"
        ));
        code.line(&format!("const int channel = group * {} + n;", tiling.sizes[1]));
        code.line("float largest = 0.0f;");
        code.line("#pragma unroll");
        code.block(&format!("for (int j = 0; j < {WINDOW}; j++)"), |code| {
            code.line(&format!(
                "const int i = q * {WINDOW} + j, y = down * 2 + j / 2, x = along * 2 + j % 2;"
            ));
            code.block(&format!("if (y < {rows} && x < {columns})"), |code| {
                let axes = ["sample", "channel", "y", "x"].map(str::to_owned).to_vec();
                let at = code.place(&shape, axes);
                keep(code, members, &at, tiling);
                let place = code.at(&code.facts().shape(x).clone(), &at.linear);
                let value = code.value(x, &place);
                code.line(&format!("if (j == 0 || beats({value}, largest)) largest = {value};"));
            });
        });
        let check = format!("if (down < {} && along < {})", pooled.dims[1], pooled.dims[2]);
        code.block(&check, |code| {
            let axes = ["sample", "channel", "down", "along"].map(str::to_owned).to_vec();
            let at = code.place(&pooled, axes);
            code.remember(pool.node, &at, "largest");
            finish(code, pool, &at);
        });
    });
}

/// Spreads the gradient at `place` over its window, zeros at a border that no window covers.
pub(super) fn spread(code: &mut Code<'_>, pool: &PoolBehind, place: &At) {
    let [x, dy] = [0, 1].map(|port| code.facts().inputs(pool.node)[port]);
    let small = code.facts().shape(dy).clone();
    let full = code.facts().shape(pool.node).clone();
    let at = code.at(&small, &place.linear);
    let gradient = code.value(dy, &at);
    let gradient = code.constant("float", &format!("0.0f + {gradient}"));
    let [largest, winner] = [code.name(), code.name()];
    code.line(&format!("float {largest} = 0.0f;"));
    code.line(&format!("int {winner} = 0;"));
    code.line("#pragma unroll");
    code.block(&format!("for (int j = 0; j < {WINDOW}; j++)"), |code| {
        let here = inside(code, &at, "j / 2", "j % 2");
        let here = code.place(&full, here);
        let value = code.value(x, &here);
        code.block(&format!("if (j == 0 || beats({value}, {largest}))"), |code| {
            code.line(&format!("{largest} = {value};"));
            code.line(&format!("{winner} = j;"));
        });
    });
    // The last window of a row or column takes what is left behind it.
    let reach = |axis: usize| {
        let (size, windows) = (full.dims[axis], small.dims[axis]);
        let last = size - 2 * (windows - 1);
        if last == 2 {
            "2".to_owned()
        } else {
            format!("({} == {} ? {last} : 2)", at.axes[axis + 1], windows - 1)
        }
    };
    let [rows, columns] = [reach(1), reach(2)];
    code.line("#pragma unroll");
    code.block(&format!("for (int down = 0; down < {rows}; down++)"), |code| {
        code.line("#pragma unroll");
        code.block(&format!("for (int along = 0; along < {columns}; along++)"), |code| {
            let here = inside(code, &at, "down", "along");
            let here = code.place(&full, here);
            let wins = format!(
                "(down < 2 && along < 2 && down * 2 + along == {winner} ? {gradient} : 0.0f)"
            );
            let value = code.constant("float", &wins);
            code.remember(pool.node, &here, &value);
            finish(code, pool, &here);
        });
    });
}

/// The axes of a pixel of the window of `at`.
fn inside(code: &mut Code<'_>, at: &At, down: &str, along: &str) -> Vec<String> {
    let row = code.constant("int", &format!("{} * 2 + {down}", at.axes[2]));
    let column = code.constant("int", &format!("{} * 2 + {along}", at.axes[3]));
    vec![at.axes[0].clone(), at.axes[1].clone(), row, column]
}

/// Computes and stores what comes behind the pool at a place.
fn finish(code: &mut Code<'_>, pool: &PoolBehind, at: &At) {
    for member in &pool.members {
        let shape = code.facts().shape(*member).clone();
        let here =
            if shape.rank() == at.axes.len() { at.clone() } else { code.at(&shape, &at.linear) };
        let value = code.value(*member, &here);
        store(code, *member, &value, &at.linear);
    }
}
