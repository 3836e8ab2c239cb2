//! Diagnostics as JSON, in the form that `specc check --json` promises.

use serde_json::{Value, json as object};

use super::{Diagnostic, Diagnostics, Label, Severity, SourceMap};

/// One diagnostic as `{code, severity, message, file, line, column, help, labels, notes}`.
///
/// `file`, `line` and `column` are those of the first label, `null` for problems outside texts; `help` is `null` where there
/// is none. `notes` hold what was found and expected, and at which step.
pub fn json(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let place = |label: &Label| (sources.name(label.span.file), sources.position(label.span));
    let labels = diagnostic.labels.iter().map(|label| {
        let (file, at) = place(label);
        object!({ "file": file, "line": at.line, "column": at.column, "text": label.text })
    });
    let labels: Vec<Value> = labels.collect();
    let place = diagnostic.labels.first().map(place);
    let severity = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    object!({
        "code": diagnostic.code.id(),
        "severity": severity,
        "message": diagnostic.title,
        "file": place.map(|(file, _)| file),
        "line": place.map(|(_, at)| at.line),
        "column": place.map(|(_, at)| at.column),
        "help": (!diagnostic.help.is_empty()).then(|| diagnostic.help.join("\n")),
        "labels": labels,
        "notes": diagnostic.notes,
    })
}

/// Puts diagnostics into the order of files and places; those without a place come first.
pub fn sort(diagnostics: &mut Diagnostics) {
    diagnostics.sort_by_key(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| (label.span.file, label.span.start));
        (place, diagnostic.code)
    });
}
