//! The walk over a tree that finds its names: first what the file defines, then what each item uses.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Definition, Kind, Names, Target, Use};
use crate::lsp::lines::bytes;
use crate::model::bind::bare_name;
use crate::model::table::{CallRow, Group, ParamRow};
use crate::syntax::ast::{Block, Call, Entry, ItemKind, Loss, Name, Net, Spec, Stmt, StmtKind};

/// What the names in an expression may mean.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Layers, blocks and branches.
    Body,
    /// Functions of losses.
    Formula,
    /// Values, and the words that a parameter takes.
    Value(Option<&'static ParamRow>),
    /// Calls of a group of the language.
    Calls(Group),
    /// Names of nets.
    Nets,
    /// Statements about the net.
    Assert,
}

#[derive(Default)]
pub(super) struct Finder {
    pub(super) names: Names,
    /// Places of definitions by their names, so that files of many names stay quick.
    by_name: BTreeMap<String, Vec<usize>>,
    /// Names bound in the present body, the last one counts.
    pub(super) locals: Vec<(String, usize)>,
    /// The item that definitions belong to.
    pub(super) owner: Option<usize>,
}

impl Finder {
    /// All names of a tree.
    pub(super) fn names_of(mut self, spec: &Spec) -> Names {
        self.top(spec);
        self.items(spec);
        self.names
    }

    pub(super) fn define(&mut self, kind: Kind, name: &Name, whole: Range<usize>) -> usize {
        self.add(Definition {
            kind,
            name: name.value.clone(),
            range: bytes(name.span),
            owner: self.owner,
            whole,
            docs: vec![],
            renamable: true,
        })
    }

    pub(super) fn add(&mut self, definition: Definition) -> usize {
        let idx = self.names.definitions.len();
        self.by_name.entry(definition.name.clone()).or_default().push(idx);
        self.names.definitions.push(definition);
        idx
    }

    /// The first definition of a name that is as asked.
    pub(super) fn named(&self, name: &str, is_it: impl Fn(&Definition) -> bool) -> Option<usize> {
        let all = self.by_name.get(name)?.iter().copied();
        all.into_iter().find(|idx| is_it(&self.names.definitions[*idx]))
    }

    pub(super) fn uses(&mut self, range: Range<usize>, target: Target) {
        self.names.uses.push(Use { range, target });
    }

    /// What the file defines, so that uses before a definition find it.
    fn top(&mut self, spec: &Spec) {
        for item in &spec.items {
            let whole = bytes(item.span.0);
            let before = self.names.definitions.len();
            match &item.kind {
                ItemKind::Net(net) => {
                    let idx = self.define(Kind::Net, &net.head.callee, whole);
                    self.owner = Some(idx);
                    self.head_params(&net.head, true);
                    self.labels(&net.body);
                }
                ItemKind::Block(block) => {
                    let idx = self.define(Kind::Block, &block.name, whole);
                    self.owner = Some(idx);
                    for param in &block.params {
                        self.define(Kind::Param, &param.name, bytes(param.name.span));
                    }
                    self.labels(&block.body);
                }
                ItemKind::Loss(loss) if loss.body.is_some() => {
                    let idx = self.define(Kind::Loss, &loss.head.callee, whole);
                    self.owner = Some(idx);
                    self.head_params(&loss.head, false);
                }
                ItemKind::Let(binding) => {
                    self.define(Kind::Let, &binding.name, whole);
                }
                ItemKind::Sweep(sweep) => self.sweep_definitions(sweep, whole),
                ItemKind::Import(path) => {
                    self.names.imports.push((bytes(path.span), path.value.clone()));
                }
                ItemKind::Loss(_)
                | ItemKind::Data(_)
                | ItemKind::Train(_)
                | ItemKind::Analyze(_)
                | ItemKind::Assert(_)
                | ItemKind::Claim(_) => {}
            }
            self.owner = None;
            if let Some(first) = self.names.definitions.get_mut(before) {
                first.docs.clone_from(&item.docs);
            }
        }
    }

    /// The parameters in the head of a net or a loss: arguments that are no options.
    fn head_params(&mut self, head: &Call, is_net: bool) {
        for arg in &head.args {
            if let Some(key) = &arg.key {
                if !is_net || net_option(&key.value).is_none() {
                    self.define(Kind::Param, key, bytes(key.span));
                }
            } else if let Some(name) = bare_name(&arg.value) {
                let name = Name::new(name.to_owned(), arg.value.span);
                self.define(Kind::Param, &name, bytes(name.span));
            }
        }
    }

    fn labels(&mut self, body: &[Stmt]) {
        for stmt in body {
            let whole = bytes(stmt.span.0);
            match &stmt.kind {
                StmtKind::Chain(steps) => self.labels_of_steps(steps, &whole),
                StmtKind::Let(binding) => self.labels_of_expr(&binding.value, &whole),
                StmtKind::Out(value) => self.labels_of_expr(value, &whole),
                StmtKind::Repeat { body, .. } => self.labels(body),
                StmtKind::If { then, otherwise, .. } => {
                    self.labels(then);
                    self.labels(otherwise);
                }
            }
        }
    }

