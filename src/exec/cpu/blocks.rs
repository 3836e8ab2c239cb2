//! The kernels of block stages: one step for one block, or for all blocks of a group.

use super::bound::{BoundStep, all};
use super::plain;
use crate::ir::ClassOp;
use crate::kernels::augment::{Planes, Window};
use crate::kernels::dropout::Dropout;
use crate::kernels::input::Gather;
use crate::kernels::isa::Isa;
use crate::kernels::memory::{Task, as_words16, as_words32, words8, words16, words32};
use crate::kernels::pointwise::{Source, Sums};
use crate::kernels::pool2d::{average, max};
use crate::kernels::{LANES, bias, classes, lanes, moments, turn};
use crate::lower::cpu::{BlockKernel, CpuKernel, CpuPhase, CpuStep, PlainPoolKind};
use crate::lower::{Batch, HyperValues, ValueId};

/// What steps read beside buffers.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) isa: Isa,
    pub(super) seed: u64,
    pub(super) phase: &'a CpuPhase,
    pub(super) batch: &'a Batch<'a>,
    pub(super) hyper: HyperValues,
    pub(super) scalars: &'a [f64],
}

/// Samples of a block, the first one repeated on lanes without one: their numbers stay as tame as those of samples.
pub(super) fn samples(batch: &Batch<'_>, block: usize) -> [u32; LANES] {
    let first = block * LANES;
    std::array::from_fn(|lane| {
        let at = batch.indices.get(first + lane).or_else(|| batch.indices.get(first));
        at.copied().unwrap_or_default()
    })
}

