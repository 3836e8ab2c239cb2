//! Element-wise operations: operands and result of one shape.
//!
//! A NaN in an operand stays a NaN in the result, so that it can be traced to where it arose.

use candle_core::{Result, Tensor};

use crate::exec::parallel::{map, rows, zip, zip3};
use crate::exec::tensor::{Real, View, tensor};
use crate::ir::{Binary, Unary};

/// [`crate::ir::Op::Unary`].
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every function has a value in double precision"
)]
pub(super) fn unary<T: Real>(function: Unary, x: &Tensor) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let x_values: &[T] = &view;
    let (zero, one) = (T::zero(), T::one());
    let values = match function {
        Unary::Neg => map(x_values, |x| zero - x),
        Unary::Abs => map(x_values, T::abs),
        Unary::Exp => map(x_values, T::exp),
        Unary::Log => map(x_values, T::ln),
        Unary::Sqrt => map(x_values, T::sqrt),
        Unary::Square => map(x_values, |x| x * x),
        Unary::Power(exponent) => {
            let exponent = T::real(exponent);
            map(x_values, |x| x.powf(exponent))
        }
        Unary::Sign => map(x_values, |x| {
            if x > zero {
                one
            } else if x < zero {
                zero - one
            } else {
                x
            }
        }),
        Unary::Step => map(x_values, |x| if x > zero { one } else { zero * x }),
        Unary::Relu => map(x_values, |x| if x <= zero { zero } else { x }),
        Unary::LeakyRelu(slope) => {
            let slope = T::real(slope);
            map(x_values, |x| if x > zero { x } else { slope * x })
        }
        Unary::LeakyStep(slope) => {
            let slope = T::real(slope);
            map(x_values, |x| if x > zero { one } else { slope })
        }
        Unary::Tanh => map(x_values, T::tanh),
        // In double precision, rounded once.
        smooth => map(x_values, |x| T::real(smooth.eval(x.double()))),
    };
    tensor(values, x.dims())
}

/// [`crate::ir::Op::Binary`].
pub(super) fn binary<T: Real>(function: Binary, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (left, right) = (View::<T>::new(a)?, View::<T>::new(b)?);
    let (zero, one) = (T::zero(), T::one());
    let indicator = |holds: bool| if holds { one } else { zero };
    let values = match function {
        Binary::Add => zip(&left, &right, |a, b| a + b),
        Binary::Sub => zip(&left, &right, |a, b| a - b),
        Binary::Mul => zip(&left, &right, |a, b| a * b),
        Binary::Div => zip(&left, &right, |a, b| a / b),
        Binary::Max => zip(&left, &right, |a, b| if a >= b || is_nan(a) { a } else { b }),
        Binary::Min => zip(&left, &right, |a, b| if a <= b || is_nan(a) { a } else { b }),
        Binary::Pow => zip(&left, &right, T::powf),
        Binary::Ge => zip(&left, &right, |a, b| indicator(a >= b)),
        Binary::Gt => zip(&left, &right, |a, b| indicator(a > b)),
        Binary::Eq => zip(&left, &right, |a, b| indicator(a == b)),
    };
    tensor(values, a.dims())
}

/// [`crate::ir::Op::Select`].
pub(super) fn select<T: Real>(mask: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (mask_values, left, right) =
        (View::<T>::new(mask)?, View::<T>::new(a)?, View::<T>::new(b)?);
    let zero = T::zero();
    tensor(
        zip3(&mask_values, &left, &right, |mask, a, b| if mask == zero { b } else { a }),
        a.dims(),
    )
}

/// [`crate::ir::Op::Prelu`].
pub(super) fn prelu<T: Real>(x: &Tensor, slope: &Tensor) -> Result<Tensor> {
    let slopes = View::<T>::new(slope)?;
    by_channel(x, x, &slopes, |x, _, slope| if x > T::zero() { x } else { slope * x })
}

/// [`crate::ir::GradOp::PreluInput`].
pub(super) fn prelu_grad_input<T: Real>(x: &Tensor, slope: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let slopes = View::<T>::new(slope)?;
    by_channel(x, dy, &slopes, |x, dy, slope| if x > T::zero() { dy } else { slope * dy })
}

/// [`crate::ir::GradOp::PreluSlope`].
pub(super) fn prelu_grad_slope<T: Real>(x: &Tensor, slope: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let (x_values, dy_values) = (View::<T>::new(x)?, View::<T>::new(dy)?);
    let planes = planes(x);
    let mut sums = vec![0.0; slope.elem_count()];
    let shared = sums.len() == 1;
    if planes.len > 0 {
        let parts = x_values.chunks(planes.len).zip(dy_values.chunks(planes.len)).enumerate();
        for (plane, (x, dy)) in parts {
            let sum: f64 = x
                .iter()
                .zip(dy)
                .filter(|(x, _)| **x <= T::zero())
                .map(|(x, dy)| x.double() * dy.double())
                .sum();
            sums[if shared { 0 } else { plane % planes.channels }] += sum;
        }
    }
    tensor(sums.into_iter().map(T::real).collect::<Vec<_>>(), slope.dims())
}

fn by_channel<T: Real>(
    x: &Tensor,
    y: &Tensor,
    slopes: &[T],
    f: impl Fn(T, T, T) -> T + Sync,
) -> Result<Tensor> {
    let (x_values, y_values) = (View::<T>::new(x)?, View::<T>::new(y)?);
    let (x_values, y_values): (&[T], &[T]) = (&x_values, &y_values);
    let planes = planes(x);
    let mut out = vec![T::default(); x_values.len()];
    rows(&mut out, planes.len, |plane, out| {
        let slope = slopes[if slopes.len() == 1 { 0 } else { plane % planes.channels }];
        let start = plane * planes.len;
        for (i, out) in out.iter_mut().enumerate() {
            *out = f(x_values[start + i], y_values[start + i], slope);
        }
    });
    tensor(out, x.dims())
}

struct Planes {
    channels: usize,
    len: usize,
}

/// `[n, c, …]` as planes of one channel of one sample.
fn planes(x: &Tensor) -> Planes {
    let dims = x.dims();
    let channels = dims.get(1).copied().unwrap_or(1).max(1);
    Planes { channels, len: dims.iter().skip(2).product() }
}

fn is_nan<T: Real>(x: T) -> bool {
    x.double().is_nan()
}
