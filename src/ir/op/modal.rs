//! Operations that differ between training and evaluation, and all that the graph knows about each.
//!
//! A net has them until [`crate::ir::specialize`] chooses the mode.

use super::shapes::{Operand, ShapeError, reals, with_statistics};
use crate::ir::Shape;

/// An operation whose mode is not chosen yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ModalOp {
    /// (x, running mean `[c]`, running variance `[c]`): normalises each channel. Graphs of a mode hold
    /// [`crate::ir::Op::Normalize`] or [`crate::ir::Op::NormalizeRunning`] instead.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
        /// Share of the batch in the new running statistics.
        momentum: f64,
    },
    /// (x): each element 0 with probability `p`, else x / (1 − p); x itself in evaluation.
    Dropout {
        /// Probability of a zero.
        p: f64,
        /// Tells the dropout layers of a net apart.
        stream: u32,
    },
}

impl ModalOp {
    /// The word for the operation in texts of graphs and plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::BatchNorm { .. } => "batch_norm",
            Self::Dropout { .. } => "dropout",
        }
    }

    /// The word users know the operation by.
    pub fn word(self) -> &'static str {
        match self {
            Self::BatchNorm { .. } => "`batch_norm`",
            Self::Dropout { .. } => "`dropout`",
        }
    }

    /// The attributes after the word.
    pub(super) fn attributes(self) -> String {
        match self {
            Self::BatchNorm { eps, momentum } => format!("eps={eps} momentum={momentum}"),
            Self::Dropout { p, stream } => format!("p={p} stream={stream}"),
        }
    }

    /// Shape of the result.
    pub(super) fn infer(self, operands: &[Operand<'_>]) -> Result<Shape, ShapeError> {
        match self {
            Self::BatchNorm { .. } => {
                let [x, mean, var] = reals(operands)?;
                with_statistics(x, mean, var)?;
                Ok(x.clone())
            }
            Self::Dropout { .. } => {
                let [x] = reals(operands)?;
                Ok(x.clone())
            }
        }
    }

    /// Floating-point operations for `elements` in the result.
    pub(super) fn flops(self, elements: u64) -> u64 {
        match self {
            Self::BatchNorm { .. } => elements.saturating_mul(5),
            Self::Dropout { .. } => elements,
        }
    }
}
