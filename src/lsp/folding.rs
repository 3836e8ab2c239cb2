//! What may be folded: brackets over several lines, and comments of several lines.

use lsp_types::{FoldingRange, FoldingRangeKind, FoldingRangeParams};

use super::workspace::Workspace;
use crate::syntax::{TokenKind, tokens};

/// The folds of a text, in the order of their first lines.
pub(super) fn ranges(
    workspace: &Workspace,
    params: &FoldingRangeParams,
) -> Option<Vec<FoldingRange>> {
    let document = workspace.document(&params.text_document.uri)?;
    let (text, lines) = (&*document.text, &document.lines);
    let mut found = vec![];
    let mut open: Vec<(char, usize)> = vec![];
    let mut comment: Option<(usize, usize)> = None;
    for token in tokens(text) {
        let line = lines.line(token.start);
        if token.kind == TokenKind::Comment {
            comment = match comment {
                Some((first, last)) if last + 1 == line => Some((first, line)),
                other => {
                    found.extend(other.and_then(|(first, last)| comments(first, last)));
                    Some((line, line))
                }
            };
            continue;
        }
        found.extend(comment.take().and_then(|(first, last)| comments(first, last)));
        match token.text(text) {
            _ if token.kind != TokenKind::Symbol => {}
            "{" | "(" | "[" => {
                open.push((text[token.start..].chars().next().unwrap_or('{'), line));
            }
            close @ ("}" | ")" | "]") => {
                let wanted = match close {
                    "}" => '{',
                    ")" => '(',
                    _ => '[',
                };
                // A bracket that was left open folds nothing.
                let Some(at) = open.iter().rposition(|(c, _)| *c == wanted) else { continue };
                let (_, first) = open[at];
                open.truncate(at);
                // The closing bracket stays in sight.
                if line > first + 1 {
                    found.push(fold(first, line - 1, FoldingRangeKind::Region));
                }
            }
            _ => {}
        }
    }
    found.extend(comment.and_then(|(first, last)| comments(first, last)));
    found.sort_by_key(|fold| (fold.start_line, fold.end_line));
    found.dedup_by_key(|fold| (fold.start_line, fold.end_line));
    Some(found)
}

fn comments(first: usize, last: usize) -> Option<FoldingRange> {
    (last > first).then(|| fold(first, last, FoldingRangeKind::Comment))
}

fn fold(first: usize, last: usize, kind: FoldingRangeKind) -> FoldingRange {
    FoldingRange {
        start_line: first as u32,
        end_line: last as u32,
        kind: Some(kind),
        ..FoldingRange::default()
    }
}
