//! What is left of a written spec without the values that hold anyway: what tells one spec from another.
//!
//! In: a tree of [`super::to_ast`]. Out: the same without arguments that state the default of their row of the table, so
//! that a parameter that the language gains later leaves the text of older specs alone. Invariant: the tree still resolves to
//! an equal spec.

use super::body::{INHERITED, default};
use crate::diag::FileId;
use crate::model::table::{CallRow, Default, Group, JOINS, ParamRow, Type};
use crate::syntax::ast::{
    Arg, Call, Entry, Expr, ExprKind, Item, ItemKind, Spec as Tree, Step, Stmt, StmtKind,
};
use crate::syntax::{parse_expr, print_expr};

/// The tree without values that equal their defaults.
pub fn essential(tree: &Tree) -> Tree {
    let options: Vec<Arg> = tree
        .items
        .iter()
        .filter_map(|item| {
            if let ItemKind::Net(net) = &item.kind { Some(net.head.args.clone()) } else { None }
        })
        .flatten()
        .collect();
    let layers = Layers { options };
    let item = |item: &Item| {
        let mut item = item.clone();
        match &mut item.kind {
            ItemKind::Data(call) => of_group(call, Group::Data),
            ItemKind::Net(net) => {
                net.head.args.retain(|arg| !is_default(net_param(arg), arg, &[]));
                layers.body(&mut net.body);
            }
            ItemKind::Block(block) => layers.body(&mut block.body),
            ItemKind::Loss(loss) => of_group(&mut loss.head, Group::Loss),
            ItemKind::Train(train) => {
                of_group(&mut train.optimizer, Group::Optimizer);
                let row = Group::Train.row("train");
                train.entries.retain(|entry| !entry_is_default(row, entry));
            }
            ItemKind::Analyze(_)
            | ItemKind::Let(_)
            | ItemKind::Import(_)
            | ItemKind::Assert(_)
            | ItemKind::Sweep(_)
            | ItemKind::Claim(_) => {}
        }
        item
    };
    Tree { items: tree.items.iter().map(item).collect() }
}

/// Takes the defaults out of a call and of the calls in it.
fn of_group(call: &mut Call, group: Group) {
    let Some(row) = group.row(&call.callee.value) else { return };
    let params = params(row, call);
    for (arg, param) in call.args.iter_mut().zip(&params) {
        let inner = match param.map(|param| param.ty) {
            Some(Type::Loss) => Group::Loss,
            Some(Type::Optimizer) => Group::Optimizer,
            Some(Type::Schedule) => Group::Schedule,
            _ => continue,
        };
        if let ExprKind::Call(call) = &mut arg.value.value {
            of_group(call, inner);
        }
    }
    without_defaults(call, &params, |_| false);
}

/// The parameter of each argument.
fn params(row: &'static CallRow, call: &Call) -> Vec<Option<&'static ParamRow>> {
    let mut positional = row.positional();
    let param = |arg: &Arg| match &arg.key {
        Some(key) => row.param(&key.value),
        None => positional.next(),
    };
    call.args.iter().map(param).collect()
}

/// Drops keyed arguments that state what holds anyway; `also` tells of further ones.
fn without_defaults(
    call: &mut Call,
    params: &[Option<&'static ParamRow>],
    also: impl Fn(&Arg) -> bool,
) {
    let given: Vec<(&'static str, Expr)> = call
        .args
        .iter()
        .zip(params)
        .filter_map(|(arg, param)| Some((param.as_ref()?.name, arg.value.clone())))
        .collect();
    let mut params = params.iter();
    call.args.retain(|arg| {
        let param = params.next().copied().flatten();
        !(arg.key.is_some() && (is_default(param, arg, &given) || also(arg)))
    });
    call.parens = !call.args.is_empty();
}

fn is_default(param: Option<&ParamRow>, arg: &Arg, given: &[(&'static str, Expr)]) -> bool {
    let Some(param) = param else { return false };
    let stated = if let Default::Formula(text) = param.default {
        parse_expr(FileId(0), text).ok()
    } else {
        default(param.default, given)
    };
    stated.is_some_and(|stated| same(&stated, &arg.value))
}

fn entry_is_default(row: Option<&'static CallRow>, entry: &Entry) -> bool {
    let param = row.and_then(|row| row.param(&entry.key.value));
    let arg = entry.value.clone().map(|value| Arg { key: Some(entry.key.clone()), value });
    arg.is_some_and(|arg| is_default(param, &arg, &[]))
}

fn net_param(arg: &Arg) -> Option<&'static ParamRow> {
    let key = arg.key.as_ref()?;
    Group::Net.rows().iter().find_map(|row| row.param(&key.value))
}

/// Whether two values are written alike, `10` like `10.0`.
fn same(a: &Expr, b: &Expr) -> bool {
    print_expr(&as_floats(a)) == print_expr(&as_floats(b))
}

fn as_floats(expr: &Expr) -> Expr {
    let mut expr = expr.clone();
    match &mut expr.value {
        ExprKind::Int(value) => expr.value = ExprKind::Float(*value as f64),
        ExprKind::Call(call) => {
            call.args.iter_mut().for_each(|arg| arg.value = as_floats(&arg.value));
        }
        ExprKind::List(items) => items.iter_mut().for_each(|item| *item = as_floats(item)),
        ExprKind::Unary(_, a) => **a = as_floats(a),
        ExprKind::Binary(_, a, b) => {
            **a = as_floats(a);
            **b = as_floats(b);
        }
        ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Range(..)
        | ExprKind::Index(..)
        | ExprKind::Chain(_)
        | ExprKind::If { .. } => {}
    }
    expr
}

/// The layers of a net, which take options of its head.
struct Layers {
    options: Vec<Arg>,
}

impl Layers {
    fn body(&self, body: &mut [Stmt]) {
        for stmt in body {
            match &mut stmt.kind {
                StmtKind::Chain(steps) => self.steps(steps),
                StmtKind::Let(binding) => self.expr(&mut binding.value),
                StmtKind::Out(expr) => self.expr(expr),
                StmtKind::Repeat { body, .. } => self.body(body),
                StmtKind::If { then, otherwise, .. } => {
                    self.body(then);
                    self.body(otherwise);
                }
            }
        }
    }

    fn steps(&self, steps: &mut [Step]) {
        steps.iter_mut().for_each(|step| self.expr(&mut step.expr));
    }

    fn expr(&self, expr: &mut Expr) {
        match &mut expr.value {
            ExprKind::Call(call) => {
                call.args.iter_mut().for_each(|arg| self.expr(&mut arg.value));
                self.layer(call);
            }
            ExprKind::Chain(steps) => self.steps(steps),
            ExprKind::If { then, otherwise, .. } => {
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::List(items) => items.iter_mut().for_each(|item| self.expr(item)),
            ExprKind::Index(a, _) => self.expr(a),
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::Range(..)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..) => {}
        }
    }

    fn layer(&self, call: &mut Call) {
        let name = call.callee.value.as_str();
        let Some(row) = Group::Layer.row(name).filter(|_| !JOINS.contains(&name)) else { return };
        // The default of an option that the head decides is what the head says.
        let params: Vec<_> = params(row, call)
            .into_iter()
            .map(|param| param.filter(|param| !INHERITED.contains(&param.name)))
            .collect();
        without_defaults(call, &params, |arg| {
            let is_own = arg.key.as_ref().filter(|key| INHERITED.contains(&key.value.as_str()));
            is_own.is_some_and(|key| {
                let head = self.options.iter().find(|option| option.key.as_ref() == Some(key));
                head.is_some_and(|head| same(&head.value, &arg.value))
            })
        });
    }
}
