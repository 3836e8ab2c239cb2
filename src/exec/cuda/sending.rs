//! What a step reads goes to the device: feeds to their slots, data sets once.

use rayon::prelude::*;

use super::driver::{Driver, MemoryId};
use super::feed;
use super::program::{CudaProgram, SLOTS, bytes_of_floats};
use crate::lower::{Batch, ExecError, HyperValues};

/// Tells data sets in the memory of the host apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataKey {
    address: usize,
    len: usize,
    sample: u64,
}

impl<D: Driver> CudaProgram<D> {
    /// How many steps on such batches are sent at once; samples that are no bytes have room for one.
    pub(super) fn at_once(&self, batch: Option<&Batch<'_>>) -> usize {
        if batch.is_some_and(|batch| feed::is_raw(&self.plan, batch)) { SLOTS } else { 1 }
    }

    /// Sends what every replica reads in some steps, `batches[step][replica]`, each to its slot; the memory of the data.
    pub(super) fn send(
        &mut self,
        batches: &[Vec<Batch<'_>>],
        hyper: &[Vec<HyperValues>],
    ) -> Result<MemoryId, ExecError> {
        let (len, count) = (self.plan.feed.len, self.count());
        let mut words = vec![0; len * count * batches.len()];
        let all: Vec<_> = batches.iter().flatten().zip(hyper.iter().flatten()).collect();
        let fill =
            |(at, (words, (batch, hyper))): (usize, (&mut [u32], &(&Batch<'_>, &HyperValues)))| {
                let settings = &self.settings[at % count];
                feed::fill(&self.plan, batch, hyper, self.seeds[at % count], settings, words)
            };
        let feeds = words.par_chunks_mut(len).zip(&all).enumerate();
        let is_raw: Vec<bool> = feeds.map(fill).collect::<Result<_, _>>()?;
        let mut bytes = vec![0; words.len() * 4];
        let places = bytes.as_chunks_mut().0.iter_mut();
        places.zip(&words).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
        self.driver.upload(self.feeds, 0, &bytes)?;
        let Some(first) = all.first() else { return Ok(self.no_data) };
        if is_raw.iter().all(|is_raw| *is_raw) {
            return self.data_of(first.0);
        }
        let sample: usize = self.plan.input_dims.iter().product();
        for (replica, (batch, _)) in all.iter().take(count).enumerate() {
            let mut values = vec![0.0_f32; sample * batch.indices.len()];
            batch.samples.gather_f32(batch, &mut values);
            let to = self.address(replica, self.plan.memory.input);
            self.driver.upload(self.memory, to, &bytes_of_floats(&values))?;
        }
        Ok(self.no_data)
    }

    /// The bytes of a data set on the device; they are sent once.
    fn data_of(&mut self, batch: &Batch<'_>) -> Result<MemoryId, ExecError> {
        let Some(raw) = batch.samples.raw() else { return Ok(self.no_data) };
        let key = DataKey {
            address: raw.bytes.as_ptr().addr(),
            len: raw.bytes.len(),
            sample: fingerprint(raw.bytes),
        };
        if let Some((_, memory)) = self.data.iter().find(|(known, _)| *known == key) {
            return Ok(*memory);
        }
        let memory = self.driver.alloc(raw.bytes.len().max(16))?;
        self.driver.upload(memory, 0, raw.bytes)?;
        self.data.push((key, memory));
        Ok(memory)
    }
}

/// A number from bytes here and there, so that memory that is used again is not taken for what it held.
fn fingerprint(bytes: &[u8]) -> u64 {
    const LOOKS: usize = 1024;
    let step = (bytes.len() / LOOKS).max(1);
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().step_by(step).fold(0xcbf2_9ce4_8422_2325, mix)
}
