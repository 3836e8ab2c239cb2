//! The front end as one function: from the text of a spec to its checked graph.
//!
//! In: a text with its overrides, a loader of imports, a description of data. Out: [`Compiled`], which holds what each stage
//! made of it and every independent problem in source order. Afterwards a spec with a checked graph and no error can be
//! trained: its loss fits its net. Nothing is read or printed here; [`files`] reads what a file needs.

mod cells;
pub mod files;

use std::path::Path;

use crate::check::{self, Checked};
use crate::data::{DataSpec, Description};
use crate::diag::{Diagnostic, Diagnostics, Fault, FileId, Severity, SourceMap};
use crate::grad;
use crate::ir;
use crate::model::{self, ResolveContext};
use crate::syntax::{self, ast};

pub use cells::{Cells, CompiledSweep, cells, first_cells};

/// What is compiled, and how.
#[expect(missing_debug_implementations, reason = "it holds closures")]
pub struct Request<'a> {
    /// The file that messages name; its stem names the spec.
    pub path: &'a Path,
    /// The text of the spec.
    pub text: &'a str,
    /// `key=value` arguments.
    pub overrides: &'a [String],
    /// Reads an imported file; the path is relative to the folder of the spec. The error is a reason in words.
    pub load: &'a mut dyn FnMut(&str) -> Result<String, String>,
    /// Shape and classes of the data.
    pub describe: &'a dyn Fn(&DataSpec) -> Result<Description, Diagnostic>,
    /// How the graph is checked.
    pub check: check::Options,
}

/// A spec as far as it could be compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// All texts: the spec, its imports, the overrides.
    pub sources: SourceMap,
    /// The text of the spec.
    pub file: FileId,
    /// The tree; without items that have syntax errors.
    pub ast: ast::Spec,
    /// The resolved spec, if it is sound.
    pub model: Option<model::Spec>,
    /// The checked graph, if everything is sound.
    pub checked: Option<Checked>,
    /// The graph with its facts where an error was found in them; not to be run.
    pub refused: Option<Checked>,
    /// The net as far as it could be expanded, where something else is wrong; not checked.
    pub expanded: Option<ir::Graph>,
    /// Errors and warnings in source order.
    pub diagnostics: Diagnostics,
    overrides: Vec<FileId>,
}

impl Compiled {
    /// A spec whose text cannot be had, for the reason that `problem` gives.
    pub fn unread(path: &Path, problem: Diagnostic) -> Self {
        Self { diagnostics: vec![problem], ..Self::new(path, "") }
    }

    /// The text of the spec.
    pub fn text(&self) -> &str {
        self.sources.text(self.file)
    }

    /// The spec and its graph, where both are sound.
    pub fn sound(&self) -> Option<(&model::Spec, &Checked)> {
        self.model.as_ref().zip(self.checked.as_ref())
    }

    /// Who can mend its errors: an error in a `key=value` argument is one of usage; `None` without errors.
    pub fn fault(&self) -> Option<Fault> {
        let mut errors = self.diagnostics.iter().filter(|d| d.severity() == Severity::Error);
        let in_override = |d: &Diagnostic| {
            d.labels.first().is_some_and(|label| self.overrides.contains(&label.span.file))
        };
        if errors.any(in_override) { Some(Fault::Usage) } else { Fault::of(&self.diagnostics) }
    }
}

/// Compiles a spec; problems are in [`Compiled::diagnostics`].
pub fn compile(mut request: Request<'_>) -> Compiled {
    with_sweeps(compile_with(&mut request, &[]))
}

/// Compiles a spec as [`compile`] does, but with the values of the first cell where a sweep supplies items that the file
/// lacks, or chooses among several.
pub fn first_cell(mut request: Request<'_>) -> Compiled {
    let parsed = Compiled::parsed(request.path, request.text);
    let sweep = model::sweep::sweeps(&parsed.ast).0.into_iter().next();
    let settings = sweep.and_then(|sweep| Some(sweep.settings(sweep.cells.first()?)));
    let count = |key: &str| {
        let of_kind = |item: &&ast::Item| item.kind.chosen_by() == Some(key);
        parsed.ast.items.iter().filter(of_kind).count()
    };
    let supplied = |(key, _): &(ast::Key, ast::Expr)| matches!(key.as_slice(), [item] if model::sweep::ITEMS.contains(&item.value.as_str()) && count(&item.value) != 1);
    let settings = settings.filter(|settings| settings.iter().any(supplied)).unwrap_or_default();
    with_sweeps(resolved(parsed, &mut request, &settings))
}

