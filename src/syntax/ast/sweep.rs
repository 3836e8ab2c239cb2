//! What a `sweep` writes: axes with their values, and which cells are kept.

use super::{BinaryOp, Expr, IgnoredSpan, Name};

/// A dotted key such as `train.lr`, part by part.
pub type Key = Vec<Name>;

/// `sweep fig3 { loss in [one: single_scale, two: two_scale(delta=0.1)]  seeds in 0..10 }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The name.
    pub name: Name,
    /// Axes and conditions in the order written.
    pub lines: Vec<SweepLine>,
}

/// One line of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum SweepLine {
    /// `train.lr in [0.1, 0.2]`.
    Axis(Axis),
    /// `where loss != far || recipe == fast`.
    Where {
        /// What must hold of a cell.
        condition: Where,
        /// From the keyword on.
        span: IgnoredSpan,
    },
}

/// A key with the values that it takes, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What is changed: a dotted key, an item, a name of its own, or `seeds`.
    pub key: Key,
    /// Its values.
    pub values: AxisValues,
}

/// The values of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisValues {
    /// A list in brackets.
    Choices(Vec<Choice>),
    /// A range such as `0..10`.
    Range(Expr),
}

/// One value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// `two` in `two: two_scale(delta=0.1)`.
    pub label: Option<Name>,
    /// What it is.
    pub value: ChoiceValue,
    /// From the label to the end of the value.
    pub span: IgnoredSpan,
}

/// What a value of an axis sets.
#[derive(Clone, Debug, PartialEq)]
pub enum ChoiceValue {
    /// The value of the axis' own key.
    Value(Expr),
    /// `{ train.lr = 0.05  train.batch = 64 }`: several keys together.
    Bundle(Vec<Setting>),
}

/// `train.lr = 0.05` in a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The key.
    pub key: Key,
    /// Its value.
    pub value: Expr,
}

/// A condition on the labels and values of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Where {
    /// At least one of two or more holds.
    Any(Vec<Where>),
    /// All of two or more hold.
    All(Vec<Where>),
    /// It does not hold.
    Not(Box<Where>),
    /// `loss != far`, `train.lr <= 0.1`.
    Test {
        /// The key of an axis.
        axis: Key,
        /// A comparison.
        op: BinaryOp,
        /// A label, a number, a boolean or a text.
        value: Expr,
    },
}
