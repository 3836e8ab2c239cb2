//! Arguments of calls against the table: which are given, and their typed values.
//!
//! Every getter returns `None` only after the reason was reported.

mod params;

use std::collections::BTreeMap;

pub use params::bind_block;

use super::error::IN_QUOTES;
use super::eval::{Scope, describe, eval, unknown_name};
use super::table::{CallRow, Default, Group, ParamRow, Type};
use super::value::CallValue;
use super::{ModelError, Value};
use crate::diag::{Diagnostics, Span, Spanned, ToDiagnostic, nearest};
use crate::syntax::ast::{Arg, Call, Expr, ExprKind};

/// A call whose arguments have found their parameters.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    /// The row of the table.
    pub row: &'static CallRow,
    /// The whole call.
    pub span: Span,
    args: BTreeMap<&'static str, &'a Arg>,
    /// Whether every argument found its parameter and none is missing.
    pub complete: bool,
}

/// The place of a call with its arguments.
pub fn call_span(call: &Call) -> Span {
    call.args.last().map_or(call.callee.span, |arg| call.callee.span.to(arg.value.span))
}

/// The place of an argument with its key.
pub fn arg_span(arg: &Arg) -> Span {
    arg.key.as_ref().map_or(arg.value.span, |key| key.span.to(arg.value.span))
}

/// The row of a group that a call names; reports a name that the group does not have.
pub fn named_row(group: Group, call: &Call, errors: &mut Diagnostics) -> Option<&'static CallRow> {
    let Spanned { value: name, span } = &call.callee;
    let row = group.row(name);
    if row.is_none() {
        let known: Vec<_> = group.names().map(str::to_owned).collect();
        unknown_name(group.noun(), name, &known, *span, errors);
    }
    row
}

/// Finds the parameter of each argument; reports unknown, duplicate, surplus and missing ones.
pub fn bind<'a>(
    row: &'static CallRow,
    call: &'a Call,
    span: Span,
    errors: &mut Diagnostics,
) -> Bound<'a> {
    bind_with(row, call, span, &|_| None, errors)
}

/// As [`bind`], with a hint for keys that belong elsewhere.
pub fn bind_with<'a>(
    row: &'static CallRow,
    call: &'a Call,
    span: Span,
    hint: &dyn Fn(&str) -> Option<String>,
    errors: &mut Diagnostics,
) -> Bound<'a> {
    let mut bound = Bound { row, span, args: BTreeMap::new(), complete: true };
    let mut positional = row.positional();
    for arg in &call.args {
        let param = match &arg.key {
            Some(key) => row.param(&key.value),
            None => positional.next(),
        };
        let Some(param) = param else {
            let key = arg.key.as_ref();
            let known = row.params.iter().map(|param| param.name);
            let error = ModelError::UnknownArgument {
                callee: row.name.to_owned(),
                key: key.map(|key| key.value.clone()),
                nearest: key.and_then(|key| nearest(&key.value, known)).map(str::to_owned),
                signature: row.signature(),
                hint: key.and_then(|key| hint(&key.value)),
                span: key.map_or(arg.value.span, |key| key.span),
            };
            errors.push(error.to_diagnostic());
            bound.complete = false;
            continue;
        };
        if let Some(first) = bound.args.get(param.name) {
            let error = ModelError::DuplicateArgument {
                callee: row.name.to_owned(),
                key: param.name.to_owned(),
                first: arg_span(first),
                span: arg_span(arg),
            };
            errors.push(error.to_diagnostic());
            bound.complete = false;
        } else {
            bound.args.insert(param.name, arg);
        }
    }
    for param in row.params {
        if param.default == Default::Required && !bound.args.contains_key(param.name) {
            // A misspelt key is one mistake, not two.
            if bound.complete {
                let error = ModelError::MissingArgument {
                    callee: row.name.to_owned(),
                    key: param.name.to_owned(),
                    doc: param.doc.to_owned(),
                    signature: row.signature(),
                    span,
                };
                errors.push(error.to_diagnostic());
            }
            bound.complete = false;
        }
    }
    bound
}

