//! Fixes of problems as code actions: the edits that diagnostics carry, and a few that need the tree.

use std::collections::HashMap;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, TextEdit, WorkspaceEdit,
};

use super::analysis::Analysis;
use super::diagnostics;
use super::documents::Document;
use super::lines::bytes;
use super::workspace::Workspace;
use crate::diag::{Code, Diagnostic, FileId, Fix, Span};
use crate::syntax::ast::ItemKind;

/// The fixes of all problems that meet the range asked about.
pub(super) fn actions(
    workspace: &Workspace,
    params: &CodeActionParams,
) -> Option<Vec<CodeActionOrCommand>> {
    let (document, analysis) = workspace.analysis(&params.text_document.uri)?;
    let wanted = params.context.only.as_ref();
    if wanted.is_some_and(|kinds| {
        !kinds
            .iter()
            .any(|kind| *kind == CodeActionKind::QUICKFIX || *kind == CodeActionKind::EMPTY)
    }) {
        return Some(vec![]);
    }
    let mut found = vec![];
    for problem in &analysis.diagnostics {
        let range = diagnostics::place(document, &analysis, problem);
        if range.start > params.range.end || params.range.start > range.end {
            continue;
        }
        let mut fixes = problem.fixes.to_vec();
        fixes.extend(by_tree(document, &analysis, problem));
        for (i, fix) in fixes.into_iter().enumerate() {
            if fix.span.file == FileId(0) {
                found.push(action(document, problem, params, &fix, i == 0));
            }
        }
    }
    Some(found)
}

fn action(
    document: &Document,
    problem: &Diagnostic,
    params: &CodeActionParams,
    fix: &Fix,
    is_first: bool,
) -> CodeActionOrCommand {
    let range = document.lines.range(&document.text, bytes(fix.span));
    let edit = TextEdit::new(range, fix.text.clone());
    let code = Some(lsp_types::NumberOrString::String(problem.code.id().to_owned()));
    let answered = params.context.diagnostics.iter().filter(|diagnostic| {
        diagnostic.code == code && diagnostic.message.starts_with(&problem.title)
    });
    let answered: Vec<_> = answered.cloned().collect();
    #[expect(clippy::mutable_key_type, reason = "the protocol's type has addresses as keys")]
    let changes = HashMap::from([(document.uri.clone(), vec![edit])]);
    CodeActionOrCommand::CodeAction(CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: (!answered.is_empty()).then_some(answered),
        edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
        is_preferred: Some(is_first),
        ..CodeAction::default()
    })
}

/// Fixes whose edit lies where the diagnostic does not look.
fn by_tree(document: &Document, analysis: &Analysis, problem: &Diagnostic) -> Vec<Fix> {
    let fix = if problem.code == Code::E0401 {
        allow(analysis)
    } else if problem.code == Code::W0201 {
        remove(document, analysis, problem)
    } else {
        None
    };
    fix.into_iter().collect()
}

/// `allow=[nonhomogeneous]` in the head of the net.
fn allow(analysis: &Analysis) -> Option<Fix> {
    let head = analysis.tree.items.iter().find_map(|item| {
        if let ItemKind::Net(net) = &item.kind { Some(&net.head) } else { None }
    })?;
    let is_allow =
        |arg: &crate::syntax::ast::Arg| arg.key.as_ref().is_some_and(|k| k.value == "allow");
    if head.args.iter().any(is_allow) {
        return None;
    }
    let name = head.callee.span;
    let (at, text) = match head.args.last() {
        Some(last) => (last.value.span.end, ", allow=[nonhomogeneous]"),
        None if head.parens => (name.end + 1, "allow=[nonhomogeneous]"),
        None => (name.end, "(allow=[nonhomogeneous])"),
    };
    let span = Span { start: at, end: at, ..name };
    let title = "accept it: `allow=[nonhomogeneous]` in the head of the net";
    Some(Fix { title: title.to_owned(), span, text: text.to_owned() })
}

/// An unused definition goes with its line.
fn remove(document: &Document, analysis: &Analysis, problem: &Diagnostic) -> Option<Fix> {
    let span = problem.labels.first()?.span;
    let definition = &analysis.names.definitions[analysis.names.defined_at(span.start as usize)?];
    let whole = definition.whole.clone();
    if whole == definition.range {
        return None;
    }
    let behind = &document.text[whole.end..];
    let to_line_end = behind.len() - behind.trim_start_matches([' ', '\t']).len();
    let newline = behind[to_line_end..].starts_with('\n');
    let end = if newline { whole.end + to_line_end + 1 } else { whole.end };
    let span = Span::new(span.file, whole.start, end);
    Some(Fix { title: format!("remove `{}`", definition.name), span, text: String::new() })
}
