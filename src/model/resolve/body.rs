//! Names and keys in the bodies of the net and of all blocks, before anything is expanded.
//!
//! Reports what is wrong whatever the values are: unknown names and keys, names given twice, recursion, and what is never
//! used. Types, ranges and shapes are checked where the body is expanded.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::library::Library;
use super::{LetScope, built_in};
use crate::diag::{Diagnostics, FileId, Span, Spanned, ToDiagnostic};
use crate::model::bind::{
    Bound, as_call, bare_name, bind, bind_block, call_span, looks_like, typed,
};
use crate::model::eval::unknown_name;
use crate::model::table::{Group, JOINS, QUERIES};
use crate::model::walk::{is_branch, names_of_expr};
use crate::model::{Block, ModelError, Value};
use crate::syntax::ast::{Call, Expr, ExprKind, Name, Net, Step, Stmt, StmtKind};

/// What the bodies use.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// Top-level values.
    pub(super) used_lets: BTreeSet<String>,
    /// Blocks that the net reaches.
    pub(super) used_blocks: BTreeSet<String>,
    /// Warnings.
    pub(super) warnings: Diagnostics,
    /// Values of another type or out of range; they do not keep the net from being expanded.
    pub(super) values: Diagnostics,
}

pub(super) fn check(
    net: Option<&Net>,
    library: &Library,
    main: FileId,
    errors: &mut Diagnostics,
) -> Bodies {
    let mut bodies = Bodies::default();
    let mut uses: BTreeMap<String, Uses> = BTreeMap::new();
    for (name, block) in &library.blocks {
        let mut checker = Checker::new(library, &block.lets, main, errors);
        checker.params(block);
        checker.body(&block.body);
        uses.insert(name.clone(), checker.finish(&mut bodies));
    }
    recursion(&uses, library, errors);
    if let Some(net) = net {
        let mut checker = Checker::new(library, &library.lets, main, errors);
        checker.body(&net.body);
        let own = checker.finish(&mut bodies);
        let mut todo: Vec<String> = own.blocks.keys().cloned().collect();
        let mut taken = own.keys;
        bodies.used_lets.extend(own.lets);
        while let Some(name) = todo.pop() {
            if let Some(inner) = uses.get(&name)
                && bodies.used_blocks.insert(name)
            {
                todo.extend(inner.blocks.keys().cloned());
                taken.extend(inner.keys.iter().copied());
                bodies.used_lets.extend(inner.lets.iter().cloned());
            }
        }
        for arg in &net.head.args {
            let Some(key) = &arg.key else { continue };
            let known = Group::Net.row("net").and_then(|row| row.param(&key.value));
            if known.is_some() && key.value != "allow" && !taken.contains(key.value.as_str()) {
                let warning = ModelError::NoEffect { key: key.value.clone(), span: key.span };
                bodies.warnings.push(warning.to_diagnostic());
            }
        }
    }
    bodies
}

#[derive(Debug, Default)]
struct Uses {
    lets: BTreeSet<String>,
    /// Blocks with the place of their first use.
    blocks: BTreeMap<String, Span>,
    /// Parameters that layers of the body take.
    keys: BTreeSet<&'static str>,
}

struct Local {
    name: Name,
    branch: bool,
    used: bool,
    /// Parameters may stay unused without a warning.
    param: bool,
}

struct Checker<'a> {
    library: &'a Library,
    lets: &'a BTreeMap<String, Spanned<Value>>,
    main: FileId,
    errors: &'a mut Diagnostics,
    warnings: Diagnostics,
    values: Diagnostics,
    locals: Vec<Local>,
    uses: Uses,
}

impl<'a> Checker<'a> {
    fn new(
        library: &'a Library,
        lets: &'a BTreeMap<String, Spanned<Value>>,
        main: FileId,
        errors: &'a mut Diagnostics,
    ) -> Self {
        let (warnings, values, locals) = (vec![], vec![], vec![]);
        let uses = Uses::default();
        Self { library, lets, main, errors, warnings, values, locals, uses }
    }

    fn finish(mut self, bodies: &mut Bodies) -> Uses {
        self.close(0);
        bodies.warnings.append(&mut self.warnings);
        bodies.values.append(&mut self.values);
        self.uses
    }

    fn params(&mut self, block: &Block) {
        for param in &block.params {
            if let Some(default) = &param.default {
                self.value(default);
            }
            self.define(&param.name, false, true);
        }
    }

