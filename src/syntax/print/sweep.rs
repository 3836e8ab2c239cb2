//! A `sweep` as text.

use std::fmt::Write as _;

use super::{ABOVE_CHAIN, expr, separated};
use crate::syntax::ast::{
    Axis, AxisValues, Choice, ChoiceValue, Key, Setting, Sweep, SweepLine, Where,
};

pub(super) fn sweep(out: &mut String, sweep: &Sweep) {
    let _ = writeln!(out, "sweep {} {{", sweep.name.value);
    for line in &sweep.lines {
        out.push_str("  ");
        match line {
            SweepLine::Axis(axis) => print_axis(out, axis),
            SweepLine::Where { condition, .. } => {
                out.push_str("where ");
                any(out, condition);
            }
        }
        out.push('\n');
    }
    out.push('}');
}

/// A key as written.
pub(super) fn key(out: &mut String, key: &Key) {
    for (i, part) in key.iter().enumerate() {
        if i > 0 {
            out.push('.');
        }
        out.push_str(&part.value);
    }
}

fn print_axis(out: &mut String, axis: &Axis) {
    key(out, &axis.key);
    out.push_str(" in ");
    match &axis.values {
        AxisValues::Choices(choices) => {
            out.push('[');
            separated(out, choices, choice);
            out.push(']');
        }
        AxisValues::Range(range) => expr(out, &range.value, ABOVE_CHAIN),
    }
}

fn choice(out: &mut String, choice: &Choice) {
    if let Some(label) = &choice.label {
        let _ = write!(out, "{}: ", label.value);
    }
    match &choice.value {
        ChoiceValue::Value(value) => expr(out, &value.value, ABOVE_CHAIN),
        ChoiceValue::Bundle(settings) => {
            out.push_str("{ ");
            for Setting { key: name, value } in settings {
                key(out, name);
                out.push_str(" = ");
                expr(out, &value.value, ABOVE_CHAIN);
                out.push_str("  ");
            }
            out.push('}');
        }
    }
}

fn any(out: &mut String, condition: &Where) {
    match condition {
        Where::Any(parts) => joined(out, parts, " || ", |part| matches!(part, Where::Any(_))),
        Where::All(parts) => {
            joined(out, parts, " && ", |part| matches!(part, Where::Any(_) | Where::All(_)));
        }
        Where::Not(inner) => {
            out.push_str("!(");
            any(out, inner);
            out.push(')');
        }
        Where::Test { axis, op, value } => {
            key(out, axis);
            let _ = write!(out, " {} ", op.symbol());
            expr(out, &value.value, ABOVE_CHAIN);
        }
    }
}

fn joined(out: &mut String, parts: &[Where], between: &str, in_parens: impl Fn(&Where) -> bool) {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str(between);
        }
        if in_parens(part) {
            out.push('(');
            any(out, part);
            out.push(')');
        } else {
            any(out, part);
        }
    }
}
