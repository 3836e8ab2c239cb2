//! Translates the body of a loss defined in a `.net` file into operations.

use std::collections::{BTreeMap, BTreeSet};

use super::LossError;
use super::formula::{Formula, Term};
use super::functions::{call, find, words};
use crate::diag::{Span, Spanned, nearest};
use crate::ir::NodeId;
use crate::model::walk::{calls_of_body, calls_of_expr, locals_of_body};
use crate::model::{CustomLoss, Value};
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Stmt, StmtKind, UnaryOp};

/// Names that every loss knows without defining them.
const BUILT_IN: [&str; 4] = ["logits", "label", "classes", "margin"];

/// Names that every loss knows, for messages.
pub(super) fn known() -> Vec<String> {
    BUILT_IN.iter().map(|name| format!("`{name}`")).collect()
}

/// The loss per sample, `[n]`.
///
/// # Errors
/// [`LossError`] at the first statement or expression that has no meaning; `span` is the place of the
/// selecting call, for a body that gives nothing.
pub(super) fn translate(
    formula: Formula<'_, '_>,
    loss: &CustomLoss,
    span: Span,
) -> Result<NodeId, LossError> {
    let mut translator = Translator { formula, values: &loss.values, scopes: vec![], out: None };
    translator.block(&loss.body)?;
    match translator.out {
        Some(Spanned { value: term @ (Term::Number(_) | Term::Sample(_)), .. }) => {
            Ok(translator.formula.per_sample(term))
        }
        Some(Spanned { value: term @ Term::Class(_), span }) => {
            Err(LossError::Out { span, found: words(term).to_owned() })
        }
        None => Err(LossError::Statement {
            span,
            found: format!("no `out` in the loss `{}`", loss.name),
            expected: "an `out` that is reached".to_owned(),
        }),
    }
}

/// What an expression means.
#[derive(Clone, Debug, PartialEq)]
enum Meaning {
    Term(Term),
    Bool(bool),
    Label,
    List(Vec<f64>),
}

struct Translator<'a, 'e, 'g> {
    formula: Formula<'e, 'g>,
    values: &'a BTreeMap<String, Value>,
    scopes: Vec<BTreeMap<String, Meaning>>,
    out: Option<Spanned<Term>>,
}

