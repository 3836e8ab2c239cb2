//! Reference programs whose operations run on a device.

#[cfg(feature = "candle-cuda")]
use super::gpu::{CandleGpu, OnCandle};
use super::{Driven, OnDevice};
use crate::exec::cuda::Driver;
use crate::exec::{Options, ReferenceProgram};
use crate::lower::reference::{OnGpu, ReferencePlan};
use crate::lower::{ExecError, State};

impl ReferenceProgram {
    /// As [`ReferenceProgram::new`], on candle's CUDA device, in single precision.
    ///
    /// # Errors
    /// As [`ReferenceProgram::new`]; [`ExecError::Device`] also when a kernel does not compile.
    #[cfg(feature = "candle-cuda")]
    pub fn on_gpu(
        plan: ReferencePlan,
        state: &State,
        options: Options,
        gpu: CandleGpu,
    ) -> Result<Self, ExecError> {
        let compile = |all: &OnGpu| OnCandle::new(gpu, all);
        let device = OnDevice::new(&plan, options.batch, compile)?;
        Self::bound(plan, state, options, Some(device))
    }

    /// As [`ReferenceProgram::new`], by the operations of a GPU: kernels on `driver`, tensors and what is candle's on the
    /// processor. So all but candle's own kernels for a GPU is tried without one.
    ///
    /// # Errors
    /// As [`ReferenceProgram::new`]; [`ExecError::Device`] also when a kernel does not compile.
    pub fn driven(
        plan: ReferencePlan,
        state: &State,
        options: Options,
        driver: impl Driver + 'static,
    ) -> Result<Self, ExecError> {
        let compile = |all: &OnGpu| Driven::new(driver, all);
        let device = OnDevice::new(&plan, options.batch, compile)?;
        Self::bound(plan, state, options, Some(device))
    }
}
