//! The head of the `net` item: defaults for its layers, and permissions.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostics, Span, Spanned};
use crate::model::bind::{Reader, bind, call_span};
use crate::model::table::Group;
use crate::model::{Net, Permission, Scope, Value};
use crate::syntax::ast;

pub(super) fn resolve(
    net: &ast::Net,
    _span: Span,
    scope: &dyn Scope,
    errors: &mut Diagnostics,
) -> Option<Net> {
    let row = Group::Net.row("net")?;
    let bound = bind(row, &net.head, call_span(&net.head), errors);
    let mut reader = Reader::new(&bound, scope, errors);
    let mut defaults = BTreeMap::new();
    let mut allow = BTreeSet::new();
    let mut sound = bound.complete;
    for param in row.params {
        let Some(expr) = bound.given(param.name) else { continue };
        let Some(Some(value)) = reader.value(param.name) else {
            sound = false;
            continue;
        };
        if param.name == "allow" {
            for word in value.value.items() {
                if *word == Value::Word("nonhomogeneous".into()) {
                    allow.insert(Permission::Nonhomogeneous);
                }
            }
        } else {
            defaults.insert(param.name.to_owned(), Spanned::new(value.value, expr.span));
        }
    }
    sound.then(|| Net {
        name: net.head.callee.clone(),
        defaults,
        allow,
        body: net.body.clone(),
        span: call_span(&net.head),
    })
}
