//! From a path to a checked spec: the front end as every command uses it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::environment;
use super::outcome::Outcome;
use crate::check;
use crate::compile::{self, Cells, Compiled};
use crate::data::{self, DataSpec, Finding, Locations, Source};
use crate::diag::{Diagnostics, ToDiagnostic, sort};
#[cfg(feature = "exec")]
use crate::experiment;
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
    match Texts::read(request.spec) {
        Ok(texts) => texts.compile(request),
        Err(unread) => *unread,
    }
}

/// Compiles a spec for its facts alone, with data of `data_dir` or beside it.
pub(crate) fn facts(spec: &Path, overrides: &[String], data_dir: Option<&Path>) -> Compiled {
    compile(&Request {
        spec,
        overrides,
        locations: &environment::locations(data_dir, spec.parent()),
        check: check::Options::without_witnesses(),
    })
}

/// Compiles the spec of a run as it was resolved; with the places of its data, which begin where the spec was.
#[cfg(feature = "exec")]
pub(crate) fn of_run(run: &Path, data_dir: Option<&Path>) -> (Compiled, Locations) {
    let folder = experiment::spec_folder(run);
    let locations = environment::locations(data_dir, folder.as_deref());
    let compiled = compile(&Request {
        spec: &run.join("resolved.net"),
        overrides: &[],
        locations: &locations,
        check: check::Options::without_witnesses(),
    });
    (compiled, locations)
}

/// A spec and what it imports, each read once: whatever is compiled later sees the same texts.
#[derive(Debug)]
pub(crate) struct Texts {
    spec: String,
    imports: Mutex<BTreeMap<String, Result<String, String>>>,
}

impl Texts {
    /// Reads a spec; its imports are read when they are first asked for.
    ///
    /// # Errors
    /// The spec as unread.
    pub(crate) fn read(path: &Path) -> Result<Self, Box<Compiled>> {
        match store::read_spec(path) {
            Ok(spec) => Ok(Self { spec, imports: Mutex::default() }),
            Err(error) => Err(Box::new(Compiled::unread(path, error.to_diagnostic()))),
        }
    }

    /// Compiles the spec.
    pub(crate) fn compile(&self, request: &Request<'_>) -> Compiled {
        self.with(request, compile::compile)
    }

    /// Compiles one cell of a sweep of the spec.
    pub(crate) fn cell(&self, request: &Request<'_>, settings: &[(Key, Expr)]) -> Compiled {
        self.with(request, |request| compile::cell(request, settings))
    }

    /// Compiles every cell of the sweeps of the spec.
    pub(crate) fn cells(&self, request: &Request<'_>) -> Cells {
        self.with(request, compile::cells)
    }

    /// Does something with the spec and what it needs from outside.
    fn with<T>(&self, request: &Request<'_>, compile: impl FnOnce(compile::Request<'_>) -> T) -> T {
        let folder = request.spec.parent().unwrap_or(Path::new(""));
        let describe = |spec: &DataSpec| {
            data::describe(spec, request.locations).map_err(|error| error.to_diagnostic())
        };
        let mut load = |path: &str| {
            let mut imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
            let read = || store::read_import(folder, path);
            imports.entry(path.to_owned()).or_insert_with(read).clone()
        };
        compile(compile::Request {
            path: request.spec,
            text: &self.spec,
            overrides: request.overrides,
            load: &mut load,
            describe: &describe,
            check: request.check,
        })
    }
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
