//! A `claim` as text.

use std::fmt::Write as _;

use super::sweep::key;
use super::{args, separated, string};
use crate::syntax::ast::{BinaryOp, Chosen, Claim, ClaimLine, Quantity};
use crate::syntax::scan::is_word;

pub(super) fn claim(out: &mut String, claim: &Claim) {
    out.push_str("claim ");
    string(out, &claim.text.value);
    if !claim.args.is_empty() {
        args(out, &claim.args);
    }
    out.push_str(" {\n");
    for of in &claim.lines {
        out.push_str("  ");
        line(out, of);
        out.push('\n');
    }
    out.push('}');
}

/// A line of a claim.
pub(super) fn line(out: &mut String, line: &ClaimLine) {
    quantity(out, &line.left, 0);
    let _ = write!(out, " {} ", line.op.symbol());
    quantity(out, &line.right, 0);
    if let Some(within) = line.within {
        let _ = write!(out, " +- {within}");
    }
}

/// A quantity where operators of at least this rank need no parentheses.
fn quantity(out: &mut String, of: &Quantity, rank: u8) {
    match of {
        Quantity::Number(value) => {
            let _ = write!(out, "{value}");
        }
        Quantity::Measured { path, of } => {
            out.push_str(&path.value);
            match of.as_slice() {
                [] => {}
                [Chosen { axis: None, label: one }] => {
                    out.push_str(" of ");
                    label(out, &one.value);
                }
                all => {
                    out.push_str(" of (");
                    separated(out, all, chosen);
                    out.push(')');
                }
            }
        }
        Quantity::Binary(op, left, right) => {
            let own = if matches!(op, BinaryOp::Add | BinaryOp::Sub) { 1 } else { 2 };
            let in_parens = own < rank;
            out.push_str(if in_parens { "(" } else { "" });
            quantity(out, left, own);
            let _ = write!(out, " {} ", op.symbol());
            quantity(out, right, own + 1);
            out.push_str(if in_parens { ")" } else { "" });
        }
        Quantity::Extreme { is_max, operands } => {
            out.push_str(if *is_max { "max(" } else { "min(" });
            separated(out, operands, |out, operand| quantity(out, operand, 0));
            out.push(')');
        }
    }
}

fn chosen(out: &mut String, of: &Chosen) {
    if let Some(axis) = &of.axis {
        key(out, axis);
        out.push('=');
    }
    label(out, &of.label.value);
}

fn label(out: &mut String, text: &str) {
    let is_plain = is_word(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain || text.parse::<f64>().is_ok() {
        out.push_str(text);
    } else {
        string(out, text);
    }
}
