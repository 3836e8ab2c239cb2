//! From a path to a checked spec: the front end as every command uses it.

#![expect(clippy::disallowed_methods, reason = "specs and their imports are read here")]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::outcome::Outcome;
use crate::check::{self, Checked};
use crate::data::{self, Locations};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Severity, SourceMap, ToDiagnostic};
use crate::grad;
use crate::ir;
use crate::model::{self, ResolveContext};
use crate::syntax::{self, ast};

/// One byte more than the parser accepts: enough for it to say that a text is too long.
const READ_LIMIT: u64 = (1 << 20) + 1;

/// A spec as far as it could be compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// All texts: the spec, its imports, the overrides.
    pub(crate) sources: SourceMap,
    /// The text of the spec.
    pub(crate) text: String,
    /// The tree; without items that have syntax errors.
    pub(crate) ast: ast::Spec,
    /// The resolved spec, if it is sound.
    pub(crate) model: Option<model::Spec>,
    /// The checked graph, if everything is sound.
    pub(crate) checked: Option<Checked>,
    /// The graph with its facts where an error was found in them; not to be run.
    pub(crate) refused: Option<Checked>,
    /// Errors and warnings in source order.
    pub(crate) diagnostics: Diagnostics,
    usage: bool,
    overrides: Vec<FileId>,
}

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
    let mut compiled = Compiled {
        sources: SourceMap::new(),
        text: String::new(),
        ast: ast::Spec::default(),
        model: None,
        checked: None,
        refused: None,
        diagnostics: vec![],
        usage: false,
        overrides: vec![],
    };
    match read(request.spec) {
        Ok(text) => compiled.text = text,
        Err(reason) => {
            compiled.usage = true;
            compiled.diagnostics.push(unreadable(request.spec, &reason));
            return compiled;
        }
    }
    compiled.run(request);
    compiled.diagnostics.sort_by_key(|d| d.labels.first().map(|label| label.span));
    compiled
}

impl Compiled {
    fn run(&mut self, request: &Request<'_>) {
        let name = request.spec.display().to_string();
        let file = self.sources.add(name, self.text.as_str());
        let overrides = self.parse_overrides(request.overrides);
        let (ast, errors) = syntax::parse(file, &self.text);
        let incomplete = !errors.is_empty();
        self.ast = ast;
        self.diagnostics.extend(errors);
        if self.usage {
            return;
        }
        let folder = request.spec.parent().unwrap_or(Path::new(""));
        let mut load = |path: &str| load_import(folder, path);
        let describe = |spec: &data::DataSpec| {
            data::describe(spec, request.locations).map_err(|error| error.to_diagnostic())
        };
        let stem = request.spec.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut ctx = ResolveContext {
            sources: &mut self.sources,
            file,
            name: stem.unwrap_or_else(|| "spec".to_owned()),
            load: &mut load,
            describe: &describe,
            overrides,
            incomplete,
            warnings: vec![],
        };
        let resolved = model::resolve_all(&self.ast, &mut ctx);
        self.diagnostics.append(&mut ctx.warnings);
        let sound = resolved.errors.is_empty() && !incomplete;
        self.diagnostics.extend(resolved.errors);
        let Some(spec) = resolved.spec else { return };
        if resolved.net_is_sound {
            match ir::build(&spec) {
                Ok(graph) if sound => {
                    if let Some(verdict) = check::judge(graph, &spec, request.check) {
                        self.diagnostics.extend(verdict.diagnostics);
                        let checked = verdict.checked;
                        let sound = verdict.sound && self.loss_fits(&spec, &checked);
                        (self.checked, self.refused) =
                            if sound { (Some(checked), None) } else { (None, Some(checked)) };
                    }
                }
                Ok(_) => {}
                Err(errors) => self.diagnostics.extend(errors),
            }
        }
        self.model = sound.then_some(spec);
    }

    /// Reports what keeps the loss from being attached to the net.
    fn loss_fits(&mut self, spec: &model::Spec, checked: &Checked) -> bool {
        let fits = grad::fits(checked.graph(), &spec.loss, checked.normalizer(), &spec.train);
        fits.map_err(|errors| self.diagnostics.extend(errors)).is_ok()
    }

    fn parse_overrides(&mut self, arguments: &[String]) -> Vec<(Vec<ast::Name>, ast::Expr)> {
        let mut parsed = vec![];
        for argument in arguments {
            let file = self.sources.add("argument", argument.as_str());
            self.overrides.push(file);
            match syntax::parse_override(file, argument) {
                Ok(pair) => parsed.push(pair),
                Err(errors) => {
                    self.usage = true;
                    self.diagnostics.extend(errors);
                }
            }
        }
        parsed
    }

    /// The exit code that the errors ask for.
    pub(crate) fn outcome(&self) -> Outcome {
        let errors = || self.diagnostics.iter().filter(|d| d.severity() == Severity::Error);
        let in_override = |d: &Diagnostic| {
            d.labels.first().is_some_and(|label| self.overrides.contains(&label.span.file))
        };
        if self.usage || errors().any(in_override) {
            Outcome::Usage
        } else {
            Outcome::of(&self.diagnostics)
        }
    }
}

/// Reads a spec, or as much of it as the parser needs to refuse it.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let mut bytes = vec![];
    File::open(path)
        .and_then(|file| file.take(READ_LIMIT).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    let full = bytes.len() as u64 == READ_LIMIT;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // The cut may have gone through a character; the parser refuses the length anyway.
        Err(error) if full => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(error) => Err(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())),
    }
}

/// Reads an import: a file in the folder of the spec or below, also through links.
fn load_import(folder: &Path, path: &str) -> Result<String, String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let inside = folder.canonicalize().map_err(|error| error.to_string())?;
    let file = folder.join(path).canonicalize().map_err(|error| error.to_string())?;
    if !file.starts_with(&inside) {
        return Err("the file lies outside the folder of the spec".to_owned());
    }
    read(&file)
}

fn unreadable(path: &Path, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::E0715, "the spec cannot be read")
        .note(format!("file: {}", path.display()))
        .note(format!("found: {reason}"))
        .expected("a readable text file in UTF-8")
        .help("`specc new quickstart` writes a spec to start from")
}