    fn define(&mut self, name: &Name, branch: bool, param: bool) {
        let taken = if let Some(what) = built_in(&name.value) {
            Some((what, None))
        } else if let Some(local) = self.locals.iter().find(|l| l.name.value == name.value) {
            let what = if local.param { "a parameter" } else { "a `let` of this body" };
            Some((what.to_owned(), Some(local.name.span)))
        } else {
            let top = self.library.taken(&name.value);
            let visible =
                top.filter(|(what, _)| *what == "a block" || self.lets.contains_key(&name.value));
            visible.map(|(what, span)| (what.to_owned(), Some(span)))
        };
        if let Some((what, first)) = taken {
            let error =
                ModelError::NameTaken { name: name.value.clone(), what, first, span: name.span };
            self.errors.push(error.to_diagnostic());
        }
        self.locals.push(Local { name: name.clone(), branch, used: false, param });
    }

    /// Ends the scope of the locals from `start` on.
    fn close(&mut self, start: usize) {
        for local in self.locals.drain(start..) {
            if !local.used && !local.param && local.name.span.file == self.main {
                let name = local.name.value;
                let warning = ModelError::Unused { what: "`let`", name, span: local.name.span };
                self.warnings.push(warning.to_diagnostic());
            }
        }
    }

    fn body(&mut self, body: &[Stmt]) {
        for (position, stmt) in body.iter().enumerate() {
            match &stmt.kind {
                StmtKind::Chain(steps) => self.chain(steps),
                StmtKind::Let(binding) => {
                    let branch = self.is_branch(&binding.value);
                    if branch {
                        self.branch(&binding.value);
                    } else {
                        self.value(&binding.value);
                    }
                    self.define(&binding.name, branch, false);
                }
                StmtKind::Out(expr) => {
                    self.branch(expr);
                    if let Some(after) = body.get(position + 1) {
                        let span = after.span.0;
                        let warning = ModelError::Unreachable { out: stmt.span.0, span };
                        if span.file == self.main {
                            self.warnings.push(warning.to_diagnostic());
                        }
                        self.body(&body[position + 1..]);
                        return;
                    }
                }
                StmtKind::Repeat { var, range, body } => {
                    self.value(range);
                    let start = self.locals.len();
                    if let Some(var) = var {
                        self.define(var, false, true);
                    }
                    self.body(body);
                    self.close(start);
                }
                StmtKind::If { condition, then, otherwise } => {
                    self.value(condition);
                    // Both sides may define the same name for what follows.
                    let start = self.locals.len();
                    self.body(then);
                    let mut first = self.locals.split_off(start);
                    self.body(otherwise);
                    self.locals.append(&mut first);
                }
            }
        }
    }

    fn is_branch(&self, expr: &Expr) -> bool {
        is_branch(expr, &|name| {
            self.library.blocks.contains_key(name)
                || self.locals.iter().any(|local| local.branch && local.name.value == name)
        })
    }

    fn chain(&mut self, steps: &[Step]) {
        for step in steps {
            self.branch(&step.expr);
        }
    }

