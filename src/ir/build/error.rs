//! What can be wrong with shapes, sizes and the use of layers, and how it is told.

use crate::diag::{Code, Diagnostic, Span, ToDiagnostic};
use crate::ir::Shape;

/// A network that cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// More parameters or activations than are allowed.
    #[error("`{layer}` is too large")]
    TooLarge {
        /// The layer.
        layer: String,
        /// What is too many: `parameters`, `values per sample`.
        what: &'static str,
        /// How many.
        count: u128,
        /// The limit.
        limit: usize,
        /// The call.
        span: Span,
    },
    /// `repeat` and blocks expand to too much.
    #[error("the network expands to more than {limit} {what}")]
    TooLong {
        /// What is too many: `nodes`, `statements`, `nested blocks`.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// Where the limit is met.
        span: Span,
    },
    /// A window that is larger than the padded picture, or padding larger than the window allows.
    #[error("`{layer}` does not fit the picture")]
    Window {
        /// The layer.
        layer: String,
        /// What was met.
        found: String,
        /// The rule with its number.
        expected: String,
        /// How to fix it.
        help: String,
        /// The call.
        span: Span,
    },
    /// An input of another rank than the layer takes.
    #[error("`{layer}` needs {need}")]
    Rank {
        /// The layer.
        layer: String,
        /// In the title: `a flat input`.
        need: &'static str,
        /// The shape met.
        found: Shape,
        /// The rule with its number.
        expected: String,
        /// How to fix it.
        help: Option<String>,
        /// The call.
        span: Span,
    },
    /// Operands of a sum, a product or a concatenation that do not fit.
    #[error("`{layer}` needs branches of equal shape")]
    Branches {
        /// The layer.
        layer: String,
        /// Each operand's place and shape.
        found: Vec<(Span, Shape)>,
        /// The rule with its number.
        expected: String,
        /// How to fix it.
        help: Option<String>,
        /// The call.
        span: Span,
    },
    /// Channels that do not divide into groups.
    #[error("`{layer}` cannot divide the channels")]
    Groups {
        /// The layer.
        layer: String,
        /// What was met.
        found: String,
        /// The rule with its number.
        expected: String,
        /// The call.
        span: Span,
    },
    /// The net does not end in one value per class.
    #[error("the net must end in {classes} logits")]
    Logits {
        /// What it ends in.
        found: Shape,
        /// The number of classes.
        classes: usize,
        /// The last layer, or the net.
        span: Span,
        /// Whether the last layer is a `linear`.
        linear: bool,
    },
    /// A reshape to another number of elements.
    #[error("`reshape` must keep the number of elements")]
    Elements {
        /// The shape met.
        found: Shape,
        /// The shape asked for.
        wanted: Shape,
        /// The call.
        span: Span,
    },
    /// Two layers of one name.
    #[error("two layers are called `{name}`")]
    Name {
        /// The name.
        name: String,
        /// The first layer.
        first: Span,
        /// The second one.
        span: Span,
    },
    /// A value where a layer belongs, or a layer where a value belongs.
    #[error("{title}")]
    Misplaced {
        /// The title in whole.
        title: String,
        /// What was met.
        found: String,
        /// What belongs there.
        expected: &'static str,
        /// How to fix it.
        help: Option<String>,
        /// The place.
        span: Span,
    },
    /// A shape query that the shape cannot answer.
    #[error("`{query}` has no answer")]
    Query {
        /// The query.
        query: String,
        /// The shape met.
        found: Shape,
        /// What the query needs.
        expected: &'static str,
        /// The place.
        span: Span,
    },
}

/// The help for a layer that needs a flat input.
pub(super) const FLATTEN_FIRST: &str = "insert `flatten` before this layer";

