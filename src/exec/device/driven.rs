//! Kernels on a driver, for tensors of the host: how the path of a GPU is tried without candle's kernels for one.

use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Result, Tensor};

use super::Kernels;
use crate::exec::cuda::{Driver, Operand, Operations, Outcome, Reading};
use crate::exec::tensor::{View, scalar, tensor};
use crate::ir::Kind;
use crate::lower::ExecError;
use crate::lower::cuda::Alone;
use crate::lower::reference::OnGpu;

/// Compiled operations of a driver.
pub(in crate::exec) struct Driven<D: Driver>(Mutex<Operations<D>>);

impl<D: Driver> Driven<D> {
    /// Compiles the operations.
    pub(in crate::exec) fn new(driver: D, all: &OnGpu) -> std::result::Result<Self, ExecError> {
        Ok(Self(Mutex::new(Operations::new(driver, all.all())?)))
    }
}

impl<D: Driver> Kernels for Driven<D> {
    fn device(&self) -> &Device {
        &Device::Cpu
    }

    fn run(
        &self,
        alone: &Alone,
        operands: &[&Tensor],
        reading: &Reading<'_>,
    ) -> std::result::Result<Tensor, ExecError> {
        let views = operands.iter().zip(&alone.operands);
        let views: Vec<Elements<'_>> =
            views.map(|(x, (value, _))| Elements::of(x, value.kind)).collect::<Result<_>>()?;
        let operands: Vec<Operand<'_>> = views.iter().map(Elements::as_operand).collect();
        let mut operations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = operations.run(alone, &operands, reading)?;
        let sizes = alone.result.0.shape.sizes(reading.indices.len());
        Ok(match outcome {
            Outcome::Reals(values) => tensor(values, &sizes)?,
            Outcome::Indices(values) => tensor(values, &sizes)?,
            Outcome::Single(value) => scalar(value)?,
        })
    }

    fn name(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).name()
    }
}

/// The elements of a tensor of the host.
enum Elements<'a> {
    Reals(View<'a, f32>),
    Indices(View<'a, u32>),
}

impl<'a> Elements<'a> {
    fn of(x: &'a Tensor, kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Real => Self::Reals(View::new(x)?),
            Kind::Index => Self::Indices(View::new(x)?),
        })
    }

    fn as_operand(&self) -> Operand<'_> {
        match self {
            Self::Reals(view) => Operand::Reals(view),
            Self::Indices(view) => Operand::Indices(view),
        }
    }
}
