//! Operations on rows of class values, and all that the graph knows about each.
//!
//! Letters: n batch, k classes; x is `[n, k]`, labels and other indices are `[n]`.

use super::function::Homogeneity;
use super::shapes::{Operand, ShapeError, equal, error, per_sample, reals};
use crate::ir::{Kind, Shape};

/// An operation on rows of class values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClassOp {
    /// (x): softmax over the last axis.
    Softmax,
    /// (x): log of softmax over the last axis, by a shifted log-sum-exp.
    LogSoftmax,
    /// (x, index `[n]`): `[n]`, the element of each row at its index.
    Gather,
    /// (v `[n]`, index `[n]`): `[n, classes]`, v at the index, zero elsewhere.
    Scatter {
        /// Length of a row.
        classes: usize,
    },
    /// (x): index of the first maximum of each row, `[n]`.
    ArgMax,
    /// (x, label `[n]`): index of the first maximum among the others, `[n]`; needs k ≥ 2.
    ArgMaxExcept,
    /// (x, label): log(1 − softmax(x)_label), `[n]`, exact where 1 − p rounds to zero.
    LogNotLabel,
    /// (x, label): softmax over the other classes, zero at the label.
    SoftmaxExcept,
    /// (x): threshold τ of the projection onto the simplex, `[n]`: Σ max(x − τ, 0) = 1.
    SparsemaxThreshold,
    /// (x): derivative of the threshold: 1/|support| on the support, else 0.
    SparsemaxSupport,
}

impl ClassOp {
    /// The word for the operation in texts of graphs and plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::LogSoftmax => "log_softmax",
            Self::Gather => "gather",
            Self::Scatter { .. } => "scatter",
            Self::ArgMax => "arg_max",
            Self::ArgMaxExcept => "arg_max_except",
            Self::LogNotLabel => "log_not_label",
            Self::SoftmaxExcept => "softmax_except",
            Self::SparsemaxThreshold => "sparsemax_threshold",
            Self::SparsemaxSupport => "sparsemax_support",
        }
    }

    /// The word users know the operation by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Softmax | Self::LogSoftmax | Self::SoftmaxExcept | Self::LogNotLabel => {
                "`softmax`"
            }
            Self::Gather | Self::Scatter { .. } => "a choice of classes",
            Self::ArgMax | Self::ArgMaxExcept => "`argmax`",
            Self::SparsemaxThreshold | Self::SparsemaxSupport => "`sparsemax`",
        }
    }

    /// What it does to a positive factor of its first operand: the place of a maximum ignores it.
    pub fn homogeneity(self) -> Homogeneity {
        match self {
            Self::Gather | Self::Scatter { .. } => Homogeneity::Degree(1.0),
            Self::ArgMax | Self::ArgMaxExcept => Homogeneity::Sign,
            Self::Softmax
            | Self::LogSoftmax
            | Self::LogNotLabel
            | Self::SoftmaxExcept
            | Self::SparsemaxThreshold
            | Self::SparsemaxSupport => Homogeneity::None,
        }
    }

    /// Whether an index for each row is the second operand.
    pub fn reads_index(self) -> bool {
        match self {
            Self::Gather
            | Self::Scatter { .. }
            | Self::ArgMaxExcept
            | Self::LogNotLabel
            | Self::SoftmaxExcept => true,
            Self::Softmax
            | Self::LogSoftmax
            | Self::ArgMax
            | Self::SparsemaxThreshold
            | Self::SparsemaxSupport => false,
        }
    }

    /// The attributes after the word.
    pub(super) fn attributes(self) -> String {
        match self {
            Self::Scatter { classes } => format!("classes={classes}"),
            Self::Softmax
            | Self::LogSoftmax
            | Self::Gather
            | Self::ArgMax
            | Self::ArgMaxExcept
            | Self::LogNotLabel
            | Self::SoftmaxExcept
            | Self::SparsemaxThreshold
            | Self::SparsemaxSupport => String::new(),
        }
    }

    /// Shape and kind of the result.
    pub(super) fn infer(self, operands: &[Operand<'_>]) -> Result<(Shape, Kind), ShapeError> {
        let per_row = Shape::per_sample([]);
        match self {
            Self::Softmax | Self::LogSoftmax | Self::SparsemaxSupport => {
                Ok((rows(operands)?.clone(), Kind::Real))
            }
            Self::SparsemaxThreshold => rows(operands).map(|_| (per_row, Kind::Real)),
            Self::ArgMax => rows(operands).map(|_| (per_row, Kind::Index)),
            Self::Gather | Self::LogNotLabel => {
                rows_and_labels(operands).map(|_| (per_row, Kind::Real))
            }
            Self::SoftmaxExcept => Ok((rows_and_labels(operands)?.clone(), Kind::Real)),
            Self::ArgMaxExcept => {
                let x = rows_and_labels(operands)?;
                if x.dims[0] < 2 {
                    return Err(error(format!("logits of shape {x}"), "at least two classes"));
                }
                Ok((per_row, Kind::Index))
            }
            Self::Scatter { classes } => {
                let [(v, Kind::Real), (labels, Kind::Index)] = operands else {
                    return Err(error("other operands", "values [n] and indices [n]"));
                };
                equal(&per_row, v)?;
                equal(&per_row, labels)?;
                Ok((Shape::per_sample([classes]), Kind::Real))
            }
        }
    }

    /// Floating-point operations for `elements` in the result and `inputs` in the first operand.
    pub(super) fn flops(self, elements: u64, inputs: u64) -> u64 {
        match self {
            Self::Gather | Self::Scatter { .. } => 0,
            Self::ArgMax | Self::ArgMaxExcept => inputs,
            Self::Softmax
            | Self::LogSoftmax
            | Self::LogNotLabel
            | Self::SoftmaxExcept
            | Self::SparsemaxThreshold
            | Self::SparsemaxSupport => elements.saturating_mul(5),
        }
    }
}

fn rows<'a>(operands: &[Operand<'a>]) -> Result<&'a Shape, ShapeError> {
    let [x] = reals(operands)?;
    let [_] = per_sample(x, "[n, classes]")?;
    Ok(x)
}

fn rows_and_labels<'a>(operands: &[Operand<'a>]) -> Result<&'a Shape, ShapeError> {
    let [(x, Kind::Real), (labels, Kind::Index)] = operands else {
        return Err(error("other operands", "values [n, classes] and indices [n]"));
    };
    let [_] = per_sample(x, "[n, classes]")?;
    equal(&Shape::per_sample([]), labels)?;
    Ok(x)
}
