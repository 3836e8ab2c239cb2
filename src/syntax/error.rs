//! What can be wrong with the text of a spec, and how each mistake is told to the user.

use crate::diag::{Code, Diagnostic, Span, ToDiagnostic};

use super::limits::{MAX_BYTES, MAX_DEPTH, MAX_EXPRESSION_DEPTH};

/// A mistake in the text of a spec or of a command-line argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// Text that does not fit where it stands.
    #[error("unexpected text")]
    Unexpected {
        /// What stands there, in words: "`)`", "the end of the file".
        found: String,
        /// What could stand there, in words.
        expected: String,
        /// An edit that would repair it, where one is likely.
        help: Option<String>,
        /// The place.
        span: Span,
    },
    /// The first word of an item is no item keyword.
    #[error("unknown item")]
    UnknownItem {
        /// The word.
        word: String,
        /// The nearest item keyword.
        nearest: Option<&'static str>,
        /// The place.
        span: Span,
    },
    /// `conv (6)`: the parenthesis of a call stands apart from its name.
    #[error("space before a parenthesis")]
    SpaceBeforeParenthesis {
        /// The name.
        name: String,
        /// The name and the parenthesis.
        span: Span,
    },
    /// A number that cannot be read.
    #[error("malformed number")]
    Number {
        /// The number as written.
        text: String,
        /// What is wrong with it.
        fault: NumberFault,
        /// The place.
        span: Span,
    },
    /// The whole text is too long.
    #[error("text too long")]
    TooLong {
        /// Its size in bytes.
        bytes: usize,
        /// The start of the text.
        span: Span,
    },
    /// Brackets, statements or operators nest too deeply.
    #[error("nested too deeply")]
    TooDeep {
        /// What nests.
        what: Nesting,
        /// The first place beyond the limit.
        span: Span,
    },
    /// A bracket that is never closed.
    #[error("unclosed bracket")]
    Unclosed {
        /// The bracket.
        open: char,
        /// Where it stands.
        span: Span,
        /// What comes instead of the closing one, in words, and where.
        before: (String, Span),
    },
    /// A closing bracket without an opening one.
    #[error("closing bracket without an opening one")]
    Unopened {
        /// The bracket.
        close: char,
        /// Where it stands.
        span: Span,
    },
    /// `=` where a comparison is meant.
    #[error("= for ==")]
    Comparison {
        /// The place of the `=`.
        span: Span,
    },
    /// `:` where `=` is meant, or the other way round.
    #[error(": for =, or = for :")]
    Binding {
        /// What was written.
        found: &'static str,
        /// What is meant.
        meant: &'static str,
        /// The edit.
        help: String,
        /// The place.
        span: Span,
    },
    /// A comment in the style of another language.
    #[error("foreign comment")]
    ForeignComment {
        /// `#` or `/*`.
        mark: &'static str,
        /// The place of the mark.
        span: Span,
    },
    /// A string that cannot be read.
    #[error("malformed string")]
    Text {
        /// What is wrong with it.
        fault: StringFault,
        /// The place.
        span: Span,
    },
    /// A keyword used as a name.
    #[error("reserved word")]
    Reserved {
        /// The keyword.
        word: String,
        /// The place.
        span: Span,
    },
    /// A character that is not part of the language.
    #[error("unknown character")]
    Character {
        /// The character.
        found: char,
        /// The place.
        span: Span,
    },
    /// `;` between statements.
    #[error("semicolon")]
    Semicolon {
        /// The place.
        span: Span,
    },
    /// A comma too many or too few.
    #[error("separator")]
    Comma {
        /// True if one is missing, false if one is too many.
        missing: bool,
        /// The place where it is missing, or the comma.
        span: Span,
    },
    /// An override that is not `key=value`.
    #[error("malformed override")]
    Override {
        /// The place.
        span: Span,
    },
}

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// `.5`.
    NoLeadingDigit,
    /// `1.`.
    NoFraction,
    /// `12px`, `0x1F`, `1__0`.
    Letters,
    /// Above the largest signed 64-bit integer.
    IntRange,
    /// Above the largest 64-bit float.
    FloatRange,
}

