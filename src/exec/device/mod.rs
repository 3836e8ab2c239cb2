//! The reference executor on a GPU: operation by operation, each computed by whom its [`Way`] names.
//!
//! In: the steps of a plan. Out: their values. Tensors are candle's, on the device, in single precision; single numbers stay
//! on the host in double precision, as on the processor. What candle lacks or has wrong is a kernel that
//! [`crate::lower::cuda::alone`] lowers, compiled before the first step.

mod driven;
#[cfg(feature = "candle-cuda")]
mod gpu;
mod library;
mod program;

use candle_core::{Device, Tensor};

use self::driven::Driven;
#[cfg(feature = "candle-cuda")]
pub use self::gpu::CandleGpu;
use super::cuda::Reading;
use super::ops::{self, Context};
use super::tensor::{cast, to_host};
use crate::lower::ExecError;
use crate::lower::cuda::Alone;
use crate::lower::reference::{OnGpu, ReferencePhase, ReferencePlan, ReferenceStep, Way};

/// What runs kernels on tensors of a device.
pub(super) trait Kernels: Send + Sync {
    /// Where the tensors are.
    fn device(&self) -> &Device;

    /// The result of an operation that was compiled; a single number is given on the host.
    fn run(
        &self,
        alone: &Alone,
        operands: &[&Tensor],
        reading: &Reading<'_>,
    ) -> Result<Tensor, ExecError>;

    /// The device in words.
    fn name(&self) -> String;
}

/// A device with the kernels of a plan.
pub(super) struct OnDevice {
    kernels: Box<dyn Kernels>,
    operations: OnGpu,
}

impl OnDevice {
    /// Lowers what is computed by kernels in the steps of `plan`, on at most `batch` samples; `compile` makes them ready.
    pub(super) fn new<K: Kernels + 'static>(
        plan: &ReferencePlan,
        batch: usize,
        compile: impl FnOnce(&OnGpu) -> Result<K, ExecError>,
    ) -> Result<Self, ExecError> {
        let operations = OnGpu::of(plan, batch);
        let kernels = Box::new(compile(&operations)?);
        Ok(Self { kernels, operations })
    }

    /// Where tensors are.
    pub(super) fn device(&self) -> &Device {
        self.kernels.device()
    }

    /// The device in words.
    pub(super) fn name(&self) -> String {
        self.kernels.name()
    }

    /// The value of a step.
    pub(super) fn run(
        &self,
        phase: &ReferencePhase,
        step: &ReferenceStep,
        inputs: &[&Tensor],
        ctx: &Context<'_>,
    ) -> Result<Tensor, ExecError> {
        let shape = &phase.value(step.output).shape;
        Ok(match phase.way(step) {
            // Single numbers are on the host but for those that are kept.
            Way::Host => cast::<f64>(&to_host(&ops::run::<f32>(&step.op, inputs, shape, ctx)?)?)?,
            Way::Library => {
                let sizes = shape.sizes(ctx.indices.len());
                library::run(&step.op, inputs, &sizes, ctx, self.device())?
            }
            Way::Kernel => {
                let alone = self.operations.get(phase, step);
                let alone = alone.expect("the operations of the plan were lowered");
                let reading = Reading { seed: ctx.seed, hyper: ctx.hyper, indices: ctx.indices };
                self.kernels.run(alone, inputs, &reading)?
            }
        })
    }
}
