//! Conditional values outside bodies: top-level `let`s, settings and assertions.
//!
//! In: expressions that may hold `if c { a } else { b }`. Out: the same without them, each replaced by the side taken. Of
//! the other side only the names are looked at: they must exist, and they count as used.

use super::library::Library;
use crate::diag::Diagnostics;
use crate::model::Scope;
use crate::model::eval::{condition, unknown_name};
use crate::model::table::words;
use crate::model::walk::calls_of_expr;
use crate::syntax::ast::{Arg, Call, Entry, Expr, ExprKind, Item, ItemKind, Spec};

/// Decides the settings and assertions of a spec; items with a condition that has no value are left out.
///
/// Returns whether every item is left.
pub(super) fn settings(
    spec: &mut Spec,
    library: &Library,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> bool {
    let losses: Vec<_> = library.losses.keys().map(String::as_str).collect();
    let mut decider = Decider { scope, names: &losses, free_names: false, errors };
    let before = spec.items.len();
    spec.items.retain_mut(|item| decider.item(item));
    spec.items.len() == before
}

/// The expression with every conditional decided; `None` where a condition has no value.
pub(super) fn taken(expr: &Expr, scope: &dyn Scope, errors: &mut Diagnostics) -> Option<Expr> {
    let mut expr = expr.clone();
    let mut decider = Decider { scope, names: &[], free_names: false, errors };
    decider.expr(&mut expr).then_some(expr)
}

struct Decider<'a> {
    scope: &'a dyn Scope,
    /// Names of the spec that are no values.
    names: &'a [&'a str],
    /// Whether names may be those of layers, which are not known yet.
    free_names: bool,
    errors: &'a mut Diagnostics,
}

impl Decider<'_> {
    fn item(&mut self, item: &mut Item) -> bool {
        match &mut item.kind {
            ItemKind::Data(call) => self.call(call),
            ItemKind::Net(net) => self.call(&mut net.head),
            ItemKind::Loss(loss) if loss.body.is_none() => self.call(&mut loss.head),
            ItemKind::Train(train) => {
                self.call(&mut train.optimizer) & self.entries(&mut train.entries)
            }
            ItemKind::Analyze(entries) => self.entries(entries),
            ItemKind::Assert(expr) => {
                self.free_names = true;
                let sound = self.expr(expr);
                self.free_names = false;
                sound
            }
            ItemKind::Loss(_)
            | ItemKind::Block(_)
            | ItemKind::Let(_)
            | ItemKind::Import(_)
            | ItemKind::Claim(_)
            | ItemKind::Sweep(_) => true,
        }
    }

    fn entries(&mut self, entries: &mut [Entry]) -> bool {
        let values = entries.iter_mut().filter_map(|entry| entry.value.as_mut());
        self.all(values)
    }

    fn call(&mut self, call: &mut Call) -> bool {
        self.all(call.args.iter_mut().map(|Arg { value, .. }| value))
    }

    /// Decides all of them, also behind a broken one.
    fn all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e mut Expr>) -> bool {
        exprs.into_iter().fold(true, |sound, expr| self.expr(expr) & sound)
    }

    fn expr(&mut self, expr: &mut Expr) -> bool {
        match &mut expr.value {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) => true,
            ExprKind::Call(call) => self.call(call),
            ExprKind::List(items) => self.all(items),
            ExprKind::Range(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => {
                self.all([a.as_mut(), b.as_mut()])
            }
            ExprKind::Unary(_, a) => self.expr(a),
            ExprKind::Chain(steps) => self.all(steps.iter_mut().map(|step| &mut step.expr)),
            ExprKind::If { condition: decides, then, otherwise } => {
                let holds = condition(decides, self.scope, self.errors);
                self.mentioned(decides);
                self.mentioned(then);
                self.mentioned(otherwise);
                let Some(holds) = holds else { return false };
                let side = if holds { then } else { otherwise };
                let side = side.as_ref().clone();
                *expr = side;
                self.expr(expr)
            }
        }
    }

    /// Checks the names of an expression that may stay without a value.
    fn mentioned(&mut self, expr: &Expr) {
        let mut unknown = vec![];
        calls_of_expr(expr, &mut |call| {
            let name = call.callee.value.as_str();
            let known = self.scope.value(name).is_some()
                || self.free_names
                || self.names.contains(&name)
                || words().any(|word| word == name);
            if !known {
                unknown.push(&call.callee);
            }
        });
        for name in unknown {
            let mut known = self.scope.names();
            known.extend(self.names.iter().map(|name| (*name).to_owned()));
            known.extend(words().map(str::to_owned));
            unknown_name("name", &name.value, &known, name.span, self.errors);
        }
    }
}
