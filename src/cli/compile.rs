//! From a path to a checked spec: the front end as every command uses it.

use std::path::Path;

use super::outcome::Outcome;
use crate::check;
use crate::compile::{self, Compiled};
use crate::data::{self, DataSpec, Locations};
use crate::diag::ToDiagnostic;
use crate::store;

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
    let path = request.spec;
    let text = match store::read_spec(path) {
        Ok(text) => text,
        Err(error) => return Compiled::unread(path, error.to_diagnostic()),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let describe = |spec: &DataSpec| {
        data::describe(spec, request.locations).map_err(|error| error.to_diagnostic())
    };
    compile::compile(compile::Request {
        path,
        text: &text,
        overrides: request.overrides,
        load: &mut |path| store::read_import(folder, path),
        describe: &describe,
        check: request.check,
    })
}

/// The exit code that the errors of a spec ask for.
pub(crate) fn outcome(compiled: &Compiled) -> Outcome {
    compiled.fault().map_or(Outcome::Ok, Outcome::from)
}
