//! Chains of element-wise operations, run tile by tile so that what lies between them stays in the first-level cache.
//!
//! In: a [`Chain`] (a list of instructions on registers of one tile) and its operands, in full or repeated along an
//! axis. Out: its results, each written once. Invariant: an element depends on the elements at its own place only, so
//! bits depend neither on tiles nor on threads; lengths are whole vectors of 16.

mod function;

pub use self::function::{Function, arity};

use self::function::apply;
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
    inputs: Vec<Access>,
    /// For each input that is not read in full: its tile.
    input_tiles: Vec<usize>,
    n_outputs: usize,
    n_tiles: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    Tile(usize),
    Output(usize),
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
        let input_tiles = inputs
            .iter()
            .map(|access| {
                let tile = n_tiles;
                n_tiles += usize::from(*access != Access::Full);
                tile
            })
            .collect();
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
        Self { instructions, targets, inputs, input_tiles, n_outputs: outputs.len(), n_tiles }
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
        self.n_tiles * TILE
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
        assert_eq!(inputs.len(), self.inputs.len(), "operands of the chain");
        assert_eq!(outputs.len(), self.n_outputs, "results of the chain");
        assert!(scratch.len() >= self.scratch_len(), "length of the scratch");
        let len = outputs.first().map_or(0, |output| output.len());
        assert!(len.is_multiple_of(LANES) && first.is_multiple_of(LANES), "whole vectors");
        assert!(outputs.iter().all(|output| output.len() == len), "outputs of equal length");
        let tile_len = self.tile_len().min(len.max(LANES));
        for (start, tile_idx) in (0..len).step_by(tile_len.max(1)).zip(0..) {
            let n = tile_len.min(len - start);
            for (i, input) in inputs.iter().enumerate() {
                let access = self.inputs[i];
                if access != Access::Full && (tile_idx == 0 || !Self::is_periodic(access, tile_len))
                {
                    let tile = &mut scratch[self.input_tiles[i] * TILE..][..n];
                    fill(access, input, (first + start) / LANES, tile);
                }
            }
            self.run_tile(isa, start, n, inputs, outputs, scratch);
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

    /// Floats of a tile, such that numbers per channel repeat in each where they fit.
    fn tile_len(&self) -> usize {
        let channels = self.inputs.iter().find_map(|access| match access {
            Access::Channel { channels } | Access::LaneChannel { channels } => Some(*channels),
            Access::Full | Access::Scalar | Access::Lane | Access::Element { .. } => None,
        });
        match channels {
            Some(channels) if channels > 0 && channels * LANES <= TILE => {
                TILE / (channels * LANES) * (channels * LANES)
            }
            Some(_) | None => TILE,
        }
    }

    /// Whether each tile of an operand holds the same.
    fn is_periodic(access: Access, tile_len: usize) -> bool {
        match access {
            Access::Full | Access::Element { .. } => false,
            Access::Scalar | Access::Lane => true,
            Access::Channel { channels } | Access::LaneChannel { channels } => {
                tile_len.is_multiple_of(channels.max(1) * LANES)
            }
        }
    }

    fn run_tile(
        &self,
        isa: Isa,
        start: usize,
        n: usize,
        inputs: &[Source<'_>],
        outputs: &mut [&mut [f32]],
        scratch: &mut [f32],
    ) {
        for (instruction, target) in self.instructions.iter().zip(&self.targets) {
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
                        (_, _) => scratch[self.input_tiles[input] * TILE..][..n].as_ptr(),
                    },
                }
            };
            let count = arity(instruction.function);
            let a = pointer(instruction.operands[0]);
            let b = if count > 1 { pointer(instruction.operands[1]) } else { a };
            let c = if count > 2 { pointer(instruction.operands[2]) } else { a };
            let to = match *target {
                Destination::Tile(tile) => scratch[tile * TILE..][..n].as_mut_ptr(),
                Destination::Output(output) => outputs[output][start..start + n].as_mut_ptr(),
            };
            // SAFETY: every pointer comes from a slice of `n` floats, a multiple of 16; the target is its operand or
            // apart from it, and each vector is read before it is written.
            unsafe { apply(isa, instruction.function, n, a, b, c, to) };
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
mod tests {
    use super::*;

    fn unary(function: Function, a: Operand) -> Instruction {
        Instruction { function, operands: [a, a, a] }
    }

    #[test]
    fn a_chain_gives_what_its_parts_give() {
        // y = relu(x · scale[channel] + shift), z = y · y
        let (x, scale, shift) = (Operand::Input(0), Operand::Input(1), Operand::Input(2));
        let chain = Chain::new(
            vec![
                Instruction { function: Function::Mul, operands: [x, scale, x] },
                Instruction { function: Function::Add, operands: [Operand::Register(0), shift, x] },
                unary(Function::Relu, Operand::Register(1)),
                unary(Function::Square, Operand::Register(2)),
            ],
            vec![Access::Full, Access::Channel { channels: 3 }, Access::Scalar],
            &[2, 3],
        );
        let len = 3 * 50 * LANES;
        let input: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
        let scales = [2.0, -1.0, 0.5];
        for isa in Isa::available() {
            let (mut y, mut z) = (vec![f32::NAN; len], vec![f32::NAN; len]);
            let mut scratch = vec![f32::NAN; chain.scratch_len()];
            let sources = [Source::Slice(&input), Source::Slice(&scales), Source::Number(0.25)];
            chain.run(isa, 0, &sources, &mut [&mut y, &mut z], &mut scratch);
            for (i, x) in input.iter().enumerate() {
                let expected = (x * scales[i / LANES % 3] + 0.25).max(0.0);
                assert_eq!(y[i].to_bits(), expected.to_bits(), "{isa:?} {i}");
                assert_eq!(z[i].to_bits(), (expected * expected).to_bits());
            }
        }
    }

    #[test]
    fn an_update_works_in_place() {
        let (w, g) = (Operand::Input(0), Operand::Input(1));
        let chain = Chain::new(
            vec![Instruction { function: Function::Sub, operands: [w, g, w] }],
            vec![Access::Full, Access::Full],
            &[0],
        );
        let mut weights = vec![3.0; 32 * 40];
        let grad = vec![1.0; 32 * 40];
        let sources = [Source::Output(0), Source::Slice(&grad)];
        chain.run(Isa::detect(), 0, &sources, &mut [&mut weights], &mut []);
        assert!(weights.iter().all(|w| *w == 2.0));
    }
}
