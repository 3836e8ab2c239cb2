//! Questions about the tree that need no values: which names it mentions, and what is a branch.

use std::collections::BTreeSet;

use super::table::{Group, QUERIES};
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Stmt, StmtKind};

/// Visits every call and name of `expr`, outer ones first.
pub(crate) fn calls_of_expr<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Call)) {
    match &expr.value {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) => {}
        ExprKind::Call(call) => {
            visit(call);
            call.args.iter().for_each(|arg| calls_of_expr(&arg.value, visit));
        }
        ExprKind::List(items) => items.iter().for_each(|item| calls_of_expr(item, visit)),
        ExprKind::Range(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
            calls_of_expr(a, visit);
            calls_of_expr(b, visit);
        }
        ExprKind::Unary(_, a) => calls_of_expr(a, visit),
        ExprKind::Chain(steps) => steps.iter().for_each(|step| calls_of_expr(&step.expr, visit)),
        ExprKind::If { condition, then, otherwise } => {
            for part in [condition, then, otherwise] {
                calls_of_expr(part, visit);
            }
        }
    }
}

/// Visits every call and name of the statements.
pub(crate) fn calls_of_body<'a>(body: &'a [Stmt], visit: &mut dyn FnMut(&'a Call)) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Chain(steps) => {
                steps.iter().for_each(|step| calls_of_expr(&step.expr, visit));
            }
            StmtKind::Let(binding) => calls_of_expr(&binding.value, visit),
            StmtKind::Out(expr) => calls_of_expr(expr, visit),
            StmtKind::Repeat { range, body, .. } => {
                calls_of_expr(range, visit);
                calls_of_body(body, visit);
            }
            StmtKind::If { condition, then, otherwise } => {
                calls_of_expr(condition, visit);
                calls_of_body(then, visit);
                calls_of_body(otherwise, visit);
            }
        }
    }
}

/// Adds every name that `expr` mentions.
pub(crate) fn names_of_expr(expr: &Expr, names: &mut BTreeSet<String>) {
    calls_of_expr(expr, &mut |call| {
        names.insert(call.callee.value.clone());
    });
}

/// Adds every name that the statements mention.
pub(crate) fn names_of_body(body: &[Stmt], names: &mut BTreeSet<String>) {
    calls_of_body(body, &mut |call| {
        names.insert(call.callee.value.clone());
    });
}

/// Whether an expression of a body stands for a tensor rather than for a compile-time value.
///
/// `is_branch_name` knows blocks and the names bound to branches; layers and `in` are known here.
pub(crate) fn is_branch(expr: &Expr, is_branch_name: &dyn Fn(&str) -> bool) -> bool {
    match &expr.value {
        ExprKind::Call(call) => {
            let name = call.callee.value.as_str();
            !(QUERIES.contains(&name) && call.parens)
                && (name == "in" || Group::Layer.row(name).is_some() || is_branch_name(name))
        }
        ExprKind::Chain(steps) => match steps.as_slice() {
            [step] => step.label.is_some() || is_branch(&step.expr, is_branch_name),
            _ => true,
        },
        ExprKind::Binary(
            BinaryOp::Add
            | BinaryOp::Mul
            | BinaryOp::Sub
            | BinaryOp::Div
            | BinaryOp::Pow
            | BinaryOp::Rem,
            a,
            b,
        ) => is_branch(a, is_branch_name) || is_branch(b, is_branch_name),
        ExprKind::Unary(_, a) => is_branch(a, is_branch_name),
        ExprKind::If { then, otherwise, .. } => {
            is_branch(then, is_branch_name) || is_branch(otherwise, is_branch_name)
        }
        ExprKind::Binary(..)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::List(_)
        | ExprKind::Range(..)
        | ExprKind::Index(..) => false,
    }
}

/// Adds every name that the statements define.
pub(crate) fn locals_of_body(body: &[Stmt], names: &mut BTreeSet<String>) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Let(binding) => {
                names.insert(binding.name.value.clone());
            }
            StmtKind::Repeat { var, body, .. } => {
                names.extend(var.iter().map(|var| var.value.clone()));
                locals_of_body(body, names);
            }
            StmtKind::If { then, otherwise, .. } => {
                locals_of_body(then, names);
                locals_of_body(otherwise, names);
            }
            StmtKind::Chain(_) | StmtKind::Out(_) => {}
        }
    }
}
