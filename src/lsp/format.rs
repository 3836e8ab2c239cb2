//! Formatting: the canonical layout as one edit of the lines that differ.

use lsp_server::ErrorCode;
use lsp_types::{DocumentFormattingParams, TextEdit};

use super::server::{Refusal, refusal};
use super::workspace::Workspace;
use crate::syntax;

/// The edits that bring a text into the canonical layout.
///
/// # Errors
/// The text does not parse.
pub(super) fn format(
    workspace: &Workspace,
    params: &DocumentFormattingParams,
) -> Result<Option<Vec<TextEdit>>, Refusal> {
    let Some(document) = workspace.document(&params.text_document.uri) else { return Ok(None) };
    let text = &*document.text;
    let formatted = syntax::format(text).map_err(|problems| {
        let reason = problems.first().map_or("it does not parse", |problem| &problem.title);
        refusal(ErrorCode::RequestFailed, &format!("the text cannot be formatted: {reason}"))
    })?;
    if formatted == text {
        return Ok(Some(vec![]));
    }
    // Whole lines that are equal at both ends stay as they are.
    let same = |a: &mut dyn Iterator<Item = &str>, b: &mut dyn Iterator<Item = &str>| -> usize {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum()
    };
    let old: Vec<&str> = text.split_inclusive('\n').collect();
    let new: Vec<&str> = formatted.split_inclusive('\n').collect();
    let head = same(&mut old.iter().copied(), &mut new.iter().copied());
    let tail = same(&mut old.iter().rev().copied(), &mut new.iter().rev().copied());
    let tail = tail.min(text.len() - head).min(formatted.len() - head);
    let range = document.lines.range(text, head..text.len() - tail);
    let edit = TextEdit::new(range, formatted[head..formatted.len() - tail].to_owned());
    Ok(Some(vec![edit]))
}