    /// The uses, item by item.
    fn items(&mut self, spec: &Spec) {
        for item in &spec.items {
            self.locals.clear();
            match &item.kind {
                ItemKind::Data(call) => self.call(call, Place::Calls(Group::Data)),
                ItemKind::Net(net) => self.net(net),
                ItemKind::Block(block) => self.block(block),
                ItemKind::Loss(loss) => self.loss(loss),
                ItemKind::Train(train) => {
                    self.call(&train.optimizer, Place::Calls(Group::Optimizer));
                    self.entries(Group::Train, "train", &train.entries);
                }
                ItemKind::Analyze(entries) => self.entries(Group::Analyze, "analyze", entries),
                ItemKind::Let(binding) => self.expr(&binding.value, Place::Value(None)),
                ItemKind::Assert(expr) => self.expr(expr, Place::Assert),
                ItemKind::Sweep(sweep) => self.sweep_uses(sweep),
                ItemKind::Claim(claim) => self.claim(claim),
                ItemKind::Import(_) => {}
            }
        }
    }

    fn net(&mut self, net: &Net) {
        let owner = self.item_at(Kind::Net, &net.head.callee);
        for arg in &net.head.args {
            let option = arg.key.as_ref().and_then(|key| net_option(&key.value));
            if let (Some(key), Some((row, param))) = (&arg.key, option) {
                self.uses(bytes(key.span), Target::Key(row, param));
                self.argument(param, &arg.value, Place::Value(None));
            } else if arg.key.is_some() {
                self.expr(&arg.value, Place::Value(None));
            }
        }
        self.with_params(owner, |finder| finder.body(&net.body, Place::Body));
    }

    fn block(&mut self, block: &Block) {
        let owner = self.item_at(Kind::Block, &block.name);
        for param in &block.params {
            if let Some(default) = &param.default {
                self.expr(default, Place::Value(None));
            }
        }
        self.with_params(owner, |finder| finder.body(&block.body, Place::Body));
    }

    fn loss(&mut self, loss: &Loss) {
        let Some(body) = &loss.body else {
            return self.call(&loss.head, Place::Calls(Group::Loss));
        };
        let owner = self.item_at(Kind::Loss, &loss.head.callee);
        for arg in loss.head.args.iter().filter(|arg| arg.key.is_some()) {
            self.expr(&arg.value, Place::Value(None));
        }
        self.with_params(owner, |finder| finder.body(body, Place::Formula));
    }

    /// The definition of an item by the place of its name.
    fn item_at(&self, kind: Kind, name: &Name) -> Option<usize> {
        let range = bytes(name.span);
        self.named(&name.value, |definition| definition.kind == kind && definition.range == range)
    }

    fn with_params(&mut self, owner: Option<usize>, walk: impl FnOnce(&mut Self)) {
        let all = self.names.definitions.iter().enumerate();
        let params = all.filter(|(_, definition)| {
            definition.kind == Kind::Param && definition.owner == owner && owner.is_some()
        });
        self.locals = params.map(|(idx, definition)| (definition.name.clone(), idx)).collect();
        self.owner = owner;
        walk(self);
        self.owner = None;
        self.locals.clear();
    }

    fn entries(&mut self, group: Group, row: &str, entries: &[Entry]) {
        let Some(row) = group.row(row) else { return };
        for entry in entries {
            let param = row.param(&entry.key.value);
            if let Some(param) = param {
                self.uses(bytes(entry.key.span), Target::Key(row, param));
            }
            match (&entry.value, param) {
                (Some(value), Some(param)) => self.argument(param, value, Place::Value(None)),
                (Some(value), None) => self.expr(value, Place::Value(None)),
                (None, _) => {}
            }
        }
    }

    fn body(&mut self, body: &[Stmt], place: Place) {
        for stmt in body {
            match &stmt.kind {
                StmtKind::Chain(steps) => {
                    steps.iter().for_each(|step| self.expr(&step.expr, place));
                }
                StmtKind::Let(binding) => {
                    self.expr(&binding.value, place);
                    let idx = self.define(Kind::Local, &binding.name, bytes(stmt.span.0));
                    self.locals.push((binding.name.value.clone(), idx));
                }
                StmtKind::Out(value) => self.expr(value, place),
                StmtKind::Repeat { var, range, body } => {
                    self.expr(range, place);
                    let before = self.locals.len();
                    if let Some(var) = var {
                        let idx = self.define(Kind::Turn, var, bytes(stmt.span.0));
                        self.locals.push((var.value.clone(), idx));
                    }
                    self.body(body, place);
                    self.locals.truncate(before);
                }
                StmtKind::If { condition, then, otherwise } => {
                    self.expr(condition, place);
                    self.body(then, place);
                    self.body(otherwise, place);
                }
            }
        }
    }
}

/// The option of a net with this name.
fn net_option(name: &str) -> Option<(&'static CallRow, &'static ParamRow)> {
    let row = Group::Net.row("net")?;
    Some((row, row.param(name)?))
}
