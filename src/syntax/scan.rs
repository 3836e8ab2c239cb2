//! Source text in, tokens out: words, numbers, strings, symbols and comments with their places.
//!
//! The scanner accepts any text. What is no token of the language becomes [`TokenKind::Unknown`]
//! with a problem beside it. Afterwards the tokens cover everything but blanks, in order and
//! without overlap.

use super::error::{NumberFault, StringFault, SyntaxError};
use crate::diag::{FileId, Span};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A string with its quotes.
    Str,
    /// An operator, a bracket or a separator.
    Symbol,
    /// `// …` up to the end of the line.
    Comment,
    /// Anything else.
    Unknown,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line breaks between the token before (a comment counts as one) and this one.
    pub newlines: usize,
}

impl Token {
    /// The token as written.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        &source[self.start..self.end]
    }

    /// Whether the token is this symbol or word.
    pub fn is(&self, source: &str, text: &str) -> bool {
        self.kind != TokenKind::Str && self.kind != TokenKind::Comment && self.text(source) == text
    }

    /// Whether the token can end an operand.
    pub(super) fn ends_operand(&self, source: &str) -> bool {
        match self.kind {
            TokenKind::Number | TokenKind::Str => true,
            TokenKind::Word => {
                let word = self.text(source);
                matches!(word, "true" | "false")
                    || SOFT_KEYWORDS.contains(&word)
                    || !is_reserved(word)
            }
            TokenKind::Symbol => matches!(self.text(source), ")" | "]" | "}"),
            TokenKind::Comment | TokenKind::Unknown => false,
        }
    }
}

/// All tokens of a text, and what is wrong with single ones.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The tokens.
    pub(super) tokens: Vec<Token>,
    /// Problems with the index of their token, in order.
    pub(super) problems: Vec<(usize, SyntaxError)>,
}

/// Keywords that start an item.
pub const ITEM_KEYWORDS: &[&str] = &[
    "data", "net", "block", "loss", "train", "analyze", "let", "import", "assert", "sweep", "claim",
];
/// Keywords that start or continue a statement, and the booleans.
pub const STATEMENT_KEYWORDS: &[&str] =
    &["let", "out", "repeat", "if", "else", "in", "true", "false"];
/// Keywords that stand for a value inside expressions.
pub(super) const SOFT_KEYWORDS: &[&str] = &["in", "net", "data", "loss", "train"];

/// Whether a word may not be used as a name.
pub fn is_reserved(word: &str) -> bool {
    ITEM_KEYWORDS.contains(&word) || STATEMENT_KEYWORDS.contains(&word)
}

/// Whether a word starts an item.
pub(super) fn is_item_keyword(word: &str) -> bool {
    ITEM_KEYWORDS.contains(&word)
}

/// Whether `text` is a name: a letter or `_`, then letters, digits and `_`, all ASCII.
pub fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(is_name_char)
}

/// The tokens of any text, comments among them.
pub fn tokens(source: &str) -> Vec<Token> {
    scan(FileId(0), source).tokens
}

/// Cuts a text into tokens.
pub(super) fn scan(file: FileId, source: &str) -> Scan {
    let mut scanner = Scanner { file, source, at: 0, out: Scan::default() };
    scanner.run();
    scanner.out
}

/// The value of a string token, without quotes and escapes; `None` if the token is damaged.
pub(super) fn unescape(token: &str) -> Option<String> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '"' => out.push('"'),
            '\\' => out.push('\\'),
            'u' => {
                let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                out.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
            }
            _ => return None,
        }
    }
    Some(out)
}

struct Scanner<'a> {
    file: FileId,
    source: &'a str,
    at: usize,
    out: Scan,
}

const TWO_CHAR_SYMBOLS: &[&str] = &["->", "..", "==", "!=", "<=", ">=", "&&", "||", "+-"];