    fn branch(&mut self, expr: &Expr) {
        match &expr.value {
            ExprKind::Call(call) => self.layer(call, expr.span),
            ExprKind::Chain(steps) => self.chain(steps),
            ExprKind::Binary(_, a, b) => {
                for side in [a, b] {
                    if self.is_branch(side) {
                        self.branch(side);
                    } else {
                        self.value(side);
                    }
                }
            }
            ExprKind::If { condition, then, otherwise } if self.is_branch(expr) => {
                self.value(condition);
                self.side(then);
                self.side(otherwise);
            }
            ExprKind::If { .. } => self.value(expr),
            // Not a layer, which the expansion says with the values known.
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

    /// One side of a conditional whose other side may be a tensor: both are tensors.
    fn side(&mut self, side: &Expr) {
        let unknown = as_call(side).is_some_and(|call| !self.is_value(&call.callee.value));
        if unknown || self.is_branch(side) {
            self.branch(side);
            return;
        }
        let error = ModelError::WrongType {
            what: "one side of the conditional".into(),
            expected: "a layer, a block or a branch, like the other side".into(),
            found: looks_like(side),
            help: None,
            span: side.span,
        };
        self.errors.push(error.to_diagnostic());
    }

    /// Whether a name is bound to a compile-time value.
    fn is_value(&self, name: &str) -> bool {
        let local = self.locals.iter().rev().find(|local| local.name.value == name);
        local.map_or(self.lets.contains_key(name), |local| !local.branch)
    }

    fn layer(&mut self, call: &Call, span: Span) {
        let name = call.callee.value.as_str();
        if name == "in" || self.mark(name) {
            return;
        }
        if let Some(row) = Group::Layer.row(name) {
            self.uses.keys.extend(row.params.iter().map(|param| param.name));
            if JOINS.contains(&name) {
                call.args.iter().for_each(|arg| self.branch(&arg.value));
                return;
            }
            let bound = bind(row, call, span, self.errors);
            call.args.iter().for_each(|arg| self.value(&arg.value));
            self.constants(&bound);
        } else if let Some(block) = self.library.blocks.get(name) {
            self.uses.blocks.entry(name.to_owned()).or_insert(call.callee.span);
            bind_block(name, &block.params, call, span, self.errors);
            call.args.iter().for_each(|arg| self.value(&arg.value));
        } else if !self.lets.contains_key(name) {
            let mut known: Vec<_> = Group::Layer.names().map(str::to_owned).collect();
            known.extend(self.library.blocks.keys().cloned());
            known.extend(self.locals.iter().map(|local| local.name.value.clone()));
            unknown_name("layer", name, &known, call.callee.span, self.errors);
        }
    }

    /// Checks type and range of the arguments that do not depend on shapes, data or parameters.
    fn constants(&mut self, bound: &Bound<'_>) {
        for param in bound.row.params {
            let Some(expr) = bound.given(param.name) else { continue };
            let mut names = BTreeSet::new();
            names_of_expr(expr, &mut names);
            let known = |name: &String| {
                self.lets.contains_key(name)
                    || name == "same"
                    || Group::Init.row(name).is_some_and(|row| row.params.is_empty())
            };
            if names.iter().all(known) {
                let scope = LetScope { lets: self.lets, used: RefCell::default() };
                typed(param, expr, &scope, &mut self.values);
            }
        }
    }

    /// Notes the use of a local; whether there is one.
    fn mark(&mut self, name: &str) -> bool {
        let mut found = false;
        for local in self.locals.iter_mut().filter(|local| local.name.value == name) {
            local.used = true;
            found = true;
        }
        found
    }

    fn value(&mut self, expr: &Expr) {
        match &expr.value {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) => {}
            ExprKind::Call(call) => self.value_call(call),
            ExprKind::List(items) => items.iter().for_each(|item| self.value(item)),
            ExprKind::Range(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
                self.value(a);
                self.value(b);
            }
            ExprKind::Unary(_, a) => self.value(a),
            ExprKind::Chain(steps) => steps.iter().for_each(|step| self.value(&step.expr)),
            ExprKind::If { condition, then, otherwise } => {
                for part in [condition, then, otherwise] {
                    self.value(part);
                }
            }
        }
    }

    fn value_call(&mut self, call: &Call) {
        let name = call.callee.value.as_str();
        if QUERIES.contains(&name) && call.parens {
            for arg in &call.args {
                let name = bare_name(&arg.value).unwrap_or_default();
                if name != "in" && !self.mark(name) {
                    self.value(&arg.value);
                }
            }
            return;
        }
        if self.mark(name) || ["classes", "same", "in"].contains(&name) {
            return;
        }
        if self.lets.contains_key(name) {
            self.uses.lets.insert(name.to_owned());
        } else if let Some(row) = Group::Init.row(name) {
            bind(row, call, call_span(call), self.errors);
            call.args.iter().for_each(|arg| self.value(&arg.value));
        } else {
            let mut known: Vec<_> =
                self.locals.iter().map(|local| local.name.value.clone()).collect();
            known.extend(self.lets.keys().cloned());
            known.push("classes".into());
            known.extend(QUERIES.map(str::to_owned));
            let short = known.clone();
            known.extend(Group::Init.names().map(str::to_owned));
            let near = crate::diag::nearest(name, known.iter().map(String::as_str));
            let listed = if near.is_some() { &known } else { &short };
            unknown_name("name", name, listed, call.callee.span, self.errors);
        }
    }
}

/// Longer chains of blocks are refused where they are expanded.
const MAX_CHAIN: usize = 1000;

fn recursion(uses: &BTreeMap<String, Uses>, library: &Library, errors: &mut Diagnostics) {
    let mut finished: BTreeSet<&str> = BTreeSet::new();
    for start in uses.keys() {
        let mut path: Vec<&str> = vec![];
        visit(start, uses, library, &mut path, &mut finished, errors);
    }
}

fn visit<'a>(
    name: &'a str,
    uses: &'a BTreeMap<String, Uses>,
    library: &Library,
    path: &mut Vec<&'a str>,
    finished: &mut BTreeSet<&'a str>,
    errors: &mut Diagnostics,
) {
    if finished.contains(name) {
        return;
    }
    path.push(name);
    for (next, span) in uses.get(name).into_iter().flat_map(|uses| &uses.blocks) {
        if let Some(start) = path.iter().position(|open| open == next) {
            let mut chain: Vec<String> =
                path[start..].iter().map(|name| (*name).to_owned()).collect();
            chain.push(next.clone());
            errors.push(ModelError::Recursion { chain, span: *span }.to_diagnostic());
        } else if path.len() < MAX_CHAIN && library.blocks.contains_key(next) {
            visit(next, uses, library, path, finished, errors);
        }
    }
    path.pop();
    finished.insert(name);
}