/// Runs a step on block `block` of the task's group, or on all of its blocks.
#[expect(clippy::too_many_lines, reason = "one arm per kernel")]
pub(super) fn run(
    task: &mut Task<'_>,
    ctx: &Context<'_>,
    step: &CpuStep,
    bound: &BoundStep,
    block: Option<usize>,
) {
    let CpuKernel::Block(kernel) = &step.kernel else {
        panic!("broken invariant: bind lets block stages hold block kernels only")
    };
    let isa = ctx.isa;
    let is_first = block.is_none_or(|block| block == 0);
    let is_last = block.is_none_or(|block| block + 1 == task.n_blocks());
    let number = task.first_block() + block.unwrap_or(0);
    let layout = |id: ValueId| ctx.phase.value(id).layout;
    task.with(block, &bound.reads, &bound.writes, |reads, writes| match kernel {
        BlockKernel::Input => {
            let [block, rows, planes] = all(writes);
            read_samples(ctx, number, layout(step.outputs[0]), rows, planes, block);
        }
        BlockKernel::Chain(chain) => {
            let sources = bound.sources(reads, ctx.scalars);
            let sources = &sources[..bound.feeds.len()];
            let (inputs, lanes) = sources.split_at(chain.inputs().len());
            let lanes = match lanes {
                [Source::Slice(lanes)] => lanes,
                _ => &[][..],
            };
            let n_sums = chain.sums().len();
            let (outputs, rest) = writes.split_at_mut(chain.n_outputs());
            let (partials, rest) = rest.split_at_mut(n_sums);
            let [scratch, sums @ ..] = rest else {
                panic!("broken invariant: bind counts the scratch of every step")
            };
            for (to, sum) in sums.iter_mut().zip(chain.sums()) {
                let all = std::mem::take(to);
                *to = accumulators(all, sum.channels * LANES, is_first);
            }
            chain.run_block(isa, inputs, outputs, &mut Sums { to: sums, lanes }, scratch);
            if is_last {
                for ((partial, sums), sum) in partials.iter_mut().zip(sums).zip(chain.sums()) {
                    lanes::sum_lanes(isa, sums, &mut partial[..sum.channels]);
                }
            }
        }
        BlockKernel::Conv { conv, bias, relu } => {
            let [y, scratch] = all(writes);
            let packed = fitting(reads[1], conv.packed_len());
            let bias = bias.then(|| fitting(reads[2], conv.geometry().out_channels));
            conv.forward(packed, reads[0], bias, *relu, y, scratch);
        }
        BlockKernel::ConvMaxPool { conv, bias, relu, size } => {
            let [y, masks, scratch] = all(writes);
            let geometry = conv.geometry();
            let packed = fitting(reads[1], conv.packed_len());
            let bias = bias.then(|| fitting(reads[2], geometry.out_channels));
            let n_masks = geometry.out_height() / size
                * (geometry.out_width() / size)
                * geometry.out_channels
                * size
                * size;
            let masks = &mut words16(masks)[..n_masks];
            conv.forward_max_pool(packed, reads[0], bias, *relu, *size, y, masks, scratch);
        }
        BlockKernel::ConvGradInput(conv) => {
            let [dx, scratch] = all(writes);
            let packed = fitting(reads[1], conv.packed_turned_len());
            conv.grad_input(packed, reads[0], dx, false, scratch);
        }
        BlockKernel::ConvGradWeight(conv) => {
            let [grad, sums, scratch] = all(writes);
            let sums = accumulators(sums, conv.grad_weight_len(), is_first);
            conv.grad_weight(reads[1], reads[0], sums, scratch);
            if is_last {
                conv.collapse_grad_weight(sums, &mut grad[..conv.geometry().weight_len()]);
            }
        }
        BlockKernel::ConvGradWeightPooled(plan) => {
            let [grad, sums, scratch] = all(writes);
            let sums = accumulators(sums, plan.sums_len(), is_first);
            let masks = &as_words16(reads[2])[..plan.pool().mask_len()];
            plan.add(reads[1], reads[0], masks, sums, scratch);
            if is_last {
                plan.collapse(sums, &mut grad[..plan.geometry().weight_len()]);
            }
        }
        BlockKernel::ConvGradInputPooled(plan) => {
            let [dx, scratch] = all(writes);
            let masks = &as_words16(reads[2])[..plan.pool().mask_len()];
            let packed = fitting(reads[1], plan.packed_len());
            plan.run(packed, reads[0], masks, dx, scratch);
        }
        BlockKernel::PlainConv(conv) => plain::conv(conv, reads[0], reads[1], writes[0]),
        BlockKernel::PlainConvGradInput(conv) => {
            plain::conv_grad_input(conv, reads[0], reads[1], writes[0]);
        }
        BlockKernel::PlainConvGradWeight(conv) => {
            plain::conv_grad_weight(conv, reads[0], reads[1], is_first, writes[0]);
        }
        BlockKernel::Linear { linear, bias, relu } => {
            let bias = bias.then(|| fitting(reads[2], linear.out_features()));
            let weight = fitting(reads[1], linear.in_features() * linear.out_features());
            linear.forward(weight, reads[0], bias, *relu, writes[0]);
        }
        BlockKernel::LinearGradInput(linear) => {
            let weight = fitting(reads[1], linear.in_features() * linear.out_features());
            linear.grad_input(weight, reads[0], writes[0], false);
        }
        BlockKernel::LinearGradWeight(linear) => {
            let [grad, turned] = all(writes);
            let (dy, x) = (reads[0], reads[1]);
            let n_blocks = x.len() / (linear.in_features() * LANES);
            let turned = &mut turned[..linear.turned_len(n_blocks)];
            linear.turn_input(x, turned);
            let len = linear.in_features() * linear.out_features();
            linear.grad_weight(turned, dy, &mut grad[..len]);
        }
        BlockKernel::MaxPool { pool, relu } => {
            let [y, masks] = all(writes);
            let masks = &mut words16(masks)[..pool.mask_len()];
            max::forward(isa, pool, *relu, reads[0], y, masks);
        }
        BlockKernel::Unpool(pool) => {
            let masks = &as_words16(reads[1])[..pool.mask_len()];
            max::backward(isa, pool, reads[0], masks, writes[0]);
        }
        BlockKernel::Winners(pool) => {
            let masks = &as_words16(reads[1])[..pool.mask_len()];
            max::winners(isa, pool, reads[0], masks, writes[0]);
        }
        BlockKernel::AvgPool(pool) => average::forward(isa, pool, reads[0], writes[0]),
        BlockKernel::AvgPoolGrad(pool) => average::backward(isa, pool, reads[0], writes[0]),
        BlockKernel::PlainPool { kind, pool, input } => {
            let y = &mut *writes[0];
            match kind {
                PlainPoolKind::Max => plain::max_pool(pool, *input, reads[0], y),
                PlainPoolKind::MaxGrad => {
                    plain::max_pool_grad(pool, *input, reads[0], reads[1], y);
                }
                PlainPoolKind::Average => plain::average_pool(pool, *input, reads[0], y),
                PlainPoolKind::AverageGrad => plain::average_pool_grad(pool, *input, reads[0], y),
            }
        }
        BlockKernel::SumVectors(targets) => {
            let y = &mut *writes[0];
            y.fill(0.0);
            for (x, target) in reads[0].chunks_exact(LANES).zip(targets) {
                add(&mut y[*target as usize * LANES..][..LANES], x);
            }
        }
        BlockKernel::SumBatch { targets, n, masked } => {
            let [result, sums] = all(writes);
            let sums = accumulators(sums, n * LANES, is_first);
            sum_batch(isa, reads[0], reads[1], targets, *masked, sums);
            if is_last {
                lanes::sum_lanes(isa, sums, &mut result[..*n]);
            }
        }
        BlockKernel::Moments { channels } => {
            let sums = &mut writes[0][..channels * moments::MOMENTS];
            moments::add_moments(reads[0], reads[1], *channels, is_first, sums);
        }
        BlockKernel::Move(runs) => {
            let y = &mut *writes[0];
            y.fill(0.0);
            for run in runs {
                let from = &reads[run.input][run.from * LANES..][..run.len * LANES];
                y[run.to * LANES..][..run.len * LANES].copy_from_slice(from);
            }
        }
        BlockKernel::Class(op) => {
            let index = if op.reads_index() { reads[1] } else { &[] };
            class(isa, *op, [reads[0], index], writes[0]);
        }
        BlockKernel::Normalize(groups, eps) => {
            let channels = norm_channels(layout(step.inputs[0]), *groups);
            moments::normalize(reads[0], channels, *groups, *eps, writes[0]);
        }
        BlockKernel::NormalizeGrad(groups, eps) => {
            let channels = norm_channels(layout(step.inputs[0]), *groups);
            moments::normalize_grad(reads[0], reads[1], channels, *groups, *eps, writes[0]);
        }
        BlockKernel::Dropout { p, stream } => {
            let [y, row] = all(writes);
            dropout(ctx, *p, *stream, number, layout(step.outputs[0]), row, y);
        }
        BlockKernel::MaskLanes => {
            let active = reads[1];
            for (y, x) in writes[0].chunks_exact_mut(LANES).zip(reads[0].chunks_exact(LANES)) {
                for lane in 0..LANES {
                    y[lane] = if active[lane] == 0.0 { 0.0 } else { x[lane] };
                }
            }
        }
    });
}

