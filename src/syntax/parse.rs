//! Text in, tree and problems out; the driver of scanner, splitter and grammar.

use std::ops::Range;

use super::ast::{Expr, Item, Name, Spec};
use super::build::{self, Failure};
use super::error::SyntaxError;
use super::limits::{MAX_BYTES, MAX_ERRORS};
use super::scan::{ITEM_KEYWORDS, Scan, Token, TokenKind, is_word, scan};
use super::slip::{Stop, diagnose};
use super::split::{RawItem, Split, split};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Span, Spanned, ToDiagnostic, nearest};
use crate::syntax::ast::IgnoredSpan;

/// Parses a whole file.
///
/// At most one problem is reported per item; items without one are in the tree, so later stages
/// can look at them. The tree is complete when there are no diagnostics. A text above the
/// [limits](super::limits) is refused before any other work.
pub fn parse(file: FileId, text: &str) -> (Spec, Diagnostics) {
    if let Err(error) = check_text(file, text) {
        return (Spec::default(), vec![error.to_diagnostic()]);
    }
    let Split { tokens, items: raw, between } = split(file, text, scan(file, text));
    let mut errors = between;
    let mut items = vec![];
    for mut item in raw {
        if errors.len() >= MAX_ERRORS {
            break;
        }
        let after = tokens.get(item.tokens.end);
        let docs = std::mem::take(&mut item.docs);
        match parse_item(file, text, &tokens, item, after) {
            Ok((kind, span)) => items.push(Item { docs, kind, span: IgnoredSpan(span) }),
            Err(error) => errors.push(error),
        }
    }
    errors.sort_by_key(|error| error.span().start);
    errors.truncate(MAX_ERRORS);
    let diagnostics = errors.iter().map(ToDiagnostic::to_diagnostic).collect();
    (Spec { items }, diagnostics)
}

/// The items of any text, broken ones among them, as bytes from the first word to the end of the last token.
pub fn outline(text: &str) -> Vec<Range<usize>> {
    let file = FileId(0);
    if check_text(file, text).is_err() {
        return vec![];
    }
    let Split { tokens, items, .. } = split(file, text, scan(file, text));
    let range = |item: &RawItem| {
        let tokens = tokens.get(item.tokens.clone())?;
        Some(tokens.first()?.start..tokens.last()?.end)
    };
    items.iter().filter_map(range).collect()
}

/// The text of a spec's bytes.
///
/// # Errors
/// The bytes are not UTF-8; the diagnostic names the line and has no label.
pub fn decode(bytes: Vec<u8>) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        Diagnostic::new(Code::E0113, "the text is not UTF-8")
            .note(format!("found: byte {:#04x} in line {line}", error.as_bytes()[at]))
            .expected("a text file in UTF-8")
            .help("save the file as UTF-8, or check that this is a `.net` file")
    })
}

/// Parses one expression, such as the value of a command-line override.
///
/// # Errors
/// The text is no expression.
pub fn parse_expr(file: FileId, text: &str) -> Result<Expr, Diagnostics> {
    expr_from(file, text, 0).map_err(|error| vec![error.to_diagnostic()])
}

/// Parses a command-line override `train.epochs=2` into its dotted key and its value; spans lie
/// in the argument's text.
///
/// # Errors
/// The text has no key, no `=`, or its value is no expression.
pub fn parse_override(file: FileId, text: &str) -> Result<(Vec<Name>, Expr), Diagnostics> {
    override_from(file, text).map_err(|error| vec![error.to_diagnostic()])
}

/// Refuses a text that is too long or binary.
pub(super) fn check_text(file: FileId, text: &str) -> Result<(), SyntaxError> {
    if text.len() > MAX_BYTES {
        let span = Span::new(file, 0, 0);
        return Err(SyntaxError::TooLong { bytes: text.len(), span });
    }
    match text.find('\0') {
        Some(at) => Err(SyntaxError::Character { found: '\0', span: Span::new(file, at, at + 1) }),
        None => Ok(()),
    }
}

