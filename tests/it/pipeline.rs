//! The stages as tests drive them: what a text reports, and each stage's result as text.
//!
//! A new stage adds its diagnostics to [`diagnose`] and one row to [`stage`].
#![expect(clippy::disallowed_methods, reason = "imports of cases are files")]

use std::path::Path;

use specc::check;
use specc::cli::check::text;
use specc::data::{Locations, describe};
use specc::diag::{Diagnostics, SourceMap, ToDiagnostic, sort};
use specc::grad;
use specc::ir::{self, Graph};
use specc::model::{ResolveContext, Spec};
use specc::syntax::{parse, parse_override};

use crate::dump;

/// Everything that the stages report about a spec, in source order.
pub(crate) fn diagnose(path: &Path, text: &str) -> (SourceMap, Diagnostics) {
    let mut sources = SourceMap::new();
    let name = path.file_name().map_or("case.net".into(), |name| name.to_string_lossy());
    let file = sources.add(name, text);
    let (_, mut diagnostics) = parse(file, text);
    // Cases of the syntax are fragments, which are no whole specs.
    if diagnostics.is_empty() && !path.components().any(|part| part.as_os_str() == "syntax") {
        let compiled = compile(path, text, &[]);
        (sources, diagnostics) = (compiled.sources, compiled.warnings);
        diagnostics.extend(match compiled.outcome {
            Ok((spec, graph)) => {
                let (checked, mut found) = check::run(graph, &spec, check::Mode::Train);
                found.extend(
                    checked
                        .and_then(|checked| {
                            let (graph, normalizer) = (checked.graph(), checked.normalizer());
                            grad::fits(graph, &spec.loss, normalizer, &spec.train).err()
                        })
                        .into_iter()
                        .flatten(),
                );
                found
            }
            Err(errors) => errors,
        });
    }
    sort(&mut diagnostics);
    (sources, diagnostics)
}

/// A text taken up to its graph.
pub(crate) struct Compiled {
    /// The text, its imports and the overrides.
    pub(crate) sources: SourceMap,
    /// The model and the graph, or all errors.
    pub(crate) outcome: Result<(Spec, Graph), Diagnostics>,
    /// Warnings.
    pub(crate) warnings: Diagnostics,
}

/// Compiles a text that parses; imports are files beside `path`.
pub(crate) fn compile(path: &Path, text: &str, overrides: &[&str]) -> Compiled {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let mut load = move |name: &str| {
        std::fs::read_to_string(folder.join(name)).map_err(|_| "the file cannot be read".into())
    };
    let name = path.file_stem().map_or("case".into(), |name| name.to_string_lossy().into_owned());
    compile_with(&name, text, &mut load, overrides)
}

/// Compiles a text whose imports come from `load`.
pub(crate) fn compile_with(
    name: &str,
    text: &str,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    overrides: &[&str],
) -> Compiled {
    let mut sources = SourceMap::new();
    let file = sources.add(format!("{name}.net"), text);
    let (spec, problems) = parse(file, text);
    let overrides = overrides
        .iter()
        .map(|text| parse_override(sources.add("argument", *text), text).unwrap())
        .collect();
    let locations = Locations::default();
    let mut ctx = ResolveContext {
        sources: &mut sources,
        file,
        name: name.to_owned(),
        load,
        describe: &|data| describe(data, &locations).map_err(|error| error.to_diagnostic()),
        overrides,
        incomplete: !problems.is_empty(),
        warnings: vec![],
    };
    let outcome = if problems.is_empty() { ir::compile(&spec, &mut ctx) } else { Err(problems) };
    let warnings = std::mem::take(&mut ctx.warnings);
    Compiled { sources, outcome, warnings }
}

fn legal(path: &Path, text: &str) -> (Spec, Graph) {
    let compiled = compile(path, text, &[]);
    match compiled.outcome {
        Ok(result) => result,
        Err(errors) => panic!("{errors:#?}"),
    }
}

/// Codes that [`diagnose`] can raise, by their first letters; their pages are held to it.
pub(crate) const RAISED: &[&str] =
    &["E01", "E02", "W02", "E030", "E031", "E0350", "E0351", "E0352", "E0353", "E04", "W04"];

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
    specc::syntax::print(&specc::model::to_ast(&legal(path, text).0))
}

fn graph(path: &Path, text: &str) -> String {
    ir::text(&legal(path, text).1)
}

fn facts(path: &Path, text: &str) -> String {
    let compiled = compile(path, text, &[]);
    let (spec, graph) = compiled.outcome.unwrap();
    let checked = check::run(graph, &spec, check::Mode::Train).0.unwrap();
    let report = text::report(&checked, &compiled.sources, text::WIDEST);
    format!("{report}\n{}", specc::cli::check::emit::facts(&checked))
}
