//! What can be wrong with names, arguments and values, and how it is told.

use super::table::alternatives;
use crate::diag::{Code, Diagnostic, Span, ToDiagnostic};

/// A spec that cannot be resolved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A name that nothing bears.
    #[error("unknown {what} `{name}`")]
    UnknownName {
        /// `layer`, `loss`, `name`, …
        what: &'static str,
        /// As written.
        name: String,
        /// A known name close to it.
        nearest: Option<String>,
        /// All known names, where they are few.
        known: Vec<String>,
        /// The place.
        span: Span,
    },
    /// A key or a position that a call does not have.
    #[error("unknown argument of `{callee}`")]
    UnknownArgument {
        /// The call.
        callee: String,
        /// The key; `None` for one positional argument too many.
        key: Option<String>,
        /// A key close to it.
        nearest: Option<String>,
        /// The form of the call.
        signature: String,
        /// Where the setting belongs instead.
        hint: Option<String>,
        /// The place.
        span: Span,
    },
    /// A key given twice, or by position and by key.
    #[error("`{key}` of `{callee}` is given twice")]
    DuplicateArgument {
        /// The call.
        callee: String,
        /// The key.
        key: String,
        /// The first place.
        first: Span,
        /// The second place.
        span: Span,
    },
    /// A required argument is not there.
    #[error("`{callee}` needs `{key}`")]
    MissingArgument {
        /// The call.
        callee: String,
        /// The key.
        key: String,
        /// What it is for.
        doc: String,
        /// The form of the call.
        signature: String,
        /// The call.
        span: Span,
    },
    /// A value of another type.
    #[error("wrong type of {what}")]
    WrongType {
        /// What takes the value: "`kernel`".
        what: String,
        /// In words.
        expected: String,
        /// In words.
        found: String,
        /// How to fix it, where one edit is likely.
        help: Option<String>,
        /// The place.
        span: Span,
    },
    /// A number outside its range.
    #[error("{what} is out of range")]
    OutOfRange {
        /// What takes the value: "`kernel`".
        what: String,
        /// As evaluated.
        value: String,
        /// In words.
        range: String,
        /// The place.
        span: Span,
    },
    /// A second `data`, `net`, selected `loss`, `train` or `analyze`.
    #[error("a second {item}")]
    DuplicateItem {
        /// The item.
        item: &'static str,
        /// The first place.
        first: Span,
        /// Arguments that choose one, where a sweep has them.
        offers: Option<String>,
        /// The second place.
        span: Span,
    },
    /// An item that every spec needs is not there.
    #[error("no {item}")]
    MissingItem {
        /// The item.
        item: &'static str,
        /// A line that would do.
        example: &'static str,
        /// Arguments that choose one, where a sweep has them.
        offers: Option<String>,
        /// The end of the file.
        span: Span,
    },
    /// A definition of a name that exists.
    #[error("`{name}` exists already")]
    NameTaken {
        /// The name.
        name: String,
        /// What bears it: `a layer`.
        what: String,
        /// Where, unless it is built in.
        first: Option<Span>,
        /// The definition.
        span: Span,
    },
    /// Arguments that do not go together.
    #[error("{title}")]
    Conflict {
        /// The title in whole.
        title: String,
        /// Places with what stands there.
        places: Vec<(Span, String)>,
        /// What holds.
        expected: String,
        /// How to fix it.
        help: String,
    },
    /// Starting values of scales that need each other.
    #[error("starting values need each other")]
    ScaleCycle {
        /// The scales in order.
        names: Vec<String>,
        /// The first one.
        span: Span,
    },
    /// An import that cannot be had.
    #[error("cannot import `{path}`")]
    Import {
        /// As written.
        path: String,
        /// Why, in words.
        reason: String,
        /// The place.
        span: Span,
    },
    /// Files that import each other.
    #[error("imports form a cycle")]
    ImportCycle {
        /// The files in order.
        chain: Vec<String>,
        /// The import that closes the cycle.
        span: Span,
    },
    /// An override of something that is not there.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// As written: `train.epcohs`.
        key: String,
        /// A known key close to it.
        nearest: Option<String>,
        /// What may be overridden there.
        known: Vec<String>,
        /// The place in the argument.
        span: Span,
    },
    /// An expression without a value.
    #[error("{what}")]
    Arithmetic {
        /// What went wrong: `division by zero`.
        what: String,
        /// The place.
        span: Span,
    },
    /// A loss definition without an `out`.
    #[error("loss definition without a value")]
    LossBody {
        /// The loss.
        name: String,
        /// The name in the definition.
        span: Span,
    },
    /// Blocks that use each other.
    #[error("blocks use each other")]
    Recursion {
        /// The blocks in order.
        chain: Vec<String>,
        /// The use that closes the circle.
        span: Span,
    },
    /// A definition that nothing uses.
    #[error("unused {what} `{name}`")]
    Unused {
        /// `block`, `loss` or `let`.
        what: &'static str,
        /// The name.
        name: String,
        /// The definition.
        span: Span,
    },
    /// Statements after an `out`.
    #[error("unreachable statement")]
    Unreachable {
        /// The `out`.
        out: Span,
        /// The first statement after it.
        span: Span,
    },
    /// An option of the net that no layer takes.
    #[error("`{key}` has no effect")]
    NoEffect {
        /// The option.
        key: String,
        /// The place.
        span: Span,
    },
}

