//! Bytes at random in place of samples, for specs whose data is not here.

use crate::ir::{Graph, Op};
use crate::kernels::philox::{Philox, Stream};
use crate::lower::{Batch, RawSamples, Samples};

/// Bytes to inputs from 0 to 1.
const UNIT: [(f64, f64); 1] = [(1.0 / 255.0, 0.0)];

/// Samples of the shape that a net wants.
#[derive(Debug)]
pub(super) struct RandomSamples {
    bytes: Vec<u8>,
    labels: Vec<u32>,
    len: usize,
}

impl RandomSamples {
    /// `n` samples for `graph`, which has an output `logits`.
    pub(super) fn new(graph: &Graph, n: usize, seed: u64) -> Self {
        let input = graph.ids().find(|id| graph[*id].op == Op::Input);
        let len = input.map_or(0, |id| graph[id].shape.elements());
        let classes = graph.output("logits").map_or(1, |id| graph[id].shape.elements().max(1));
        let philox = Philox::new(seed, Stream::Data);
        let word = |at: usize| philox.at(0, (at / 4) as u32, 0)[at % 4];
        Self {
            bytes: (0..n * len).map(|at| (word(at) >> 24) as u8).collect(),
            labels: (0..n).map(|at| word(at) % classes as u32).collect(),
            len,
        }
    }

    fn values<'a>(&'a self, batch: &'a Batch<'_>) -> impl Iterator<Item = f64> + 'a {
        let sample = |index: &u32| &self.bytes[*index as usize * self.len..][..self.len];
        batch.indices.iter().flat_map(sample).map(|byte| f64::from(*byte) * UNIT[0].0)
    }
}

impl Samples for &RandomSamples {
    fn sample_len(&self) -> usize {
        self.len
    }

    fn gather_f32(&self, batch: &Batch<'_>, out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(self.values(batch)) {
            *out = value as f32;
        }
    }

    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]) {
        for (out, value) in out.iter_mut().zip(self.values(batch)) {
            *out = value;
        }
    }

    fn labels(&self, batch: &Batch<'_>, out: &mut [u32]) {
        for (out, index) in out.iter_mut().zip(batch.indices) {
            *out = self.labels[*index as usize];
        }
    }

    fn raw(&self) -> Option<RawSamples<'_>> {
        Some(RawSamples { bytes: &self.bytes, normalization: &UNIT })
    }
}