impl<'a> Bound<'a> {
    /// The expression given for `name`.
    pub fn given(&self, name: &str) -> Option<&'a Expr> {
        self.args.get(name).map(|arg| &arg.value)
    }

    /// The place of the argument, or of the call where it is not given.
    pub fn place(&self, name: &str) -> Span {
        self.args.get(name).map_or(self.span, |arg| arg_span(arg))
    }

    fn param(&self, name: &str) -> &'static ParamRow {
        self.row.param(name).expect("the table has every parameter that is asked for")
    }
}

/// Typed values of the arguments of one call.
#[expect(missing_debug_implementations, reason = "it borrows a scope, which need not be shown")]
pub struct Reader<'a, 'b> {
    /// The arguments.
    pub bound: &'b Bound<'a>,
    /// The names in scope.
    pub scope: &'b dyn Scope,
    /// Defaults that come before those of the table.
    pub inherited: Option<&'b BTreeMap<String, Spanned<Value>>>,
    /// Where problems go.
    pub errors: &'b mut Diagnostics,
}

impl<'a, 'b> Reader<'a, 'b> {
    /// A reader without inherited defaults.
    pub fn new(bound: &'b Bound<'a>, scope: &'b dyn Scope, errors: &'b mut Diagnostics) -> Self {
        Self { bound, scope, inherited: None, errors }
    }

    /// The value given or defaulted; `Some(None)` where neither is.
    pub fn value(&mut self, name: &str) -> Option<Option<Spanned<Value>>> {
        if let Some(expr) = self.bound.given(name) {
            let value = typed(self.bound.param(name), expr, self.scope, self.errors)?;
            return Some(Some(Spanned::new(value, expr.span)));
        }
        if let Some(value) = self.inherited.and_then(|map| map.get(name)) {
            return Some(Some(value.clone()));
        }
        let span = self.bound.span;
        match self.bound.param(name).default {
            Default::Required => None,
            Default::None | Default::Formula(_) => Some(None),
            Default::Int(value) => Some(Some(Spanned::new(Value::Int(value), span))),
            Default::Float(value) => Some(Some(Spanned::new(Value::Float(value), span))),
            Default::Bool(value) => Some(Some(Spanned::new(Value::Bool(value), span))),
            Default::Word(word) => Some(Some(Spanned::new(Value::Word(word.to_owned()), span))),
            Default::Like(other) => self.value(other),
        }
    }

    /// An integer that has a default or is required.
    pub fn int(&mut self, name: &str) -> Option<i64> {
        self.optional_int(name)?
    }

    /// An integer, or `Some(None)` where none is given.
    pub fn optional_int(&mut self, name: &str) -> Option<Option<i64>> {
        Some(self.value(name)?.and_then(|value| value.value.int()))
    }

    /// A size as an integer of the machine.
    pub fn size(&mut self, name: &str) -> Option<usize> {
        self.int(name).and_then(|value| usize::try_from(value).ok())
    }

    /// A number that has a default or is required.
    pub fn float(&mut self, name: &str) -> Option<f64> {
        self.optional_float(name)?
    }

    /// A number, or `Some(None)` where none is given.
    pub fn optional_float(&mut self, name: &str) -> Option<Option<f64>> {
        Some(self.value(name)?.and_then(|value| value.value.number()))
    }

    /// A boolean.
    pub fn bool(&mut self, name: &str) -> Option<bool> {
        self.optional_bool(name)?
    }

    /// A boolean, or `Some(None)` where none is given.
    pub fn optional_bool(&mut self, name: &str) -> Option<Option<bool>> {
        Some(self.value(name)?.and_then(|value| value.value.bool()))
    }

    /// A word of the parameter's list.
    pub fn word(&mut self, name: &str) -> Option<String> {
        self.value(name)??.value.word().map(str::to_owned)
    }

    /// A text in quotes, or `Some(None)` where none is given.
    pub fn text(&mut self, name: &str) -> Option<Option<String>> {
        Some(self.value(name)?.and_then(|value| value.value.text().map(str::to_owned)))
    }

    /// Rows and columns.
    pub fn pair(&mut self, name: &str) -> Option<[usize; 2]> {
        pair(&self.value(name)??.value)
    }

