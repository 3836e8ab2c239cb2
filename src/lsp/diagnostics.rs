//! The problems of a text as the protocol has them: every label, note and help is kept.

use lsp_types::{
    DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location, NumberOrString,
    Position, Range,
};

use super::analysis::Analysis;
use super::documents::Document;
use super::lines::{Lines, bytes};
use super::uri;
use crate::diag::{Code, Diagnostic, FileId, Label, Severity};

/// All problems of a text, in the order of the text.
pub(super) fn of(document: &Document, analysis: &Analysis) -> Vec<lsp_types::Diagnostic> {
    analysis.diagnostics.iter().map(|problem| one(document, analysis, problem)).collect()
}

/// Where a problem is shown in the text: at its first label here, or at the import that leads to it.
pub(super) fn place(document: &Document, analysis: &Analysis, problem: &Diagnostic) -> Range {
    let Some(first) = problem.labels.first() else {
        return Range::new(Position::new(0, 0), Position::new(0, 0));
    };
    if first.span.file == FileId(0) {
        return document.lines.range(&document.text, bytes(first.span));
    }
    let here = problem.labels.iter().find(|label| label.span.file == FileId(0));
    let range = here.map(|label| bytes(label.span)).or_else(|| {
        let name = analysis.sources.name(first.span.file);
        let imports = &analysis.names.imports;
        let direct = imports.iter().find(|(_, path)| path.trim_start_matches("./") == name);
        direct.or(imports.first()).map(|(range, _)| range.clone())
    });
    document.lines.range(&document.text, range.unwrap_or(0..0))
}

fn one(document: &Document, analysis: &Analysis, problem: &Diagnostic) -> lsp_types::Diagnostic {
    let mut message = problem.title.clone();
    let lines = problem.labels.first().map(|label| &label.text).into_iter().chain(&problem.notes);
    for line in lines.filter(|line| !line.is_empty()) {
        message.push('\n');
        message.push_str(line);
    }
    for help in &problem.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    let elsewhere = problem.labels.first().is_some_and(|label| label.span.file != FileId(0));
    let related = problem.labels.iter().skip(usize::from(!elsewhere));
    let related: Vec<_> =
        related.filter_map(|label| related_at(document, analysis, label)).collect();
    let unneeded = [Code::W0201, Code::W0202].contains(&problem.code);
    lsp_types::Diagnostic {
        range: place(document, analysis, problem),
        severity: Some(match problem.severity() {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(problem.code.id().to_owned())),
        source: Some("specc".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        tags: unneeded.then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..lsp_types::Diagnostic::default()
    }
}

fn related_at(
    document: &Document,
    analysis: &Analysis,
    label: &Label,
) -> Option<DiagnosticRelatedInformation> {
    let location = if label.span.file == FileId(0) {
        let range = document.lines.range(&document.text, bytes(label.span));
        Location::new(document.uri.clone(), range)
    } else {
        let text = analysis.sources.text(label.span.file);
        let path = document.folder().join(analysis.sources.name(label.span.file));
        Location::new(uri::uri(&path)?, Lines::new(text).range(text, bytes(label.span)))
    };
    Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
}
