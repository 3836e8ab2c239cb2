//! Diagnostics as JSON, in the form that `specc check --json` promises.

use serde_json::{Value, json as object};

use super::{Diagnostic, Diagnostics, Severity, SourceMap};

/// One diagnostic as `{code, severity, message, file, line, column, help}`.
///
/// `file`, `line` and `column` are `null` for problems outside texts, `help` where there is none.
pub fn json(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let place = diagnostic.labels.first().map(|label| {
        let position = sources.position(label.span);
        (sources.name(label.span.file), position.line, position.column)
    });
    let severity = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    object!({
        "code": diagnostic.code.id(),
        "severity": severity,
        "message": diagnostic.title,
        "file": place.map(|(file, _, _)| file),
        "line": place.map(|(_, line, _)| line),
        "column": place.map(|(_, _, column)| column),
        "help": (!diagnostic.help.is_empty()).then(|| diagnostic.help.join("\n")),
    })
}

/// Puts diagnostics into the order of files and places; those without a place come first.
pub fn sort(diagnostics: &mut Diagnostics) {
    diagnostics.sort_by_key(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| (label.span.file, label.span.start));
        (place, diagnostic.code)
    });
}