/// The first `len` floats, zero for the first block.
fn accumulators(sums: &mut [f32], len: usize, is_first: bool) -> &mut [f32] {
    let sums = &mut sums[..len];
    if is_first {
        sums.fill(0.0);
    }
    sums
}

/// The elements of a buffer that was rounded up to whole vectors.
fn fitting(slice: &[f32], len: usize) -> &[f32] {
    &slice[..len]
}

fn add(to: &mut [f32], x: &[f32]) {
    for (to, x) in to.iter_mut().zip(x) {
        *to += x;
    }
}

fn sum_batch(isa: Isa, x: &[f32], active: &[f32], targets: &[u32], masked: bool, sums: &mut [f32]) {
    let is_short = masked && active.contains(&0.0);
    if targets.is_empty() && !is_short {
        bias::add_channel_sums(isa, x, sums);
        return;
    }
    let period = (sums.len() / LANES).max(1);
    for (number, x) in x.chunks_exact(LANES).enumerate() {
        let target = targets.get(number).map_or(number % period, |target| *target as usize);
        let sums = &mut sums[target * LANES..][..LANES];
        for lane in 0..LANES {
            if !is_short || active[lane] != 0.0 {
                sums[lane] += x[lane];
            }
        }
    }
}

/// One group spans all elements whatever their channels.
fn norm_channels([channels, pixels]: [usize; 2], groups: usize) -> usize {
    if groups == 1 { channels * pixels } else { channels }
}

fn class(isa: Isa, op: ClassOp, [x, index]: [&[f32]; 2], y: &mut [f32]) {
    match op {
        ClassOp::Softmax => classes::softmax(isa, x, y),
        ClassOp::LogSoftmax => classes::log_softmax(isa, x, y),
        ClassOp::Gather => classes::gather(x, as_words32(index), y),
        ClassOp::Scatter { .. } => classes::scatter(x, as_words32(index), y),
        ClassOp::ArgMax => classes::arg_max(x, None, words32(y)),
        ClassOp::ArgMaxExcept => classes::arg_max(x, Some(as_words32(index)), words32(y)),
        ClassOp::LogNotLabel => classes::log_not_label(x, as_words32(index), y),
        ClassOp::SoftmaxExcept => classes::softmax_except(isa, x, as_words32(index), y),
        ClassOp::SparsemaxThreshold => classes::sparsemax_threshold(x, y),
        ClassOp::SparsemaxSupport => classes::sparsemax_support(x, y),
    }
}

