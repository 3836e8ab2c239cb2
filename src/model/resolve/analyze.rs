//! The `analyze` item.

use super::LetScope;
use super::train::entries_as_call;
use crate::diag::Diagnostics;
use crate::model::bind::{Reader, bind, call_span};
use crate::model::table::Group;
use crate::model::{Analyze, Scope, Value};
use crate::syntax::ast;

/// What the `analyze` item of a resolved spec says, whose values are literals.
///
/// # Errors
/// An item that cannot be read, which none that was written by [`to_ast`](crate::model::to_ast) is.
pub fn stated_analysis(spec: &ast::Spec) -> Result<Analyze, Diagnostics> {
    let item = spec.items.iter().find_map(|item| {
        if let ast::ItemKind::Analyze(entries) = &item.kind { Some(entries) } else { None }
    });
    let (lets, mut errors) = (std::collections::BTreeMap::new(), vec![]);
    let scope = LetScope { lets: &lets, used: std::cell::RefCell::default() };
    let analyze = resolve(item.map_or(&[][..], Vec::as_slice), &scope, &mut errors);
    analyze.filter(|_| errors.is_empty()).ok_or(errors)
}

pub(super) fn resolve(
    entries: &[ast::Entry],
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Analyze> {
    let Some(first) = entries.first() else { return Some(Analyze::default()) };
    let row = Group::Analyze.row("analyze")?;
    let call = entries_as_call("analyze", first.key.span, entries, row, errors)?;
    let bound = bind(row, &call, call_span(&call), errors);
    let mut reader = Reader::new(&bound, scope, errors);
    let a = reader.floats("a");
    let eta = reader.floats("eta");
    let mu = reader.floats("mu");
    let k = reader.sizes("k");
    let conserved = match reader.value("conserved")? {
        Some(value) => value.value == Value::Bool(true),
        None => false,
    };
    let k_span = bound.given("k").map(|ranks| ranks.span);
    bound.complete.then_some(Analyze { a: a?, eta: eta?, mu: mu?, k: k?, k_span, conserved })
}
