//! Bodies with the defaults of their layers.

use std::collections::{BTreeMap, BTreeSet};

use super::expr::{at, boolean, float, int, keyed, literal, word};
use crate::model::Value;
use crate::model::table::{Default, Group, JOINS};
use crate::syntax::ast::{Arg, Call, Expr, ExprKind, Let, Step, Stmt, StmtKind};

/// Options that layers take from the head of the net.
pub(super) const INHERITED: [&str; 5] = ["init", "bias", "eps", "momentum", "affine"];

/// Writes bodies with the defaults of their layers.
pub(super) struct BodyWriter<'a> {
    /// Values that are written where they are used.
    pub(super) inlined: BTreeMap<&'a str, &'a Value>,
    /// Options of the net that some layer takes.
    pub(super) taken: &'a mut BTreeSet<&'static str>,
}

impl BodyWriter<'_> {
    pub(super) fn body(&mut self, body: &[Stmt]) -> Vec<Stmt> {
        body.iter().map(|stmt| Stmt { kind: self.stmt(&stmt.kind), span: stmt.span }).collect()
    }

    fn stmt(&mut self, stmt: &StmtKind) -> StmtKind {
        match stmt {
            StmtKind::Chain(steps) => StmtKind::Chain(self.steps(steps)),
            StmtKind::Let(binding) => {
                StmtKind::Let(Let { name: binding.name.clone(), value: self.expr(&binding.value) })
            }
            StmtKind::Out(expr) => StmtKind::Out(self.expr(expr)),
            StmtKind::Repeat { var, range, body } => StmtKind::Repeat {
                var: var.clone(),
                range: self.expr(range),
                body: self.body(body),
            },
            StmtKind::If { condition, then, otherwise } => StmtKind::If {
                condition: self.expr(condition),
                then: self.body(then),
                otherwise: self.body(otherwise),
            },
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Vec<Step> {
        steps
            .iter()
            .map(|step| Step { label: step.label.clone(), expr: self.expr(&step.expr) })
            .collect()
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Expr {
        let kind = match &expr.value {
            ExprKind::Call(call) => match self.inlined.get(call.callee.value.as_str()) {
                Some(value) if !call.parens => return literal(value),
                Some(_) | None => ExprKind::Call(self.call(call)),
            },
            ExprKind::List(items) => {
                ExprKind::List(items.iter().map(|item| self.expr(item)).collect())
            }
            ExprKind::Range(a, b) => {
                ExprKind::Range(Box::new(self.expr(a)), Box::new(self.expr(b)))
            }
            ExprKind::Unary(op, a) => ExprKind::Unary(*op, Box::new(self.expr(a))),
            ExprKind::Binary(op, a, b) => {
                ExprKind::Binary(*op, Box::new(self.expr(a)), Box::new(self.expr(b)))
            }
            ExprKind::Index(a, b) => {
                ExprKind::Index(Box::new(self.expr(a)), Box::new(self.expr(b)))
            }
            ExprKind::Chain(steps) => ExprKind::Chain(self.steps(steps)),
            ExprKind::If { condition, then, otherwise } => ExprKind::If {
                condition: Box::new(self.expr(condition)),
                then: Box::new(self.expr(then)),
                otherwise: Box::new(self.expr(otherwise)),
            },
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) => {
                expr.value.clone()
            }
        };
        at(kind)
    }

    fn call(&mut self, call: &Call) -> Call {
        let mut args: Vec<_> = call
            .args
            .iter()
            .map(|arg| Arg { key: arg.key.clone(), value: self.expr(&arg.value) })
            .collect();
        let name = call.callee.value.as_str();
        let row = Group::Layer.row(name).filter(|_| !JOINS.contains(&name));
        if let Some(row) = row {
            let mut positional = row.positional();
            let mut given: Vec<(&'static str, Expr)> = vec![];
            for arg in &args {
                let param = match &arg.key {
                    Some(key) => row.param(&key.value),
                    None => positional.next(),
                };
                given.extend(param.map(|param| (param.name, arg.value.clone())));
            }
            for param in row.params {
                if INHERITED.contains(&param.name) {
                    self.taken.insert(param.name);
                } else if !given.iter().any(|(name, _)| *name == param.name)
                    && let Some(value) = default(param.default, &given)
                {
                    args.push(keyed(param.name, value));
                }
            }
        }
        let parens = call.parens || !args.is_empty();
        Call { callee: call.callee.clone(), args, parens }
    }
}

/// A default as an expression; `given` are the arguments that it may refer to.
pub(super) fn default(default: Default, given: &[(&'static str, Expr)]) -> Option<Expr> {
    match default {
        Default::Required | Default::None | Default::Formula(_) => None,
        Default::Int(value) => Some(int(value)),
        Default::Float(value) => Some(float(value)),
        Default::Bool(value) => Some(boolean(value)),
        Default::Word(name) => Some(word(name)),
        Default::Like(other) => {
            given.iter().find(|(name, _)| *name == other).map(|(_, expr)| expr.clone())
        }
    }
}