/// Adds what is wrong with sweeps and claims.
fn with_sweeps(mut compiled: Compiled) -> Compiled {
    let (sweeps, mut errors) = model::sweep::sweeps(&compiled.ast);
    if errors.is_empty() {
        errors = model::sweep::claims(&compiled.ast, &sweeps).1;
    }
    if !errors.is_empty() {
        compiled.diagnostics.extend(errors);
        model::tidy(&mut compiled.diagnostics);
        compiled.refused = compiled.checked.take().or(compiled.refused);
    }
    compiled
}

/// Compiles one cell of a sweep: the settings count behind the overrides.
pub fn cell(mut request: Request<'_>, settings: &[(ast::Key, ast::Expr)]) -> Compiled {
    compile_with(&mut request, settings)
}

/// As [`compile`], with the settings of a cell behind the overrides.
fn compile_with(request: &mut Request<'_>, settings: &[(ast::Key, ast::Expr)]) -> Compiled {
    resolved(Compiled::parsed(request.path, request.text), request, settings)
}

/// From a tree to the checked graph.
fn resolved(
    mut compiled: Compiled,
    request: &mut Request<'_>,
    settings: &[(ast::Key, ast::Expr)],
) -> Compiled {
    let Request { path, overrides, load, describe, check, .. } = request;
    let (path, check) = (*path, *check);
    let file = compiled.file;
    let incomplete = !compiled.diagnostics.is_empty();
    if let Some(mut overrides) = compiled.parse_overrides(overrides) {
        overrides.extend_from_slice(settings);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut ctx = ResolveContext {
            sources: &mut compiled.sources,
            file,
            name: name.unwrap_or_else(|| "spec".to_owned()),
            load: &mut **load,
            describe: *describe,
            overrides,
            incomplete,
            warnings: vec![],
        };
        let resolved = model::resolve(&compiled.ast, &mut ctx);
        compiled.diagnostics.append(&mut ctx.warnings);
        compiled.build(resolved, incomplete, check);
    }
    model::tidy(&mut compiled.diagnostics);
    compiled
}

impl Compiled {
    fn new(path: &Path, text: &str) -> Self {
        let mut sources = SourceMap::new();
        let file = sources.add(path.display().to_string(), text);
        Self {
            sources,
            file,
            ast: ast::Spec::default(),
            model: None,
            checked: None,
            refused: None,
            expanded: None,
            diagnostics: vec![],
            overrides: vec![],
        }
    }

    /// A text as a tree.
    fn parsed(path: &Path, text: &str) -> Self {
        let mut compiled = Self::new(path, text);
        let (tree, errors) = syntax::parse(compiled.file, text);
        compiled.ast = tree;
        compiled.diagnostics.extend(errors);
        compiled
    }

    /// The overrides as trees; `None` where one cannot be read.
    fn parse_overrides(
        &mut self,
        arguments: &[String],
    ) -> Option<Vec<(Vec<ast::Name>, ast::Expr)>> {
        let before = self.diagnostics.len();
        let mut parsed = vec![];
        for argument in arguments {
            let file = self.sources.add("argument", argument.as_str());
            self.overrides.push(file);
            match syntax::parse_override(file, argument) {
                Ok(pair) => parsed.push(pair),
                Err(errors) => self.diagnostics.extend(errors),
            }
        }
        (self.diagnostics.len() == before).then_some(parsed)
    }

    /// From the resolved spec to the checked graph.
    fn build(&mut self, resolved: model::Resolved, incomplete: bool, options: check::Options) {
        let sound = resolved.errors.is_empty() && !incomplete;
        self.diagnostics.extend(resolved.errors);
        let Some(spec) = resolved.spec else { return };
        if resolved.net_is_sound {
            let (graph, errors) = ir::expand(&spec);
            if sound && errors.is_empty() {
                self.judge(graph, &spec, options);
            } else {
                self.diagnostics.extend(errors);
                self.expanded = Some(graph);
            }
        }
        self.model = sound.then_some(spec);
    }

    /// Checks the graph, and that the loss can be attached to it.
    fn judge(&mut self, graph: ir::Graph, spec: &model::Spec, options: check::Options) {
        let Some(verdict) = check::judge(graph, spec, options) else { return };
        self.diagnostics.extend(verdict.diagnostics);
        let checked = verdict.checked;
        let fits = if verdict.sound {
            let fits = grad::fits(&checked, &spec.loss, &spec.train);
            fits.map_err(|errors| self.diagnostics.extend(errors)).is_ok()
        } else {
            false
        };
        (self.checked, self.refused) =
            if fits { (Some(checked), None) } else { (None, Some(checked)) };
    }
}
