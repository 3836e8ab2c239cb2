//! Rows of class values, a warp for each: what a whole row comes to is found once, then read by every element.

use super::code::{At, Code};
use crate::ir::{ClassOp, NodeId, Op};
use crate::lower::cuda::facts::Class;

/// The value of an operation on rows at a place; what it takes of the row is known.
pub(super) fn value(code: &mut Code<'_>, id: NodeId, at: &At) -> String {
    let inputs = code.facts().inputs(id).to_vec();
    let of_row = |code: &Code<'_>| {
        code.of_rows.get(&id).cloned().expect("what a row comes to is found before its elements")
    };
    match code.facts().op(id).clone() {
        Op::Class(ClassOp::Softmax) => {
            let [max, total] = of_row(code);
            let x = code.value(inputs[0], at);
            format!("f_exp({x} - {max}) / {total}")
        }
        Op::Class(ClassOp::LogSoftmax) => {
            let [max, total] = of_row(code);
            let x = code.value(inputs[0], at);
            format!("({x} - {max}) - {total}")
        }
        Op::Class(ClassOp::SoftmaxExcept) => {
            let [max, total] = of_row(code);
            let label = code.value(inputs[1], &At::row());
            let x = code.value(inputs[0], at);
            format!("({} == {label} ? 0.0f : f_exp({x} - {max}) / {total})", at.axes[1])
        }
        Op::Class(ClassOp::SparsemaxSupport) => {
            let [threshold, share] = of_row(code);
            let x = code.value(inputs[0], at);
            format!("({x} > {threshold} ? {share} : 0.0f)")
        }
        _ => of_row(code)[0].clone(),
    }
}

/// Finds what the rows of `members` come to, operands first.
pub(super) fn prepare(code: &mut Code<'_>, members: &[NodeId]) {
    let mut needed = vec![false; code.facts().graph.len()];
    let mut open = members.to_vec();
    while let Some(id) = open.pop() {
        let home = code.ground.selection.home(id);
        let is_elsewhere = home.is_some_and(|home| home != code.task);
        if is_elsewhere || std::mem::replace(&mut needed[id.0 as usize], true) {
            continue;
        }
        open.extend(code.facts().inputs(id));
    }
    for id in code.facts().live.clone() {
        if needed[id.0 as usize] && code.facts().class(id) == Class::Row {
            let found = find(code, id);
            code.of_rows.insert(id, found.clone());
            if code.facts().shape(id).rank() == 1 {
                code.remember(id, &At::row(), &found[0]);
            }
        }
    }
}

/// Up to two numbers that a row comes to.
fn find(code: &mut Code<'_>, id: NodeId) -> [String; 2] {
    let inputs = code.facts().inputs(id).to_vec();
    let x = inputs[0];
    let index = |code: &mut Code<'_>| code.value(inputs[1], &At::row());
    match code.facts().op(id).clone() {
        Op::Class(ClassOp::Gather) => {
            let index = index(code);
            let shape = code.facts().shape(x).clone();
            let place = code.place(&shape, vec!["row".to_owned(), index]);
            let value = code.value(x, &place);
            let kept = code.name();
            code.line(&format!("const float {kept} = {value};"));
            [kept.clone(), kept]
        }
        Op::Class(ClassOp::ArgMax) => arg_max(code, x, None),
        Op::Class(ClassOp::ArgMaxExcept) => {
            let label = index(code);
            arg_max(code, x, Some(&label))
        }
        Op::Class(ClassOp::Softmax) => shifted(code, x, None, false),
        Op::Class(ClassOp::LogSoftmax) => {
            let [max, total] = shifted(code, x, None, false);
            let log = code.constant("float", &format!("f_log({total})"));
            [max, log]
        }
        Op::Class(ClassOp::SoftmaxExcept) => {
            let label = index(code);
            shifted(code, x, Some(&label), false)
        }
        Op::Class(ClassOp::LogNotLabel) => {
            let label = index(code);
            let [max, total] = shifted(code, x, Some(&label), true);
            let shape = code.facts().shape(x).clone();
            let place = code.place(&shape, vec!["row".to_owned(), label]);
            let own = code.value(x, &place);
            let value = code.constant("float", &format!("log_not_label({max}, {total}, {own})"));
            [value.clone(), value]
        }
        Op::Class(ClassOp::SparsemaxThreshold | ClassOp::SparsemaxSupport) => sparsemax(code, x),
        Op::Sum { .. } => {
            let sum = code.name();
            code.line(&format!("float {sum} = 0.0f;"));
            each(code, x, |code, place, _| {
                let value = code.value(x, place);
                code.line(&format!("{sum} += {value};"));
            });
            code.line(&format!("{sum} = warp_sum({sum});"));
            [sum.clone(), sum]
        }
        op => panic!("broken invariant: {op} takes no whole row"),
    }
}

