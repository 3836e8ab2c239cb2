//! What can be wrong with a loss.

use crate::diag::{Code, Diagnostic, Span, ToDiagnostic};

/// A loss cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// The logits are not one value per class.
    #[error("the net ends in {found}")]
    Logits {
        /// The loss.
        span: Span,
        /// Shape of what the net ends in.
        found: String,
    },
    /// The form divides by R, and the net has none.
    #[error("the loss needs a size R")]
    NoSize {
        /// The loss.
        span: Span,
    },
    /// The weights of the classes are too few or too many.
    #[error("{found} class weights for {classes} classes")]
    Weights {
        /// The loss.
        span: Span,
        /// How many there are.
        found: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// The starting value of a scale cannot be computed.
    #[error("a starting value holds {found}")]
    ScaleValue {
        /// The scale.
        span: Span,
        /// What stands in the way.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The value that leaves a loss is not one number per sample.
    #[error("`out` gives {found}")]
    Out {
        /// The expression after `out`.
        span: Span,
        /// What it gives, in words.
        found: String,
    },
    /// A name or function that losses do not know.
    #[error("`{name}` is not known in a loss")]
    Unknown {
        /// The name.
        span: Span,
        /// The name as written.
        name: String,
        /// The closest known one.
        nearest: Option<String>,
        /// Whether it is called like a function.
        call: bool,
    },
    /// An operand of the wrong kind, or the wrong number of them.
    #[error("`{construct}` found {found}")]
    Operand {
        /// The operand or the call.
        span: Span,
        /// The function or operator.
        construct: String,
        /// What was found.
        found: String,
        /// What it takes.
        expected: String,
    },
    /// A statement that losses do not have, or one too many.
    #[error("{found} in a loss")]
    Statement {
        /// The statement.
        span: Span,
        /// What was found.
        found: String,
        /// What belongs there.
        expected: String,
    },
}

impl ToDiagnostic for LossError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Logits { span, found } => {
                Diagnostic::new(Code::E0356, "a loss needs one logit per class")
                    .label(*span, format!("found a net that ends in {found}"))
                    .expected("[n, classes] with two classes or more")
                    .help("end the net with `flatten` and `linear(classes)`")
            }
            Self::NoSize { span } => Diagnostic::new(
                Code::E0355,
                "this loss needs a size R, which the net does not have",
            )
            .label(*span, "divides the logits by R")
            .expected("a net with weights that multiply into R")
            .help("choose `size=weights`, or a loss that does not use R"),
            Self::Weights { span, found, classes } => {
                Diagnostic::new(Code::E0357, "a loss needs one weight for each class")
                    .label(*span, format!("found {found} in `weights`"))
                    .expected(format!("{classes} numbers, one for each class"))
                    .help("write the weights in the order of the classes, from class 0")
            }
            Self::ScaleValue { span, found, expected } => {
                Diagnostic::new(Code::E0354, "the starting value of a scale cannot be computed")
                    .label(*span, format!("found {found}"))
                    .expected(expected)
                    .help("write a number, `R`, or another scale: `r2=trainable(10*r1)`")
            }
            Self::Out { span, found } => Diagnostic::new(
                Code::E0350,
                "a loss must give one value per sample",
            )
            .label(*span, format!("found {found}"))
            .expected("one value per sample, [n]")
            .help(
                "pick the value at the label with `[label]`, or reduce with `sum(…)` or `mean(…)`",
            ),
            Self::Unknown { span, name, nearest, call } => {
                let what = if *call { "function" } else { "name" };
                let known = if *call { super::functions::known() } else { super::custom::known() };
                let diagnostic =
                    Diagnostic::new(Code::E0351, format!("`{name}` is not known in a loss"))
                        .label(*span, format!("found the {what} `{name}`"))
                        .expected(format!("one of {}", known.join(", ")));
                match nearest {
                    Some(nearest) => diagnostic.help(format!("write `{nearest}`")),
                    None => diagnostic.help(format!("define it first: `let {name} = …`")),
                }
            }
            Self::Operand { span, construct, found, expected } => {
                Diagnostic::new(Code::E0352, format!("`{construct}` cannot take this operand"))
                    .label(*span, format!("found {found}"))
                    .expected(expected)
            }
            Self::Statement { span, found, expected } => {
                Diagnostic::new(Code::E0353, "this statement does not belong in a loss")
                    .label(*span, format!("found {found}"))
                    .expected(expected)
                    .help("a loss is made of `let name = …` and ends with one `out …`")
            }
        }
    }
}
