//! The kernels of whole stages: scalars, sums of what groups left, packed weights, updates.

use std::ops::Range;

use super::bound::{BoundPhase, BoundStep, Source};
use super::scalars;
use crate::kernels::isa::Isa;
use crate::kernels::memory::{MAX_OPERANDS, MAX_OUTPUTS, with_ranges};
use crate::kernels::threads::ThreadPool;
use crate::kernels::{lanes, moments, pointwise};
use crate::lower::HyperValues;
use crate::lower::cpu::{CpuKernel, CpuPhase, CpuStep};

/// Floats of a sum that one task takes.
const CHUNK: usize = 1 << 13;

/// Most operands of a chain.
const MAX_SOURCES: usize = 32;

/// What steps read and write beside the arena.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) isa: Isa,
    pub(super) pool: &'a ThreadPool,
    pub(super) phase: &'a CpuPhase,
    pub(super) bound: &'a BoundPhase,
    pub(super) hyper: HyperValues,
    pub(super) n_samples: usize,
    pub(super) n_blocks: usize,
    pub(super) scalars: &'a mut [f64],
    pub(super) workspaces: &'a mut [Vec<f32>],
}

/// Runs a step over everything.
#[expect(clippy::too_many_lines, reason = "one arm per kernel")]
pub(super) fn run(ctx: &mut Context<'_>, arena: &mut [f32], step: &CpuStep, bound: &BoundStep) {
    let mut reads: [Range<usize>; MAX_OPERANDS] = std::array::from_fn(|_| 0..0);
    let mut writes: [Range<usize>; MAX_OUTPUTS] = std::array::from_fn(|_| 0..0);
    let range = |value: usize| {
        let buffer = ctx.bound.buffers[value];
        buffer.map_or(0..0, |buffer| ctx.bound.frame.whole(&buffer, ctx.n_blocks))
    };
    for (to, value) in reads.iter_mut().zip(&bound.reads) {
        *to = range(*value);
    }
    // Scratch of a chain belongs to workers; here each thread has a workspace of its own.
    let is_chain = matches!(step.kernel, CpuKernel::Map(_));
    let n_writes = if is_chain { step.outputs.len() } else { bound.writes.len() };
    for (to, value) in writes.iter_mut().zip(&bound.writes[..n_writes]) {
        *to = range(*value);
    }
    let elements = |at: usize| ctx.phase.value(step.outputs[at]).shape.elements();
    let (isa, pool) = (ctx.isa, ctx.pool);
    let (n_reads, bound_phase) = (bound.reads.len(), ctx.bound);
    let scalar_table = &mut *ctx.scalars;
    let workspaces = &mut *ctx.workspaces;
    let (hyper, n_samples, n_blocks) = (ctx.hyper, ctx.n_samples, ctx.n_blocks);
    let part_len = |value: usize| bound_phase.buffers[value].map_or(0, |buffer| buffer.len);
    with_ranges(arena, &reads[..n_reads], &writes[..n_writes], |reads, writes| {
        match &step.kernel {
            CpuKernel::Map(chain) => {
                let mut sources = [pointwise::Source::Number(0.0); MAX_SOURCES];
                for (to, source) in sources.iter_mut().zip(&bound.sources) {
                    *to = match source {
                        Source::Read(read) => pointwise::Source::Slice(reads[*read]),
                        Source::Scalar(scalar) => {
                            pointwise::Source::Number(scalar_table[*scalar] as f32)
                        }
                        Source::Output(output) => pointwise::Source::Output(*output),
                    };
                }
                chain.run_on(pool, isa, &sources[..bound.sources.len()], writes, workspaces);
            }
            CpuKernel::Pack(conv) => {
                let weight = &reads[0][..conv.geometry().weight_len()];
                conv.pack(weight, &mut writes[0][..conv.packed_len()]);
            }
            CpuKernel::PackPooled(plan) => {
                let weight = &reads[0][..plan.geometry().weight_len()];
                plan.pack(weight, &mut writes[0][..plan.packed_len()]);
            }
            CpuKernel::PackTurned(conv) => {
                let weight = &reads[0][..conv.geometry().weight_len()];
                conv.pack_turned(weight, &mut writes[0][..conv.packed_turned_len()]);
            }
            CpuKernel::LinearGradWeightWhole(linear) => {
                let [grad, turned] = writes else { return };
                linear.turn_input(reads[1], &mut turned[..linear.turned_len(n_blocks)]);
                let len = linear.in_features() * linear.out_features();
                let turned = &turned[..linear.turned_len(n_blocks)];
                linear.grad_weight_on(pool, turned, reads[0], &mut grad[..len]);
            }
            CpuKernel::Reduce(n) => {
                let part = part_len(bound.reads[0]).max(1);
                let partials = reads[0];
                pool.run_chunks(&mut writes[0][..*n], CHUNK, |chunk, out| {
                    let range = chunk * CHUNK..chunk * CHUNK + out.len();
                    let parts = partials.chunks_exact(part).map(|part| &part[range.clone()]);
                    lanes::reduce_partials(out, parts);
                });
            }
            CpuKernel::ReduceMoments { channels } => {
                let [mean, variance] = writes else { return };
                moments::reduce_moments(reads[0], *channels, mean, variance);
            }
            CpuKernel::ReduceScalar => {
                let part = part_len(bound.reads[0]).max(1);
                let total = reads[0].chunks_exact(part).map(|part| f64::from(part[0])).sum();
                if let Some(output) = bound.scalar_output {
                    scalar_table[output] = total;
                }
            }
            CpuKernel::Move(runs) => {
                let y = &mut *writes[0];
                y.fill(0.0);
                for run in runs {
                    let from = match bound.sources[run.input] {
                        Source::Read(read) => reads[read],
                        Source::Scalar(_) | Source::Output(_) => continue,
                    };
                    y[run.to..run.to + run.len]
                        .copy_from_slice(&from[run.from..run.from + run.len]);
                }
            }
            CpuKernel::MoveElements(map) => {
                for (to, from) in writes[0].iter_mut().zip(map) {
                    *to = reads[0].get(*from as usize).copied().unwrap_or(0.0);
                }
            }
            CpuKernel::SumElements(map) => {
                let mut sums = vec![0.0f64; elements(0)];
                for (from, to) in reads[0].iter().zip(map) {
                    sums[*to as usize] += f64::from(*from);
                }
                for (to, sum) in writes[0].iter_mut().zip(&sums) {
                    *to = *sum as f32;
                }
            }
            CpuKernel::Scalar(op) => {
                let operand = |at: usize| bound.scalars.get(at).map_or(0.0, |s| scalar_table[*s]);
                let fixed = reads.first().copied().unwrap_or(&[]);
                let operands = [operand(0), operand(1), operand(2)];
                let value = scalars::evaluate(*op, operands, fixed, &hyper, n_samples, pool);
                if let Some(output) = bound.scalar_output {
                    scalar_table[output] = value;
                }
            }
            CpuKernel::Fill => {
                let value = bound.scalars.first().map_or(0.0, |scalar| scalar_table[*scalar]);
                writes[0].fill(value as f32);
            }
            CpuKernel::SpectralGrad(rows, columns) => {
                let values = &reads[0][..rows * columns];
                scalars::spectral_grad(values, *rows, *columns, writes[0]);
            }
            CpuKernel::Input
            | CpuKernel::Conv { .. }
            | CpuKernel::ConvMaxPool { .. }
            | CpuKernel::ConvGradInput(_)
            | CpuKernel::ConvGradWeight(_)
            | CpuKernel::ConvGradWeightPooled(_)
            | CpuKernel::ConvGradInputPooled(_)
            | CpuKernel::Winners(_)
            | CpuKernel::PlainConv(_)
            | CpuKernel::PlainConvGradInput(_)
            | CpuKernel::PlainConvGradWeight(_)
            | CpuKernel::Linear { .. }
            | CpuKernel::LinearGradInput(_)
            | CpuKernel::LinearGradWeight(_)
            | CpuKernel::MaxPool { .. }
            | CpuKernel::Unpool(_)
            | CpuKernel::AvgPool(_)
            | CpuKernel::AvgPoolGrad(_)
            | CpuKernel::PlainPool { .. }
            | CpuKernel::SumVectors(_)
            | CpuKernel::SumBatch { .. }
            | CpuKernel::Moments { .. }
            | CpuKernel::Class(_)
            | CpuKernel::Normalize(..)
            | CpuKernel::NormalizeGrad(..)
            | CpuKernel::Dropout { .. }
            | CpuKernel::MaskLanes => {
                panic!("broken invariant: whole stages hold whole kernels only")
            }
        }
    });
}
