//! From a path to a checked spec: the front end as every command uses it.

use std::path::Path;

use super::outcome::Outcome;
use crate::check;
use crate::compile::Cells;
use crate::compile::{self, Compiled};
use crate::data::{self, DataSpec, Finding, Locations, Source};
use crate::diag::{Diagnostics, ToDiagnostic, sort};
use crate::model;
use crate::store;
use crate::syntax::ast::{Expr, Key};

/// What is compiled, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// The file.
    pub(crate) spec: &'a Path,
    /// `key=value` arguments.
    pub(crate) overrides: &'a [String],
    /// Where data is.
    pub(crate) locations: &'a Locations,
    /// How the graph is checked.
    pub(crate) check: check::Options,
}

/// Compiles a spec; problems are in [`Compiled::diagnostics`].
pub(crate) fn compile(request: &Request<'_>) -> Compiled {
    with_text(request, compile::compile).unwrap_or_else(|unread| *unread)
}

/// Compiles one cell of a sweep of a spec.
pub(crate) fn cell(request: &Request<'_>, settings: &[(Key, Expr)]) -> Compiled {
    with_text(request, |request| compile::cell(request, settings)).unwrap_or_else(|unread| *unread)
}

/// Compiles every cell of the sweeps of a spec.
pub(crate) fn cells(request: &Request<'_>) -> Cells {
    let unread = |unread: Box<Compiled>| Cells { file: *unread, sweeps: vec![] };
    with_text(request, compile::cells).unwrap_or_else(unread)
}

/// Does something with a spec and what it needs from outside; the spec as unread where it cannot be had.
fn with_text<T>(
    request: &Request<'_>,
    compile: impl FnOnce(compile::Request<'_>) -> T,
) -> Result<T, Box<Compiled>> {
    let path = request.spec;
    let text = store::read_spec(path)
        .map_err(|error| Box::new(Compiled::unread(path, error.to_diagnostic())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let describe = |spec: &DataSpec| {
        data::describe(spec, request.locations).map_err(|error| error.to_diagnostic())
    };
    Ok(compile(compile::Request {
        path,
        text: &text,
        overrides: request.overrides,
        load: &mut |path| store::read_import(folder, path),
        describe: &describe,
        check: request.check,
    }))
}

/// Adds what the composition of the data deserves to be told, where so much may be read; says whether it may.
pub(crate) fn look_at_data(compiled: &mut Compiled, locations: &Locations) -> bool {
    let Some(spec) = &compiled.model else { return true };
    match data::glance(&spec.data, locations) {
        Ok(Some(findings)) => {
            let told = about_data(spec, &findings);
            compiled.diagnostics.extend(told);
        }
        Ok(None) => return matches!(spec.data.source, Source::Named(_)),
        Err(error) => {
            let told = error.to_diagnostic().label(spec.data_span, "asked for here");
            compiled.diagnostics.push(told);
        }
    }
    sort(&mut compiled.diagnostics);
    true
}

/// Findings about the data of a spec as messages that point to its `data` item.
pub(crate) fn about_data(spec: &model::Spec, findings: &[Finding]) -> Diagnostics {
    let tell = |finding: &Finding| {
        finding.to_diagnostic().label(spec.data_span, "found in the data asked for here")
    };
    findings.iter().map(tell).collect()
}

/// The exit code that the errors of a spec ask for.
pub(crate) fn outcome(compiled: &Compiled) -> Outcome {
    compiled.fault().map_or(Outcome::Ok, Outcome::from)
}
