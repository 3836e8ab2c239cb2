//! Expressions without a place.

use crate::diag::{FileId, Span, Spanned};
use crate::model::Value;
use crate::syntax::ast::{Arg, BinaryOp, Call, Expr, ExprKind, Name, UnaryOp};

pub(super) fn nowhere() -> Span {
    Span::new(FileId(0), 0, 0)
}

pub(super) fn named(name: &str) -> Name {
    Spanned::new(name.to_owned(), nowhere())
}

pub(super) fn at(kind: ExprKind) -> Expr {
    Expr::new(kind, nowhere())
}

pub(super) fn word(name: &str) -> Expr {
    at(ExprKind::Call(Call { callee: named(name), args: vec![], parens: false }))
}

pub(super) fn text(text: &str) -> Expr {
    at(ExprKind::Str(text.to_owned()))
}

pub(super) fn int(value: i64) -> Expr {
    if value >= 0 {
        return at(ExprKind::Int(value));
    }
    // The smallest integer has no positive counterpart; as a difference it has a form.
    match value.checked_neg() {
        Some(positive) => at(ExprKind::Unary(UnaryOp::Neg, Box::new(at(ExprKind::Int(positive))))),
        None => at(ExprKind::Binary(
            BinaryOp::Sub,
            Box::new(int(value + 1)),
            Box::new(at(ExprKind::Int(1))),
        )),
    }
}

pub(super) fn float(value: f64) -> Expr {
    if value.is_sign_negative() {
        let positive = at(ExprKind::Float(-value));
        return at(ExprKind::Unary(UnaryOp::Neg, Box::new(positive)));
    }
    at(ExprKind::Float(value))
}

pub(super) fn boolean(value: bool) -> Expr {
    at(ExprKind::Bool(value))
}

pub(super) fn size(value: usize) -> Expr {
    int(i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn list(items: impl IntoIterator<Item = Expr>) -> Expr {
    at(ExprKind::List(items.into_iter().collect()))
}

pub(super) fn literal(value: &Value) -> Expr {
    match value {
        Value::Int(value) => int(*value),
        Value::Float(value) => float(*value),
        Value::Bool(value) => boolean(*value),
        Value::Word(name) => word(name),
        Value::Text(value) => text(value),
        Value::Call(call) => {
            let args = call.args.iter().map(|(key, value)| keyed(key, literal(value)));
            call_expr(&call.name, args)
        }
        Value::List(items) => list(items.iter().map(literal)),
    }
}

pub(super) fn keyed(key: &str, value: Expr) -> Arg {
    Arg { key: Some(named(key)), value }
}

pub(super) fn plain(value: Expr) -> Arg {
    Arg { key: None, value }
}

pub(super) fn call(name: &str, args: impl IntoIterator<Item = Arg>) -> Call {
    let args: Vec<_> = args.into_iter().collect();
    Call { callee: named(name), parens: !args.is_empty(), args }
}

pub(super) fn call_expr(name: &str, args: impl IntoIterator<Item = Arg>) -> Expr {
    at(ExprKind::Call(call(name, args)))
}
