//! From files to checked specs: the front end as programs use it.
//!
//! In: the path of a spec, and where data is. Out: what [`compile`](super::compile) makes of its text, of its imports and of the
//! data that it names. Every text is read once, through [`store`]; nothing is printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::{Cells, Compiled};
use crate::check;
use crate::data::{self, DataSpec, Finding, Locations, Source};
use crate::diag::{Diagnostics, ToDiagnostic, sort};
use crate::model;
use crate::store;
use crate::syntax::ast::{Expr, ItemKind, Key};

/// Which file is compiled, and how.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The file; imports are looked for in its folder.
    pub spec: &'a Path,
    /// `key=value` arguments.
    pub overrides: &'a [String],
    /// Where data is.
    pub locations: &'a Locations,
    /// How the graph is checked.
    pub check: check::Options,
}

/// Compiles a file; problems, that it cannot be read among them, are in [`Compiled::diagnostics`].
pub fn compile(request: &Request<'_>) -> Compiled {
    match Texts::read(request.spec) {
        Ok(texts) => texts.compile(request),
        Err(unread) => *unread,
    }
}

/// Compiles every cell of the sweeps of a file; problems are in [`Cells::file`].
pub fn cells(request: &Request<'_>) -> Cells {
    match Texts::read(request.spec) {
        Ok(texts) => texts.cells(request),
        Err(unread) => Cells { file: *unread, sweeps: vec![], claims: vec![] },
    }
}

/// Compiles a file for its facts alone: nothing is tried for witnesses.
pub fn facts(spec: &Path, overrides: &[String], locations: &Locations) -> Compiled {
    let check = check::Options::without_witnesses();
    compile(&Request { spec, overrides, locations, check })
}

/// A spec, after a look at every cell of its sweeps.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The spec; its first cell where a sweep supplies an item that the file lacks.
    pub compiled: Compiled,
    /// Sweeps by name, each with the number of its cells, all of them sound; none where something is wrong.
    pub sweeps: Vec<(String, usize)>,
    /// Whether the first cell stands for the spec.
    pub is_first_cell: bool,
}

/// Compiles a file and every cell of its sweeps. Where a sweep supplies an item, the first cell stands for the spec.
pub fn with_cells(request: &Request<'_>) -> Looked {
    let alone = |compiled| Looked { compiled, sweeps: vec![], is_first_cell: false };
    let texts = match Texts::read(request.spec) {
        Ok(texts) => texts,
        Err(unread) => return alone(*unread),
    };
    let compiled = texts.compile(request);
    if !compiled.ast.items.iter().any(|item| matches!(item.kind, ItemKind::Sweep(_))) {
        return alone(compiled);
    }
    let cells = texts.cells(request);
    if cells.file.fault().is_some() {
        return alone(cells.file);
    }
    let sweeps: Vec<(String, usize)> =
        cells.sweeps.iter().map(|of| (of.sweep.name.value.clone(), of.sweep.cells.len())).collect();
    let first = cells.sweeps.first().and_then(|of| Some((of, of.sweep.cells.first()?)));
    match first {
        Some((of, cell)) if compiled.fault().is_some() => {
            let compiled = texts.cell(request, &of.sweep.settings(cell));
            Looked { compiled, sweeps, is_first_cell: true }
        }
        Some(_) | None => Looked { compiled, sweeps, is_first_cell: false },
    }
}

/// A spec and what it imports, each read once: whatever is compiled later sees the same texts.
#[derive(Debug)]
pub struct Texts {
    spec: String,
    imports: Mutex<BTreeMap<String, Result<String, String>>>,
}

impl Texts {
    /// Reads a spec; its imports are read when they are first asked for.
    ///
    /// # Errors
    /// The spec as unread.
    pub fn read(path: &Path) -> Result<Self, Box<Compiled>> {
        match store::read_spec(path) {
            Ok(spec) => Ok(Self { spec, imports: Mutex::default() }),
            Err(error) => Err(Box::new(Compiled::unread(path, error.to_diagnostic()))),
        }
    }

    /// Compiles the spec.
    pub fn compile(&self, request: &Request<'_>) -> Compiled {
        self.with(request, super::compile)
    }

    /// Compiles one cell of a sweep of the spec.
    pub fn cell(&self, request: &Request<'_>, settings: &[(Key, Expr)]) -> Compiled {
        self.with(request, |request| super::cell(request, settings))
    }

    /// Compiles every cell of the sweeps of the spec.
    pub fn cells(&self, request: &Request<'_>) -> Cells {
        self.with(request, super::cells)
    }

    /// Does something with the spec and what it needs from outside.
    fn with<T>(&self, request: &Request<'_>, compile: impl FnOnce(super::Request<'_>) -> T) -> T {
        let folder = request.spec.parent().unwrap_or(Path::new(""));
        let describe = |spec: &DataSpec| {
            data::describe(spec, request.locations).map_err(|error| error.to_diagnostic())
        };
        let mut load = |path: &str| {
            let mut imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
            let read = || store::read_import(folder, path);
            imports.entry(path.to_owned()).or_insert_with(read).clone()
        };
        compile(super::Request {
            path: request.spec,
            text: &self.spec,
            overrides: request.overrides,
            load: &mut load,
            describe: &describe,
            check: request.check,
        })
    }
}

/// Adds what the composition of the data deserves to be told; `false` where files of one's own are larger than
/// [`data::GLANCE_BYTES`], beyond which they are not read for this.
pub fn look_at_data(compiled: &mut Compiled, locations: &Locations) -> bool {
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
pub fn about_data(spec: &model::Spec, findings: &[Finding]) -> Diagnostics {
    let tell = |finding: &Finding| {
        finding.to_diagnostic().label(spec.data_span, "found in the data asked for here")
    };
    findings.iter().map(tell).collect()
}