/// Decodes one block: rows of samples, then planes of lanes, then pixels of channels.
fn read_samples(
    ctx: &Context<'_>,
    block: usize,
    [channels, pixels]: [usize; 2],
    rows: &mut [f32],
    planes: &mut [f32],
    out: &mut [f32],
) {
    let indices = samples(ctx.batch, block);
    let batch = Batch { indices: &indices, ..*ctx.batch };
    if read_bytes(ctx, &batch, [channels, pixels], rows, out) {
        return;
    }
    ctx.batch.samples.gather_f32(&batch, rows);
    let len = channels * pixels;
    let mut views: [&[f32]; LANES] = [&[]; LANES];
    for (view, row) in views.iter_mut().zip(rows.chunks_exact(len)) {
        *view = row;
    }
    if channels == 1 || pixels == 1 {
        turn::rows_to_block(ctx.isa, &views, out);
        return;
    }
    turn::rows_to_block(ctx.isa, &views, planes);
    for (channel, plane) in planes.chunks_exact(pixels * LANES).enumerate() {
        for (pixel, vector) in plane.chunks_exact(LANES).enumerate() {
            out[(pixel * channels + channel) * LANES..][..LANES].copy_from_slice(vector);
        }
    }
}

/// Most channels whose bytes are decoded straight into a block.
const MAX_CHANNELS: usize = 16;

/// Decodes one block from bytes, if samples have them.
fn read_bytes(
    ctx: &Context<'_>,
    batch: &Batch<'_>,
    [channels, pixels]: [usize; 2],
    scratch: &mut [f32],
    out: &mut [f32],
) -> bool {
    let Some(raw) = batch.samples.raw() else { return false };
    let pair = |channel: usize| match raw.normalization {
        [pair] => Some(pair),
        pairs => pairs.get(channel),
    };
    if channels > MAX_CHANNELS || (0..channels).any(|channel| pair(channel).is_none()) {
        return false;
    }
    let (mut scale, mut shift) = ([0.0; MAX_CHANNELS], [0.0; MAX_CHANNELS]);
    for channel in 0..channels {
        let (factor, term) = pair(channel).copied().unwrap_or_default();
        (scale[channel], shift[channel]) = (factor as f32, term as f32);
    }
    let dims = match ctx.phase.input_dims.as_slice() {
        &[_, rows, columns] => [rows, columns],
        _ => [1, pixels],
    };
    let len = channels * pixels;
    let mut records: [&[u8]; LANES] = [&[]; LANES];
    for (record, index) in records.iter_mut().zip(batch.indices) {
        let start = *index as usize * len;
        match raw.bytes.get(start..start + len) {
            Some(bytes) => *record = bytes,
            None => return false,
        }
    }
    let mut windows = [Window::default(); LANES];
    let is_moved = batch.samples.windows(batch, &mut windows);
    let shape = Planes { channels, rows: dims[0], columns: dims[1] };
    let gather = Gather { shape, scale: &scale[..channels], shift: &shift[..channels], hole: 0.0 };
    let windows = if is_moved { &windows[..] } else { &[] };
    gather.run(ctx.isa, &records, windows, words8(scratch), out);
    true
}

fn dropout(
    ctx: &Context<'_>,
    p: f64,
    stream: u32,
    block: usize,
    [channels, pixels]: [usize; 2],
    row: &mut [f32],
    y: &mut [f32],
) {
    let masks = Dropout::new(ctx.seed, stream, p);
    let kept = masks.scale() as f32;
    let row = &mut row[..channels * pixels];
    for (lane, sample) in samples(ctx.batch, block).into_iter().enumerate() {
        masks.fill(ctx.hyper.step, sample, kept, 0.0, row);
        for (element, value) in row.iter().enumerate() {
            let vector = element % pixels * channels + element / pixels;
            y[vector * LANES + lane] = *value;
        }
    }
}
