//! Chains of element-wise operations, run tile by tile so that what lies between them stays in the first-level cache.
//!
//! In: a [`Chain`] (a list of instructions on registers of one tile) and its operands, in full or repeated along an
//! axis. Out: its results, each written once, and sums of results over pixels. Invariant: an element depends on the
//! elements at its own place only, so bits depend neither on tiles nor on threads; lengths are whole vectors of 16.

mod function;
mod passes;
mod sums;

pub use self::function::{Function, arity};
pub use self::sums::{ChannelSum, Sums};

use std::ops::Range;

use self::function::{apply, apply_pair};
use self::passes::{Pass, Work, passes};
use super::LANES;
use super::isa::Isa;
use super::threads::{SharedSlice, ThreadPool};

/// Floats that one task of a parallel run takes.
const CHUNK: usize = 1 << 15;

/// Most results of a chain that runs in parallel.
const MAX_OUTPUTS: usize = 32;

/// Most operands of a chain that runs in parallel.
const MAX_INPUTS: usize = 32;

/// Floats of one tile, a whole number of vectors.
pub const TILE: usize = 512;

/// How an operand is read for vector `v` of a tensor `[pixel][channel][16]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Element by element; the operand has the shape of the result.
    Full,
    /// One number.
    Scalar,
    /// One vector of 16 for all: a number per sample.
    Lane,
    /// A number per channel, the same for all samples.
    Channel {
        /// Channels.
        channels: usize,
    },
    /// A vector per channel: a number per sample and channel.
    LaneChannel {
        /// Channels.
        channels: usize,
    },
    /// A number per element of a sample, in the order `[channel][pixel]`.
    Element {
        /// Channels.
        channels: usize,
        /// Pixels.
        pixels: usize,
    },
}

/// Where an instruction finds an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The result of an instruction.
    Register(usize),
    /// An operand of the chain.
    Input(usize),
}

/// One operation on tiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instruction {
    /// What is computed.
    pub function: Function,
    /// The first operands, as many as the function has; the others are ignored.
    pub operands: [Operand; 3],
}

/// A chain of operations. Instruction `i` writes register `i` of the source form; [`Chain::new`] shares tiles among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    instructions: Vec<Instruction>,
    /// Tile that each instruction writes.
    targets: Vec<Destination>,
    /// What is done to each tile.
    passes: Vec<Pass>,
    inputs: Vec<Access>,
    /// For each input that is not read in full: where in the scratch it is spread out.
    spread_at: Vec<usize>,
    n_outputs: usize,
    /// Floats of scratch.
    scratch_len: usize,
    sums: Vec<ChannelSum>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    Tile(usize),
    Output(usize),
}

impl Access {
    /// Floats of an operand that is spread out before it is read. Numbers per channel are spread once for all tiles, over
    /// one pixel and another tile, so that a tile that starts at any channel finds its numbers side by side.
    fn spread_len(self) -> usize {
        match self {
            Self::Full => 0,
            Self::Scalar | Self::Lane | Self::Element { .. } => TILE,
            Self::Channel { channels } | Self::LaneChannel { channels } => channels * LANES + TILE,
        }
    }

    /// Where in the spread operand the numbers for a tile begin that starts at vector `vector` of the tensor.
    fn offset(self, vector: usize) -> usize {
        match self {
            Self::Full | Self::Scalar | Self::Lane | Self::Element { .. } => 0,
            Self::Channel { channels } | Self::LaneChannel { channels } => {
                vector % channels.max(1) * LANES
            }
        }
    }
}

