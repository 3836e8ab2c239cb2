//! Tokens in, top-level items out, so that a mistake in one item leaves the others readable.
//!
//! Afterwards every item without an error has balanced brackets nested at most
//! [`MAX_DEPTH`] deep and consists of sound tokens only.

use super::error::{Nesting, SyntaxError, closing};
use super::limits::MAX_DEPTH;
use super::scan::{Scan, Token, TokenKind, is_item_keyword, is_reserved};
use crate::diag::{FileId, Span};

/// The text of one item, not parsed yet.
#[derive(Debug, Default)]
pub(super) struct RawItem {
    /// Its doc comments.
    pub(super) docs: Vec<String>,
    /// Its tokens, as a range of [`Split::tokens`].
    pub(super) tokens: std::ops::Range<usize>,
    /// The first mistake in its tokens or brackets.
    pub(super) error: Option<SyntaxError>,
}

/// A text cut into items.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// All tokens but comments; `newlines` counts from the token before.
    pub(super) tokens: Vec<Token>,
    /// The items in order.
    pub(super) items: Vec<RawItem>,
    /// Mistakes between items, such as comments of another language.
    pub(super) between: Vec<SyntaxError>,
}

/// Cuts a scanned text into items.
pub(super) fn split(file: FileId, source: &str, scan: Scan) -> Split {
    let mut splitter = Splitter {
        file,
        source,
        out: Split::default(),
        docs: vec![],
        pending: vec![],
        brackets: vec![],
        open: false,
    };
    let mut problems = scan.problems.into_iter().peekable();
    let mut newlines = 0;
    for (i, token) in scan.tokens.iter().enumerate() {
        let problem = problems.next_if(|(at, _)| *at == i).map(|(_, error)| error);
        while problems.next_if(|(at, _)| *at == i).is_some() {}
        newlines += token.newlines;
        let foreign_comment = matches!(problem, Some(SyntaxError::ForeignComment { .. }));
        if token.kind == TokenKind::Comment || (foreign_comment && splitter.brackets.is_empty()) {
            splitter.doc(token.text(source));
            splitter.pending.extend(problem);
            continue;
        }
        splitter.token(Token { newlines, ..*token }, problem, scan.tokens.get(i + 1));
        newlines = 0;
    }
    splitter.close_item(None);
    let pending = std::mem::take(&mut splitter.pending);
    splitter.out.between.extend(pending);
    splitter.out
}

struct Bracket {
    open: char,
    span: Span,
}

struct Splitter<'a> {
    file: FileId,
    source: &'a str,
    out: Split,
    docs: Vec<String>,
    /// Mistakes since the last token that belong to its item if that goes on.
    pending: Vec<SyntaxError>,
    brackets: Vec<Bracket>,
    /// Whether the last of `out.items` is still growing.
    open: bool,
}

