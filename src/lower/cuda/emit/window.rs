//! Pools and their gradients, one element at a time: loops over windows in row-major order.

use super::code::{At, Code};
use crate::ir::{GradOp, NodeId, Op, Pool};

/// The value of a pool or of its gradient at a place.
pub(super) fn value(code: &mut Code<'_>, id: NodeId, at: &At) -> String {
    let inputs = code.facts().inputs(id).to_vec();
    match code.facts().op(id).clone() {
        Op::MaxPool(pool) => maximum(code, &pool, inputs[0], at),
        Op::AvgPool(pool) => {
            let result = code.name();
            code.line(&format!("float {result} = 0.0f;"));
            inside(code, &pool, inputs[0], at, |code, x, _| {
                let x = code.value(inputs[0], x);
                code.line(&format!("{result} += {x};"));
            });
            format!("{result} / {}.0f", pool.kernel[0] * pool.kernel[1])
        }
        Op::Grad(GradOp::MaxPool(pool)) => {
            let result = code.name();
            code.line(&format!("float {result} = 0.0f;"));
            covering(code, &pool, inputs[1], at, |code, window| {
                let winner = winner(code, &pool, inputs[0], window);
                code.block(
                    &format!("if ({winner} == {} % {})", at.linear, plane(code, id)),
                    |code| {
                        let dy = code.value(inputs[1], window);
                        code.line(&format!("{result} += {dy};"));
                    },
                );
            });
            result
        }
        Op::Grad(GradOp::AvgPool { pool, .. }) => {
            let result = code.name();
            code.line(&format!("float {result} = 0.0f;"));
            covering(code, &pool, inputs[0], at, |code, window| {
                let dy = code.value(inputs[0], window);
                code.line(&format!("{result} += {dy} / {}.0f;", pool.kernel[0] * pool.kernel[1]));
            });
            result
        }
        op => panic!("broken invariant: {op} has no windows"),
    }
}

/// Pixels of a plane.
fn plane(code: &Code<'_>, id: NodeId) -> usize {
    code.facts().shape(id).dims[1..].iter().product()
}

/// Visits the elements of `x` inside the window of the output place `at`, with their position in the plane.
fn inside(
    code: &mut Code<'_>,
    pool: &Pool,
    x: NodeId,
    at: &At,
    visit: impl FnOnce(&mut Code<'_>, &At, &str),
) {
    let shape = code.facts().shape(x).clone();
    let (rows, columns) = (shape.dims[1], shape.dims[2]);
    let [i, j] = [code.name(), code.name()];
    code.line("#pragma unroll");
    code.block(&format!("for (int {i} = 0; {i} < {}; {i}++)", pool.kernel[0]), |code| {
        code.line("#pragma unroll");
        code.block(&format!("for (int {j} = 0; {j} < {}; {j}++)", pool.kernel[1]), |code| {
            let along = |at: &str, step: usize, tap: &str, pad: usize| match pad {
                0 => format!("{at} * {step} + {tap}"),
                _ => format!("{at} * {step} + {tap} - {pad}"),
            };
            let row = along(&at.axes[2], pool.stride[0], &i, pool.pad[0]);
            let column = along(&at.axes[3], pool.stride[1], &j, pool.pad[1]);
            let (row, column) = (code.constant("int", &row), code.constant("int", &column));
            let check = format!(
                "if ({row} >= 0 && {row} < {rows} && {column} >= 0 && {column} < {columns})"
            );
            code.block(&check, |code| {
                let axes =
                    vec![at.axes[0].clone(), at.axes[1].clone(), row.clone(), column.clone()];
                let place = code.place(&shape, axes);
                let position = code.constant("int", &format!("{row} * {columns} + {column}"));
                visit(code, &place, &position);
            });
        });
    });
}

fn maximum(code: &mut Code<'_>, pool: &Pool, x: NodeId, at: &At) -> String {
    best(code, pool, x, at)[0].clone()
}

/// The position of the first maximum of a window in its plane.
fn winner(code: &mut Code<'_>, pool: &Pool, x: NodeId, window: &At) -> String {
    best(code, pool, x, window)[1].clone()
}

fn best(code: &mut Code<'_>, pool: &Pool, x: NodeId, at: &At) -> [String; 2] {
    let [largest, position] = [code.name(), code.name()];
    code.line(&format!("float {largest} = 0.0f;"));
    code.line(&format!("int {position} = -1;"));
    inside(code, pool, x, at, |code, place, here| {
        let value = code.value(x, place);
        code.block(&format!("if ({position} < 0 || beats({value}, {largest}))"), |code| {
            code.line(&format!("{largest} = {value};"));
            code.line(&format!("{position} = {here};"));
        });
    });
    [largest, position]
}

/// Visits the windows that cover the input place `at`, as places of the tensor `of`.
fn covering(
    code: &mut Code<'_>,
    pool: &Pool,
    of: NodeId,
    at: &At,
    visit: impl FnOnce(&mut Code<'_>, &At),
) {
    let shape = code.facts().shape(of).clone();
    let bounds = |code: &mut Code<'_>, axis: usize| {
        let (kernel, step, pad) = (pool.kernel[axis], pool.stride[axis], pool.pad[axis]);
        let place = &at.axes[2 + axis];
        let last = format!("({place} + {pad}) / {step}");
        let below = (kernel as i64) - 1 - (pad as i64);
        let first = match (kernel == step, pad) {
            (true, _) => last.clone(),
            (false, _) => {
                format!("{place} <= {below} ? 0 : ({place} - {below} + {}) / {step}", step - 1)
            }
        };
        let limit = shape.dims[1 + axis] as i64 - 1;
        let first = code.constant("int", &first);
        let last = code.constant("int", &format!("({last}) < {limit} ? ({last}) : {limit}"));
        [first, last]
    };
    let [first_row, last_row] = bounds(code, 0);
    let [first_column, last_column] = bounds(code, 1);
    let [row, column] = [code.name(), code.name()];
    code.block(&format!("for (int {row} = {first_row}; {row} <= {last_row}; {row}++)"), |code| {
        let head =
            format!("for (int {column} = {first_column}; {column} <= {last_column}; {column}++)");
        code.block(&head, |code| {
            let axes = vec![at.axes[0].clone(), at.axes[1].clone(), row.clone(), column.clone()];
            let place = code.place(&shape, axes);
            visit(code, &place);
        });
    });
}
