//! The stages as tests drive them: what a text reports, and each stage's result as text.
//!
//! A new stage adds its diagnostics to [`diagnose`] and one row to [`stage`].

use std::path::Path;

use specc::diag::{Diagnostics, SourceMap, sort};
use specc::syntax::parse;

use crate::dump;

/// Everything that the stages report about a spec, in source order.
pub(crate) fn diagnose(path: &Path, text: &str) -> (SourceMap, Diagnostics) {
    let mut sources = SourceMap::new();
    let name = path.file_name().map_or("case.net".into(), |name| name.to_string_lossy());
    let file = sources.add(name, text);
    let (_, mut diagnostics) = parse(file, text);
    sort(&mut diagnostics);
    (sources, diagnostics)
}

/// Codes that [`diagnose`] can raise, by their first letters; their pages are held to it.
pub(crate) const RAISED: &[&str] = &["E01"];

/// A stage's result for a spec as text, for snapshots.
pub(crate) type Stage = fn(&Path, &str) -> String;

/// The stage that the first line of a case calls by `name`.
pub(crate) fn stage(name: &str) -> Option<Stage> {
    match name {
        "ast" => Some(ast),
        _ => None,
    }
}

fn ast(_: &Path, text: &str) -> String {
    dump::spec(&crate::syntax::parse_ok(text))
}
