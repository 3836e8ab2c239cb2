//! From the place where the grammar stopped to what the user most likely meant.

use super::error::{SyntaxError, clip};
use super::scan::{Token, TokenKind, is_reserved, is_word};
use crate::diag::{FileId, Span};

/// What is known about an item that does not fit the grammar.
#[derive(Debug)]
pub(super) struct Stop<'a> {
    /// The text.
    pub(super) file: FileId,
    /// The whole text.
    pub(super) source: &'a str,
    /// The tokens of the item.
    pub(super) tokens: &'a [Token],
    /// Where the grammar stopped, in bytes of the whole text.
    pub(super) at: usize,
    /// What could stand there, in words.
    pub(super) expected: Vec<&'static str>,
    /// What follows the last token, in words: "the end of the file".
    pub(super) behind: String,
}

/// The construct around a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Arguments or parameters in parentheses.
    Arguments,
    /// A list or an index.
    Values,
    /// Entries of `train` or `analyze`, and settings of a bundle.
    Entries,
    /// Lines of a sweep.
    Axes,
    /// Statements.
    Body,
    /// The head of an item, outside all brackets.
    Head,
}

/// The mistake behind a stop.
pub(super) fn diagnose(stop: &Stop<'_>) -> SyntaxError {
    let idx = stop.tokens.partition_point(|token| token.end <= stop.at);
    let Some(token) = stop.tokens.get(idx) else { return stop.at_end() };
    let span = stop.span(token);
    let around = stop.around(idx);
    stop.apart_from_name(idx)
        .or_else(|| stop.by_choice(idx, token, span))
        .or_else(|| stop.by_symbol(idx, token, span, around))
        .or_else(|| stop.by_word(idx, token, span, around))
        .unwrap_or_else(|| {
            let help = stop.statement_help(idx);
            stop.unexpected(stop.found(token), help, span)
        })
}