/// What is wrong with a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringFault {
    /// No closing quote on the line.
    Unclosed,
    /// An escape other than `\n \t \" \\ \u{…}`.
    Escape,
    /// A control character.
    Control,
    /// Quotes other than `"`; with the text inside.
    Quote(String),
}

/// What may nest only so deeply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// Brackets of all kinds, and `else if`.
    Brackets,
    /// Operators of one expression.
    Operators,
}

impl SyntaxError {
    /// The place to point at.
    pub fn span(&self) -> Span {
        match self {
            Self::Unexpected { span, .. }
            | Self::UnknownItem { span, .. }
            | Self::SpaceBeforeParenthesis { span, .. }
            | Self::Number { span, .. }
            | Self::TooLong { span, .. }
            | Self::TooDeep { span, .. }
            | Self::Unclosed { span, .. }
            | Self::Unopened { span, .. }
            | Self::Comparison { span }
            | Self::Binding { span, .. }
            | Self::ForeignComment { span, .. }
            | Self::Text { span, .. }
            | Self::Reserved { span, .. }
            | Self::Character { span, .. }
            | Self::Semicolon { span }
            | Self::Comma { span, .. }
            | Self::Override { span } => *span,
        }
    }
}

impl ToDiagnostic for SyntaxError {
    fn to_diagnostic(&self) -> Diagnostic {
        let span = self.span();
        match self {
            Self::Unexpected { found, expected, help, .. } => {
                unexpected(found, expected, help.as_deref(), span)
            }
            Self::UnknownItem { word, nearest, .. } => unknown_item(word, *nearest, span),
            Self::SpaceBeforeParenthesis { name, .. } => {
                Diagnostic::new(Code::E0103, format!("space between `{}` and `(`", clip(name)))
                    .label(span, "found a space inside a call")
                    .expected("the `(` of a call directly after its name")
                    .fix(
                        format!(
                            "write `{}(`; to start a new statement, begin a new line",
                            clip(name)
                        ),
                        span,
                        format!("{name}("),
                    )
            }
            Self::Number { text, fault, .. } => number(text, *fault, span),
            Self::TooLong { bytes, .. } => {
                Diagnostic::new(Code::E0105, "the text is too long for a spec")
                    .label(span, format!("found {bytes} bytes"))
                    .expected(format!("at most {MAX_BYTES} bytes"))
                    .help("check that this is a `.net` file; split a large one with `import`")
            }
            Self::TooDeep { what, .. } => too_deep(*what, span),
            Self::Unclosed { open, before, .. } => {
                let close = closing(*open);
                Diagnostic::new(Code::E0106, format!("`{open}` is never closed"))
                    .label(span, format!("found `{open}` without its `{close}`"))
                    .label(before.1, format!("found {}", before.0))
                    .expected(format!("`{close}` before {}", before.0))
                    .fix(format!("insert `{close}`"), in_front_of(before.1), close)
            }
            Self::Unopened { close, .. } => {
                Diagnostic::new(Code::E0107, format!("`{close}` closes nothing"))
                    .label(span, format!("found `{close}` without an opening bracket"))
                    .expected("as many closing brackets as opening ones")
                    .fix(
                        format!("remove `{close}`, or open the bracket that it should close"),
                        span,
                        "",
                    )
            }
            Self::Comparison { .. } => Diagnostic::new(Code::E0108, "`=` in a condition")
                .label(span, "found `=`, which binds a value")
                .expected("`==`, which compares")
                .write(span, "=="),
            Self::Binding { found, meant, help, .. } => {
                Diagnostic::new(Code::E0109, format!("`{found}` in place of `{meant}`"))
                    .label(span, format!("found `{found}`"))
                    .expected(format!("`{meant}`"))
                    .fix(help, span, *meant)
            }
            Self::ForeignComment { mark, .. } => {
                Diagnostic::new(Code::E0110, format!("`{mark}` does not start a comment"))
                    .label(span, format!("found `{mark}`"))
                    .expected("`//` before a comment, up to the end of the line")
                    .fix("start each line of the comment with `//`", span, "//")
            }
            Self::Text { fault, .. } => text(fault, span),
            Self::Reserved { word, .. } => {
                Diagnostic::new(Code::E0112, format!("`{word}` is a reserved word"))
                    .label(span, format!("found the keyword `{word}` in place of a name"))
                    .expected("a name that is no keyword")
                    .help(format!("choose another name, for example `{word}_1`"))
            }
            Self::Character { found, .. } => character(*found, span),
            Self::Semicolon { .. } => {
                Diagnostic::new(Code::E0114, "`;` does not separate anything")
                    .label(span, "found `;`")
                    .expected("a new line or blanks between statements")
                    .fix("remove `;`", span, "")
            }
            Self::Comma { missing: true, .. } => {
                Diagnostic::new(Code::E0114, "missing `,` between two values")
                    .label(span, "found no `,` before this value")
                    .expected("`,` between arguments and between the values of a list")
                    .fix("insert `,`", in_front_of(span), ", ")
            }
            Self::Comma { missing: false, .. } => {
                Diagnostic::new(Code::E0114, "`,` between statements or entries")
                    .label(span, "found `,`")
                    .expected("a new line or blanks between statements and between entries")
                    .fix("remove `,`", span, "")
            }
            Self::Override { .. } => {
                Diagnostic::new(Code::E0115, "an override must be `key=value`")
                    .label(span, "found no `key=value` here")
                    .expected("a dotted key, `=` and a value, without blanks outside quotes")
                    .help("write it like `train.epochs=2` or `loss.delta=0.1`")
            }
        }
    }
}

