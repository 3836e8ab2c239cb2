//! The names in expressions.

use std::ops::Range;

use super::find::{Finder, Place};
use super::{Kind, Target};
use crate::check::STATEMENTS;
use crate::loss::functions;
use crate::lsp::lines::bytes;
use crate::model::table::{Group, JOINS, ParamRow, QUERIES, RESERVED_VALUES, Type};
use crate::syntax::ast::{Arg, Call, Expr, ExprKind, Step};

impl Finder {
    pub(super) fn expr(&mut self, expr: &Expr, place: Place) {
        match &expr.value {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) => {}
            ExprKind::Call(call) => self.call(call, place),
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item, place)),
            ExprKind::Range(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
                self.expr(a, place);
                self.expr(b, place);
            }
            ExprKind::Unary(_, a) => self.expr(a, place),
            ExprKind::Chain(steps) => steps.iter().for_each(|step| self.expr(&step.expr, place)),
            ExprKind::If { condition, then, otherwise } => {
                let of_condition = match place {
                    Place::Body | Place::Formula => place,
                    Place::Value(_) | Place::Calls(_) | Place::Nets | Place::Assert => {
                        Place::Value(None)
                    }
                };
                self.expr(condition, of_condition);
                self.expr(then, place);
                self.expr(otherwise, place);
            }
        }
    }

    pub(super) fn call(&mut self, call: &Call, place: Place) {
        let name = call.callee.value.as_str();
        let target = self.meaning(name, place);
        let range = bytes(call.callee.span);
        match &target {
            Target::Row(_, row) if !JOINS.contains(&row.name) => {
                let mut positional = row.positional();
                for arg in &call.args {
                    let param = match &arg.key {
                        Some(key) => row.param(&key.value),
                        None => positional.next(),
                    };
                    if let (Some(key), Some(param)) = (&arg.key, param) {
                        self.uses(bytes(key.span), Target::Key(row, param));
                    }
                    match param {
                        Some(param) => self.argument(param, &arg.value, place),
                        None => self.expr(&arg.value, Place::Value(None)),
                    }
                }
            }
            Target::Here(idx) => {
                let idx = *idx;
                let inner = Self::inside(place);
                for arg in &call.args {
                    let key = arg.key.as_ref();
                    let param = key.and_then(|key| self.names.param(idx, &key.value));
                    if let (Some(key), Some(param)) = (key, param) {
                        self.uses(bytes(key.span), Target::Here(param));
                    }
                    self.expr(&arg.value, inner);
                }
            }
            Target::Outer(owner) => {
                let inner = Self::inside(place);
                for arg in &call.args {
                    if let Some(key) = &arg.key {
                        let key_name = key.value.clone();
                        let param = Target::OuterParam { owner: owner.clone(), key: key_name };
                        self.uses(bytes(key.span), param);
                    }
                    self.expr(&arg.value, inner);
                }
            }
            Target::Row(..)
            | Target::Word(_)
            | Target::Key(..)
            | Target::OuterParam { .. }
            | Target::Measure(_) => {
                let is_assert = matches!(place, Place::Assert) && call.parens;
                for arg in &call.args {
                    if is_assert {
                        self.subject(arg);
                    } else {
                        self.expr(&arg.value, place);
                    }
                }
            }
        }
        self.uses(range, target);
    }

    /// What arguments of a call of one's own are: values, with the names of the body.
    fn inside(place: Place) -> Place {
        match place {
            Place::Formula => Place::Formula,
            Place::Body | Place::Value(_) | Place::Calls(_) | Place::Nets | Place::Assert => {
                Place::Value(None)
            }
        }
    }

    /// The value of a parameter of the language.
    pub(super) fn argument(&mut self, param: &'static ParamRow, value: &Expr, around: Place) {
        let place = match param.ty {
            Type::Init => Place::Calls(Group::Init),
            Type::Loss => Place::Calls(Group::Loss),
            Type::Optimizer => Place::Calls(Group::Optimizer),
            Type::Schedule => Place::Calls(Group::Schedule),
            Type::Augment => Place::Calls(Group::Augment),
            Type::LabelNoise => Place::Calls(Group::LabelNoise),
            Type::Int
            | Type::Float
            | Type::Bool
            | Type::Text
            | Type::Word(_)
            | Type::Pair
            | Type::Pad
            | Type::Shape
            | Type::Ints
            | Type::Floats
            | Type::Scale
            | Type::Seeds
            | Type::Permissions
            | Type::TestTable
            | Type::TestArrays
            | Type::Part
            | Type::Keep
            | Type::Flag => match around {
                Place::Formula => Place::Formula,
                Place::Body | Place::Value(_) | Place::Calls(_) | Place::Nets | Place::Assert => {
                    Place::Value(Some(param))
                }
            },
        };
        self.expr(value, place);
    }

    fn meaning(&self, name: &str, place: Place) -> Target {
        if let Some((_, idx)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return Target::Here(*idx);
        }
        let word = || Target::Word(name.to_owned());
        let of_file =
            |kinds: &[Kind]| self.named(name, |one| kinds.contains(&one.kind)).map(Target::Here);
        let found = match place {
            Place::Body => of_file(&[Kind::Block, Kind::Let])
                .or_else(|| Group::Layer.row(name).map(|row| Target::Row(Group::Layer, row)))
                .or_else(|| QUERIES.contains(&name).then(word)),
            Place::Formula => of_file(&[Kind::Let])
                .or_else(|| functions().any(|function| function == name).then(word)),
            Place::Value(param) => of_file(&[Kind::Let]).or_else(|| {
                let known = param.is_some_and(|param| param.ty.choices().contains(&name));
                (known || QUERIES.contains(&name)).then(word)
            }),
            Place::Calls(group) => {
                let own = if group == Group::Loss { &[Kind::Loss, Kind::Let][..] } else { &[] };
                let row = group.row(name).map(|row| Target::Row(group, row));
                of_file(own).or(row).or_else(|| of_file(&[Kind::Let]))
            }
            Place::Nets => of_file(&[Kind::Net]),
            Place::Assert => (STATEMENTS.contains(&name) || name == "net").then(word),
        };
        found
            .or_else(|| RESERVED_VALUES.contains(&name).then(word))
            .unwrap_or_else(|| Target::Outer(name.to_owned()))
    }

    /// An argument of a statement about the net: a layer, a tensor, the net, or a value.
    fn subject(&mut self, arg: &Arg) {
        if let Some(key) = &arg.key {
            self.uses(bytes(key.span), Target::Word(key.value.clone()));
        }
        let range = bytes(arg.value.span);
        match &arg.value.value {
            ExprKind::Str(text) => {
                // The quotes are part of the token.
                let layer = text.rsplit_once('.').map_or(text.as_str(), |(layer, _)| layer);
                let start = range.start + 1;
                self.layer(layer, start..start + layer.len());
            }
            ExprKind::Call(call) if !call.parens => {
                if matches!(call.callee.value.as_str(), "net" | "input") {
                    self.uses(range, Target::Word(call.callee.value.clone()));
                } else {
                    self.layer(&call.callee.value, range);
                }
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Call(_)
            | ExprKind::List(_)
            | ExprKind::Range(..)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Index(..)
            | ExprKind::Chain(_)
            | ExprKind::If { .. } => self.expr(&arg.value, Place::Value(None)),
        }
    }

    /// The name of a layer: a label, also with the number of a turn behind it.
    fn layer(&mut self, name: &str, range: Range<usize>) {
        let base = name.split('.').next().unwrap_or(name);
        let found = self.named(base, |one| one.kind == Kind::Label);
        if let Some(idx) = found {
            let end = range.start + base.len();
            self.uses(range.start..end, Target::Here(idx));
        }
    }

    pub(super) fn labels_of_steps(&mut self, steps: &[Step], whole: &Range<usize>) {
        for step in steps {
            if let Some(label) = &step.label {
                self.define(Kind::Label, label, whole.clone());
            }
            self.labels_of_expr(&step.expr, whole);
        }
    }

    pub(super) fn labels_of_expr(&mut self, expr: &Expr, whole: &Range<usize>) {
        match &expr.value {
            ExprKind::Chain(steps) => self.labels_of_steps(steps, whole),
            ExprKind::Binary(_, a, b) => {
                self.labels_of_expr(a, whole);
                self.labels_of_expr(b, whole);
            }
            ExprKind::If { then, otherwise, .. } => {
                self.labels_of_expr(then, whole);
                self.labels_of_expr(otherwise, whole);
            }
            ExprKind::Call(call) => {
                call.args.iter().for_each(|arg| self.labels_of_expr(&arg.value, whole));
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::List(_)
            | ExprKind::Range(..)
            | ExprKind::Unary(..)
            | ExprKind::Index(..) => {}
        }
    }
}