impl Stop<'_> {
    fn span(&self, token: &Token) -> Span {
        Span::new(self.file, token.start, token.end)
    }

    fn text(&self, idx: usize) -> &str {
        self.tokens.get(idx).map_or("", |token| token.text(self.source))
    }

    fn before(&self, idx: usize) -> Option<&Token> {
        idx.checked_sub(1).and_then(|i| self.tokens.get(i))
    }

    fn unexpected(&self, found: String, help: Option<String>, span: Span) -> SyntaxError {
        let expected = if self.expected.is_empty() {
            "another construct of the language".to_owned()
        } else {
            alternatives(&self.expected)
        };
        SyntaxError::Unexpected { found, expected, help, span }
    }

    fn at_end(&self) -> SyntaxError {
        let end = self.tokens.last().map_or(0, |token| token.end);
        let span = Span::new(self.file, end, end);
        self.unexpected(self.behind.clone(), None, span)
    }

    fn found(&self, token: &Token) -> String {
        let text = token.text(self.source);
        match token.kind {
            TokenKind::Word if is_reserved(text) => format!("the keyword `{text}`"),
            TokenKind::Number => format!("the number `{}`", clip(text)),
            TokenKind::Str => "a string".to_owned(),
            TokenKind::Word | TokenKind::Symbol | TokenKind::Comment | TokenKind::Unknown => {
                format!("`{}`", clip(text))
            }
        }
    }

    fn is_adjacent(&self, idx: usize, symbol: &str) -> bool {
        let touches = |token: &Token| self.before(idx).is_some_and(|b| b.end == token.start);
        self.tokens.get(idx).is_some_and(|token| token.is(self.source, symbol) && touches(token))
    }

    /// `conv (6, kernel=5)`: what stands in the parentheses is wrong only because they stand apart.
    fn apart_from_name(&self, idx: usize) -> Option<SyntaxError> {
        let open = self.innermost(idx).filter(|open| self.text(*open) == "(")?;
        let (name, paren) = (self.before(open)?, self.tokens.get(open)?);
        let word = name.text(self.source);
        let apart = name.end < paren.start && paren.newlines == 0;
        (apart && is_word(word) && !is_reserved(word)).then(|| {
            SyntaxError::SpaceBeforeParenthesis {
                name: word.to_owned(),
                span: Span::new(self.file, name.start, paren.end),
            }
        })
    }

    /// A conditional without its braces or its other side, or in the order of another language.
    fn by_choice(&self, idx: usize, token: &Token, span: Span) -> Option<SyntaxError> {
        let help = |text: &str| {
            let help = format!("write `if condition {{ a }} else {{ b }}`: {text}");
            Some(self.unexpected(self.found(token), Some(help), span))
        };
        let behind_value = |i: usize| {
            self.before(i).is_some_and(|before| before.ends_operand(self.source))
                && self.tokens[i].newlines == 0
        };
        let word = self.text(idx);
        if word == "if" && behind_value(idx) {
            return help("the condition comes first");
        }
        if word == "if" && self.expected.first() == Some(&"a value") {
            return help("it stands in parentheses as an operand, in a range and in a condition");
        }
        if self.expected == ["`else`"] {
            return help("a value needs both sides");
        }
        if !self.expected.contains(&"`{`") || matches!(word, "and" | "or") {
            return None;
        }
        if self.before(idx)?.is(self.source, "else") {
            return help("each side stands in braces");
        }
        let start = self.condition(idx).filter(|start| self.text(*start) == "if")?;
        match token.kind {
            TokenKind::Word if word == "else" && behind_value(start) => {
                help("the condition comes first")
            }
            TokenKind::Word | TokenKind::Number | TokenKind::Str if behind_value(idx) => {
                help("each side stands in braces")
            }
            TokenKind::Symbol if word == ":" => help("each side stands in braces"),
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::Str
            | TokenKind::Symbol
            | TokenKind::Comment
            | TokenKind::Unknown => None,
        }
    }

    fn by_symbol(
        &self,
        idx: usize,
        token: &Token,
        span: Span,
        around: Around,
    ) -> Option<SyntaxError> {
        let before = self.before(idx);
        let previous = before.map_or("", |token| token.text(self.source));
        match token.text(self.source) {
            "=" if self.is_adjacent(idx + 1, ">") => {
                let span = Span { end: span.end + 1, ..span };
                Some(self.unexpected("`=>`".to_owned(), Some("write `->`".to_owned()), span))
            }
            "=" | ":" if is_reserved(previous) && self.expected.first() != Some(&"a name") => {
                let span = before.map_or(span, |before| self.span(before));
                Some(SyntaxError::Reserved { word: previous.to_owned(), span })
            }
            "=" | ":" if around == Around::Axes && is_word(previous) => {
                let help = format!("write `{} in [a, b]`", clip(previous));
                Some(self.unexpected(self.found(token), Some(help), span))
            }
            "=" if self.condition(idx).is_some() => Some(SyntaxError::Comparison { span }),
            "=" if around == Around::Body && is_word(previous) => {
                let name = clip(previous);
                let help = format!("write `{name}: …` for a label or `let {name} = …` for a value");
                Some(SyntaxError::Binding { found: "=", meant: ":", help, span })
            }
            ":" if matches!(around, Around::Arguments | Around::Entries | Around::Head)
                && is_word(previous) =>
            {
                let help = if around == Around::Arguments {
                    format!("write `{}=…`", clip(previous))
                } else {
                    format!("write `{} = …`", clip(previous))
                };
                Some(SyntaxError::Binding { found: ":", meant: "=", help, span })
            }
            "==" if matches!(around, Around::Entries) || previous_is_let(self, idx) => {
                let help = format!("write `{} = …`", clip(previous));
                Some(SyntaxError::Binding { found: "==", meant: "=", help, span })
            }
            "(" => {
                let name = before.filter(|name| {
                    name.end < token.start && token.newlines == 0 && is_word(previous)
                })?;
                (!is_reserved(previous)).then(|| SyntaxError::SpaceBeforeParenthesis {
                    name: previous.to_owned(),
                    span: Span::new(self.file, name.start, token.end),
                })
            }
            "," if matches!(
                around,
                Around::Body | Around::Entries | Around::Axes | Around::Head
            ) =>
            {
                Some(SyntaxError::Comma { missing: false, span })
            }
            "*" if previous == "*" => {
                let span = before.map_or(span, |before| self.span(before).to(span));
                Some(self.unexpected(
                    "`**`".to_owned(),
                    Some("write `^` for a power".to_owned()),
                    span,
                ))
            }
            "=" if previous == "=" || previous == "==" => {
                Some(self.unexpected(self.found(token), Some("write `==`".to_owned()), span))
            }
            _ => None,
        }
    }

    fn by_word(
        &self,
        idx: usize,
        token: &Token,
        span: Span,
        around: Around,
    ) -> Option<SyntaxError> {
        let starts_value =
            matches!(token.kind, TokenKind::Word | TokenKind::Number | TokenKind::Str)
                || self.text(idx) == "("
                || self.text(idx) == "[";
        let word = token.text(self.source);
        let wanted_name = self.expected.first() == Some(&"a name");
        if token.kind == TokenKind::Word && is_reserved(word) && wanted_name {
            return Some(SyntaxError::Reserved { word: word.to_owned(), span });
        }
        let meant = match word {
            "and" => Some("write `&&`"),
            "or" => Some("write `||`"),
            "elif" | "elseif" | "elsif" => Some("write `else if`"),
            _ => None,
        };
        if let Some(help) = meant {
            return Some(self.unexpected(self.found(token), Some(help.to_owned()), span));
        }
        let after_value = self.before(idx).is_some_and(|before| before.ends_operand(self.source));
        if starts_value && after_value && matches!(around, Around::Arguments | Around::Values) {
            if word == "(" || word == "[" {
                return None;
            }
            if is_reserved(word) && !super::scan::SOFT_KEYWORDS.contains(&word) {
                return None;
            }
            return Some(SyntaxError::Comma { missing: true, span });
        }
        None
    }

    /// A hint when the line began with a word of another language.
    fn statement_help(&self, idx: usize) -> Option<String> {
        if self.text(idx) == "->" && self.before(idx).is_some_and(|t| t.is(self.source, "{")) {
            return Some("start the chain with a layer or with `in`".to_owned());
        }
        let from = idx.saturating_sub(8);
        let word = (from..idx).rev().map(|i| self.text(i)).find_map(|word| match word {
            "for" | "while" => Some("write `repeat i in 0..n { … }` for a loop"),
            "elif" | "elseif" | "elsif" => Some("write `else if`"),
            "def" | "fn" => Some("write `block name(…) { … }` at top level"),
            _ => None,
        })?;
        Some(word.to_owned())
    }

    /// The innermost bracket open at the token at `idx`.
    fn innermost(&self, idx: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for i in (0..idx.min(self.tokens.len())).rev() {
            if self.tokens[i].kind != TokenKind::Symbol {
                continue;
            }
            match self.text(i) {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" if depth > 0 => depth -= 1,
                "(" | "[" | "{" => return Some(i),
                _ => {}
            }
        }
        None
    }

    /// The construct around the token at `idx`.
    fn around(&self, idx: usize) -> Around {
        let item = self.text(0);
        match self.innermost(idx).map(|open| self.text(open)) {
            Some("(") => Around::Arguments,
            Some("[") => Around::Values,
            Some(_) if item == "train" || item == "analyze" => Around::Entries,
            Some(_) if item == "sweep" => {
                let open = self.innermost(idx).and_then(|open| self.innermost(open));
                if open.is_some() { Around::Entries } else { Around::Axes }
            }
            Some(_) => Around::Body,
            None => Around::Head,
        }
    }

    /// The `if` or `assert` whose condition the token at `idx` belongs to or ends.
    fn condition(&self, idx: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for i in (0..idx).rev() {
            match self.text(i) {
                ")" | "]" if self.tokens[i].kind == TokenKind::Symbol => depth += 1,
                "(" | "[" if depth > 0 => depth -= 1,
                "if" | "assert" if depth == 0 => return Some(i),
                "(" | "[" | "{" | "}" | "let" | "out" => return None,
                _ => {}
            }
        }
        None
    }
}

fn previous_is_let(stop: &Stop<'_>, idx: usize) -> bool {
    idx >= 2 && stop.text(idx - 2) == "let"
}

/// "a, b or c".
fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}
