//! One axis of a sweep: a key, and values with labels.

use super::{key_span, key_text};
use crate::diag::{Diagnostics, Span, Spanned, ToDiagnostic};
use crate::model::eval::eval;
use crate::model::{ModelError, Scope, Value};
use crate::syntax::ast::{self, AxisValues, Call, ChoiceValue, Expr, ExprKind, Key};
use crate::syntax::print_expr;

/// Keys of one part that stand for a whole item.
pub(crate) const ITEMS: [&str; 4] = ["data", "net", "loss", "train"];

/// What a sweep varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key as text: `train.lr`, `loss`, `recipe`.
    pub key: String,
    /// Its place.
    pub span: Span,
    /// Its values, at least one.
    pub values: Vec<AxisValue>,
}

/// One value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// As given, or the text of the value.
    pub label: String,
    /// What it sets: the key of the axis, or the keys of a bundle.
    pub settings: Vec<(Key, Expr)>,
    /// The value where it is one, for `where`.
    pub value: Option<Value>,
    /// From the label to the end of the value.
    pub span: Span,
}

/// Nothing has a name in the values of an axis but what the spec means by it later.
pub(super) struct Nothing;

impl Scope for Nothing {
    fn value(&self, _name: &str) -> Option<Option<Value>> {
        None
    }

    fn names(&self) -> Vec<String> {
        vec![]
    }

    fn query(&self, call: &Call, span: Span, errors: &mut Diagnostics) -> Option<Value> {
        let error = ModelError::WrongType {
            what: "a value of an axis".into(),
            expected: "a value known without the network".into(),
            found: format!("the shape query `{}`", call.callee.value),
            help: None,
            span,
        };
        errors.push(error.to_diagnostic());
        None
    }
}

/// An axis with its labels; `None` after the reason was reported.
pub(super) fn axis(tree: &ast::Axis, errors: &mut Diagnostics) -> Option<Axis> {
    let key = key_text(&tree.key);
    let span = key_span(&tree.key);
    let mut values = vec![];
    match &tree.values {
        AxisValues::Range(range) => {
            for item in list(range, &key, errors)? {
                let expr = literal(&item, range.span);
                let settings = vec![(tree.key.clone(), expr)];
                let label = item.int().map_or_else(String::new, |item| item.to_string());
                values.push(AxisValue { label, settings, value: Some(item), span: range.span });
            }
        }
        AxisValues::Choices(choices) => {
            for choice in choices {
                values.push(self::choice(tree, choice, errors)?);
            }
        }
    }
    if values.is_empty() {
        let error = ModelError::OutOfRange {
            what: format!("the axis `{key}`"),
            value: "no value".to_owned(),
            range: "one value or more".to_owned(),
            span,
        };
        errors.push(error.to_diagnostic());
        return None;
    }
    for (i, value) in values.iter().enumerate() {
        if let Some(first) = values[..i].iter().find(|other| other.label == value.label) {
            let error = ModelError::NameTaken {
                name: value.label.clone(),
                what: "a label of this axis".to_owned(),
                first: Some(first.span),
                span: value.span,
            };
            errors.push(error.to_diagnostic());
            return None;
        }
    }
    Some(Axis { key, span, values })
}

fn choice(tree: &ast::Axis, choice: &ast::Choice, errors: &mut Diagnostics) -> Option<AxisValue> {
    let span = choice.span.0;
    let label = choice.label.as_ref().map(|label| label.value.clone());
    let single = tree.key.len() == 1;
    let is_item = single && ITEMS.contains(&tree.key[0].value.as_str());
    let wrong = |expected: &str, found: String, help: String| {
        let error = ModelError::WrongType {
            what: format!("the axis `{}`", key_text(&tree.key)),
            expected: expected.to_owned(),
            found,
            help: Some(help),
            span,
        };
        Some(error.to_diagnostic())
    };
    match &choice.value {
        ChoiceValue::Value(value) if single && !is_item => {
            errors.extend(wrong(
                "keys in braces, since the axis has a name of its own",
                format!("`{}`", print_expr(value)),
                "write `label: { train.lr = 0.1 }`, or the whole key such as `train.lr`".into(),
            ));
            None
        }
        ChoiceValue::Value(value) => {
            // What cannot be computed here, such as a call, is a value all the same.
            let number = eval(value, &Nothing, &mut vec![]);
            Some(AxisValue {
                label: label.unwrap_or_else(|| print_expr(value)),
                settings: vec![(tree.key.clone(), value.clone())],
                value: number,
                span,
            })
        }
        ChoiceValue::Bundle(_) if !single || is_item => {
            errors.extend(wrong(
                "a value of this key",
                "several keys in braces".to_owned(),
                "give the axis a name of its own: `recipe in [slow: { train.lr = 0.1 }]`".into(),
            ));
            None
        }
        ChoiceValue::Bundle(settings) => {
            let Some(label) = label else {
                errors.extend(wrong(
                    "a label for keys in braces",
                    "none".to_owned(),
                    "write `label: { … }`".into(),
                ));
                return None;
            };
            let settings = settings.iter().map(|s| (s.key.clone(), s.value.clone())).collect();
            Some(AxisValue { label, settings, value: None, span })
        }
    }
}

/// The seeds of an axis `seeds`.
pub(super) fn seeds(tree: &ast::Axis, errors: &mut Diagnostics) -> Option<Vec<u64>> {
    let items = match &tree.values {
        AxisValues::Range(range) => list(range, "seeds", errors)?,
        AxisValues::Choices(choices) => choices
            .iter()
            .map(|choice| match &choice.value {
                ChoiceValue::Value(value) if choice.label.is_none() => {
                    eval(value, &Nothing, errors)
                }
                ChoiceValue::Value(_) | ChoiceValue::Bundle(_) => None,
            })
            .collect::<Option<_>>()
            .unwrap_or_default(),
    };
    let seeds: Option<Vec<u64>> =
        items.iter().map(|item| item.int().and_then(|seed| u64::try_from(seed).ok())).collect();
    let distinct = |seeds: &Vec<u64>| {
        let mut sorted = seeds.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len() == seeds.len() && !seeds.is_empty()
    };
    let seeds = seeds.filter(distinct);
    if seeds.is_none() {
        let error = ModelError::WrongType {
            what: "the axis `seeds`".into(),
            expected: "different seeds such as `0..10` or `[0, 3]`".into(),
            found: "other values".into(),
            help: None,
            span: key_span(&tree.key),
        };
        errors.push(error.to_diagnostic());
    }
    seeds
}

/// The values of a range or of a list that is computed.
fn list(expr: &Expr, key: &str, errors: &mut Diagnostics) -> Option<Vec<Value>> {
    if let Value::List(items) = eval(expr, &Nothing, errors)? {
        return Some(items);
    }
    let error = ModelError::WrongType {
        what: format!("the axis `{key}`"),
        expected: "a list such as `[0.1, 0.2]`, or a range such as `0..10`".into(),
        found: format!("`{}`", print_expr(expr)),
        help: Some(format!("write `{key} in [{}]`", print_expr(expr))),
        span: expr.span,
    };
    errors.push(error.to_diagnostic());
    None
}

fn literal(value: &Value, span: Span) -> Expr {
    let kind = match value {
        Value::Int(value) => ExprKind::Int(*value),
        Value::Float(value) => ExprKind::Float(*value),
        Value::Bool(_) | Value::Word(_) | Value::Text(_) | Value::Call(_) | Value::List(_) => {
            ExprKind::List(vec![])
        }
    };
    Spanned::new(kind, span)
}