/// The bracket that closes `open`.
pub(super) fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// At most 24 characters of a word, so that titles stay short.
pub(super) fn clip(word: &str) -> String {
    if word.chars().count() <= 24 {
        return word.to_owned();
    }
    word.chars().take(23).chain(['…']).collect()
}

fn unexpected(found: &str, expected: &str, help: Option<&str>, span: Span) -> Diagnostic {
    let title = format!("unexpected {}", found.trim_start_matches("the "));
    let out = Diagnostic::new(Code::E0101, title)
        .label(span, format!("found {found}"))
        .expected(expected);
    match (help, help.and_then(written)) {
        (Some(help), Some(text)) => out.fix(help, span, text),
        (Some(help), None) => out.help(help),
        (None, _) => out,
    }
}

fn unknown_item(word: &str, nearest: Option<&'static str>, span: Span) -> Diagnostic {
    let out = Diagnostic::new(Code::E0102, format!("`{}` does not start an item", clip(word)))
        .label(span, format!("found `{}`", clip(word)))
        .expected(
            "`data`, `net`, `block`, `loss`, `train`, `analyze`, `let`, `import`, `assert`, `sweep` or `claim`",
        );
    match nearest {
        Some(nearest) => out.write(span, nearest),
        None => out.help("layers and statements belong inside `net name { … }`"),
    }
}

fn number(text: &str, fault: NumberFault, span: Span) -> Diagnostic {
    let (title, expected, help) = match fault {
        NumberFault::NoLeadingDigit => {
            ("a number starts with a digit", "a digit before the point", Some(format!("0{text}")))
        }
        NumberFault::NoFraction => {
            ("a digit must follow the point", "a digit after the point", Some(format!("{text}0")))
        }
        NumberFault::Letters => (
            "letters inside a number",
            "an integer such as `128`, `1_000`, or a float such as `0.5`, `1e-5`",
            None,
        ),
        NumberFault::IntRange => ("the integer is too large", "at most 9223372036854775807", None),
        NumberFault::FloatRange => {
            ("the number is too large", "at most about 1.8e308 in magnitude", None)
        }
    };
    let out = Diagnostic::new(Code::E0104, title)
        .label(span, format!("found `{}`", clip(text)))
        .expected(expected);
    match help {
        Some(meant) if text.len() < 40 => out.write(span, meant),
        Some(_) | None if fault == NumberFault::IntRange => {
            out.help("write a float, for example `1e20`")
        }
        Some(_) | None => out,
    }
}

