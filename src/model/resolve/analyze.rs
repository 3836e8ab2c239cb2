//! The `analyze` item.

use super::train::entries_as_call;
use crate::diag::Diagnostics;
use crate::model::bind::{Reader, bind, call_span};
use crate::model::table::Group;
use crate::model::{Analyze, Scope, Value};
use crate::syntax::ast;

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
    bound.complete.then_some(Analyze { a: a?, eta: eta?, mu: mu?, k: k?, conserved })
}
