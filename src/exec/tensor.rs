//! Tensors of the reference executor: contiguous candle tensors on the CPU, read as slices, made from vectors.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::Deref;

use candle_core::{Device, Error, Result, Storage, StorageRef, Tensor, WithDType};

use crate::lower::{Batch, HostTensor};

/// An element type of a run.
pub(super) trait Real: WithDType + Default + Debug {
    /// Rounds a double to this type.
    fn real(value: f64) -> Self;

    /// This number as a double, exactly.
    fn double(self) -> f64;

    /// eˣ.
    fn exp(self) -> Self;

    /// ln x.
    fn ln(self) -> Self;

    /// √x.
    fn sqrt(self) -> Self;

    /// tanh x.
    fn tanh(self) -> Self;

    /// |x|.
    fn abs(self) -> Self;

    /// xᵖ.
    fn powf(self, exponent: Self) -> Self;

    /// Whether the number is neither infinite nor NaN.
    fn finite(self) -> bool;

    /// Elements for the host.
    fn to_host(values: Vec<Self>) -> HostTensor;

    /// Elements from the host, rounded where the types differ.
    fn from_host(values: &HostTensor) -> Vec<Self>;

    /// The samples of a batch.
    fn gather(batch: &Batch<'_>, out: &mut [Self]);
}

macro_rules! real {
    ($type:ident, $dtype:ident, $gather:ident, $real:expr, $double:expr) => {
        impl Real for $type {
            fn real(value: f64) -> Self {
                $real(value)
            }

            fn double(self) -> f64 {
                $double(self)
            }

            fn exp(self) -> Self {
                $type::exp(self)
            }

            fn ln(self) -> Self {
                $type::ln(self)
            }

            fn sqrt(self) -> Self {
                $type::sqrt(self)
            }

            fn tanh(self) -> Self {
                $type::tanh(self)
            }

            fn abs(self) -> Self {
                $type::abs(self)
            }

            fn powf(self, exponent: Self) -> Self {
                $type::powf(self, exponent)
            }

            fn finite(self) -> bool {
                self.is_finite()
            }

            fn to_host(values: Vec<Self>) -> HostTensor {
                HostTensor::$dtype(values)
            }

            fn from_host(values: &HostTensor) -> Vec<Self> {
                match values {
                    HostTensor::F32(values) => {
                        values.iter().map(|v| Self::real(f64::from(*v))).collect()
                    }
                    HostTensor::F64(values) => values.iter().map(|v| Self::real(*v)).collect(),
                }
            }

            fn gather(batch: &Batch<'_>, out: &mut [Self]) {
                batch.samples.$gather(batch, out);
            }
        }
    };
}

real!(f32, F32, gather_f32, |value: f64| value as f32, f64::from);
real!(f64, F64, gather_f64, |value: f64| value, |value: f64| value);

/// The elements of a tensor in row-major order.
#[derive(Debug)]
pub(super) struct View<'a, T> {
    storage: StorageRef<'a>,
    start: usize,
    len: usize,
    element: PhantomData<T>,
}

impl<'a, T: WithDType> View<'a, T> {
    /// Reads a contiguous tensor of this element type.
    pub(super) fn new(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::Msg("a tensor is not contiguous".to_owned()));
        };
        match &*storage {
            Storage::Cpu(cpu) => cpu.as_slice::<T>().map(|_| ())?,
            Storage::Cuda(_) | Storage::Metal(_) => {
                return Err(Error::Msg("a tensor is not on the CPU".to_owned()));
            }
        }
        Ok(Self { storage, start, len: end - start, element: PhantomData })
    }
}

impl<T: WithDType> Deref for View<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let elements: &[T] = match &*self.storage {
            Storage::Cpu(cpu) => {
                cpu.as_slice().expect("the type was checked when the view was made")
            }
            Storage::Cuda(_) | Storage::Metal(_) => &[],
        };
        &elements[self.start..self.start + self.len]
    }
}

/// A tensor that owns `values`.
pub(super) fn tensor<T: WithDType>(values: Vec<T>, sizes: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(values, sizes, &Device::Cpu)
}

/// A number of rank 0; these are double precision in every run.
pub(super) fn scalar(value: f64) -> Result<Tensor> {
    tensor(vec![value], &[])
}

/// The tensor with elements of type `T`.
pub(super) fn cast<T: Real>(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype() == <T as WithDType>::DTYPE {
        Ok(tensor.clone())
    } else {
        tensor.to_dtype(T::DTYPE)
    }
}

/// The tensor on the host.
pub(super) fn to_host(tensor: &Tensor) -> Result<Tensor> {
    tensor.to_device(&Device::Cpu)
}

/// The first element of a tensor of reals as a double.
pub(super) fn to_double(tensor: &Tensor) -> Result<f64> {
    let values = View::<f64>::new(&to_host(&cast::<f64>(tensor)?)?)?.first().copied();
    values.ok_or_else(|| Error::Msg("an empty tensor".to_owned()))
}

/// Whether every element is neither infinite nor NaN; indices always are.
pub(super) fn is_finite(tensor: &Tensor) -> Result<bool> {
    fn all<T: Real>(tensor: &Tensor) -> Result<bool> {
        Ok(View::<T>::new(tensor)?.iter().all(|v| v.finite()))
    }
    if !tensor.device().is_cpu() {
        return is_finite(&traced(tensor)?);
    }
    if tensor.dtype() == candle_core::DType::F32 {
        all::<f32>(tensor)
    } else if tensor.dtype() == candle_core::DType::F64 {
        all::<f64>(tensor)
    } else {
        Ok(true)
    }
}

/// On the host a single number that is not finite where an element is not: 0 · x is 0 or NaN.
fn traced(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype().is_float() { to_host(&(tensor * 0.0)?.sum_all()?) } else { to_host(tensor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_leaves_a_trace() {
        for (value, expected) in [(0.5, true), (f32::INFINITY, false), (f32::NAN, false)] {
            let x = tensor(vec![1.0, value, -1e38, 3e38], &[2, 2]).unwrap();
            assert_eq!(is_finite(&traced(&x).unwrap()).unwrap(), expected);
            assert_eq!(is_finite(&x).unwrap(), expected);
        }
    }
}
