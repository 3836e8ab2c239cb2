//! The functions of user-written losses.

use super::LossError;
use super::formula::{Formula, Term};
use crate::diag::{Span, nearest};
use crate::ir::Unary;

/// A function with the number of operands it takes.
#[derive(Clone, Copy)]
pub(super) struct Function {
    name: &'static str,
    arity: &'static [usize],
    apply: fn(&mut Formula<'_, '_>, &[Term]) -> Term,
    /// Whether the operand (of a call with one) must have a value per class.
    classes: bool,
}

const fn per_class(
    name: &'static str,
    apply: fn(&mut Formula<'_, '_>, &[Term]) -> Term,
) -> Function {
    Function { name, arity: &[1], apply, classes: true }
}

const fn element(name: &'static str, apply: fn(&mut Formula<'_, '_>, &[Term]) -> Term) -> Function {
    Function { name, arity: &[1], apply, classes: false }
}

const FUNCTIONS: &[Function] = &[
    per_class("softmax", |f, x| f.softmax(x[0])),
    per_class("log_softmax", |f, x| f.log_softmax(x[0])),
    per_class("sum", |f, x| f.sum_classes(x[0])),
    per_class("mean", |f, x| {
        let total = f.sum_classes(x[0]);
        let classes = f.classes() as f64;
        f.div(total, Term::Number(classes))
    }),
    per_class("margin", |f, x| f.margin_of(x[0])),
    element("exp", |f, x| f.exp(x[0])),
    element("log", |f, x| f.log(x[0])),
    element("abs", |f, x| f.unary(Unary::Abs, x[0], f64::abs)),
    element("sqrt", |f, x| f.pow(x[0], Term::Number(0.5))),
    element("tanh", |f, x| f.unary(Unary::Tanh, x[0], libm::tanh)),
    element("sigmoid", |f, x| f.unary(Unary::Sigmoid, x[0], |x| 1.0 / (1.0 + libm::exp(-x)))),
    element("relu", |f, x| f.relu(x[0])),
    element("detach", |f, x| f.stop_gradient(x[0])),
    Function {
        name: "max",
        arity: &[1, 2],
        classes: true,
        apply: |f, x| match x {
            [x] => f.max_classes(*x),
            _ => f.max(x[0], x[1]),
        },
    },
    Function {
        name: "min",
        arity: &[1, 2],
        classes: true,
        apply: |f, x| {
            if let [x] = x {
                let negative = f.neg(*x);
                let top = f.max_classes(negative);
                f.neg(top)
            } else {
                f.min(x[0], x[1])
            }
        },
    },
    Function {
        name: "where",
        arity: &[3],
        classes: false,
        apply: |f, x| f.select(x[0], x[1], x[2]),
    },
];

/// The functions that formulas of losses may call.
pub fn functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// Names of all functions.
pub(super) fn known() -> Vec<String> {
    let names = FUNCTIONS.iter().map(|function| format!("`{}`", function.name));
    names.chain(["`one_hot`".to_owned()]).collect()
}

/// Applies the function called `name`; each operand comes with its place.
pub(super) fn call(
    formula: &mut Formula<'_, '_>,
    name: &str,
    operands: &[(Term, Span)],
    span: Span,
) -> Result<Term, LossError> {
    let function = find(name, span)?;
    if !function.arity.contains(&operands.len()) {
        let expected: Vec<_> = function.arity.iter().map(ToString::to_string).collect();
        return Err(LossError::Operand {
            span,
            construct: name.to_owned(),
            found: format!("{} operands", operands.len()),
            expected: format!("{} operand(s)", expected.join(" or ")),
        });
    }
    if function.classes
        && let [(operand @ (Term::Number(_) | Term::Sample(_)), span)] = operands
    {
        return Err(LossError::Operand {
            span: *span,
            construct: name.to_owned(),
            found: words(*operand).to_owned(),
            expected: "one value per class, [n, classes]".to_owned(),
        });
    }
    let terms: Vec<_> = operands.iter().map(|(term, _)| *term).collect();
    Ok((function.apply)(formula, &terms))
}

/// The function called `name`.
pub(super) fn find(name: &str, span: Span) -> Result<&'static Function, LossError> {
    FUNCTIONS.iter().find(|function| function.name == name).ok_or_else(|| {
        let names = FUNCTIONS.iter().map(|function| function.name).chain(["one_hot"]);
        let nearest = nearest(name, names).map(str::to_owned);
        LossError::Unknown { span, name: name.to_owned(), nearest, call: true }
    })
}

/// What a term is, for messages.
pub(super) fn words(term: Term) -> &'static str {
    match term {
        Term::Number(_) => "a number",
        Term::Sample(_) => "one value per sample, [n]",
        Term::Class(_) => "one value per class, [n, classes]",
    }
}