impl Chain {
    /// A chain whose result `k` is the instruction `outputs[k]`; no instruction may be two results.
    ///
    /// # Panics
    /// When an instruction reads a later one or an input that does not exist.
    pub fn new(instructions: Vec<Instruction>, inputs: Vec<Access>, outputs: &[usize]) -> Self {
        let n = instructions.len();
        let mut last = (0..n).collect::<Vec<_>>();
        for (i, instruction) in instructions.iter().enumerate() {
            for operand in &instruction.operands[..arity(instruction.function)] {
                match *operand {
                    Operand::Register(register) => {
                        assert!(register < i, "operands come first");
                        last[register] = i;
                    }
                    Operand::Input(input) => assert!(input < inputs.len(), "inputs exist"),
                }
            }
        }
        let mut n_tiles = 0;
        let mut free: Vec<usize> = vec![];
        let mut targets: Vec<Destination> = Vec::with_capacity(n);
        for i in 0..n {
            let target = match outputs.iter().position(|output| *output == i) {
                Some(output) => Destination::Output(output),
                None => Destination::Tile(free.pop().unwrap_or_else(|| {
                    n_tiles += 1;
                    n_tiles - 1
                })),
            };
            targets.push(target);
            for (register, last) in last.iter().enumerate().take(i + 1) {
                if *last == i
                    && let Destination::Tile(tile) = targets[register]
                {
                    free.push(tile);
                }
            }
        }
        let passes = passes(&instructions, &targets, &[]);
        let n_outputs = outputs.len();
        let mut scratch_len = n_tiles * TILE;
        let spread_at = inputs
            .iter()
            .map(|access| {
                let at = scratch_len;
                scratch_len += access.spread_len();
                at
            })
            .collect();
        let sums = vec![];
        Self { instructions, targets, passes, inputs, spread_at, n_outputs, scratch_len, sums }
    }

    /// The chain, which also sums some of its results.
    ///
    /// # Panics
    /// When a sum is of no instruction, or of no channel, or sums are of blocks of different lengths.
    #[must_use]
    pub fn summing(self, sums: Vec<ChannelSum>) -> Self {
        let len = |sum: &ChannelSum| sum.channels * sum.pixels;
        assert!(sums.windows(2).all(|pair| len(&pair[0]) == len(&pair[1])), "sums of one block");
        let fits = |sum: &ChannelSum| sum.instruction < self.instructions.len() && sum.channels > 0;
        assert!(sums.iter().all(fits), "sums of what the chain computes");
        let passes = passes(&self.instructions, &self.targets, &sums);
        Self { passes, sums, ..self }
    }

    /// What it sums.
    pub fn sums(&self) -> &[ChannelSum] {
        &self.sums
    }

    /// The instructions in order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// How each operand is read.
    pub fn inputs(&self) -> &[Access] {
        &self.inputs
    }

    /// Results that it writes.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Floats of scratch for [`Chain::run`].
    pub fn scratch_len(&self) -> usize {
        self.scratch_len
    }