fn too_deep(what: Nesting, span: Span) -> Diagnostic {
    match what {
        Nesting::Brackets => Diagnostic::new(Code::E0105, "the text is nested too deeply")
            .label(span, format!("found level {}", MAX_DEPTH + 1))
            .expected(format!("at most {MAX_DEPTH} levels of brackets and `else if`"))
            .help("move an inner part into a `block` or a `let`"),
        Nesting::Operators => Diagnostic::new(Code::E0105, "the expression has too many operators")
            .label(span, "found one operator too many here")
            .expected(format!("at most {MAX_EXPRESSION_DEPTH} operators applied to one another"))
            .help("move a part of the expression into a `let`"),
    }
}

fn text(fault: &StringFault, span: Span) -> Diagnostic {
    match fault {
        StringFault::Unclosed => Diagnostic::new(Code::E0111, "the string has no end on this line")
            .label(span, "found no closing `\"`")
            .expected("`\"` at both ends of a string, on one line")
            .fix("insert `\"`", Span { start: span.end, ..span }, "\""),
        StringFault::Escape => Diagnostic::new(Code::E0111, "unknown escape in a string")
            .label(span, "found this escape")
            .expected("`\\n`, `\\t`, `\\\"`, `\\\\` or `\\u{2192}`")
            .help("write `\\\\` for a backslash; paths use `/`"),
        StringFault::Control => Diagnostic::new(Code::E0111, "control character in a string")
            .label(span, "found a control character")
            .expected("printable text")
            .help("write an escape such as `\\u{7}`"),
        StringFault::Quote(inner) => Diagnostic::new(Code::E0111, "strings use double quotes")
            .label(span, "found other quotes")
            .expected("`\"` at both ends of a string")
            .fix(format!("write `\"{}\"`", clip(inner)), span, format!("\"{inner}\"")),
    }
}

fn character(found: char, span: Span) -> Diagnostic {
    let shown = match found {
        '\0' => "a NUL byte".to_owned(),
        '\u{a0}' => "a non-breaking space".to_owned(),
        '\u{feff}' => "a byte order mark".to_owned(),
        c if c.is_control() || c.is_whitespace() || !is_shown(c) => {
            format!("the character U+{:04X}", c as u32)
        }
        c => format!("`{c}`"),
    };
    let out = Diagnostic::new(Code::E0113, format!("{shown} is not part of the language"))
        .label(span, format!("found {shown}"))
        .expected("ASCII names, numbers, operators and brackets; anything in strings and comments");
    match found {
        '\0' => out.help("check that this is a text file in UTF-8"),
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => {
            out.fix("replace it by a plain space", span, " ")
        }
        '→' | '⟶' | '⇒' => out.write(span, "->"),
        '−' | '–' | '—' => out.write(span, "-"),
        '×' | '·' | '∗' => out.write(span, "*"),
        '÷' => out.write(span, "/"),
        '≤' => out.write(span, "<="),
        '≥' => out.write(span, ">="),
        '≠' => out.write(span, "!="),
        '…' => out.fix("write `..` for a range", span, ".."),
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
            out.help("write strings in plain double quotes")
        }
        '?' => out.help("write `if condition { a } else { b }` for a choice"),
        '&' => out.write(span, "&&"),
        '|' => out.write(span, "||"),
        c if c.is_alphabetic() => {
            out.help("names are made of ASCII letters, digits and `_`: `lambda`, not `λ`")
        }
        _ => out.fix("remove it", span, ""),
    }
}

/// What a help of the form "write `x`", alone or with what for, says to write.
fn written(help: &str) -> Option<&str> {
    let (text, rest) = help.strip_prefix("write `")?.split_once('`')?;
    (rest.is_empty() || rest == " for a power").then_some(text)
}

/// The place in front of a span.
fn in_front_of(span: Span) -> Span {
    Span { end: span.start, ..span }
}

/// Whether a character shows as itself in a terminal.
fn is_shown(c: char) -> bool {
    !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
