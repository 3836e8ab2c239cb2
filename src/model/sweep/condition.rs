//! Which cells a `where` keeps.

use super::{Axis, AxisValue, Cell, key_span, key_text};
use crate::diag::{Diagnostics, ToDiagnostic};
use crate::model::eval::unknown_name;
use crate::model::{ModelError, Value};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp, Where};
use crate::syntax::print_expr;

/// Whether a condition holds in a cell; `None` after the reason was reported.
pub(super) fn holds(
    condition: &Where,
    axes: &[Axis],
    cell: &Cell,
    errors: &mut Diagnostics,
) -> Option<bool> {
    match condition {
        Where::Any(parts) => Some(each(parts, axes, cell, errors)?.into_iter().any(|x| x)),
        Where::All(parts) => Some(each(parts, axes, cell, errors)?.into_iter().all(|x| x)),
        Where::Not(inner) => holds(inner, axes, cell, errors).map(|holds| !holds),
        Where::Test { axis: key, op, value } => {
            let name = key_text(key);
            let Some(place) = axes.iter().position(|axis| axis.key == name) else {
                let known: Vec<String> = axes.iter().map(|axis| axis.key.clone()).collect();
                unknown_name("axis", &name, &known, key_span(key), errors);
                return None;
            };
            test(&axes[place], &axes[place].values[cell.at[place]], *op, value, errors)
        }
    }
}

/// Every part is looked at, so that a mistake is found whatever holds.
fn each(
    parts: &[Where],
    axes: &[Axis],
    cell: &Cell,
    errors: &mut Diagnostics,
) -> Option<Vec<bool>> {
    parts.iter().map(|part| holds(part, axes, cell, errors)).collect()
}

fn test(
    axis: &Axis,
    found: &AxisValue,
    op: BinaryOp,
    wanted: &Expr,
    errors: &mut Diagnostics,
) -> Option<bool> {
    let numbers = number(wanted).zip(found.value.as_ref().and_then(Value::number));
    let ordered = |holds: fn(&f64, &f64) -> bool, errors: &mut Diagnostics| {
        if let Some((wanted, found)) = numbers {
            return Some(holds(&found, &wanted));
        }
        let error = ModelError::WrongType {
            what: format!("the comparison with `{}`", axis.key),
            expected: "numbers on both sides".into(),
            found: format!("`{}` and `{}`", found.label, print_expr(wanted)),
            help: Some("compare labels with `==` and `!=`".into()),
            span: wanted.span,
        };
        errors.push(error.to_diagnostic());
        None
    };
    let equal = |errors: &mut Diagnostics| {
        if let Some((wanted, found)) = numbers {
            return Some(wanted.total_cmp(&found).is_eq());
        }
        let text =
            if let ExprKind::Str(text) = &wanted.value { text.clone() } else { print_expr(wanted) };
        let labels: Vec<String> = axis.values.iter().map(|value| value.label.clone()).collect();
        if !labels.contains(&text) {
            unknown_name("label", &text, &labels, wanted.span, errors);
            return None;
        }
        Some(found.label == text)
    };
    match op {
        BinaryOp::Ne => equal(errors).map(|equal| !equal),
        BinaryOp::Lt => ordered(f64::lt, errors),
        BinaryOp::Le => ordered(f64::le, errors),
        BinaryOp::Gt => ordered(f64::gt, errors),
        BinaryOp::Ge => ordered(f64::ge, errors),
        BinaryOp::Eq
        | BinaryOp::Pow
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::And
        | BinaryOp::Or => equal(errors),
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
