//! Linear layers by candle's matrix product.

use candle_core::{Result, Tensor};

/// [`crate::ir::Op::Linear`].
pub(in crate::exec) fn forward(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    x.matmul(&w.t()?)
}

/// [`crate::ir::GradOp::LinearInput`].
pub(in crate::exec) fn grad_input(dy: &Tensor, w: &Tensor) -> Result<Tensor> {
    dy.matmul(w)
}

/// [`crate::ir::GradOp::LinearWeight`].
pub(in crate::exec) fn grad_weight(dy: &Tensor, x: &Tensor) -> Result<Tensor> {
    dy.t()?.matmul(x)
}
