//! What programs on candle tensors take from the host and give back: states, batches, reports, R.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::ops::Context;
use super::tensor::{Real, View, cast, tensor, to_double, to_host};
use super::walk::{Results, walk};
use crate::ir;
use crate::lower::reference::ReferencePhase;
use crate::lower::{
    Batch, DType, ExecError, HostTensor, HyperValues, Motion, PhaseOutputs, StateEntry, StepOutput,
    ValueId,
};

/// Tensors of the tables from entries of equal names, in the order of the tables.
pub(super) fn bind<'a>(
    table: impl Iterator<Item = (&'a str, &'a ir::Shape)>,
    entries: &[StateEntry],
    dtype: DType,
) -> Result<Vec<Tensor>, ExecError> {
    let by_name: BTreeMap<&str, &StateEntry> =
        entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    table
        .map(|(name, shape)| {
            let found = by_name.get(name);
            let len = found.map_or(0, |entry| match &entry.values {
                HostTensor::F32(values) => values.len(),
                HostTensor::F64(values) => values.len(),
            });
            match found {
                Some(entry) if entry.shape == shape.dims && len == shape.elements() => {
                    Ok(match dtype {
                        DType::F32 => tensor(f32::from_host(&entry.values), &shape.dims)?,
                        DType::F64 => tensor(f64::from_host(&entry.values), &shape.dims)?,
                    })
                }
                Some(_) | None => Err(ExecError::Shape {
                    name: name.to_owned(),
                    found: found.map(|entry| entry.shape.clone()).unwrap_or_default(),
                    expected: shape.dims.clone(),
                }),
            }
        })
        .collect()
}

/// The samples `[n, len]` and labels `[n]` of a batch.
pub(super) fn load_batch<T: Real>(batch: &Batch<'_>) -> Result<(Tensor, Tensor), ExecError> {
    let n = batch.indices.len();
    if n == 0 {
        return Err(ExecError::Device { message: "a batch without samples".to_owned() });
    }
    let len = batch.samples.sample_len();
    let mut values = vec![T::default(); n * len];
    T::gather(batch, &mut values);
    let mut labels = vec![0_u32; n];
    batch.samples.labels(batch, &mut labels);
    Ok((tensor(values, &[n, len])?, tensor(labels, &[n])?))
}

/// What a phase reports of its single numbers.
pub(super) fn report(outputs: &PhaseOutputs, results: &Results) -> Result<StepOutput, ExecError> {
    let number = |id: Option<ValueId>| -> Result<Option<f64>, ExecError> {
        id.map(|id| Ok(to_double(results.get(id))?)).transpose()
    };
    #[expect(clippy::cast_sign_loss, reason = "counts are not negative")]
    let count = |value: f64| value.round().max(0.0) as u64;
    Ok(StepOutput {
        loss: number(outputs.loss)?.unwrap_or(f64::NAN),
        correct: number(outputs.correct)?.map_or(0, count),
        well: number(outputs.well)?.map(count),
        size: number(outputs.size)?,
    })
}

/// R by a `size` phase in double precision, on the host.
pub(super) fn size_with(
    phase: &ReferencePhase,
    params: &[Tensor],
    buffers: &[Tensor],
) -> Result<f64, ExecError> {
    let double = |tensor: &Tensor| cast::<f64>(&to_host(tensor)?);
    let params = params.iter().map(double).collect::<Result<Vec<_>, _>>()?;
    let buffers = buffers.iter().map(double).collect::<Result<Vec<_>, _>>()?;
    let ctx = Context {
        seed: 0,
        hyper: HyperValues { lr: 0.0, step: 0 },
        indices: &[],
        input: None,
        labels: None,
        params: &params,
        buffers: &buffers,
        device: None,
    };
    let results = walk::<f64>(phase, &ctx, |_, _| Ok(()))?;
    let size = phase.outputs.size.expect("graphs of the size give R");
    Ok(to_double(results.get(size))?)
}

/// How far a step moved a parameter.
pub(super) fn motion<T: Real + Into<f64>>(
    name: &str,
    before: &Tensor,
    after: &Tensor,
) -> Result<Motion, ExecError> {
    let (before, after) = (to_host(before)?, to_host(after)?);
    Ok(Motion::of(name, &View::<T>::new(&before)?, &View::<T>::new(&after)?))
}

/// A tensor under its name, for the host.
pub(super) fn entry(name: &str, tensor: &Tensor) -> Result<StateEntry, ExecError> {
    let tensor = to_host(tensor)?;
    let values = if tensor.dtype() == candle_core::DType::F32 {
        f32::to_host(View::<f32>::new(&tensor)?.to_vec())
    } else {
        f64::to_host(View::<f64>::new(&tensor)?.to_vec())
    };
    Ok(StateEntry { name: name.to_owned(), shape: tensor.dims().to_vec(), values })
}

impl From<candle_core::Error> for ExecError {
    fn from(error: candle_core::Error) -> Self {
        Self::Device { message: error.to_string() }
    }
}
