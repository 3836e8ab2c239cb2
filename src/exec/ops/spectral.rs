//! The largest singular value of a weight and its gradient.

use candle_core::{Result, Tensor};

use crate::exec::tensor::{Real, View, tensor};
use crate::kernels::spectral::Matrix;

/// [`crate::ir::Op::SpectralNorm`].
pub(super) fn norm<T: Real>(w: &Tensor) -> Result<f64> {
    Ok(matrix::<T>(w)?.largest().0)
}

/// [`crate::ir::GradOp::SpectralNorm`]; zero for w = 0.
pub(super) fn norm_grad<T: Real>(w: &Tensor) -> Result<Tensor> {
    let matrix = matrix::<T>(w)?;
    let (_, left, right) = matrix.largest();
    let values: Vec<T> =
        left.iter().flat_map(|u| right.iter().map(move |v| T::real(u * v))).collect();
    tensor(values, w.dims())
}

fn matrix<T: Real>(w: &Tensor) -> Result<Matrix> {
    let rows = w.dims().first().copied().unwrap_or(1);
    let values: Vec<f64> = View::<T>::new(w)?.iter().map(|v| v.double()).collect();
    Ok(Matrix::new(rows, values))
}
