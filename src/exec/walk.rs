//! One phase on candle tensors, step by step.
//!
//! In: a phase and what its leaves read. Out: the values that outputs and updates want. A value is dropped after its last
//! use, so memory is bounded by the peak of the plan.

use candle_core::Tensor;

use super::ops::{self, Context};
use super::tensor::Real;
use crate::lower::reference::ReferencePhase;
use crate::lower::{ExecError, ValueId};

/// The values of a phase that outlive its steps.
pub(super) struct Results {
    values: Vec<Option<Tensor>>,
}

impl Results {
    /// A value that an output or a write needs.
    pub(super) fn get(&self, id: ValueId) -> &Tensor {
        let value = self.values[id.0 as usize].as_ref();
        value.expect("broken invariant: plans keep values until their last use")
    }
}

/// Runs a phase; `watch` sees each value as it is made. Updates are left to the caller.
pub(super) fn walk<T: Real>(
    phase: &ReferencePhase,
    ctx: &Context<'_>,
    mut watch: impl FnMut(usize, &Tensor) -> Result<(), ExecError>,
) -> Result<Results, ExecError> {
    if ctx.device.is_none() {
        afford(phase, ctx.indices.len(), size_of::<T>())?;
    }
    let mut results = Results { values: vec![None; phase.values.len()] };
    let released = phase.released();
    for (idx, step) in phase.steps.iter().enumerate() {
        let inputs: Vec<&Tensor> = step.inputs.iter().map(|id| results.get(*id)).collect();
        let value = match ctx.device {
            Some(device) => device.run(phase, step, &inputs, ctx)?,
            None => ops::run::<T>(&step.op, &inputs, &phase.value(step.output).shape, ctx)?,
        };
        watch(idx, &value)?;
        results.values[step.output.0 as usize] = Some(value);
        for id in &released[idx] {
            results.values[id.0 as usize] = None;
        }
    }
    Ok(results)
}

/// Asks the system for the memory of a phase, which the tensor library would take without asking.
fn afford(phase: &ReferencePhase, n: usize, element: usize) -> Result<(), ExecError> {
    let bytes = phase.peak_footprint().elements(n).saturating_mul(element);
    let mut probe: Vec<u8> = vec![];
    probe.try_reserve_exact(bytes).map_err(|_| ExecError::Device {
        message: format!("a batch of {n} samples does not fit memory"),
    })?;
    // A request that nothing looks at may be left out.
    std::hint::black_box(&probe);
    Ok(())
}