    /// Runs the chain on the elements `first ..` of one tensor, as many as the outputs hold.
    ///
    /// `inputs` are in the order of the chain; those read in full start at the same element as the outputs, the others
    /// are whole. An operand named in `in_place` is the content of that output before the run.
    ///
    /// # Panics
    /// When a length does not fit or the scratch is too small.
    pub fn run(
        &self,
        isa: Isa,
        first: usize,
        inputs: &[Source<'_>],
        outputs: &mut [&mut [f32]],
        scratch: &mut [f32],
    ) {
        assert!(self.sums.is_empty(), "a chain without sums");
        let len = outputs.first().map_or(0, |output| output.len());
        let mut no_sums = Sums { to: &mut [], lanes: &[] };
        self.run_tiles(isa, first, len, inputs, outputs, &mut no_sums, scratch);
    }

    /// Runs the chain on a whole block, and adds to its sums.
    ///
    /// # Panics
    /// As [`Chain::run`], and when there are not as many sums, or they are not `[channel][16]`.
    pub fn run_block(
        &self,
        isa: Isa,
        inputs: &[Source<'_>],
        outputs: &mut [&mut [f32]],
        sums: &mut Sums<'_, '_>,
        scratch: &mut [f32],
    ) {
        assert_eq!(sums.to.len(), self.sums.len(), "sums of the chain");
        for (to, sum) in sums.to.iter().zip(&self.sums) {
            assert_eq!(to.len(), sum.channels * LANES, "length of the sums");
        }
        let of_sum = self.sums.first().map(|sum| sum.channels * sum.pixels * LANES);
        let len = of_sum.or(outputs.first().map(|output| output.len())).unwrap_or(0);
        self.run_tiles(isa, 0, len, inputs, outputs, sums, scratch);
    }

    #[expect(clippy::too_many_arguments, reason = "what a chain reads and writes")]
    fn run_tiles(
        &self,
        isa: Isa,
        first: usize,
        len: usize,
        inputs: &[Source<'_>],
        outputs: &mut [&mut [f32]],
        sums: &mut Sums<'_, '_>,
        scratch: &mut [f32],
    ) {
        assert_eq!(inputs.len(), self.inputs.len(), "operands of the chain");
        assert_eq!(outputs.len(), self.n_outputs, "results of the chain");
        assert!(scratch.len() >= self.scratch_len(), "length of the scratch");
        assert!(len.is_multiple_of(LANES) && first.is_multiple_of(LANES), "whole vectors");
        assert!(outputs.iter().all(|output| output.len() == len), "outputs of equal length");
        for start in (0..len).step_by(TILE) {
            let n = TILE.min(len - start);
            for (i, input) in inputs.iter().enumerate() {
                let access = self.inputs[i];
                let spread = &mut scratch[self.spread_at[i]..][..access.spread_len()];
                match access {
                    Access::Element { .. } => {
                        fill(access, input, (first + start) / LANES, &mut spread[..n]);
                    }
                    // What is read of it lies before its end and that of the tensor.
                    Access::Full
                    | Access::Scalar
                    | Access::Lane
                    | Access::Channel { .. }
                    | Access::LaneChannel { .. } => {
                        if start == 0 {
                            let n = spread.len().min(first + len);
                            fill(access, input, 0, &mut spread[..n]);
                        }
                    }
                }
            }
            self.run_tile(isa, first, start..start + n, inputs, outputs, sums, scratch);
        }
    }

    /// [`Chain::run`] over tensors whose elements are spread over the threads of a pool; the same bits.
    ///
    /// # Panics
    /// As [`Chain::run`], with an operand repeated along channels, or with fewer workspaces than threads.
    pub fn run_on(
        &self,
        pool: &ThreadPool,
        isa: Isa,
        inputs: &[Source<'_>],
        outputs: &mut [&mut [f32]],
        workspaces: &mut [Vec<f32>],
    ) {
        let len = outputs.first().map_or(0, |output| output.len());
        let n_tasks = len.div_ceil(CHUNK).max(1);
        if n_tasks == 1 {
            self.run(isa, 0, inputs, outputs, &mut workspaces[0]);
            return;
        }
        assert!(outputs.iter().all(|output| output.len() == len), "outputs of equal length");
        assert!(outputs.len() <= MAX_OUTPUTS && inputs.len() <= MAX_INPUTS, "operands that fit");
        let shared: [Option<SharedSlice<'_, f32>>; MAX_OUTPUTS] = {
            let mut outputs = outputs.iter_mut();
            std::array::from_fn(|_| outputs.next().map(|output| SharedSlice::new(output)))
        };
        let workspaces = SharedSlice::new(workspaces);
        pool.run(n_tasks, |task, worker| {
            let range = task * CHUNK..((task + 1) * CHUNK).min(len);
            let mut parts: [&mut [f32]; MAX_OUTPUTS] = std::array::from_fn(|_| &mut [][..]);
            for (part, shared) in parts.iter_mut().zip(shared.iter().flatten()) {
                // SAFETY: chunks do not overlap and each task is run once.
                *part = unsafe { shared.range(range.clone()) };
            }
            let mut sources = [Source::Number(0.0); MAX_INPUTS];
            for ((to, source), access) in sources.iter_mut().zip(inputs).zip(&self.inputs) {
                *to = match (source, access) {
                    (Source::Slice(slice), Access::Full) => Source::Slice(&slice[range.clone()]),
                    (source, _) => *source,
                };
            }
            // SAFETY: one thread at a time has a worker index.
            let workspace = unsafe { &mut workspaces.range(worker..worker + 1)[0] };
            let n_outputs = self.n_outputs;
            self.run(
                isa,
                range.start,
                &sources[..inputs.len()],
                &mut parts[..n_outputs],
                workspace,
            );
        });
    }

    #[expect(clippy::too_many_arguments, reason = "what a chain reads and writes")]
    fn run_tile(
        &self,
        isa: Isa,
        first: usize,
        range: Range<usize>,
        inputs: &[Source<'_>],
        outputs: &mut [&mut [f32]],
        sums: &mut Sums<'_, '_>,
        scratch: &mut [f32],
    ) {
        let (start, n) = (range.start, range.len());
        for Pass { number, work, operands } in &self.passes {
            let target = self.targets[*number];
            let pointer = |operand: Operand| -> *const f32 {
                match operand {
                    Operand::Register(register) => match self.targets[register] {
                        Destination::Tile(tile) => scratch[tile * TILE..][..n].as_ptr(),
                        Destination::Output(output) => outputs[output][start..start + n].as_ptr(),
                    },
                    Operand::Input(input) => match (self.inputs[input], &inputs[input]) {
                        (Access::Full, Source::Slice(slice)) => slice[start..start + n].as_ptr(),
                        (Access::Full, Source::Output(output)) => {
                            outputs[*output][start..start + n].as_ptr()
                        }
                        (access, _) => {
                            let at = access.offset((first + start) / LANES);
                            scratch[self.spread_at[input] + at..][..n].as_ptr()
                        }
                    },
                }
            };
            let [a, b, c] = operands.map(pointer);
            let to = match target {
                Destination::Tile(tile) => scratch[tile * TILE..][..n].as_mut_ptr(),
                Destination::Output(output) => outputs[output][start..start + n].as_mut_ptr(),
            };
            // SAFETY: every pointer comes from a slice of `n` floats, a multiple of 16; the target is its operand or
            // apart from it, and each vector is read before it is written.
            unsafe {
                match *work {
                    Work::One(function) => apply(isa, function, n, a, b, c, to),
                    Work::Pair(first, then) => apply_pair(isa, first, then, n, [a, b, c], to),
                }
            }
            let of_this = |(sum, _): &(&ChannelSum, _)| sum.instruction == *number;
            for (sum, to) in self.sums.iter().zip(sums.to.iter_mut()).filter(of_this) {
                let tile = match target {
                    Destination::Tile(tile) => &scratch[tile * TILE..][..n],
                    Destination::Output(output) => &outputs[output][start..start + n],
                };
                sum.add(isa, start / LANES, tile, sums.lanes, to);
            }
        }
    }
}

/// Replaces values by a function of one operand.
///
/// # Panics
/// When the values are not whole vectors of 16, or the function has more operands.
pub fn transform(isa: Isa, function: Function, values: &mut [f32]) {
    assert!(values.len().is_multiple_of(LANES) && arity(function) == 1, "whole vectors");
    let to = values.as_mut_ptr();
    // SAFETY: the target is the operand itself, of a multiple of 16 floats.
    unsafe { apply(isa, function, values.len(), to, to, to, to) };
}

/// An operand at run time.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Elements, as [`Access`] says.
    Slice(&'a [f32]),
    /// A number.
    Number(f32),
    /// What an output holds before the run, in full; nothing may read it after that output is written.
    Output(usize),
}

/// Fills a tile that starts at vector `vector` of the tensor.
fn fill(access: Access, source: &Source<'_>, vector: usize, tile: &mut [f32]) {
    let slice = match source {
        Source::Slice(slice) => slice,
        Source::Number(number) => {
            tile.fill(*number);
            return;
        }
        Source::Output(_) => return,
    };
    let vectors = tile.chunks_exact_mut(LANES).zip(vector..);
    match access {
        Access::Full => {}
        Access::Scalar => tile.fill(slice[0]),
        Access::Lane => vectors.for_each(|(to, _)| to.copy_from_slice(&slice[..LANES])),
        Access::Channel { channels } => vectors.for_each(|(to, v)| to.fill(slice[v % channels])),
        Access::LaneChannel { channels } => vectors.for_each(|(to, v)| {
            let at = v % channels * LANES;
            to.copy_from_slice(&slice[at..at + LANES]);
        }),
        Access::Element { channels, pixels } => {
            vectors.for_each(|(to, v)| to.fill(slice[v % channels * pixels + v / channels]));
        }
    }
}

#[cfg(test)]
mod tests;