impl Splitter<'_> {
    fn doc(&mut self, comment: &str) {
        if let Some(text) = comment.strip_prefix("///")
            && !text.starts_with('/')
        {
            let text = text.strip_prefix(' ').unwrap_or(text);
            self.docs.push(text.trim_end().to_owned());
        }
    }

    fn token(&mut self, token: Token, problem: Option<SyntaxError>, next: Option<&Token>) {
        if !self.open || self.starts_item(&token, next) {
            self.close_item(Some(&token));
            self.out.between.append(&mut self.pending);
            let at = self.out.tokens.len();
            let docs = std::mem::take(&mut self.docs);
            self.out.items.push(RawItem { docs, tokens: at..at, error: None });
            self.open = true;
        }
        self.docs.clear();
        for error in std::mem::take(&mut self.pending) {
            self.fail(error);
        }
        self.out.tokens.push(token);
        if let Some(item) = self.out.items.last_mut() {
            item.tokens.end = self.out.tokens.len();
        }
        if let Some(problem) = problem {
            self.fail(problem);
        }
        self.bracket(&token);
    }

    fn bracket(&mut self, token: &Token) {
        if token.kind != TokenKind::Symbol {
            return;
        }
        match token.text(self.source) {
            "(" => self.open_bracket('(', token),
            "[" => self.open_bracket('[', token),
            "{" => self.open_bracket('{', token),
            ")" => self.close_bracket(')', token),
            "]" => self.close_bracket(']', token),
            "}" => self.close_bracket('}', token),
            _ => {}
        }
    }

    /// Whether a token begins the next item.
    ///
    /// Outside brackets that is an item keyword at the start of a line or after a complete
    /// value, and also any other word at the start of a line after a complete value, because
    /// nothing of the language but the `else` of a value goes on that way. Inside brackets it is an item keyword in the first column
    /// with a name, a string or a brace behind it: then a bracket was left open.
    fn starts_item(&self, token: &Token, next: Option<&Token>) -> bool {
        if token.kind != TokenKind::Word {
            return false;
        }
        let word = token.text(self.source);
        let on_new_line = token.newlines > 0;
        if self.brackets.is_empty() {
            let after_value =
                self.out.tokens.last().is_some_and(|last| last.ends_operand(self.source));
            return if is_item_keyword(word) {
                on_new_line || (after_value && !self.follows_item_keyword())
            } else {
                on_new_line && after_value && word != "else" && self.is_known_item()
            };
        }
        let first_column =
            token.start == 0 || self.source.as_bytes().get(token.start - 1) == Some(&b'\n');
        first_column
            && word != "let"
            && is_item_keyword(word)
            && next.is_some_and(|next| {
                let text = next.text(self.source);
                next.newlines == 0
                    && (next.kind == TokenKind::Str
                        || text == "{"
                        || (next.kind == TokenKind::Word && !is_reserved(text)))
            })
    }

    /// Whether the growing item starts with an item keyword.
    fn is_known_item(&self) -> bool {
        self.out.items.last().is_some_and(|item| {
            let head = self.out.tokens.get(item.tokens.start);
            head.is_some_and(|head| is_item_keyword(head.text(self.source)))
        })
    }

    /// Whether the item so far is its keyword alone.
    fn follows_item_keyword(&self) -> bool {
        self.out.items.last().is_some_and(|item| {
            item.tokens.len() == 1
                && self.out.tokens.last().is_some_and(|last| {
                    last.kind == TokenKind::Word && is_item_keyword(last.text(self.source))
                })
        })
    }

    fn open_bracket(&mut self, open: char, token: &Token) {
        let span = self.span(token);
        if self.brackets.len() == MAX_DEPTH {
            self.fail(SyntaxError::TooDeep { what: Nesting::Brackets, span });
        }
        self.brackets.push(Bracket { open, span });
    }

    fn close_bracket(&mut self, close: char, token: &Token) {
        let span = self.span(token);
        // Only an outer `{` may be closed over open parentheses, so the search is short.
        let found = match self.brackets.last() {
            Some(top) if closing(top.open) == close => Some(self.brackets.len() - 1),
            Some(_) if self.has_error() => {
                self.brackets.iter().rposition(|b| closing(b.open) == close)
            }
            Some(top) => {
                let matching = self.brackets.iter().rposition(|b| closing(b.open) == close);
                let error = match matching {
                    Some(_) => SyntaxError::Unclosed {
                        open: top.open,
                        span: top.span,
                        before: (format!("`{close}`"), span),
                    },
                    None => SyntaxError::Unopened { close, span },
                };
                self.fail(error);
                matching
            }
            None => {
                self.fail(SyntaxError::Unopened { close, span });
                None
            }
        };
        if let Some(found) = found {
            self.brackets.truncate(found);
        }
    }

    /// Ends the growing item before `next`, or at the end of the text.
    fn close_item(&mut self, next: Option<&Token>) {
        if let Some(top) = self.brackets.last() {
            let before = if let Some(next) = next {
                (format!("the item `{}`", next.text(self.source)), self.span(next))
            } else {
                let end = self.source.len();
                ("the end of the file".to_owned(), Span::new(self.file, end, end))
            };
            let error = SyntaxError::Unclosed { open: top.open, span: top.span, before };
            self.fail(error);
        }
        self.brackets.clear();
        self.open = false;
    }

    fn fail(&mut self, error: SyntaxError) {
        if let Some(item) = self.out.items.last_mut()
            && item.error.is_none()
        {
            item.error = Some(error);
        }
    }

    fn has_error(&self) -> bool {
        self.out.items.last().is_some_and(|item| item.error.is_some())
    }

    fn span(&self, token: &Token) -> Span {
        Span::new(self.file, token.start, token.end)
    }
}

/// Checks the brackets of a single expression.
///
/// # Errors
/// A bracket is not closed, closes nothing, or nests too deeply.
pub(super) fn check_brackets(
    file: FileId,
    source: &str,
    tokens: &[Token],
) -> Result<(), SyntaxError> {
    let mut splitter = Splitter {
        file,
        source,
        out: Split { items: vec![RawItem::default()], ..Split::default() },
        docs: vec![],
        pending: vec![],
        brackets: vec![],
        open: true,
    };
    for token in tokens {
        splitter.bracket(token);
    }
    splitter.close_item(None);
    splitter.out.items.pop().and_then(|item| item.error).map_or(Ok(()), Err)
}
