//! Gradients that are operations of their own, and all that the graph knows about each.
//!
//! Only differentiation makes them. Each is named after the operation it is a gradient of; dy is the gradient of that
//! operation's result. Gradients that other operations express have none here.

use super::flops::product;
use super::geometry::{Conv, Norm, Pool, pair};
use super::shapes::{
    Operand, ShapeError, channels, equal, error, fixed, inner_axis, matrix, normalizable,
    per_sample, pool_shape, reals, slopes,
};
use crate::ir::Shape;

/// A gradient of an operation in one of its operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GradOp {
    /// (x, slope, dy): gradient in x. At 0 the slope counts.
    PreluInput,
    /// (x, slope, dy): gradient in the slope, of the slope's shape.
    PreluSlope,
    /// (x): x placed at `start` of an axis of size `full`, zero elsewhere.
    Slice {
        /// The axis, batch counted.
        axis: usize,
        /// First index.
        start: usize,
        /// Size of the axis in the result.
        full: usize,
    },
    /// (dy `[n, o]`, w `[o, i]`): `[n, i]`.
    LinearInput,
    /// (dy `[n, o]`, x `[n, i]`): `[o, i]`, summed over the batch.
    LinearWeight,
    /// (dy, w): gradient in the input, whose picture is `input`.
    ConvInput {
        /// The convolution.
        conv: Conv,
        /// Height and width of its input.
        input: [usize; 2],
    },
    /// (dy, x): gradient in the weight with kernels of size `kernel`, summed over the batch.
    ConvWeight {
        /// The convolution.
        conv: Conv,
        /// Height and width of its kernel.
        kernel: [usize; 2],
    },
    /// (x, dy): the first maximum of a window, in row-major order, gets all of its gradient.
    MaxPool(Pool),
    /// (dy): gradient in an input with picture `input`.
    AvgPool {
        /// The pool.
        pool: Pool,
        /// Height and width of its input.
        input: [usize; 2],
    },
    /// (x, dy): gradient in x, through the statistics.
    Normalize {
        /// What shares a mean and a variance.
        norm: Norm,
        /// Added to the variance.
        eps: f64,
    },
    /// (dy, variance `[c]`): gradient in x.
    NormalizeRunning {
        /// Added to the variance.
        eps: f64,
    },
    /// (w): u vᵀ of the largest singular value, of w's shape.
    SpectralNorm,
}