fn parse_item(
    file: FileId,
    text: &str,
    all: &[Token],
    item: RawItem,
    after: Option<&Token>,
) -> Result<(super::ast::ItemKind, Span), SyntaxError> {
    let tokens = &all[item.tokens];
    let (Some(head), Some(last)) = (tokens.first(), tokens.last()) else {
        return Err(SyntaxError::Override { span: Span::new(file, 0, 0) });
    };
    let word = head.text(text);
    if !ITEM_KEYWORDS.contains(&word) {
        let head_span = Span::new(file, head.start, head.end);
        let unknown = || {
            let nearest = nearest(word, ITEM_KEYWORDS.iter().copied());
            let nearest = nearest.and_then(|n| ITEM_KEYWORDS.iter().copied().find(|k| *k == n));
            SyntaxError::UnknownItem { word: word.to_owned(), nearest, span: head_span }
        };
        // An unknown first word explains whatever else is wrong with the item.
        return Err(if is_word(word) {
            unknown()
        } else {
            item.error.unwrap_or_else(|| SyntaxError::Unexpected {
                found: format!("`{}`", super::error::clip(word)),
                expected: "an item: `data`, `net`, `block`, `loss`, `train`, `analyze`, `let`, \
                           `import`, `assert` or `sweep`"
                    .to_owned(),
                help: None,
                span: head_span,
            })
        });
    }
    if let Some(error) = item.error {
        return Err(error);
    }
    let behind = match after {
        Some(next) if next.kind == TokenKind::Word => {
            format!("the start of the next item, `{}`", super::error::clip(next.text(text)))
        }
        Some(_) => "the start of the next item".to_owned(),
        None => "the end of the file".to_owned(),
    };
    let span = Span::new(file, head.start, last.end);
    match build::item(file, text, tokens) {
        Ok(kind) => Ok((kind, span)),
        Err(Failure::Other(error)) => Err(error),
        Err(Failure::Grammar { at, expected }) => {
            Err(diagnose(&Stop { file, source: text, tokens, at, expected, behind }))
        }
    }
}

/// Parses `text[from..]` as an expression.
fn expr_from(file: FileId, text: &str, from: usize) -> Result<Expr, SyntaxError> {
    check_text(file, text)?;
    // Blank out what stands before, so that all places stay those of the whole text.
    let blank = " ".repeat(from);
    let padded = format!("{blank}{}", &text[from..]);
    let Scan { tokens, problems } = scan(file, &padded);
    if let Some((_, error)) = problems.into_iter().next() {
        return Err(error);
    }
    let tokens: Vec<_> = tokens.into_iter().filter(|t| t.kind != TokenKind::Comment).collect();
    super::split::check_brackets(file, &padded, &tokens)?;
    match build::expr(file, &padded, &tokens) {
        Ok(expr) => Ok(expr),
        Err(Failure::Other(error)) => Err(error),
        Err(Failure::Grammar { at, expected }) => Err(diagnose(&Stop {
            file,
            source: &padded,
            tokens: &tokens,
            at,
            expected,
            behind: "the end of the value".to_owned(),
        })),
    }
}

fn override_from(file: FileId, text: &str) -> Result<(Vec<Name>, Expr), SyntaxError> {
    check_text(file, text)?;
    let whole = Span::new(file, 0, text.len());
    let Some((key, value)) = text.split_once('=') else {
        return Err(SyntaxError::Override { span: whole });
    };
    let mut path = vec![];
    let mut start = 0;
    for part in key.split('.') {
        let span = Span::new(file, start, start + part.len());
        if !is_word(part) {
            return Err(SyntaxError::Override { span });
        }
        path.push(Spanned::new(part.to_owned(), span));
        start += part.len() + 1;
    }
    if value.trim().is_empty() {
        return Err(SyntaxError::Override { span: whole });
    }
    Ok((path, expr_from(file, text, key.len() + 1)?))
}
