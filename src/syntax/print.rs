//! A tree in, its canonical text out, with as few parentheses as the tree allows.

mod claim;
mod sweep;

use std::fmt::Write as _;

use super::ast::{
    Arg, BinaryOp, Call, ClaimLine, Entry, Expr, ExprKind, Item, ItemKind, Let, Param, Spec, Step,
    Stmt, StmtKind, UnaryOp,
};
use super::format::format;
use super::operators::UNARY;

/// The canonical text of a tree.
///
/// It parses to an equal tree if the tree could have been parsed: names are names, integers and
/// floats are not negative, floats are finite, and a chain has more than one step or a label.
pub fn print(spec: &Spec) -> String {
    let mut out = String::new();
    let mut last_was_short = false;
    for (i, item) in spec.items.iter().enumerate() {
        let short =
            matches!(item.kind, ItemKind::Let(_) | ItemKind::Import(_) | ItemKind::Assert(_));
        if i > 0 && !(short && last_was_short && item.docs.is_empty()) {
            out.push('\n');
        }
        last_was_short = short;
        print_item(&mut out, item);
        out.push('\n');
    }
    // What cannot be parsed back is still shown, unformatted.
    format(&out).unwrap_or(out)
}

/// The text of one expression on one line.
pub fn print_expr(value: &Expr) -> String {
    let mut out = String::new();
    expr(&mut out, &value.value, LOOSEST);
    out
}

/// The text of one line of a claim.
pub fn print_claim_line(line: &ClaimLine) -> String {
    let mut out = String::new();
    claim::line(&mut out, line);
    out
}

/// Binding strengths around those of the operators.
const LOOSEST: u8 = 0;
const ABOVE_CHAIN: u8 = 1;
const ABOVE_RANGE: u8 = 2;
/// Conditions are operations: neither chains nor ranges nor conditionals.
const CONDITION: u8 = ABOVE_RANGE;
/// Strength of operators, shifted above chains and ranges.
const SHIFT: u8 = 2;
const TIGHTEST: u8 = 20;

fn print_item(out: &mut String, item: &Item) {
    for line in &item.docs {
        let blank = if line.is_empty() { "" } else { " " };
        let _ = writeln!(out, "///{blank}{line}");
    }
    match &item.kind {
        ItemKind::Data(head) => {
            out.push_str("data ");
            call(out, head);
        }
        ItemKind::Net(net) => {
            out.push_str("net ");
            call(out, &net.head);
            body(out, &net.body, 0);
        }
        ItemKind::Block(block) => {
            let _ = write!(out, "block {}", block.name.value);
            if !block.params.is_empty() {
                out.push('(');
                separated(out, &block.params, param);
                out.push(')');
            }
            body(out, &block.body, 0);
        }
        ItemKind::Loss(loss) => {
            out.push_str("loss ");
            call(out, &loss.head);
            if let Some(statements) = &loss.body {
                body(out, statements, 0);
            }
        }
        ItemKind::Train(train) => {
            out.push_str("train ");
            call(out, &train.optimizer);
            if !train.entries.is_empty() {
                entries(out, &train.entries);
            }
        }
        ItemKind::Analyze(list) => {
            out.push_str("analyze");
            entries(out, list);
        }
        ItemKind::Let(binding) => print_let(out, binding),
        ItemKind::Import(path) => {
            out.push_str("import ");
            string(out, &path.value);
        }
        ItemKind::Assert(condition) => {
            out.push_str("assert ");
            expr(out, &condition.value, ABOVE_CHAIN);
        }
        ItemKind::Sweep(inner) => sweep::sweep(out, inner),
        ItemKind::Claim(inner) => claim::claim(out, inner),
    }
}

fn param(out: &mut String, param: &Param) {
    out.push_str(&param.name.value);
    if let Some(default) = &param.default {
        out.push('=');
        expr(out, &default.value, ABOVE_CHAIN);
    }
}

fn entries(out: &mut String, entries: &[Entry]) {
    out.push_str(" {\n");
    for entry in entries {
        let _ = write!(out, "  {}", entry.key.value);
        if let Some(value) = &entry.value {
            out.push_str(" = ");
            expr(out, &value.value, ABOVE_CHAIN);
        }
        out.push('\n');
    }
    out.push('}');
}

fn body(out: &mut String, statements: &[Stmt], level: usize) {
    out.push_str(" {\n");
    for statement in statements {
        out.push_str(&"  ".repeat(level + 1));
        print_statement(out, statement, level + 1);
        out.push('\n');
    }
    out.push_str(&"  ".repeat(level));
    out.push('}');
}

fn print_statement(out: &mut String, statement: &Stmt, level: usize) {
    match &statement.kind {
        StmtKind::Chain(list) => {
            let mut text = String::new();
            steps(&mut text, list, true);
            out.push_str(&text);
        }
        StmtKind::Let(binding) => print_let(out, binding),
        StmtKind::Out(value) => {
            out.push_str("out ");
            expr(out, &value.value, LOOSEST);
        }
        StmtKind::Repeat { var, range, body: inner } => {
            out.push_str("repeat ");
            if let Some(var) = var {
                let _ = write!(out, "{} in ", var.value);
            }
            expr(out, &range.value, ABOVE_CHAIN);
            body(out, inner, level);
        }
        StmtKind::If { condition, then, otherwise } => {
            out.push_str("if ");
            expr(out, &condition.value, CONDITION);
            body(out, then, level);
            match otherwise.as_slice() {
                [] => {}
                [inner @ Stmt { kind: StmtKind::If { .. }, .. }] => {
                    out.push_str(" else ");
                    print_statement(out, inner, level);
                }
                list => {
                    out.push_str(" else");
                    body(out, list, level);
                }
            }
        }
    }
}