impl GradOp {
    /// The word for the operation in texts of graphs and plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreluInput => "prelu_grad_input",
            Self::PreluSlope => "prelu_grad_slope",
            Self::Slice { .. } => "unslice",
            Self::LinearInput => "linear_grad_input",
            Self::LinearWeight => "linear_grad_weight",
            Self::ConvInput { .. } => "conv_grad_input",
            Self::ConvWeight { .. } => "conv_grad_weight",
            Self::MaxPool(_) => "max_pool_grad",
            Self::AvgPool { .. } => "avg_pool_grad",
            Self::Normalize { .. } => "normalize_grad",
            Self::NormalizeRunning { .. } => "normalize_running_grad",
            Self::SpectralNorm => "spectral_norm_grad",
        }
    }

    /// The word users know the operation by.
    pub fn word(self) -> &'static str {
        match self {
            Self::PreluInput | Self::PreluSlope => "`prelu`",
            Self::Slice { .. } => "a part",
            Self::LinearInput | Self::LinearWeight => "`linear`",
            Self::ConvInput { .. } | Self::ConvWeight { .. } => "`conv`",
            Self::MaxPool(_) => "`max_pool`",
            Self::AvgPool { .. } => "`avg_pool`",
            Self::Normalize { norm, .. } => norm.word(),
            Self::NormalizeRunning { .. } => Norm::Batch.word(),
            Self::SpectralNorm => "a spectral norm",
        }
    }

    /// The attributes after the word.
    pub(super) fn attributes(self) -> String {
        match self {
            Self::PreluInput
            | Self::PreluSlope
            | Self::LinearInput
            | Self::LinearWeight
            | Self::SpectralNorm => String::new(),
            Self::Slice { axis, start, full } => format!("axis={axis} start={start} full={full}"),
            Self::ConvInput { conv, input } => format!("{conv} input={}", pair(input)),
            Self::ConvWeight { conv, kernel } => format!("{conv} kernel={}", pair(kernel)),
            Self::MaxPool(pool) => pool.to_string(),
            Self::AvgPool { pool, input } => format!("{pool} input={}", pair(input)),
            Self::Normalize { norm, eps } => format!("{norm} eps={eps}"),
            Self::NormalizeRunning { eps } => format!("eps={eps}"),
        }
    }

    /// Shape of the result.
    pub(super) fn infer(self, operands: &[Operand<'_>]) -> Result<Shape, ShapeError> {
        match self {
            Self::PreluInput | Self::PreluSlope => {
                let [x, slope, dy] = reals(operands)?;
                slopes(x, slope)?;
                equal(x, dy)?;
                Ok(if self == Self::PreluInput { x } else { slope }.clone())
            }
            Self::Slice { axis, start, full } => {
                let [x] = reals(operands)?;
                let dim = inner_axis(x, axis)?;
                if start.checked_add(x.dims[dim]).is_none_or(|end| end > full) {
                    return Err(error(
                        format!("{} elements from {start}", x.dims[dim]),
                        format!("at most {full} in all"),
                    ));
                }
                let mut shape = x.clone();
                shape.dims[dim] = full;
                Ok(shape)
            }
            Self::LinearInput => {
                let [dy, w] = reals(operands)?;
                let [outputs] = per_sample(dy, "[n, out]")?;
                let [expected, inputs] = fixed(w, "[out, in]")?;
                if outputs != expected {
                    let found = format!("a gradient of shape {dy}");
                    return Err(error(found, format!("[n, {expected}]")));
                }
                Ok(Shape::per_sample([inputs]))
            }
            Self::LinearWeight => {
                let [dy, x] = reals(operands)?;
                let [outputs] = per_sample(dy, "[n, out]")?;
                let [inputs] = per_sample(x, "[n, in]")?;
                Ok(Shape::fixed([outputs, inputs]))
            }
            Self::ConvInput { conv, input } => {
                let [dy, w] = reals(operands)?;
                let [outputs, ..] = per_sample::<3>(dy, "[n, out, h, w]")?;
                let [expected, per_group, ..] = fixed::<4>(w, "[out, in / groups, kh, kw]")?;
                if outputs != expected {
                    let found = format!("a gradient of shape {dy}");
                    return Err(error(found, format!("{expected} channels")));
                }
                Ok(Shape::per_sample([per_group * conv.groups, input[0], input[1]]))
            }
            Self::ConvWeight { conv, kernel } => {
                let [dy, x] = reals(operands)?;
                let [outputs, ..] = per_sample::<3>(dy, "[n, out, h, w]")?;
                let [channels, ..] = per_sample::<3>(x, "[n, channels, h, w]")?;
                let per_group = channels / conv.groups.max(1);
                Ok(Shape::fixed([outputs, per_group, kernel[0], kernel[1]]))
            }
            Self::MaxPool(pool) => {
                let [x, dy] = reals(operands)?;
                equal(&pool_shape(&pool, x)?, dy)?;
                Ok(x.clone())
            }
            Self::AvgPool { pool, input } => {
                let [dy] = reals(operands)?;
                let [channels, ..] = per_sample::<3>(dy, "[n, channels, h, w]")?;
                let x = Shape::per_sample([channels, input[0], input[1]]);
                equal(&pool_shape(&pool, &x)?, dy)?;
                Ok(x)
            }
            Self::Normalize { norm, .. } => {
                let [x, dy] = reals(operands)?;
                normalizable(norm, x)?;
                equal(x, dy)?;
                Ok(x.clone())
            }
            Self::NormalizeRunning { .. } => {
                let [dy, var] = reals(operands)?;
                equal(&Shape::fixed([channels(dy)?]), var)?;
                Ok(dy.clone())
            }
            Self::SpectralNorm => {
                let [w] = reals(operands)?;
                matrix(w)?;
                Ok(w.clone())
            }
        }
    }

    /// Floating-point operations; a gradient of a linear map has as many multiply-adds as the map.
    pub(super) fn flops(self, shape: &Shape, inputs: &[&Shape]) -> u64 {
        let elements = shape.elements() as u64;
        let input = |port: usize| inputs.get(port).map_or(0, |shape| shape.elements() as u64);
        let inner = |port: usize| {
            product(inputs.get(port).and_then(|shape| shape.dims.get(1..)).unwrap_or(&[]))
        };
        match self {
            Self::Slice { .. } | Self::SpectralNorm => 0,
            Self::PreluInput | Self::LinearWeight | Self::NormalizeRunning { .. } => {
                elements.saturating_mul(2)
            }
            Self::PreluSlope => input(0).saturating_mul(2),
            Self::LinearInput => elements.saturating_mul(2).saturating_mul(input(0)),
            // Each output meets the weights of its channel.
            Self::ConvInput { .. } => input(0).saturating_mul(2).saturating_mul(inner(1)),
            Self::ConvWeight { .. } => elements.saturating_mul(2).saturating_mul(inner(0)),
            Self::MaxPool(pool) => input(1).saturating_mul(product(&pool.kernel)),
            Self::AvgPool { pool, .. } => input(0).saturating_mul(product(&pool.kernel)),
            Self::Normalize { .. } => elements.saturating_mul(8),
        }
    }
}