impl Translator<'_, '_, '_> {
    fn block(&mut self, body: &[Stmt]) -> Result<(), LossError> {
        self.scopes.push(BTreeMap::new());
        for stmt in body {
            self.statement(stmt)?;
        }
        self.scopes.pop();
        Ok(())
    }

    fn statement(&mut self, stmt: &Stmt) -> Result<(), LossError> {
        let wrong = |found: &str, expected: &str| LossError::Statement {
            span: stmt.span.0,
            found: found.to_owned(),
            expected: expected.to_owned(),
        };
        if self.out.is_some() {
            return Err(wrong("a statement after `out`", "`out` as the last statement"));
        }
        match &stmt.kind {
            StmtKind::Let(binding) => {
                let name = &binding.name.value;
                let taken = BUILT_IN.contains(&name.as_str())
                    || self.scopes.iter().any(|scope| scope.contains_key(name));
                if taken {
                    let found = format!("a second `{name}`");
                    return Err(wrong(&found, "a name that is not in use"));
                }
                let meaning = self.expression(&binding.value)?;
                if let Some(scope) = self.scopes.last_mut() {
                    scope.insert(name.clone(), meaning);
                }
                Ok(())
            }
            StmtKind::Out(value) => {
                let term = self.term(value, "out")?;
                self.out = Some(Spanned::new(term, value.span));
                Ok(())
            }
            StmtKind::If { condition, then, otherwise } => {
                let (taken, other) = self.sides(condition, then, otherwise)?;
                let mut own = BTreeSet::new();
                locals_of_body(other, &mut own);
                let mut calls = vec![];
                calls_of_body(other, &mut |call| calls.push(call));
                self.names(calls.into_iter().filter(|call| !own.contains(&call.callee.value)))?;
                self.block(taken)
            }
            StmtKind::Chain(_) => Err(wrong("a layer", "`let`, `if` or `out`")),
            StmtKind::Repeat { .. } => Err(wrong("`repeat`", "`let`, `if` or `out`")),
        }
    }

    /// The side that a condition takes, and the other one.
    fn sides<T>(&mut self, condition: &Expr, then: T, otherwise: T) -> Result<(T, T), LossError> {
        match self.expression(condition)? {
            Meaning::Bool(true) => Ok((then, otherwise)),
            Meaning::Bool(false) => Ok((otherwise, then)),
            other @ (Meaning::Term(_) | Meaning::Label | Meaning::List(_)) => {
                Err(LossError::Operand {
                    span: condition.span,
                    construct: "if".to_owned(),
                    found: describe(&other),
                    expected:
                        "a condition known at compile time; `where(c, a, b)` chooses per sample"
                            .to_owned(),
                })
            }
        }
    }

    /// Checks the names of a side that is not taken.
    fn names<'c>(&mut self, calls: impl IntoIterator<Item = &'c Call>) -> Result<(), LossError> {
        for call in calls {
            let name = call.callee.value.as_str();
            let span = call.callee.span;
            if call.parens && name != "one_hot" {
                find(name, span)?;
            } else if !call.parens && !BUILT_IN.contains(&name) && !self.is_bound(name) {
                return Err(self.unknown(name, span));
            }
        }
        Ok(())
    }

    fn expression(&mut self, expr: &Expr) -> Result<Meaning, LossError> {
        self.formula.at(expr.span);
        match &expr.value {
            ExprKind::Int(value) => Ok(number(*value as f64)),
            ExprKind::Float(value) => Ok(number(*value)),
            ExprKind::Bool(value) => Ok(Meaning::Bool(*value)),
            ExprKind::Call(inner) => self.call(inner, expr.span),
            ExprKind::List(items) => {
                let items: Result<_, _> = items.iter().map(|item| self.number(item)).collect();
                Ok(Meaning::List(items?))
            }
            ExprKind::Unary(UnaryOp::Neg, x) => {
                let x = self.term(x, "-")?;
                self.formula.at(expr.span);
                Ok(Meaning::Term(self.formula.neg(x)))
            }
            ExprKind::Unary(UnaryOp::Not, x) => match self.expression(x)? {
                Meaning::Bool(value) => Ok(Meaning::Bool(!value)),
                other @ (Meaning::Term(_) | Meaning::Label | Meaning::List(_)) => {
                    let x = self.value(other, "!", x.span)?;
                    Ok(Meaning::Term(self.formula.sub(Term::Number(1.0), x)))
                }
            },
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, expr.span),
            ExprKind::Index(x, index) => self.index(x, index, expr.span),
            ExprKind::Str(_) => Err(foreign(expr.span, "a string")),
            ExprKind::Range(_, _) => Err(foreign(expr.span, "a range")),
            ExprKind::Chain(_) => Err(foreign(expr.span, "a chain of layers")),
            ExprKind::If { condition, then, otherwise } => {
                let (taken, other) = self.sides(condition, then, otherwise)?;
                let mut calls = vec![];
                calls_of_expr(other, &mut |call| calls.push(call));
                self.names(calls)?;
                self.expression(taken)
            }
        }
    }

    fn call(&mut self, called: &Call, span: Span) -> Result<Meaning, LossError> {
        let name = called.callee.value.as_str();
        if called.args.is_empty() && !called.parens {
            return self.name(name, span);
        }
        if let Some(key) = called.args.iter().find_map(|arg| arg.key.as_ref()) {
            return Err(LossError::Operand {
                span: key.span,
                construct: name.to_owned(),
                found: format!("the key `{}`", key.value),
                expected: "operands without keys".to_owned(),
            });
        }
        if name == "one_hot" {
            return match called.args.as_slice() {
                [arg] if self.expression(&arg.value)? == Meaning::Label => {
                    Ok(Meaning::Term(self.formula.one_hot()))
                }
                _ => Err(LossError::Operand {
                    span,
                    construct: name.to_owned(),
                    found: "something else".to_owned(),
                    expected: "`one_hot(label)`".to_owned(),
                }),
            };
        }
        let mut operands = vec![];
        for arg in &called.args {
            operands.push((self.term(&arg.value, name)?, arg.value.span));
        }
        self.formula.at(span);
        call(&mut self.formula, name, &operands, called.callee.span).map(Meaning::Term)
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Meaning, LossError> {
        match name {
            "logits" => return Ok(Meaning::Term(self.formula.logits())),
            "label" => return Ok(Meaning::Label),
            "classes" => return Ok(number(self.formula.classes() as f64)),
            "margin" => {
                let logits = self.formula.logits();
                return Ok(Meaning::Term(self.formula.margin_of(logits)));
            }
            _ => {}
        }
        self.bound(name, span)
    }

    fn is_bound(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains_key(name)) || self.values.contains_key(name)
    }

    /// The meaning of a `let` or a parameter.
    fn bound(&self, name: &str, span: Span) -> Result<Meaning, LossError> {
        if let Some(meaning) = self.scopes.iter().rev().find_map(|scope| scope.get(name)) {
            return Ok(meaning.clone());
        }
        let value = self.values.get(name).ok_or_else(|| self.unknown(name, span))?;
        constant(value)
            .ok_or_else(|| foreign(span, "a word or a list of other things than numbers"))
    }

    fn unknown(&self, name: &str, span: Span) -> LossError {
        let scopes = self.scopes.iter().flat_map(|scope| scope.keys());
        let known = scopes.chain(self.values.keys()).map(String::as_str).chain(BUILT_IN);
        let nearest = nearest(name, known).map(str::to_owned);
        LossError::Unknown { span, name: name.to_owned(), nearest, call: false }
    }

    fn index(&mut self, x: &Expr, index: &Expr, span: Span) -> Result<Meaning, LossError> {
        let classes = self.formula.classes();
        let operand = self.term(x, "[ ]")?;
        if let Term::Number(_) | Term::Sample(_) = operand {
            return Err(LossError::Operand {
                span: x.span,
                construct: "[ ]".to_owned(),
                found: words(operand).to_owned(),
                expected: "one value per class, [n, classes]".to_owned(),
            });
        }
        let at = self.expression(index)?;
        self.formula.at(span);
        match at {
            Meaning::Label => Ok(Meaning::Term(self.formula.at_label(operand))),
            other @ (Meaning::Term(_) | Meaning::Bool(_) | Meaning::List(_)) => {
                match (0..classes).find(|class| other == number(*class as f64)) {
                    Some(class) => Ok(Meaning::Term(self.formula.at_class(operand, class))),
                    None => Err(LossError::Operand {
                        span: index.span,
                        construct: "[ ]".to_owned(),
                        found: describe(&other),
                        expected: format!("`label`, or a class from 0 to {}", classes - 1),
                    }),
                }
            }
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        a: &Expr,
        b: &Expr,
        span: Span,
    ) -> Result<Meaning, LossError> {
        let (left, right) = (self.expression(a)?, self.expression(b)?);
        if let (Meaning::Bool(left), Meaning::Bool(right)) = (&left, &right)
            && let Some(value) = logic(op, *left, *right)
        {
            return Ok(Meaning::Bool(value));
        }
        let word = symbol(op);
        let x = self.value(left, word, a.span)?;
        let y = self.value(right, word, b.span)?;
        self.formula.at(span);
        let f = &mut self.formula;
        let compares = matches!(
            op,
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge
        );
        let term = match op {
            BinaryOp::Add => f.add(x, y),
            BinaryOp::Sub => f.sub(x, y),
            BinaryOp::Mul | BinaryOp::And => f.mul(x, y),
            BinaryOp::Div => f.div(x, y),
            BinaryOp::Pow => f.pow(x, y),
            BinaryOp::Or => f.max(x, y),
            BinaryOp::Eq => f.equal(x, y),
            BinaryOp::Ne => {
                let equal = f.equal(x, y);
                f.sub(Term::Number(1.0), equal)
            }
            BinaryOp::Ge => f.at_least(x, y),
            BinaryOp::Le => f.at_least(y, x),
            BinaryOp::Gt => f.above(x, y),
            BinaryOp::Lt => f.above(y, x),
            BinaryOp::Rem => match (x, y) {
                (Term::Number(x), Term::Number(y)) => Term::Number(x % y),
                (_, Term::Number(_) | Term::Sample(_) | Term::Class(_)) => {
                    return Err(LossError::Operand {
                        span,
                        construct: word.to_owned(),
                        found: "values that vary".to_owned(),
                        expected: "numbers known at compile time".to_owned(),
                    });
                }
            },
        };
        match term {
            Term::Number(value) if compares => Ok(Meaning::Bool(value != 0.0)),
            Term::Number(_) | Term::Sample(_) | Term::Class(_) => Ok(Meaning::Term(term)),
        }
    }

    fn term(&mut self, expr: &Expr, construct: &str) -> Result<Term, LossError> {
        let meaning = self.expression(expr)?;
        self.value(meaning, construct, expr.span)
    }

    /// A meaning as an operand; a list with one number per class is a value per class.
    fn value(&mut self, meaning: Meaning, construct: &str, span: Span) -> Result<Term, LossError> {
        match meaning {
            Meaning::List(values) if values.len() == self.formula.classes() => {
                Ok(self.formula.constants(&values))
            }
            other @ (Meaning::Term(_) | Meaning::Bool(_) | Meaning::Label | Meaning::List(_)) => {
                as_term(other, construct, span)
            }
        }
    }

    fn number(&mut self, expr: &Expr) -> Result<f64, LossError> {
        match self.term(expr, "[ ]")? {
            Term::Number(value) => Ok(value),
            term @ (Term::Sample(_) | Term::Class(_)) => Err(LossError::Operand {
                span: expr.span,
                construct: "[ ]".to_owned(),
                found: words(term).to_owned(),
                expected: "numbers known at compile time".to_owned(),
            }),
        }
    }
}

