//! Resolving specs and building their graphs.

use specc::data::{Locations, describe};
use specc::diag::{Diagnostics, RenderStyle, SourceMap, ToDiagnostic, render};
use specc::ir::{Graph, compile};
use specc::model::{ResolveContext, Spec};

/// Compiles a text under the name `spec.net`; imports come from `files`.
pub(crate) fn compile_text(
    text: &str,
    files: &[(&str, &str)],
    overrides: &[&str],
) -> (SourceMap, Result<(Spec, Graph), Diagnostics>, Diagnostics) {
    let mut sources = SourceMap::new();
    let file = sources.add("spec.net", text);
    let (spec, problems) = specc::syntax::parse(file, text);
    let mut load = |path: &str| {
        let file = files.iter().find(|(name, _)| *name == path);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    };
    let overrides = overrides
        .iter()
        .map(|text| specc::syntax::parse_override(sources.add("argument", *text), text).unwrap())
        .collect();
    let locations = Locations::default();
    let mut ctx = ResolveContext {
        sources: &mut sources,
        file,
        name: "spec".into(),
        load: &mut load,
        describe: &|data| describe(data, &locations).map_err(|error| error.to_diagnostic()),
        overrides,
        incomplete: !problems.is_empty(),
        warnings: vec![],
    };
    let outcome = if problems.is_empty() { compile(&spec, &mut ctx) } else { Err(problems) };
    let warnings = std::mem::take(&mut ctx.warnings);
    (sources, outcome, warnings)
}

/// All messages as a user sees them.
pub(crate) fn rendered(sources: &SourceMap, diagnostics: &Diagnostics) -> String {
    let style = RenderStyle { color: false, width: 100 };
    diagnostics.iter().map(|d| render(d, sources, style) + "\n").collect()
}

#[test]
fn specs_compile() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/specs");
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (sources, outcome, warnings) = compile_text(&text, &[], &[]);
        match outcome {
            Ok((_, graph)) => {
                let params: usize = graph.params.iter().map(|p| p.shape.elements()).sum();
                println!("{path:?} {params} {}", graph.len());
            }
            Err(errors) => panic!("{}", rendered(&sources, &errors)),
        }
        assert!(warnings.is_empty(), "{}", rendered(&sources, &warnings));
    }
}
