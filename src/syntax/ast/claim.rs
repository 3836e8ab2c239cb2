//! The tree of a `claim`.

use super::{Arg, BinaryOp, IgnoredSpan, Key};
use crate::diag::Spanned;

/// `claim "…" (level=0.95) { lines }`: what measures of runs are said to satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What it says in words.
    pub text: Spanned<String>,
    /// `level` and `seeds`.
    pub args: Vec<Arg>,
    /// Comparisons that must all hold.
    pub lines: Vec<ClaimLine>,
}

/// `left >= right`, or `left == right +- 0.001`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimLine {
    /// The left side.
    pub left: Quantity,
    /// A comparison.
    pub op: BinaryOp,
    /// The right side.
    pub right: Quantity,
    /// Half the width of an equivalence.
    pub within: Option<f64>,
    /// The line.
    pub span: IgnoredSpan,
}

/// Arithmetic over measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A number.
    Number(f64),
    /// `test.accuracy of two`.
    Measured {
        /// The path as written.
        path: Spanned<String>,
        /// The cells; all of them where none is named.
        of: Vec<Chosen>,
    },
    /// `+ - * /`.
    Binary(BinaryOp, Box<Quantity>, Box<Quantity>),
    /// `min(…)` or `max(…)`.
    Extreme {
        /// Whether the largest counts.
        is_max: bool,
        /// At least one.
        operands: Vec<Quantity>,
    },
}

/// `two`, or `loss=two`.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The axis, where it is named.
    pub axis: Option<Key>,
    /// The label.
    pub label: Spanned<String>,
}