fn number(value: f64) -> Meaning {
    Meaning::Term(Term::Number(value))
}

fn as_term(meaning: Meaning, construct: &str, span: Span) -> Result<Term, LossError> {
    match meaning {
        Meaning::Term(term) => Ok(term),
        Meaning::Bool(value) => Ok(Term::Number(f64::from(u8::from(value)))),
        Meaning::Label => Err(LossError::Operand {
            span,
            construct: construct.to_owned(),
            found: "`label`, which is an index".to_owned(),
            expected: "values: `x[label]` or `one_hot(label)`".to_owned(),
        }),
        Meaning::List(values) => Err(LossError::Operand {
            span,
            construct: construct.to_owned(),
            found: format!("a list of {}", values.len()),
            expected: "a list with one number per class".to_owned(),
        }),
    }
}

fn describe(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Term(term) => words(*term).to_owned(),
        Meaning::Bool(value) => format!("`{value}`"),
        Meaning::Label => "`label`".to_owned(),
        Meaning::List(values) => format!("a list of {}", values.len()),
    }
}

fn constant(value: &Value) -> Option<Meaning> {
    match value {
        Value::Int(value) => Some(number(*value as f64)),
        Value::Float(value) => Some(number(*value)),
        Value::Bool(value) => Some(Meaning::Bool(*value)),
        Value::List(items) => items
            .iter()
            .map(|item| match constant(item) {
                Some(Meaning::Term(Term::Number(value))) => Some(value),
                Some(_) | None => None,
            })
            .collect::<Option<_>>()
            .map(Meaning::List),
        Value::Word(_) | Value::Text(_) | Value::Call(_) => None,
    }
}

fn foreign(span: Span, found: &str) -> LossError {
    LossError::Operand {
        span,
        construct: "loss".to_owned(),
        found: found.to_owned(),
        expected: "a formula over `logits`, `label` and numbers".to_owned(),
    }
}

fn logic(op: BinaryOp, a: bool, b: bool) -> Option<bool> {
    match op {
        BinaryOp::And => Some(a && b),
        BinaryOp::Or => Some(a || b),
        BinaryOp::Eq => Some(a == b),
        BinaryOp::Ne => Some(a != b),
        BinaryOp::Pow
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge => None,
    }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Pow => "^",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
