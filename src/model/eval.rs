//! Compile-time expressions: integers, reals, booleans, words and lists.
//!
//! In: an expression and the names in scope. Out: a value, or `None` after the reason was reported once.

use super::table::{Group, QUERIES};
use super::{ModelError, Value};
use crate::diag::{Diagnostics, Span, ToDiagnostic, nearest};
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, UnaryOp};

/// Names that an expression may use.
pub trait Scope {
    /// The value of a name; `Some(None)` where the name is known but its value was broken.
    fn value(&self, name: &str) -> Option<Option<Value>>;

    /// Whether a name stands for a tensor, which has no value while compiling.
    fn is_tensor(&self, _name: &str) -> bool {
        false
    }

    /// All names, for suggestions.
    fn names(&self) -> Vec<String>;

    /// A shape query such as `channels(x)`; reports its own errors.
    fn query(&self, call: &Call, span: Span, errors: &mut Diagnostics) -> Option<Value>;
}

/// The value of `expr`.
pub fn eval(expr: &Expr, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Value> {
    match &expr.value {
        ExprKind::Int(value) => Some(Value::Int(*value)),
        ExprKind::Float(value) => Some(Value::Float(*value)),
        ExprKind::Bool(value) => Some(Value::Bool(*value)),
        ExprKind::Str(text) => Some(Value::Text(text.clone())),
        ExprKind::Call(call) => call_value(call, expr.span, scope, errors),
        ExprKind::List(items) => {
            let values: Vec<_> = items.iter().map(|item| eval(item, scope, errors)).collect();
            values.into_iter().collect::<Option<_>>().map(Value::List)
        }
        ExprKind::Range(from, to) => {
            let from = eval(from, scope, errors);
            let to = eval(to, scope, errors);
            range(&from?, &to?, expr.span, errors)
        }
        ExprKind::Unary(op, operand) => {
            let value = eval(operand, scope, errors)?;
            unary(*op, &value, operand.span, errors)
        }
        ExprKind::Binary(op, a, b) => {
            let left = eval(a, scope, errors);
            // The right side of `&&` and `||` counts only where it decides.
            match (op, &left) {
                (BinaryOp::And, Some(Value::Bool(false)))
                | (BinaryOp::Or, Some(Value::Bool(true))) => return left,
                _ => {}
            }
            let right = eval(b, scope, errors);
            binary(*op, &(left?, a.span), &(right?, b.span), expr.span, errors)
        }
        ExprKind::Index(..) => {
            report(errors, "a value to compute with", "an indexed value", expr.span)
        }
        ExprKind::Chain(steps) => match steps.as_slice() {
            [step] if step.label.is_none() => eval(&step.expr, scope, errors),
            _ => report(errors, "a value to compute with", "a chain of layers", expr.span),
        },
        ExprKind::If { condition, then, otherwise } => {
            let holds = self::condition(condition, scope, errors)?;
            eval(if holds { then } else { otherwise }, scope, errors)
        }
    }
}

/// Whether a condition holds; `None` after the reason was reported.
pub fn condition(expr: &Expr, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<bool> {
    let value = eval(expr, scope, errors)?;
    let Value::Bool(holds) = value else {
        let error = ModelError::WrongType {
            what: "the condition".into(),
            expected: "`true` or `false`".into(),
            found: describe(&value),
            help: None,
            span: expr.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    };
    Some(holds)
}

/// Reports a name that nothing bears.
pub fn unknown_name(
    what: &'static str,
    name: &str,
    known: &[String],
    span: Span,
    errors: &mut Diagnostics,
) {
    let error = ModelError::UnknownName {
        what,
        name: name.to_owned(),
        nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
        known: if known.len() <= 12 { known.to_vec() } else { vec![] },
        span,
    };
    errors.push(error.to_diagnostic());
}

/// The value in words: `the word he_normal`.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Int(value) => format!("the integer {value}"),
        Value::Float(value) => format!("the number {value}"),
        Value::Bool(value) => format!("`{value}`"),
        Value::Word(word) => format!("the word `{word}`"),
        Value::Text(text) => format!("the text \"{text}\""),
        Value::Call(call) => format!("a call of `{}`", call.name),
        Value::List(items) => format!("a list of {} values", items.len()),
    }
}

fn call_value(
    call: &Call,
    span: Span,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Value> {
    let name = call.callee.value.as_str();
    if QUERIES.contains(&name) && call.parens {
        return scope.query(call, span, errors);
    }
    if !call.parens
        && let Some(value) = scope.value(name)
    {
        return value;
    }
    if let Some(row) = Group::Init.row(name) {
        return super::bind::init_call(row, call, span, scope, errors);
    }
    if name == "same" && !call.parens {
        return Some(Value::Word(name.to_owned()));
    }
    if scope.is_tensor(name) {
        let expected =
            "a value known while compiling; `channels(x)` asks for the shape of a branch";
        return report(errors, expected, &format!("the tensor `{name}`"), span);
    }
    let mut known = scope.names();
    known.extend(QUERIES.map(str::to_owned));
    if known.len() <= 12 {
        known.sort();
    }
    unknown_name("name", name, &known, call.callee.span, errors);
    None
}

fn range(from: &Value, to: &Value, span: Span, errors: &mut Diagnostics) -> Option<Value> {
    const MAX: i64 = 100_000;
    let (Value::Int(from), Value::Int(to)) = (from, to) else {
        return report(errors, "a range of integers", "other values", span);
    };
    let len = to.checked_sub(*from).filter(|len| (0..=MAX).contains(len));
    if len.is_none() {
        let error = ModelError::OutOfRange {
            what: "the range".into(),
            value: format!("{from}..{to}"),
            range: format!("an ascending range of at most {MAX} values"),
            span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    Some(Value::List((*from..*to).map(Value::Int).collect()))
}

fn unary(op: UnaryOp, value: &Value, span: Span, errors: &mut Diagnostics) -> Option<Value> {
    match (op, value) {
        (UnaryOp::Neg, Value::Int(x)) => match x.checked_neg() {
            Some(x) => Some(Value::Int(x)),
            None => no_value(errors, "the result does not fit 64 bits", span),
        },
        (UnaryOp::Neg, Value::Float(x)) => Some(Value::Float(-x)),
        (UnaryOp::Not, Value::Bool(x)) => Some(Value::Bool(!x)),
        (UnaryOp::Neg, _) => report(errors, "a number", &describe(value), span),
        (UnaryOp::Not, _) => report(errors, "`true` or `false`", &describe(value), span),
    }
}

fn binary(
    op: BinaryOp,
    left: &(Value, Span),
    right: &(Value, Span),
    span: Span,
    errors: &mut Diagnostics,
) -> Option<Value> {
    match op {
        BinaryOp::And | BinaryOp::Or => {
            let a = truth(left, errors);
            let b = truth(right, errors);
            let (a, b) = (a?, b?);
            Some(Value::Bool(if op == BinaryOp::And { a && b } else { a || b }))
        }
        BinaryOp::Eq => Some(Value::Bool(equal(&left.0, &right.0))),
        BinaryOp::Ne => Some(Value::Bool(!equal(&left.0, &right.0))),
        BinaryOp::Lt => compare(left, right, errors, f64::lt),
        BinaryOp::Le => compare(left, right, errors, f64::le),
        BinaryOp::Gt => compare(left, right, errors, f64::gt),
        BinaryOp::Ge => compare(left, right, errors, f64::ge),
        BinaryOp::Pow => arithmetics(op, left, right, span, errors, libm::pow),
        BinaryOp::Mul => arithmetics(op, left, right, span, errors, |a, b| a * b),
        BinaryOp::Div => arithmetics(op, left, right, span, errors, |a, b| a / b),
        BinaryOp::Rem => arithmetics(op, left, right, span, errors, |a, b| a % b),
        BinaryOp::Add => arithmetics(op, left, right, span, errors, |a, b| a + b),
        BinaryOp::Sub => arithmetics(op, left, right, span, errors, |a, b| a - b),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match a.number().zip(b.number()) {
        Some((a, b)) => a.partial_cmp(&b) == Some(std::cmp::Ordering::Equal),
        None => a == b,
    }
}

fn compare(
    left: &(Value, Span),
    right: &(Value, Span),
    errors: &mut Diagnostics,
    holds: fn(&f64, &f64) -> bool,
) -> Option<Value> {
    let a = number(left, errors);
    let b = number(right, errors);
    Some(Value::Bool(holds(&a?, &b?)))
}

/// Exact on integers where the result is one, else on reals.
fn arithmetics(
    op: BinaryOp,
    left: &(Value, Span),
    right: &(Value, Span),
    span: Span,
    errors: &mut Diagnostics,
    reals: fn(f64, f64) -> f64,
) -> Option<Value> {
    let a = number(left, errors);
    let b = number(right, errors);
    let (a, b) = (a?, b?);
    if let (Value::Int(a), Value::Int(b)) = (&left.0, &right.0) {
        match integers(op, *a, *b) {
            Integers::Exact(value) => return Some(Value::Int(value)),
            Integers::Error(what) => return no_value(errors, what, span),
            Integers::Real => {}
        }
    }
    let value = reals(a, b);
    if value.is_finite() {
        Some(Value::Float(value))
    } else if b == 0.0 && matches!(op, BinaryOp::Div | BinaryOp::Rem) {
        no_value(errors, "division by zero", span)
    } else {
        no_value(errors, "the result is not a finite number", span)
    }
}

enum Integers {
    Exact(i64),
    Real,
    Error(&'static str),
}

fn integers(op: BinaryOp, a: i64, b: i64) -> Integers {
    let exact = |value: Option<i64>| {
        value.map_or(Integers::Error("the result does not fit 64 bits"), Integers::Exact)
    };
    let exact_power = || u32::try_from(b).ok().and_then(|b| a.checked_pow(b));
    match op {
        BinaryOp::Add => exact(a.checked_add(b)),
        BinaryOp::Sub => exact(a.checked_sub(b)),
        BinaryOp::Mul => exact(a.checked_mul(b)),
        BinaryOp::Div | BinaryOp::Rem if b == 0 => Integers::Error("division by zero"),
        BinaryOp::Div if a.checked_rem(b) == Some(0) => exact(a.checked_div(b)),
        BinaryOp::Rem => exact(a.checked_rem(b)),
        BinaryOp::Pow if b >= 0 => exact(exact_power()),
        BinaryOp::Div
        | BinaryOp::Pow
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => Integers::Real,
    }
}

fn number(operand: &(Value, Span), errors: &mut Diagnostics) -> Option<f64> {
    let number = operand.0.number();
    number.or_else(|| report(errors, "a number", &describe(&operand.0), operand.1))
}

fn truth(operand: &(Value, Span), errors: &mut Diagnostics) -> Option<bool> {
    let truth = operand.0.bool();
    truth.or_else(|| report(errors, "`true` or `false`", &describe(&operand.0), operand.1))
}

fn report<T>(errors: &mut Diagnostics, expected: &str, found: &str, span: Span) -> Option<T> {
    let error = ModelError::WrongType {
        what: "an operand".into(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        help: None,
        span,
    };
    errors.push(error.to_diagnostic());
    None
}

fn no_value<T>(errors: &mut Diagnostics, what: &str, span: Span) -> Option<T> {
    errors.push(ModelError::Arithmetic { what: what.to_owned(), span }.to_diagnostic());
    None
}