/// Visits the elements of a row of `x`, each lane its own.
fn each(code: &mut Code<'_>, x: NodeId, visit: impl FnOnce(&mut Code<'_>, &At, &str)) {
    let shape = code.facts().shape(x).clone();
    let k = code.name();
    let head = format!("for (int {k} = lane; {k} < {}; {k} += WARP)", shape.elements());
    code.block(&head, |code| {
        let place = code.place(&shape, vec!["row".to_owned(), k.clone()]);
        visit(code, &place, &k);
    });
}

fn arg_max(code: &mut Code<'_>, x: NodeId, except: Option<&str>) -> [String; 2] {
    let [best, index] = [code.name(), code.name()];
    code.line(&format!("float {best} = 0.0f;"));
    code.line(&format!("int {index} = -1;"));
    each(code, x, |code, place, k| {
        let value = code.value(x, place);
        let other = except.map_or(String::new(), |label| format!("{k} != {label} && "));
        code.block(&format!("if ({other}({index} < 0 || beats({value}, {best})))"), |code| {
            code.line(&format!("{best} = {value};"));
            code.line(&format!("{index} = {k};"));
        });
    });
    code.line(&format!("{index} = warp_arg_max({best}, {index});"));
    [index.clone(), index]
}

/// The maximum and Σ e^(x − max), without one class where `except` names it.
fn shifted(code: &mut Code<'_>, x: NodeId, except: Option<&str>, is_double: bool) -> [String; 2] {
    let [max, total] = [code.name(), code.name()];
    let skip = |k: &str| except.map_or(String::new(), |label| format!("if ({k} != {label}) "));
    code.line(&format!("float {max} = -INF;"));
    each(code, x, |code, place, k| {
        let value = code.value(x, place);
        code.line(&format!("{}{max} = beats({value}, {max}) ? {value} : {max};", skip(k)));
    });
    code.line(&format!("{max} = warp_max({max});"));
    let kind = if is_double { "double" } else { "float" };
    code.line(&format!("{kind} {total} = 0;"));
    each(code, x, |code, place, k| {
        let value = code.value(x, place);
        code.line(&format!("{}{total} += f_exp(({kind}){value} - {max});", skip(k)));
    });
    code.line(&format!("{total} = warp_sum({total});"));
    [max, total]
}

/// The threshold of the projection onto the simplex, and 1/|support|: the support shrinks until it stays.
fn sparsemax(code: &mut Code<'_>, x: NodeId) -> [String; 2] {
    let [max, _] = shifted(code, x, None, false);
    let [low, count, threshold, share] = [code.name(), code.name(), code.name(), code.name()];
    code.line(&format!("double {low} = -1.0;"));
    code.line(&format!("double {count} = 0;"));
    let classes = code.facts().shape(x).elements();
    let round = code.name();
    code.block(&format!("for (int {round} = 0; {round} < {classes}; {round}++)"), |code| {
        let [sum, size] = [code.name(), code.name()];
        code.line(&format!("double {sum} = 0, {size} = 0;"));
        each(code, x, |code, place, _| {
            let value = code.value(x, place);
            let shifted = code.constant("double", &format!("(double){value} - {max}"));
            code.block(&format!("if ({shifted} > {low})"), |code| {
                code.line(&format!("{sum} += {shifted};"));
                code.line(&format!("{size} += 1;"));
            });
        });
        code.line(&format!("{sum} = warp_sum({sum});"));
        code.line(&format!("{size} = warp_sum({size});"));
        code.line(&format!("const bool same = {size} == {count};"));
        code.line(&format!("{count} = {size};"));
        code.line(&format!("{low} = ({sum} - 1) / {size};"));
        code.line("if (same) break;");
    });
    code.line(&format!("const float {threshold} = (float)({low} + {max});"));
    code.line(&format!("const float {share} = (float)(1.0 / {count});"));
    [threshold, share]
}
