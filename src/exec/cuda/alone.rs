//! Operations one by one on a device: operands go there, the result comes back.
//!
//! What [`crate::lower::cuda::alone`] lowers runs here on any [`Driver`], for numbers of the host.

use std::collections::BTreeMap;

use super::driver::{Argument, Call, Driver, KernelId, MemoryId};
use super::feed::write_call;
use super::program::{bytes_of_floats, compiled, modules_of};
use crate::ir::Kind;
use crate::lower::cuda::{Alone, At, REPORT_DOUBLES};
use crate::lower::{ExecError, HyperValues};

/// What operations read beside their operands.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Numbers of the step.
    pub hyper: HyperValues,
    /// Positions of the samples in their split.
    pub indices: &'a [u32],
}

impl Reading<'_> {
    /// The feed of an operation, without an operand that lies in it.
    pub(in crate::exec) fn feed(&self, alone: &Alone) -> Vec<u32> {
        let mut words = vec![0; alone.feed.len];
        write_call(&mut words, &self.hyper, self.seed, self.indices.len());
        words[alone.feed.indices..][..self.indices.len()].copy_from_slice(self.indices);
        words
    }
}

/// The elements of an operand.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// Reals.
    Reals(&'a [f32]),
    /// Indices.
    Indices(&'a [u32]),
}

/// The elements of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Reals.
    Reals(Vec<f32>),
    /// Indices.
    Indices(Vec<u32>),
    /// A single number.
    Single(f64),
}

/// Operations that were compiled for a device.
#[expect(missing_debug_implementations, reason = "a device has nothing to show")]
pub struct Operations<D: Driver> {
    driver: D,
    kernels: BTreeMap<String, KernelId>,
}

impl<D: Driver> Operations<D> {
    /// Compiles operations, whose names differ.
    ///
    /// # Errors
    /// [`ExecError::Device`] when a kernel does not compile.
    pub fn new<'a>(mut driver: D, all: impl Iterator<Item = &'a Alone>) -> Result<Self, ExecError> {
        let modules = modules_of(all.flat_map(|alone| &alone.launches));
        let kernels = compiled(&mut driver, modules)?;
        Ok(Self { driver, kernels })
    }

    /// The device in words.
    pub fn name(&self) -> String {
        self.driver.name()
    }

    /// The result of an operation that was compiled, for as many samples as `reading` names.
    ///
    /// # Errors
    /// [`ExecError::Device`] when the device fails.
    pub fn run(
        &mut self,
        alone: &Alone,
        operands: &[Operand<'_>],
        reading: &Reading<'_>,
    ) -> Result<Outcome, ExecError> {
        let n = reading.indices.len();
        if n == 0 || n > alone.batch {
            let message = format!("a batch of {n} samples for kernels of {}", alone.batch);
            return Err(ExecError::Device { message });
        }
        let mut words = reading.feed(alone);
        let memory = self.driver.alloc(alone.memory * 4)?;
        for (operand, (_, at)) in operands.iter().zip(&alone.operands) {
            match (operand, at) {
                (Operand::Reals(values), At::Memory(offset)) => {
                    self.driver.upload(memory, offset * 4, &bytes_of_floats(values))?;
                }
                (Operand::Indices(indices), At::Feed(offset)) => {
                    words[*offset..][..indices.len()].copy_from_slice(indices);
                }
                (_, At::Memory(_) | At::Feed(_) | At::Report(_)) => {
                    let message = "an operand of another kind".to_owned();
                    return Err(ExecError::Device { message });
                }
            }
        }
        let feed = self.driver.alloc(words.len() * 4)?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.driver.upload(feed, 0, &bytes)?;
        let report = self.driver.alloc(REPORT_DOUBLES * 8)?;
        let calls: Vec<Call> = self.calls(alone, [memory, feed, report]);
        let graph = self.driver.record(&calls)?;
        self.driver.run(graph)?;
        let outcome = self.outcome(alone, n, memory, report);
        for taken in [memory, feed, report] {
            self.driver.free(taken)?;
        }
        outcome
    }

    fn calls(&self, alone: &Alone, [memory, feed, report]: [MemoryId; 3]) -> Vec<Call> {
        let call = |launch: &crate::lower::cuda::Launch| Call {
            kernel: self.kernels[&launch.name],
            grid: [launch.blocks as u32, 1, 1],
            shared: launch.shared as u32,
            arguments: vec![
                Argument::Memory(memory, 0),
                Argument::Size(alone.memory as u64),
                Argument::Memory(feed, 0),
                Argument::Size(alone.feed.len as u64),
                // No bytes of samples are read.
                Argument::Memory(feed, 0),
                Argument::Memory(report, 0),
            ],
        };
        alone.launches.iter().map(call).collect()
    }

    fn outcome(
        &self,
        alone: &Alone,
        n: usize,
        memory: MemoryId,
        report: MemoryId,
    ) -> Result<Outcome, ExecError> {
        let (value, at) = &alone.result;
        let offset = match at {
            At::Memory(offset) | At::Feed(offset) => *offset,
            At::Report(position) => {
                let mut bytes = [0; 8];
                self.driver.download(report, position * 8, &mut bytes)?;
                return Ok(Outcome::Single(f64::from_le_bytes(bytes)));
            }
        };
        let mut bytes = vec![0; value.shape.sizes(n).iter().product::<usize>() * 4];
        self.driver.download(memory, offset * 4, &mut bytes)?;
        let floats = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Ok(match value.kind {
            Kind::Real => Outcome::Reals(floats.collect()),
            Kind::Index => Outcome::Indices(floats.map(|index| index as u32).collect()),
        })
    }
}