impl ToDiagnostic for ModelError {
    #[expect(clippy::too_many_lines, reason = "one arm per error")]
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::UnknownName { what, name, nearest, known, span } => {
                let diagnostic = Diagnostic::new(Code::E0201, format!("unknown {what} `{name}`"))
                    .label(*span, "not known here");
                let diagnostic = if known.is_empty() {
                    diagnostic
                } else {
                    diagnostic.expected(alternatives(known.iter().map(String::as_str)))
                };
                nearest_help(diagnostic, nearest.as_deref(), *span)
            }
            Self::UnknownArgument { callee, key, nearest, signature, hint, span } => {
                let diagnostic = match key {
                    Some(key) => {
                        Diagnostic::new(Code::E0202, format!("`{callee}` has no argument `{key}`"))
                            .label(*span, "unknown argument")
                    }
                    None => {
                        Diagnostic::new(Code::E0202, format!("too many arguments for `{callee}`"))
                            .label(*span, "one argument too many")
                    }
                };
                let diagnostic = diagnostic.expected(format!("`{signature}`"));
                match hint {
                    Some(hint) => diagnostic.help(hint),
                    None => nearest_help(diagnostic, nearest.as_deref(), *span),
                }
            }
            Self::DuplicateArgument { callee, key, first, span } => {
                Diagnostic::new(Code::E0203, format!("`{key}` of `{callee}` is given twice"))
                    .label(*span, "given again")
                    .label(*first, "first given here")
                    .help("remove one of the two")
            }
            Self::MissingArgument { callee, key, doc, signature, span } => {
                Diagnostic::new(Code::E0204, format!("`{callee}` needs `{key}`"))
                    .label(*span, format!("`{key}` is missing: {doc}"))
                    .expected(format!("`{signature}`"))
                    .help(format!("give `{key}=…`"))
            }
            Self::WrongType { what, expected, found, help, span } => {
                let diagnostic = Diagnostic::new(Code::E0205, format!("wrong type of {what}"))
                    .label(*span, format!("found {found}"))
                    .expected(expected);
                let quoted = help
                    .as_deref()
                    .and_then(|help| help.strip_prefix(IN_QUOTES)?.strip_suffix('`'));
                match (help, quoted) {
                    (Some(help), Some(text)) => diagnostic.fix(help, *span, text),
                    (Some(help), None) => diagnostic.help(help),
                    (None, _) => diagnostic,
                }
            }
            Self::OutOfRange { what, value, range, span } => {
                Diagnostic::new(Code::E0206, format!("{what} is out of range"))
                    .label(*span, format!("found {value}"))
                    .expected(range)
            }
            Self::DuplicateItem { item, first, offers, span } => {
                Diagnostic::new(Code::E0207, format!("a second {item}"))
                    .label(*span, "declared again")
                    .label(*first, "first declared here")
                    .expected(format!("exactly one {item}"))
                    .help(offers.as_deref().map_or("remove one of the two".to_owned(), choice))
            }
            Self::MissingItem { item, example, offers, span } => {
                let diagnostic = Diagnostic::new(Code::E0208, format!("the spec has no {item}"))
                    .label(*span, format!("the file ends without {item}"))
                    .expected(format!("exactly one {item}"));
                match offers {
                    Some(offers) => diagnostic.help(choice(offers)),
                    None => diagnostic.fix(
                        format!("add a line such as `{example}`"),
                        *span,
                        format!("\n\n{example}\n"),
                    ),
                }
            }
            Self::NameTaken { name, what, first, span } => {
                let diagnostic = Diagnostic::new(Code::E0209, format!("`{name}` exists already"))
                    .label(*span, format!("`{name}` is {what}"));
                let diagnostic = match first {
                    Some(first) => diagnostic.label(*first, "first defined here"),
                    None => diagnostic,
                };
                diagnostic.help("choose another name")
            }
            Self::Conflict { title, places, expected, help } => {
                let mut diagnostic = Diagnostic::new(Code::E0210, title.as_str());
                for (span, text) in places {
                    diagnostic = diagnostic.label(*span, text.as_str());
                }
                diagnostic.expected(expected).help(help.as_str())
            }
            Self::ScaleCycle { names, span } => {
                Diagnostic::new(Code::E0211, "starting values of scales need each other")
                    .label(*span, format!("needs {}", names.join(", which needs ")))
                    .expected("starting values from numbers, `R` and scales that do not lead back")
                    .help("give one of them a starting value of its own, such as `trainable(R)`")
            }
            Self::Import { path, reason, span } => {
                Diagnostic::new(Code::E0212, format!("cannot import `{}`", short(path)))
                    .label(*span, reason.as_str())
                    .expected("a `.net` file in the folder of the spec or below it")
            }
            Self::ImportCycle { chain, span } => {
                Diagnostic::new(Code::E0213, "imports form a cycle")
                    .label(*span, chain.join(" → "))
                    .help("move what both files need into a third one")
            }
            Self::UnknownKey { key, nearest, known, span } => {
                let diagnostic =
                    Diagnostic::new(Code::E0214, format!("unknown key `{}`", short(key)))
                        .label(*span, "nothing to override")
                        .expected(alternatives(known.iter().map(String::as_str)));
                nearest_help(diagnostic, nearest.as_deref(), *span)
            }
            Self::Arithmetic { what, span } => {
                Diagnostic::new(Code::E0215, "this expression has no value")
                    .label(*span, what.as_str())
            }
            Self::LossBody { name, span } => {
                Diagnostic::new(Code::E0216, format!("loss `{name}` has no value"))
                    .label(*span, "its body has no `out`")
                    .expected("`let` statements, then one `out`")
                    .help("end the definition with `out <formula>`")
            }
            Self::Recursion { chain, span } => {
                Diagnostic::new(Code::E0217, "blocks use each other without end")
                    .label(*span, chain.join(" → "))
                    .expected("blocks that use only blocks which do not lead back to them")
                    .help("use `repeat` to apply a block several times")
            }
            Self::Unused { what, name, span } => {
                Diagnostic::new(Code::W0201, format!("unused {what} `{name}`"))
                    .label(*span, "never used")
                    .help("remove it")
            }
            Self::Unreachable { out, span } => {
                Diagnostic::new(Code::W0202, "unreachable statement")
                    .label(*span, "never takes part")
                    .label(*out, "the value leaves here")
                    .help("remove what follows `out`")
            }
            Self::NoEffect { key, span } => {
                Diagnostic::new(Code::W0203, format!("option `{key}` has no effect"))
                    .label(*span, "no layer of the net takes it")
                    .help(format!("remove `{key}`"))
            }
        }
    }
}

/// How the help for a text without its quotes begins; the text with them follows.
pub(super) const IN_QUOTES: &str = "write it in quotes: `";

/// What to do about an item for which a sweep offers several.
fn choice(offers: &str) -> String {
    format!("choose {offers}, or `specc sweep` them all")
}

fn nearest_help(diagnostic: Diagnostic, nearest: Option<&str>, span: Span) -> Diagnostic {
    match nearest {
        Some(name) => diagnostic.fix(format!("did you mean `{name}`?"), span, name),
        None => diagnostic,
    }
}

/// The first 40 characters, so that titles stay on one line.
fn short(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(39).chain(std::iter::once('…')).collect()
}
