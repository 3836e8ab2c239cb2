//! Completion: what may be written at a place, with its documentation and its defaults.
//!
//! The place is read from the tokens before it, so that it is known while the item does not parse; what is offered comes from
//! the tables of the language, the reference, and the names of the file and its imports.

mod item;
mod offer;
mod scope;
mod spot;

use lsp_types::{CompletionParams, CompletionResponse};

use super::workspace::Workspace;
use crate::syntax::{Token, TokenKind};

/// `textDocument/completion`.
pub(super) fn complete(
    workspace: &Workspace,
    params: &CompletionParams,
) -> Option<CompletionResponse> {
    let place = &params.text_document_position;
    let (document, analysis) = workspace.analysis(&place.text_document.uri)?;
    let text = &*document.text;
    let at = document.lines.offset(text, place.position);
    let inside = |token: &&Token| token.start < at && at <= token.end;
    if let Some(token) = analysis.tokens.iter().find(inside) {
        let is_text = token.text(text).starts_with('"');
        let closed = token.kind == TokenKind::Str && at == token.end;
        if token.kind == TokenKind::Comment || (is_text && !closed) {
            let names = is_text.then(|| offer::imports(workspace, document, &analysis, token));
            return names.flatten().map(CompletionResponse::Array);
        }
    }
    let start = word_start(text, at);
    let before: Vec<Token> = analysis
        .tokens
        .iter()
        .filter(|token| token.kind != TokenKind::Comment && token.end <= start)
        .copied()
        .collect();
    let item = analysis.items.iter().rev().find(|item| item.start < start);
    let from =
        item.map_or(before.len(), |item| before.partition_point(|token| token.start < item.start));
    let of_item = &before[from..];
    let behind = before.last().map_or(0, |token| token.end);
    let new_line = text[behind..start].contains('\n') || before.is_empty();
    let want = spot::want(of_item, text, new_line);
    let offer = offer::Offer {
        workspace,
        document,
        analysis: &analysis,
        scope: scope::Scope::of(of_item, text),
        range: document.lines.range(text, start..at),
        has_parens: text[at..].starts_with('('),
    };
    Some(CompletionResponse::Array(offer.items(&want)))
}

/// Where the word or dotted key that ends at a byte begins.
fn word_start(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let is_word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let mut start = at;
    while start > 0 {
        let c = bytes[start - 1];
        let dot = c == b'.' && start >= 2 && is_word(bytes[start - 2]);
        if !is_word(c) && !dot {
            break;
        }
        start -= 1;
    }
    if text[start..at].starts_with(|c: char| c.is_ascii_digit()) {
        // A number is no key: the word behind its last point.
        let word = text[start..at].rfind('.').map_or(start, |dot| start + dot + 1);
        return word;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::word_start;

    #[test]
    fn words_take_their_dots_along_and_ranges_do_not() {
        for (text, word) in [
            ("conv(6) -> re", "re"),
            ("train.l", "train.l"),
            ("train.", "train."),
            ("0..cla", "cla"),
            ("é.x", "x"),
            ("", ""),
            ("a..b", "b"),
        ] {
            assert_eq!(&text[word_start(text, text.len())..], word, "{text}");
        }
    }
}
