//! The scaling claims of a net, tried at the parameters that training reached.

use std::collections::BTreeMap;

use super::SplitSamples;
use super::record::ScalingRecord;
use crate::check::numeric::{Point, Trial};
use crate::ir::Graph;
use crate::lower::{Batch, HostTensor, Samples, State, StateEntry};

/// Tries the claims at `state` on the first training samples, without augmentation; `None` where the state or the data do
/// not fit the net.
pub(super) fn confirm(
    trial: &Trial<'_>,
    state: &State,
    samples: SplitSamples<'_>,
    (step, epoch): (u64, u64),
) -> Option<ScalingRecord> {
    let point = point(trial.checked().graph(), trial.samples(), state, samples)?;
    let tried = trial.at(&point);
    let held = tried.iter().filter_map(|confirmed| Some((confirmed.worst?, &confirmed.claim.name)));
    let worst = held.max_by(|a, b| a.0.total_cmp(&b.0));
    Some(ScalingRecord {
        step,
        epoch,
        claims: trial.claimed(),
        tried: tried.len(),
        worst: worst.map(|(error, _)| error).filter(|error| error.is_finite()),
        claim: worst.map(|(_, name)| name.clone()),
    })
}

/// The parameters of `state` with the first `n` samples, without augmentation.
pub(super) fn point(
    graph: &Graph,
    n: usize,
    state: &State,
    samples: SplitSamples<'_>,
) -> Option<Point> {
    let n = n.min(samples.all_labels().len());
    let indices: Vec<u32> = (0..n as u32).collect();
    let mut input = vec![0.0; n * samples.sample_len()];
    samples.gather_f64(&Batch { samples: &samples, indices: &indices, epoch: 0 }, &mut input);
    let by_name = |entries: &[StateEntry]| -> BTreeMap<String, Vec<f64>> {
        entries.iter().map(|entry| (entry.name.clone(), doubles(&entry.values))).collect()
    };
    let mut params = by_name(&state.params);
    let mut buffers = by_name(&state.buffers);
    Some(Point {
        params: graph.params.iter().map(|p| params.remove(&p.name)).collect::<Option<_>>()?,
        buffers: graph.buffers.iter().map(|b| buffers.remove(&b.name)).collect::<Option<_>>()?,
        input,
        n,
    })
}

fn doubles(values: &HostTensor) -> Vec<f64> {
    match values {
        HostTensor::F32(values) => values.iter().copied().map(f64::from).collect(),
        HostTensor::F64(values) => values.clone(),
    }
}
