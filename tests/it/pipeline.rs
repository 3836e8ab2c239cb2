//! The stages as tests drive them: what a text reports, and each stage's result as text.
//!
//! Specs go through [`specc::compile`], as in every command. A new stage adds one row to [`stage`].
#![expect(clippy::disallowed_methods, reason = "imports of cases are files")]

use std::path::Path;

use specc::check::{Checked, Options};
use specc::compile::{Compiled, Request};
use specc::data::{Locations, describe};
use specc::diag::{Diagnostic, Diagnostics, RenderStyle, SourceMap, ToDiagnostic, render, sort};
use specc::ir::{self, Graph};
use specc::model::Spec;
use specc::report::check::text;
use specc::syntax::parse;

use crate::dump;

/// Everything that the stages report about a spec, in source order.
pub(crate) fn diagnose(path: &Path, text: &str) -> (SourceMap, Diagnostics) {
    let name = path.file_name().map_or(Path::new("case.net"), Path::new);
    // Cases of the syntax are fragments, which are no whole specs.
    if path.components().any(|part| part.as_os_str() == "syntax") {
        let mut sources = SourceMap::new();
        let file = sources.add(name.display().to_string(), text);
        let (_, mut diagnostics) = parse(file, text);
        sort(&mut diagnostics);
        return (sources, diagnostics);
    }
    let compiled = compile_with(name, text, &mut beside(path), &[]);
    (compiled.sources, compiled.diagnostics)
}

/// Compiles a text; imports are files beside `path`.
pub(crate) fn compile(path: &Path, text: &str, overrides: &[&str]) -> Compiled {
    compile_with(path, text, &mut beside(path), overrides)
}

/// Compiles a text whose imports come from `load`.
pub(crate) fn compile_with(
    path: &Path,
    text: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    overrides: &[&str],
) -> Compiled {
    compile_at(path, text, load, overrides, &Locations::default(), Options::default())
}

/// Compiles a text with data from `locations` and options of the check.
pub(crate) fn compile_at(
    path: &Path,
    text: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    overrides: &[&str],
    locations: &Locations,
    check: Options,
) -> Compiled {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    specc::compile::compile(Request {
        path,
        text,
        overrides: &overrides,
        load,
        describe: &|data| describe(data, locations).map_err(|error| error.to_diagnostic()),
        check,
    })
}

/// No text has imports here.
pub(crate) fn no_imports(_: &str) -> Result<String, String> {
    Err("there is none".to_owned())
}

fn beside(path: &Path) -> impl FnMut(&str) -> Result<String, String> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    move |name| {
        std::fs::read_to_string(folder.join(name)).map_err(|_| "the file cannot be read".into())
    }
}

/// The spec and its checked graph, refused or not; messages end the test where there is none.
pub(crate) fn built(compiled: &Compiled) -> (&Spec, &Checked) {
    let checked = compiled.checked.as_ref().or(compiled.refused.as_ref());
    match compiled.model.as_ref().zip(checked) {
        Some(built) => built,
        None => panic!("{}\n{}", rendered(compiled), compiled.text()),
    }
}

/// The spec and its graph, about which nothing but warnings of scaling is said; else messages end the test.
pub(crate) fn legal(compiled: &Compiled) -> (Spec, Graph) {
    let scaling = |diagnostic: &Diagnostic| diagnostic.code.id().starts_with("W04");
    assert!(compiled.diagnostics.iter().all(scaling), "{}", rendered(compiled));
    let (spec, checked) = built(compiled);
    (spec.clone(), checked.graph().clone())
}

/// All messages as a user sees them.
pub(crate) fn rendered(compiled: &Compiled) -> String {
    let style = RenderStyle { color: false, width: 100 };
    let render = |d: &Diagnostic| render(d, &compiled.sources, style) + "\n";
    compiled.diagnostics.iter().map(render).collect()
}

/// A stage's result for a spec as text, for snapshots.
pub(crate) type Stage = fn(&Path, &str) -> String;

/// The stage that the first line of a case calls by `name`.
pub(crate) fn stage(name: &str) -> Option<Stage> {
    match name {
        "ast" => Some(ast),
        "model" => Some(model),
        "graph" => Some(graph),
        "facts" => Some(facts),
        _ => None,
    }
}

fn ast(_: &Path, text: &str) -> String {
    dump::spec(&crate::syntax::parse_ok(text))
}

fn model(path: &Path, text: &str) -> String {
    specc::syntax::print(&specc::model::to_ast(built(&compile(path, text, &[])).0))
}

fn graph(path: &Path, text: &str) -> String {
    ir::text(built(&compile(path, text, &[])).1.graph())
}

fn facts(path: &Path, text: &str) -> String {
    let compiled = compile(path, text, &[]);
    let (_, checked) = compiled.sound().unwrap();
    let report = text::report(checked, &compiled.sources, text::WIDEST);
    format!("{report}\n{}", specc::report::check::emit::facts(checked))
}