    /// A list of integers, or `Some(None)` where none is given.
    pub fn sizes(&mut self, name: &str) -> Option<Option<Vec<usize>>> {
        let Some(value) = self.value(name)? else { return Some(None) };
        let sizes = value.value.items().into_iter().map(Value::size);
        sizes.collect::<Option<_>>().map(Some)
    }

    /// A list of numbers, or `Some(None)` where none is given.
    pub fn floats(&mut self, name: &str) -> Option<Option<Vec<f64>>> {
        let Some(value) = self.value(name)? else { return Some(None) };
        let numbers = value.value.items().into_iter().map(Value::number);
        numbers.collect::<Option<_>>().map(Some)
    }
}

/// Rows and columns of a value of [`Type::Pair`].
pub fn pair(value: &Value) -> Option<[usize; 2]> {
    match value.items().as_slice() {
        [both] => both.size().map(|size| [size, size]),
        [rows, columns] => Some([rows.size()?, columns.size()?]),
        _ => None,
    }
}

/// The value of `expr` for `param`, checked for type and range.
pub fn typed(
    param: &ParamRow,
    expr: &Expr,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Value> {
    if let Type::Word(words) = param.ty {
        return word(param, words, expr, scope, errors);
    }
    if param.ty == Type::Permissions {
        return permissions(param, expr, errors);
    }
    if param.ty == Type::Init
        && let Some(name) = bare_name(expr)
        && scope.value(name).is_none()
        && Group::Init.row(name).is_none()
    {
        let known: Vec<_> = Group::Init.names().map(str::to_owned).collect();
        unknown_name(Group::Init.noun(), name, &known, expr.span, errors);
        return None;
    }
    if param.ty == Type::Text
        && let Some(name) = bare_name(expr)
        && scope.value(name).is_none()
    {
        let error = ModelError::WrongType {
            what: format!("`{}`", param.name),
            expected: param.ty.words(),
            found: looks_like(expr),
            help: Some(format!("{IN_QUOTES}\"{name}\"`")),
            span: expr.span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    let value = eval(expr, scope, errors)?;
    check(param, value, expr.span, errors)
}

/// `value` if it has the type and range of `param`.
pub fn check(
    param: &ParamRow,
    value: Value,
    span: Span,
    errors: &mut Diagnostics,
) -> Option<Value> {
    let int = |value: &Value| matches!(value, Value::Int(_));
    let value = match (param.ty, value) {
        // A whole real such as `1e3` or `10 / 2.0` is as good as an integer.
        (Type::Int | Type::Pair | Type::Pad, Value::Float(x))
            if x.fract() == 0.0 && x.abs() < 9e15 =>
        {
            Value::Int(x as i64)
        }
        (_, value) => value,
    };
    let fits = match (param.ty, &value) {
        (Type::Int | Type::Pair | Type::Pad | Type::Ints, Value::Int(_))
        | (Type::Float | Type::Floats, Value::Int(_) | Value::Float(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Text, Value::Text(_))
        | (Type::Init, Value::Call(_))
        | (Type::Flag, Value::Bool(true)) => true,
        (Type::Pad, Value::Word(word)) => word == "same",
        (Type::Pair | Type::Pad, Value::List(items)) => items.len() == 2 && items.iter().all(int),
        (Type::Shape, Value::List(items)) => !items.is_empty() && items.iter().all(int),
        (Type::Ints, Value::List(items)) => items.iter().all(int),
        (Type::Floats, Value::List(items)) => items.iter().all(|item| item.number().is_some()),
        (Type::Init, Value::Word(word)) => Group::Init.row(word).is_some(),
        _ => false,
    };
    let what = format!("`{}`", param.name);
    if !fits {
        let error = ModelError::WrongType {
            what,
            expected: param.ty.words(),
            found: describe(&value),
            help: None,
            span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    let outside = value.items().into_iter().find(|item| {
        item.number().is_some_and(|number| !param.range.holds(number) || !number.is_finite())
    });
    if let Some(number) = outside.and_then(Value::number) {
        let error = ModelError::OutOfRange {
            what,
            value: number.to_string(),
            range: param.range.words(),
            span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    Some(value)
}

/// The name of a call without arguments.
pub fn bare_name(expr: &Expr) -> Option<&str> {
    as_call(expr).filter(|call| !call.parens).map(|call| call.callee.value.as_str())
}

/// The call behind an expression, if it is one.
pub fn as_call(expr: &Expr) -> Option<&Call> {
    if let ExprKind::Call(call) = &expr.value {
        return Some(call);
    }
    let ExprKind::Chain(steps) = &expr.value else { return None };
    match steps.as_slice() {
        [step] if step.label.is_none() => as_call(&step.expr),
        _ => None,
    }
}

/// The items of a list, or the expression alone.
pub fn as_items(expr: &Expr) -> Vec<&Expr> {
    if let ExprKind::List(items) = &expr.value { items.iter().collect() } else { vec![expr] }
}

/// The text of a string.
pub fn as_text(expr: &Expr) -> Option<&str> {
    if let ExprKind::Str(text) = &expr.value { Some(text) } else { None }
}

/// Reports a value of another type than `param` takes.
pub fn wrong_type(param: &ParamRow, found: String, span: Span, errors: &mut Diagnostics) {
    let error = ModelError::WrongType {
        what: format!("`{}`", param.name),
        expected: param.ty.words(),
        found,
        help: None,
        span,
    };
    errors.push(error.to_diagnostic());
}

/// What an expression looks like, for messages about its type.
pub fn looks_like(expr: &Expr) -> String {
    match &expr.value {
        ExprKind::Int(value) => format!("the integer {value}"),
        ExprKind::Float(value) => format!("the number {value}"),
        ExprKind::Bool(value) => format!("`{value}`"),
        ExprKind::Str(text) => format!("the text \"{text}\""),
        ExprKind::Call(call) if call.parens => format!("a call of `{}`", call.callee.value),
        ExprKind::Call(call) => format!("the word `{}`", call.callee.value),
        ExprKind::List(items) => format!("a list of {} values", items.len()),
        ExprKind::Range(..) => "a range".into(),
        ExprKind::Unary(..) | ExprKind::Binary(..) => "a formula".into(),
        ExprKind::Index(..) => "an indexed value".into(),
        ExprKind::Chain(..) => "a chain".into(),
        ExprKind::If { .. } => "a conditional".into(),
    }
}

fn word(
    param: &ParamRow,
    words: &[&str],
    expr: &Expr,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Value> {
    let Some(name) = bare_name(expr) else {
        wrong_type(param, looks_like(expr), expr.span, errors);
        return None;
    };
    if words.contains(&name) {
        return Some(Value::Word(name.to_owned()));
    }
    if let Some(Some(Value::Word(word))) = scope.value(name)
        && words.contains(&word.as_str())
    {
        return Some(Value::Word(word));
    }
    let error = ModelError::UnknownName {
        what: "choice",
        name: name.to_owned(),
        nearest: nearest(name, words.iter().copied()).map(str::to_owned),
        known: words.iter().map(|word| (*word).to_owned()).collect(),
        span: expr.span,
    };
    errors.push(error.to_diagnostic());
    None
}

fn permissions(param: &ParamRow, expr: &Expr, errors: &mut Diagnostics) -> Option<Value> {
    const WORDS: [&str; 1] = ["nonhomogeneous"];
    let mut words = vec![];
    for item in as_items(expr) {
        match bare_name(item) {
            Some(name) if WORDS.contains(&name) => words.push(Value::Word(name.to_owned())),
            Some(name) => {
                unknown_name("permission", name, &WORDS.map(str::to_owned), item.span, errors);
                return None;
            }
            None => {
                wrong_type(param, looks_like(item), item.span, errors);
                return None;
            }
        }
    }
    Some(Value::List(words))
}

/// `he_normal` or `truncated_normal(std=0.02)` as a value.
pub(super) fn init_call(
    row: &'static CallRow,
    call: &Call,
    span: Span,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Value> {
    let bound = bind(row, call, span, errors);
    if !bound.complete {
        return None;
    }
    let mut args = vec![];
    let mut reader = Reader::new(&bound, scope, errors);
    for param in row.params {
        args.push((param.name.to_owned(), Value::Float(reader.float(param.name)?)));
    }
    if args.is_empty() {
        return Some(Value::Word(row.name.to_owned()));
    }
    Some(Value::Call(CallValue { name: row.name.to_owned(), args }))
}
