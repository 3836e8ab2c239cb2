//! The kernels of whole stages: scalars, sums of what groups left, packed weights, updates.

use std::ops::Range;

use super::bound::{BoundPhase, BoundStep, all};
use super::scalars;
use crate::kernels::isa::Isa;
use crate::kernels::memory::{MAX_OPERANDS, MAX_OUTPUTS, with_ranges};
use crate::kernels::threads::ThreadPool;
use crate::kernels::{lanes, moments};
use crate::lower::HyperValues;
use crate::lower::cpu::{CpuKernel, CpuPhase, CpuStep, WholeKernel};

/// Floats of a sum that one task takes.
const CHUNK: usize = 1 << 13;

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
pub(super) fn run(ctx: &mut Context<'_>, arena: &mut [f32], step: &CpuStep, bound: &BoundStep) {
    let CpuKernel::Whole(kernel) = &step.kernel else {
        panic!("broken invariant: bind lets whole stages hold whole kernels only")
    };
    let mut reads: [Range<usize>; MAX_OPERANDS] = std::array::from_fn(|_| 0..0);
    let mut writes: [Range<usize>; MAX_OUTPUTS] = std::array::from_fn(|_| 0..0);
    let phase = ctx.bound;
    let range = |value: usize| phase.frame.whole(&phase.buffer(value), ctx.n_blocks);
    for (to, value) in reads.iter_mut().zip(&bound.reads) {
        *to = range(*value);
    }
    for (to, value) in writes.iter_mut().zip(&bound.writes) {
        *to = range(*value);
    }
    let elements = |at: usize| ctx.phase.value(step.outputs[at]).shape.elements();
    let (isa, pool) = (ctx.isa, ctx.pool);
    let scalars = &mut *ctx.scalars;
    let workspaces = &mut *ctx.workspaces;
    let (hyper, n_samples, n_blocks) = (ctx.hyper, ctx.n_samples, ctx.n_blocks);
    let (reads, writes) = (&reads[..bound.reads.len()], &writes[..bound.writes.len()]);
    with_ranges(arena, reads, writes, |reads, writes| match kernel {
        WholeKernel::Chain(chain) => {
            let sources = bound.sources(reads, scalars);
            chain.run_on(pool, isa, &sources[..bound.feeds.len()], writes, workspaces);
        }
        WholeKernel::Pack(conv) => {
            let weight = &reads[0][..conv.geometry().weight_len()];
            conv.pack(pool, weight, &mut writes[0][..conv.packed_len()]);
        }
        WholeKernel::PackTurned(conv) => {
            let weight = &reads[0][..conv.geometry().weight_len()];
            conv.pack_turned(pool, weight, &mut writes[0][..conv.packed_turned_len()]);
        }
        WholeKernel::PackPooled(plan) => {
            let weight = &reads[0][..plan.geometry().weight_len()];
            plan.pack(weight, &mut writes[0][..plan.packed_len()]);
        }
        WholeKernel::LinearGradWeight(linear) => {
            let [grad, turned] = all(writes);
            let turned = &mut turned[..linear.turned_len(n_blocks)];
            linear.turn_input(reads[1], turned);
            let len = linear.in_features() * linear.out_features();
            linear.grad_weight_on(pool, turned, reads[0], &mut grad[..len]);
        }
        WholeKernel::Reduce(n) => {
            let part = phase.buffer(bound.reads[0]).len.max(1);
            let partials = reads[0];
            pool.run_chunks(&mut writes[0][..*n], CHUNK, |chunk, out| {
                let range = chunk * CHUNK..chunk * CHUNK + out.len();
                let parts = partials.chunks_exact(part).map(|part| &part[range.clone()]);
                lanes::reduce_partials(out, parts);
            });
        }
        WholeKernel::ReduceMoments { channels } => {
            let [mean, variance] = all(writes);
            moments::reduce_moments(reads[0], *channels, mean, variance);
        }
        WholeKernel::ReduceScalar => {
            let part = phase.buffer(bound.reads[0]).len.max(1);
            let parts = reads[0].chunks_exact(part);
            scalars[bound.scalar_output()] = parts.map(|part| f64::from(part[0])).sum();
        }
        WholeKernel::Move(runs) => {
            let y = &mut *writes[0];
            y.fill(0.0);
            for run in runs {
                let from = &reads[run.input][run.from..run.from + run.len];
                y[run.to..run.to + run.len].copy_from_slice(from);
            }
        }
        WholeKernel::MoveElements(map) => {
            for (to, from) in writes[0].iter_mut().zip(map) {
                *to = reads[0].get(*from as usize).copied().unwrap_or(0.0);
            }
        }
        WholeKernel::SumElements(map) => {
            let mut sums = vec![0.0f64; elements(0)];
            for (from, to) in reads[0].iter().zip(map) {
                sums[*to as usize] += f64::from(*from);
            }
            for (to, sum) in writes[0].iter_mut().zip(&sums) {
                *to = *sum as f32;
            }
        }
        WholeKernel::Scalar(op) => {
            // Operands that the operation does not have are not looked at.
            let operand = |at: usize| bound.scalars.get(at).map_or(0.0, |scalar| scalars[*scalar]);
            let operands = std::array::from_fn(operand);
            let fixed = reads.first().copied().unwrap_or_default();
            let value = scalars::evaluate(*op, operands, fixed, &hyper, n_samples, pool);
            scalars[bound.scalar_output()] = value;
        }
        WholeKernel::Fill => writes[0].fill(scalars[bound.scalars[0]] as f32),
        WholeKernel::SpectralGrad(rows, columns) => {
            let values = &reads[0][..rows * columns];
            scalars::spectral_grad(values, *rows, *columns, writes[0]);
        }
    });
}