impl Scanner<'_> {
    fn run(&mut self) {
        let mut newlines = 0;
        // A byte order mark at the very start says nothing and is skipped.
        if self.source.starts_with('\u{feff}') {
            self.at = 3;
        }
        while let Some(c) = self.rest().chars().next() {
            if c == '\n' {
                newlines += 1;
                self.at += 1;
                continue;
            }
            if matches!(c, ' ' | '\t' | '\r') {
                self.at += 1;
                continue;
            }
            let start = self.at;
            let kind = self.token(c);
            self.out.tokens.push(Token { kind, start, end: self.at, newlines });
            newlines = 0;
        }
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        let len = self.rest().find(|c| !keep(c)).unwrap_or(self.rest().len());
        self.at += len;
    }

    fn problem(&mut self, error: SyntaxError) {
        self.out.problems.push((self.out.tokens.len(), error));
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(self.file, start, self.at)
    }

    /// Reads the token that starts with `c`; leaves `at` behind it.
    fn token(&mut self, c: char) -> TokenKind {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with("//") {
            self.skip_while(|c| c != '\n');
            return TokenKind::Comment;
        }
        if c.is_ascii_alphabetic() || c == '_' {
            self.skip_while(is_name_char);
            // A name with a foreign letter is one mistake, not two tokens.
            if self.rest().starts_with(|c: char| c.is_alphanumeric()) {
                self.skip_while(|c| c.is_alphanumeric() || c == '_');
                let error = SyntaxError::Character {
                    found: c_after(self.source, start),
                    span: self.span_from(start),
                };
                self.problem(error);
                return TokenKind::Unknown;
            }
            return TokenKind::Word;
        }
        if c.is_ascii_digit() {
            self.number();
            return TokenKind::Number;
        }
        if c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(|c| c.is_ascii_digit() || is_name_char(c));
            self.number_problem(start, NumberFault::NoLeadingDigit);
            return TokenKind::Number;
        }
        match c {
            '"' => return self.string(),
            '\'' => return self.quoted('\''),
            '`' => return self.quoted('`'),
            '#' => {
                self.skip_while(|c| c != '\n');
                let end = self.at.min(start + 1);
                self.problem(SyntaxError::ForeignComment {
                    mark: "#",
                    span: Span::new(self.file, start, end),
                });
                return TokenKind::Unknown;
            }
            _ => {}
        }
        if rest.starts_with("/*") {
            let len = rest.find("*/").map_or(rest.len(), |i| i + 2);
            self.at += len;
            self.problem(SyntaxError::ForeignComment {
                mark: "/*",
                span: Span::new(self.file, start, start + 2),
            });
            return TokenKind::Unknown;
        }
        if TWO_CHAR_SYMBOLS.iter().any(|symbol| rest.starts_with(symbol)) {
            self.at += 2;
            return TokenKind::Symbol;
        }
        self.at += c.len_utf8();
        if "()[]{},=:<>!^*/%+-.".contains(c) {
            return TokenKind::Symbol;
        }
        if c.is_alphanumeric() {
            self.skip_while(|c| c.is_alphanumeric() || c == '_');
        }
        let span = self.span_from(start);
        self.problem(if c == ';' {
            SyntaxError::Semicolon { span }
        } else {
            SyntaxError::Character { found: c, span }
        });
        TokenKind::Unknown
    }

    fn number(&mut self) {
        let start = self.at;
        self.digits();
        let after = self.rest().as_bytes();
        if after.first() == Some(&b'.') {
            if after.get(1).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
                self.digits();
            } else if after.get(1) != Some(&b'.') {
                self.at += 1;
                self.number_problem(start, NumberFault::NoFraction);
                return;
            }
        }
        let after = self.rest().as_bytes();
        if matches!(after.first(), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(after.get(1), Some(b'+' | b'-')));
            if after.get(1 + sign).is_some_and(u8::is_ascii_digit) {
                self.at += 1 + sign;
                self.digits();
            }
        }
        if self.rest().starts_with(is_name_char) {
            self.skip_while(is_name_char);
            self.number_problem(start, NumberFault::Letters);
            return;
        }
        let text = &self.source[start..self.at];
        if text.contains(['.', 'e', 'E']) {
            if parse_float(text).is_none() {
                self.number_problem(start, NumberFault::FloatRange);
            }
        } else if parse_int(text).is_none() {
            self.number_problem(start, NumberFault::IntRange);
        }
    }

    /// Digits with single `_` between them.
    fn digits(&mut self) {
        loop {
            self.skip_while(|c| c.is_ascii_digit());
            let after = self.rest().as_bytes();
            if after.first() == Some(&b'_') && after.get(1).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn number_problem(&mut self, start: usize, fault: NumberFault) {
        let text = self.source[start..self.at].to_owned();
        let span = self.span_from(start);
        self.problem(SyntaxError::Number { text, fault, span });
    }

    fn string(&mut self) -> TokenKind {
        let start = self.at;
        self.at += 1;
        loop {
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
                // The rest of the line is taken for the string.
                let span = self.span_from(start);
                self.problem(SyntaxError::Text { fault: StringFault::Unclosed, span });
                return TokenKind::Unknown;
            };
            self.at += c.len_utf8();
            match c {
                '"' => return TokenKind::Str,
                '\\' => self.escape(),
                c if c.is_control() && c != '\t' => {
                    let span = Span::new(self.file, self.at - c.len_utf8(), self.at);
                    self.problem(SyntaxError::Text { fault: StringFault::Control, span });
                }
                _ => {}
            }
        }
    }

    fn escape(&mut self) {
        let start = self.at - 1;
        let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else { return };
        self.at += c.len_utf8();
        let good = match c {
            'n' | 't' | '"' | '\\' => true,
            'u' => {
                let hex = self
                    .rest()
                    .strip_prefix('{')
                    .map_or(0, |r| r.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(r.len()));
                let digits = self.rest().get(1..=hex).unwrap_or("");
                let value = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                let closed = self.rest()[(hex + 1).min(self.rest().len())..].starts_with('}');
                if (1..=6).contains(&hex) && closed && value.is_some() {
                    self.at += hex + 2;
                    true
                } else {
                    false
                }
            }
            _ => false,
        };
        if !good {
            let span = self.span_from(start);
            self.problem(SyntaxError::Text { fault: StringFault::Escape, span });
        }
    }

    /// Text in quotes that are not ours, up to the same quote on this line.
    fn quoted(&mut self, quote: char) -> TokenKind {
        let start = self.at;
        self.at += 1;
        self.skip_while(|c| c != quote && c != '\n');
        if self.rest().starts_with(quote) {
            self.at += 1;
        }
        let inner = self.source[start..self.at].trim_matches(quote).to_owned();
        let span = self.span_from(start);
        self.problem(SyntaxError::Text { fault: StringFault::Quote(inner), span });
        TokenKind::Unknown
    }
}

/// The value of an integer literal, `_` allowed between digits; `None` above the largest i64.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    text.replace('_', "").parse().ok()
}

/// The value of a float literal; `None` if it is too large for an f64.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite())
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The first character from `start` on that no name may hold.
fn c_after(source: &str, start: usize) -> char {
    source[start..].chars().find(|c| !is_name_char(*c)).unwrap_or(' ')
}
