//! Which cells a `where` keeps.

use super::{Axis, AxisValue, Cell, key_span, key_text};
use crate::diag::{Span, nearest};
use crate::model::{ModelError, Value};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp, Where};
use crate::syntax::print_expr;

/// What a condition says, or why it says nothing.
type Held<T> = Result<T, Box<ModelError>>;

/// Whether a condition holds in a cell.
pub(super) fn holds(condition: &Where, axes: &[Axis], cell: &Cell) -> Held<bool> {
    match condition {
        Where::Any(parts) => each(parts, axes, cell).map(|parts| parts.into_iter().any(|x| x)),
        Where::All(parts) => each(parts, axes, cell).map(|parts| parts.into_iter().all(|x| x)),
        Where::Not(inner) => holds(inner, axes, cell).map(|holds| !holds),
        Where::Test { axis: key, op, value } => {
            let name = key_text(key);
            let place = axes.iter().position(|axis| axis.key == name).ok_or_else(|| {
                let known: Vec<String> = axes.iter().map(|axis| axis.key.clone()).collect();
                unknown("axis", &name, known, key_span(key))
            })?;
            test(&axes[place], &axes[place].values[cell.at[place]], *op, value)
        }
    }
}

/// Every part is looked at, so that a mistake is found whatever holds.
fn each(parts: &[Where], axes: &[Axis], cell: &Cell) -> Held<Vec<bool>> {
    parts.iter().map(|part| holds(part, axes, cell)).collect()
}

fn test(axis: &Axis, found: &AxisValue, op: BinaryOp, wanted: &Expr) -> Held<bool> {
    let numbers = number(wanted).zip(found.value.as_ref().and_then(Value::number));
    let ordered = |holds: fn(&f64, &f64) -> bool| {
        let (wanted, found) = numbers.ok_or_else(|| {
            Box::new(ModelError::WrongType {
                what: format!("the comparison with `{}`", axis.key),
                expected: "numbers on both sides".into(),
                found: format!("`{}` and `{}`", found.label, print_expr(wanted)),
                help: Some("compare labels with `==` and `!=`".into()),
                span: wanted.span,
            })
        })?;
        Ok(holds(&found, &wanted))
    };
    let equal = || {
        if let Some((wanted, found)) = numbers {
            return Ok(wanted.total_cmp(&found).is_eq());
        }
        let text =
            if let ExprKind::Str(text) = &wanted.value { text.clone() } else { print_expr(wanted) };
        let labels = || axis.values.iter().map(|value| value.label.clone());
        if !labels().any(|label| label == text) {
            return Err(unknown("label", &text, labels().collect(), wanted.span));
        }
        Ok(found.label == text)
    };
    match op {
        BinaryOp::Ne => equal().map(|equal| !equal),
        BinaryOp::Lt => ordered(f64::lt),
        BinaryOp::Le => ordered(f64::le),
        BinaryOp::Gt => ordered(f64::gt),
        BinaryOp::Ge => ordered(f64::ge),
        BinaryOp::Eq
        | BinaryOp::Pow
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::And
        | BinaryOp::Or => equal(),
    }
}

fn number(expr: &Expr) -> Option<f64> {
    if let ExprKind::Unary(UnaryOp::Neg, value) = &expr.value {
        return number(value).map(|value| -value);
    }
    match expr.value {
        ExprKind::Int(value) => Some(value as f64),
        ExprKind::Float(value) => Some(value),
        ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Call(_)
        | ExprKind::List(_)
        | ExprKind::Range(..)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Index(..)
        | ExprKind::Chain(_)
        | ExprKind::If { .. } => None,
    }
}

fn unknown(what: &'static str, name: &str, known: Vec<String>, span: Span) -> Box<ModelError> {
    Box::new(ModelError::UnknownName {
        what,
        name: name.to_owned(),
        nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
        known: if known.len() <= 12 { known } else { vec![] },
        span,
    })
}
