//! Who computes an operation where the reference runs on a GPU: the host, the tensor library, or a kernel of ours.
//!
//! A pure choice by operation and shapes, so that it is known before anything runs.

use crate::ir::{Binary, GradOp, Op, Shape, Unary};

/// Who computes an operation on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The host: single numbers of single numbers, in double precision as everywhere.
    Host,
    /// The tensor library, where it is right: what moves elements, matrix products, convolutions, arithmetic.
    Library,
    /// A kernel of [`crate::lower::cuda::alone`].
    Kernel,
}

/// The choice for `op` on operands of these shapes with a result of shape `result`.
pub fn way(op: &Op, operands: &[&Shape], result: &Shape) -> Way {
    if result.rank() == 0 && operands.iter().all(|shape| shape.rank() == 0) {
        return Way::Host;
    }
    match op {
        Op::Input
        | Op::Labels
        | Op::Param(_)
        | Op::Buffer(_)
        | Op::StopGradient
        | Op::Reshape(_)
        | Op::Expand { .. }
        | Op::Concat { .. }
        | Op::Slice { .. }
        | Op::Linear
        | Op::Unary(
            Unary::Neg
            | Unary::Abs
            | Unary::Exp
            | Unary::Log
            | Unary::Sqrt
            | Unary::Square
            | Unary::Tanh,
        )
        | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div)
        | Op::Grad(GradOp::Slice { .. } | GradOp::LinearInput | GradOp::LinearWeight) => {
            Way::Library
        }
        // The library knows one stride and one border for both axes.
        Op::Conv(conv) if conv.stride[0] == conv.stride[1] && conv.pad[0] == conv.pad[1] => {
            Way::Library
        }
        // Of these the library has some: it sums in single precision, loses a NaN in maxima and in `relu`, and divides the
        // gradient of a maximum among its window.
        Op::Conv(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Select
        | Op::Prelu
        | Op::DropoutMask { .. }
        | Op::Sum { .. }
        | Op::SumSquares
        | Op::SpectralNorm
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::Normalize { .. }
        | Op::NormalizeRunning { .. }
        | Op::BatchMean
        | Op::BatchVar
        | Op::Class(_)
        | Op::Grad(_) => Way::Kernel,
        // Numbers of the step have no axes, and plans hold nothing whose mode is open.
        Op::Hyper(_) | Op::Const(_) | Op::BatchCount | Op::Modal(_) => Way::Host,
    }
}