fn print_let(out: &mut String, binding: &Let) {
    let _ = write!(out, "let {} = ", binding.name.value);
    expr(out, &binding.value.value, LOOSEST);
}

/// Steps of a chain; at the start of a statement a leading `-` would continue the line before, and
/// a leading `if` would be a statement.
fn steps(out: &mut String, steps: &[Step], starts_statement: bool) {
    for (i, step) in steps.iter().enumerate() {
        if i > 0 {
            out.push_str(" -> ");
        }
        let mut text = String::new();
        expr(&mut text, &step.expr.value, ABOVE_CHAIN);
        match &step.label {
            Some(label) => {
                let _ = write!(out, "{}: {text}", label.value);
            }
            None if starts_statement
                && i == 0
                && (text.starts_with('-') || matches!(step.expr.value, ExprKind::If { .. })) =>
            {
                let _ = write!(out, "({text})");
            }
            None => out.push_str(&text),
        }
    }
}

fn separated<T>(out: &mut String, values: &[T], each: impl Fn(&mut String, &T)) {
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        each(out, value);
    }
}

fn call(out: &mut String, call: &Call) {
    out.push_str(&call.callee.value);
    if call.parens || !call.args.is_empty() {
        args(out, &call.args);
    }
}

/// Arguments in parentheses.
fn args(out: &mut String, args: &[Arg]) {
    out.push('(');
    separated(out, args, |out, Arg { key, value }| {
        if let Some(key) = key {
            let _ = write!(out, "{}=", key.value);
        }
        // A chain that starts with a label would read as `key: value`.
        let labelled = matches!(&value.value, ExprKind::Chain(steps) if steps.first().is_some_and(|s| s.label.is_some()));
        expr(out, &value.value, if labelled { ABOVE_CHAIN } else { LOOSEST });
    });
    out.push(')');
}

/// Writes an expression, in parentheses if it binds less tightly than `least`.
fn expr(out: &mut String, kind: &ExprKind, least: u8) {
    let strength = strength(kind);
    if strength < least {
        out.push('(');
    }
    match kind {
        ExprKind::Int(value) => {
            let _ = write!(out, "{value}");
        }
        // Debug is the shortest form that reads back as the same float, never as an integer.
        ExprKind::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
        ExprKind::Bool(value) => {
            let _ = write!(out, "{value}");
        }
        ExprKind::Str(value) => string(out, value),
        ExprKind::Call(inner) => call(out, inner),
        ExprKind::List(values) => {
            out.push('[');
            separated(out, values, |out, value| expr(out, &value.value, ABOVE_CHAIN));
            out.push(']');
        }
        ExprKind::Range(from, to) => {
            expr(out, &from.value, ABOVE_RANGE);
            out.push_str("..");
            expr(out, &to.value, ABOVE_RANGE);
        }
        ExprKind::Unary(op, value) => {
            out.push_str(op.symbol());
            expr(out, &value.value, UNARY + SHIFT);
        }
        ExprKind::Binary(op, left, right) => {
            let own = op.precedence() + SHIFT;
            let is_power = *op == BinaryOp::Pow;
            expr(out, &left.value, if is_power { own + 1 } else { own });
            if is_power {
                out.push('^');
            } else {
                let _ = write!(out, " {} ", op.symbol());
            }
            expr(out, &right.value, if is_power { UNARY + SHIFT } else { own + 1 });
        }
        ExprKind::Index(base, index) => {
            expr(out, &base.value, TIGHTEST);
            out.push('[');
            expr(out, &index.value, ABOVE_CHAIN);
            out.push(']');
        }
        ExprKind::Chain(list) => steps(out, list, false),
        ExprKind::If { condition, then, otherwise } => {
            out.push_str("if ");
            expr(out, &condition.value, CONDITION);
            out.push_str(" { ");
            expr(out, &then.value, LOOSEST);
            out.push_str(" } else ");
            if let ExprKind::If { .. } = otherwise.value {
                expr(out, &otherwise.value, LOOSEST);
            } else {
                out.push_str("{ ");
                expr(out, &otherwise.value, LOOSEST);
                out.push_str(" }");
            }
        }
    }
    if strength < least {
        out.push(')');
    }
}

fn strength(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Chain(_) => LOOSEST,
        ExprKind::Range(..) | ExprKind::If { .. } => ABOVE_CHAIN,
        ExprKind::Unary(UnaryOp::Neg | UnaryOp::Not, _) => UNARY + SHIFT,
        ExprKind::Binary(op, ..) => op.precedence() + SHIFT,
        ExprKind::Int(value) if *value < 0 => UNARY + SHIFT,
        ExprKind::Float(value) if value.is_sign_negative() => UNARY + SHIFT,
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Call(_)
        | ExprKind::List(_)
        | ExprKind::Index(..) => TIGHTEST,
    }
}

fn string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
