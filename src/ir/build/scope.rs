//! Names inside a body that is being expanded.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::BuildError;
use crate::diag::{Diagnostics, Span, Spanned, ToDiagnostic};
use crate::ir::{Graph, NodeId, Shape};
use crate::model::bind::bare_name;
use crate::model::{ModelError, Scope, Value};
use crate::syntax::ast::Call;

/// A node, or `None` where the reason why there is none was reported.
pub(super) type Tensor = Option<NodeId>;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    /// A compile-time value; `None` where it was broken.
    Value(Option<Value>),
    /// A branch.
    Branch(Tensor),
}

/// The names of one body.
#[derive(Clone, Debug)]
pub(super) struct Frame<'a> {
    /// Locals, the latest last.
    pub(super) locals: Vec<(String, Binding)>,
    /// `in`.
    pub(super) input: Tensor,
    /// Top-level values of the file.
    pub(super) lets: &'a BTreeMap<String, Spanned<Value>>,
    /// Every name that the body mentions: what is not mentioned is not built.
    pub(super) mentions: Rc<BTreeSet<String>>,
}

impl Frame<'_> {
    pub(super) fn local(&self, name: &str) -> Option<&Binding> {
        self.locals.iter().rev().find(|(local, _)| local == name).map(|(_, binding)| binding)
    }

    pub(super) fn branch(&self, name: &str) -> Option<Tensor> {
        match self.local(name) {
            Some(Binding::Branch(tensor)) => Some(*tensor),
            Some(Binding::Value(_)) => None,
            None => (name == "in").then_some(self.input),
        }
    }
}

/// A frame as the scope of compile-time expressions.
pub(super) struct View<'a, 'b> {
    pub(super) frame: &'b Frame<'a>,
    pub(super) graph: &'b Graph,
    pub(super) classes: usize,
}

impl Scope for View<'_, '_> {
    fn value(&self, name: &str) -> Option<Option<Value>> {
        match self.frame.local(name) {
            Some(Binding::Value(value)) => Some(value.clone()),
            Some(Binding::Branch(_)) => None,
            None if name == "classes" => Some(Some(Value::Int(self.classes as i64))),
            None => self.frame.lets.get(name).map(|value| Some(value.value.clone())),
        }
    }

    fn is_tensor(&self, name: &str) -> bool {
        self.frame.branch(name).is_some()
    }

    fn names(&self) -> Vec<String> {
        let values = self.frame.locals.iter().filter_map(|(name, binding)| match binding {
            Binding::Value(_) => Some(name.clone()),
            Binding::Branch(_) => None,
        });
        values
            .chain(self.frame.lets.keys().cloned())
            .chain(std::iter::once("classes".to_owned()))
            .collect()
    }

    fn query(&self, call: &Call, span: Span, errors: &mut Diagnostics) -> Option<Value> {
        let name = call.callee.value.as_str();
        let asked = match call.args.as_slice() {
            [arg] if arg.key.is_none() => bare_name(&arg.value),
            _ => None,
        };
        let branch = asked.and_then(|name| self.frame.branch(name));
        let Some(tensor) = branch else {
            let error = ModelError::WrongType {
                what: format!("the argument of `{name}`"),
                expected: "`in` or the name of a branch".into(),
                found: call.args.first().map_or_else(
                    || "nothing".into(),
                    |arg| crate::model::bind::looks_like(&arg.value),
                ),
                help: Some(format!("bind the branch by `let x = …` and ask `{name}(x)`")),
                span,
            };
            errors.push(error.to_diagnostic());
            return None;
        };
        let shape = &self.graph[tensor?].shape;
        match answer(name, shape) {
            Ok(size) => Some(Value::Int(size as i64)),
            Err(expected) => {
                let query = name.to_owned();
                let error = BuildError::Query { query, found: shape.clone(), expected, span };
                errors.push(error.to_diagnostic());
                None
            }
        }
    }
}

fn answer(query: &str, shape: &Shape) -> Result<usize, &'static str> {
    match (query, shape.dims.as_slice()) {
        ("channels", [channels, ..]) => Ok(*channels),
        ("height", [_, height, _]) => Ok(*height),
        ("width", [_, _, width]) => Ok(*width),
        ("features", [features]) => Ok(*features),
        ("height" | "width", _) => Err("a picture, [n, channels, height, width]"),
        ("features", _) => Err("a flat shape, [n, features]"),
        _ => Err("[n, channels, …]"),
    }
}