impl ToDiagnostic for BuildError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::TooLarge { layer, what, count, limit, span } => {
                Diagnostic::new(Code::E0301, format!("`{layer}` makes the network too large"))
                    .label(*span, format!("would bring it to {count} {what}"))
                    .expected(format!("at most {limit} {what}"))
                    .help("use smaller sizes")
            }
            Self::TooLong { what, limit, span } => {
                Diagnostic::new(Code::E0302, format!("the network expands to too many {what}"))
                    .label(*span, "the limit is met here")
                    .expected(format!("at most {limit} {what}"))
                    .help("repeat less often")
            }
            Self::Window { layer, found, expected, help, span } => {
                Diagnostic::new(Code::E0303, format!("the window of `{layer}` does not fit"))
                    .label(*span, format!("found {found}"))
                    .expected(expected)
                    .help(help.as_str())
            }
            Self::Rank { layer, need, found, expected, help, span } => {
                let diagnostic = Diagnostic::new(Code::E0304, format!("`{layer}` needs {need}"))
                    .label(*span, format!("found an input of shape {found}"))
                    .expected(expected);
                match help.as_deref() {
                    Some(FLATTEN_FIRST) => {
                        let in_front = Span { end: span.start, ..*span };
                        diagnostic.fix(FLATTEN_FIRST, in_front, "flatten -> ")
                    }
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            }
            Self::Branches { layer, found, expected, help, span } => {
                let diagnostic = Diagnostic::new(
                    Code::E0305,
                    format!("`{layer}` needs branches of matching shapes"),
                )
                .label(*span, "these do not match")
                .expected(expected);
                let diagnostic = found.iter().fold(diagnostic, |diagnostic, (span, shape)| {
                    diagnostic.label(*span, format!("has shape {shape}"))
                });
                match help {
                    Some(help) => diagnostic.help(help.as_str()),
                    None => diagnostic,
                }
            }
            Self::Groups { layer, found, expected, span } => Diagnostic::new(
                Code::E0306,
                format!("`{layer}` cannot divide the channels into its groups"),
            )
            .label(*span, format!("found {found}"))
            .expected(expected),
            Self::Logits { found, classes, span, linear } => {
                let behind = Span { start: span.end, ..*span };
                let (help, place, text) = if *linear {
                    ("write `linear(classes)` as the last layer", *span, "linear(classes)")
                } else if found.dims.len() == 1 {
                    ("add `linear(classes)` as the last layer", behind, " -> linear(classes)")
                } else {
                    let text = " -> flatten -> linear(classes)";
                    ("add `flatten -> linear(classes)` at the end", behind, text)
                };
                Diagnostic::new(Code::E0307, "the net does not end in one value per class")
                    .label(*span, format!("the net ends in shape {found}"))
                    .expected(format!("shape [n, {classes}], for {classes} classes (net, C1)"))
                    .fix(help, place, text)
            }
            Self::Elements { found, wanted, span } => {
                Diagnostic::new(Code::E0308, "`reshape` must keep the number of elements")
                    .label(
                        *span,
                        format!("found an input of shape {found}, {} per sample", found.elements()),
                    )
                    .expected(format!(
                        "{} elements per sample, as {wanted} holds (reshape, C1)",
                        wanted.elements()
                    ))
            }
            Self::Name { name, first, span } => {
                Diagnostic::new(Code::E0309, format!("two layers are called `{name}`"))
                    .label(*span, "the second one")
                    .label(*first, "the first one")
                    .help("choose another label")
            }
            Self::Misplaced { title, found, expected, help, span } => {
                let diagnostic = Diagnostic::new(Code::E0310, title.as_str())
                    .label(*span, format!("found {found}"))
                    .expected(expected);
                match help {
                    Some(help) => diagnostic.help(help.as_str()),
                    None => diagnostic,
                }
            }
            Self::Query { query, found, expected, span } => {
                Diagnostic::new(Code::E0311, format!("`{query}` has no answer for this shape"))
                    .label(*span, format!("asked of shape {found}"))
                    .expected(expected)
            }
        }
    }
}
