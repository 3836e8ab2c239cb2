//! The kernel of a single node that no pattern and no chain took.

use super::kernels::{BlockKernel, CpuKernel, PlainPoolKind, ScalarOp, VectorRun, WholeKernel};
use super::moves;
use super::select::{MOMENTS, Selector, pool_geometry};
use super::units::{Aux, Memory, is_square};
use crate::ir::{ClassOp, GradOp, NodeId, Norm, Op, Pool, Unary};
use crate::kernels::LANES;
use crate::kernels::linear::Linear;

/// Weights from which on a gradient is computed over the whole batch instead of being summed over groups.
const WHOLE_WEIGHTS: usize = 1 << 15;

impl Selector<'_, '_> {
    #[expect(clippy::too_many_lines, reason = "one arm per operation")]
    pub(super) fn node(&mut self, id: NodeId) {
        let facts = self.facts;
        let inputs = facts.inputs(id).to_vec();
        let level = facts.level(id);
        let reads: Vec<Memory> = inputs.iter().map(|input| self.memory(*input)).collect();
        let writes = vec![Memory::Node(id)];
        let elements = facts.shape(id).elements();
        match facts.op(id).clone() {
            // Leaves in memory, and what only shows an operand's.
            Op::Labels | Op::Param(_) | Op::Buffer(_) | Op::StopGradient => {}
            Op::Input => {
                let rows = self.aux(Aux::Scratch(elements * LANES, false));
                let planes = self.aux(Aux::Scratch(elements * LANES, false));
                self.push(level, BlockKernel::Input, vec![], writes, id).scratch =
                    vec![rows, planes];
            }
            Op::Hyper(hyper) => self.scalar(id, ScalarOp::Hyper(hyper), reads),
            Op::Const(value) => self.scalar(id, ScalarOp::Const(value), reads),
            Op::BatchCount => self.scalar(id, ScalarOp::BatchCount, reads),
            Op::Unary(function) => self.scalar(id, ScalarOp::Unary(function), reads),
            Op::Binary(function) => self.scalar(id, ScalarOp::Binary(function), reads),
            Op::Select => self.scalar(id, ScalarOp::Select, reads),
            Op::SumSquares => {
                let n = facts.shape(inputs[0]).elements();
                if facts.shape(inputs[0]).batched || facts.is_scalar(inputs[0]) {
                    self.scalar(id, ScalarOp::Unary(Unary::Square), reads);
                } else {
                    self.scalar(id, ScalarOp::SumSquares(n), reads);
                }
            }
            Op::SpectralNorm => {
                let dims = &facts.shape(inputs[0]).dims;
                let rows = dims[0];
                let columns = facts.shape(inputs[0]).elements() / rows.max(1);
                self.scalar(id, ScalarOp::SpectralNorm(rows, columns), reads);
            }
            Op::Grad(GradOp::SpectralNorm) => {
                let rows = facts.shape(id).dims[0];
                let kernel = WholeKernel::SpectralGrad(rows, elements / rows.max(1));
                self.push(level, kernel, reads, writes, id);
            }
            Op::DropoutMask { p, stream } => {
                let scratch = self.aux(Aux::Scratch(elements, false));
                let kernel = BlockKernel::Dropout { p, stream };
                self.push(level, kernel, vec![], writes, id).scratch.push(scratch);
            }
            Op::Reshape(_) => {
                if facts.is_scalar(id) {
                    self.scalar(id, ScalarOp::Load, reads);
                } else if facts.is_scalar(inputs[0]) {
                    self.push(level, WholeKernel::Fill, reads, writes, id);
                } else {
                    let runs = moves::reshape(facts.layout(inputs[0]), facts.layout(id));
                    self.moved(id, runs, reads, "a change of layout");
                }
            }
            Op::Expand { shape, axes } => {
                if shape.batched {
                    let from = facts.shape(inputs[0]).clone();
                    let runs = moves::expand(
                        &from,
                        facts.layout(inputs[0]),
                        &shape,
                        facts.layout(id),
                        &axes,
                    );
                    if from.batched {
                        self.moved(id, runs, reads, "a broadcast that chains cannot read");
                    } else {
                        // A fixed tensor along unusual axes: first per element, then to all lanes.
                        let map = moves::expand_elements(
                            &from.dims,
                            &shape.dims,
                            &axes.iter().map(|a| a - 1).collect::<Vec<_>>(),
                        );
                        let spread = self.aux(Aux::Fixed(elements));
                        let kernel = WholeKernel::MoveElements(map.into());
                        self.push(level, kernel, reads, vec![spread], id);
                        self.spread(id, spread);
                    }
                } else {
                    let map =
                        moves::expand_elements(&facts.shape(inputs[0]).dims, &shape.dims, &axes);
                    self.push(level, WholeKernel::MoveElements(map.into()), reads, writes, id);
                }
            }
            Op::Sum { axes } => self.sum(id, inputs[0], &axes, reads),
            Op::Concat { axis } => {
                let parts: Vec<_> =
                    inputs.iter().map(|i| (facts.shape(*i).clone(), facts.layout(*i))).collect();
                let runs = moves::concat(&parts, facts.shape(id), facts.layout(id), axis);
                self.moved(id, runs, reads, "");
            }
            Op::Slice { axis, start, .. } => {
                let from = facts.shape(inputs[0]);
                let runs = moves::slice(
                    from,
                    facts.layout(inputs[0]),
                    facts.shape(id),
                    facts.layout(id),
                    axis,
                    start,
                );
                self.moved(id, runs, reads, "");
            }
            Op::Grad(GradOp::Slice { axis, start, .. }) => {
                let from = facts.shape(inputs[0]);
                let runs = moves::unslice(
                    from,
                    facts.layout(inputs[0]),
                    facts.shape(id),
                    facts.layout(id),
                    axis,
                    start,
                );
                self.moved(id, runs, reads, "");
            }
            Op::Linear | Op::Conv(_) => self.layer(id, id, None, false),
            Op::Grad(GradOp::LinearInput) => {
                let linear = Linear::new(
                    self.options.isa,
                    facts.layout(id)[0],
                    facts.layout(id)[1],
                    facts.shape(inputs[1]).dims[0],
                )
                .expect("shapes of checked layers have no zero sizes");
                self.push(level, BlockKernel::LinearGradInput(linear), reads, writes, id);
            }
            Op::Grad(GradOp::LinearWeight) => self.linear_grad_weight(id, inputs[0], inputs[1]),
            Op::Grad(GradOp::ConvInput { .. }) => {
                if self.grad_input_of_winners(id) {
                    return;
                }
                if let Some(conv) = self.conv_of(id) {
                    let packed = self.packed(id, &conv, true);
                    let reads = vec![reads[0], packed];
                    let scratch = self.aux(Aux::Scratch(conv.grad_input_scratch_len(), false));
                    let kernel = BlockKernel::ConvGradInput(conv);
                    self.push(level, kernel, reads, writes, id).scratch.push(scratch);
                } else {
                    let kernel = BlockKernel::PlainConvGradInput(self.plain_conv(id));
                    self.push(level, kernel, reads, writes, id).fallback =
                        Some("sizes are not square");
                }
            }
            Op::Grad(GradOp::ConvWeight { .. }) => {
                if self.grad_weight_of_winners(id) {
                    return;
                }
                let dy = self.zero_padded(inputs[0]);
                let reads = vec![dy, self.memory(inputs[1])];
                if let Some(conv) = self.conv_of(id) {
                    let scratch = vec![
                        Aux::Scratch(conv.grad_weight_len(), true),
                        Aux::Scratch(conv.grad_weight_scratch_len(), false),
                    ];
                    self.partial(id, BlockKernel::ConvGradWeight(conv), reads, elements, scratch);
                } else {
                    let kernel = BlockKernel::PlainConvGradWeight(self.plain_conv(id));
                    let at = self.selection.units.len();
                    self.partial(id, kernel, reads, elements, vec![]);
                    self.selection.units[at].fallback = Some("sizes are not square");
                }
            }
            Op::MaxPool(pool) if !is_square(&pool) => {
                self.plain_pool(id, inputs[0], &pool, PlainPoolKind::Max, reads);
            }
            Op::AvgPool(pool) if !is_square(&pool) => {
                self.plain_pool(id, inputs[0], &pool, PlainPoolKind::Average, reads);
            }
            Op::Grad(GradOp::MaxPool(pool)) => {
                self.plain_pool(id, id, &pool, PlainPoolKind::MaxGrad, reads);
            }
            Op::Grad(GradOp::AvgPool { pool, .. }) if !is_square(&pool) => {
                self.plain_pool(id, id, &pool, PlainPoolKind::AverageGrad, reads);
            }
            Op::MaxPool(_) => {
                let masks = self.masks_of(id);
                let kernel = BlockKernel::MaxPool { pool: self.pool_of(id), relu: false };
                self.push(level, kernel, reads, vec![Memory::Node(id), masks], id);
            }
            Op::AvgPool(_) => {
                let kernel = BlockKernel::AvgPool(self.pool_of(id));
                self.push(level, kernel, reads, writes, id);
            }
            Op::Grad(GradOp::AvgPool { pool, .. }) => {
                let geometry = pool_geometry(&pool, &facts.shape(id).dims);
                self.push(level, BlockKernel::AvgPoolGrad(geometry), reads, writes, id);
            }
            Op::Normalize { norm, eps } => {
                let kernel = BlockKernel::Normalize(groups(norm), eps as f32);
                self.push(level, kernel, reads, writes, id);
            }
            Op::Grad(GradOp::Normalize { norm, eps }) => {
                let kernel = BlockKernel::NormalizeGrad(groups(norm), eps as f32);
                self.push(level, kernel, reads, writes, id);
            }
            Op::BatchMean | Op::BatchVar => self.batch_moments(id, inputs[0]),
            Op::Class(op) => self.class(id, op, reads),
            Op::Modal(_)
            | Op::Prelu
            | Op::NormalizeRunning { .. }
            | Op::Grad(GradOp::PreluInput | GradOp::PreluSlope | GradOp::NormalizeRunning { .. }) =>
            {
                panic!(
                    "broken invariant: graphs are specialised and decomposed before kernels are chosen"
                )
            }
        }
    }

    pub(super) fn scalar(&mut self, id: NodeId, op: ScalarOp, reads: Vec<Memory>) {
        let level = self.facts.level(id);
        self.push(level, WholeKernel::Scalar(op), reads, vec![Memory::Node(id)], id);
    }

    pub(super) fn class(&mut self, id: NodeId, op: ClassOp, reads: Vec<Memory>) {
        let level = self.facts.level(id);
        self.push(level, BlockKernel::Class(op), reads, vec![Memory::Node(id)], id);
    }

    pub(super) fn moved(
        &mut self,
        id: NodeId,
        runs: Vec<VectorRun>,
        reads: Vec<Memory>,
        reason: &'static str,
    ) {
        let kernel: CpuKernel = if self.facts.shape(id).batched {
            BlockKernel::Move(runs.into()).into()
        } else {
            WholeKernel::Move(runs.into()).into()
        };
        let level = self.facts.level(id);
        let unit = self.push(level, kernel, reads, vec![Memory::Node(id)], id);
        unit.fallback = (!reason.is_empty()).then_some(reason);
    }

    /// A fixed tensor to all lanes.
    pub(super) fn spread(&mut self, id: NodeId, from: Memory) {
        use crate::kernels::pointwise::{Access, Chain, Function, Instruction, Operand};
        let [channels, pixels] = self.facts.layout(id);
        let x = Operand::Input(0);
        let chain = Chain::new(
            vec![Instruction { function: Function::Copy, operands: [x, x, x] }],
            vec![Access::Element { channels, pixels }],
            &[0],
        );
        let scratch = self.aux(Aux::Scratch(chain.scratch_len(), false));
        let kernel = BlockKernel::Chain(Box::new(chain));
        let level = self.facts.level(id);
        self.push(level, kernel, vec![from], vec![Memory::Node(id)], id).scratch.push(scratch);
    }

    pub(super) fn sum(&mut self, id: NodeId, x: NodeId, axes: &[usize], reads: Vec<Memory>) {
        let facts = self.facts;
        let from = facts.shape(x);
        if !from.batched {
            if facts.is_scalar(id) {
                self.scalar(id, ScalarOp::Sum(from.elements()), reads);
                return;
            }
            let map = moves::sum_targets(
                &from.dims,
                axes,
                [from.elements(), 1],
                [facts.shape(id).elements(), 1],
            );
            let level = facts.level(id);
            self.push(
                level,
                WholeKernel::SumElements(map.into()),
                reads,
                vec![Memory::Node(id)],
                id,
            );
            return;
        }
        if facts.shape(id).batched {
            let inner: Vec<usize> = axes.iter().map(|axis| axis - 1).collect();
            let map = moves::sum_targets(&from.dims, &inner, facts.layout(x), facts.layout(id));
            let level = facts.level(id);
            self.push(
                level,
                BlockKernel::SumVectors(map.into()),
                reads,
                vec![Memory::Node(id)],
                id,
            );
            return;
        }
        let n = facts.shape(id).elements();
        let is_per_channel = facts.channel_sum(id).is_some();
        let targets = if is_per_channel {
            vec![]
        } else {
            let inner: Vec<usize> =
                axes.iter().filter(|axis| **axis > 0).map(|axis| axis - 1).collect();
            moves::sum_targets(&from.dims, &inner, facts.layout(x), [n, 1])
        };
        let winners = if is_per_channel { self.sum_of_winners(x) } else { None };
        let (x, read) = winners.unwrap_or((x, reads[0]));
        let masked = !facts.is_zero_padded(x);
        let kernel = BlockKernel::SumBatch { targets: targets.into(), n, masked };
        let lanes = Memory::Aux(self.selection.lanes);
        let scratch = vec![Aux::Scratch(n * LANES, true)];
        self.partial(id, kernel, vec![read, lanes], n, scratch);
    }

    pub(super) fn linear_grad_weight(&mut self, id: NodeId, dy: NodeId, x: NodeId) {
        let [channels, pixels] = self.facts.layout(x);
        let outputs = self.facts.shape(id).dims[0];
        let linear = Linear::new(self.options.isa, channels, pixels, outputs)
            .expect("shapes of checked layers have no zero sizes");
        let reads = vec![self.zero_padded(dy), self.memory(x)];
        let elements = self.facts.shape(id).elements();
        if elements >= WHOLE_WEIGHTS {
            let turned = self.aux(Aux::Block(linear.turned_len(1)));
            // The turned input is made per batch: it is a block value that only this step knows.
            let level = self.facts.level(id);
            let kernel = WholeKernel::LinearGradWeight(linear);
            self.push(level, kernel, reads, vec![Memory::Node(id), turned], id);
            return;
        }
        let scratch = vec![Aux::Scratch(linear.turned_len(self.group_blocks), false)];
        self.partial(id, BlockKernel::LinearGradWeight(linear), reads, elements, scratch);
    }

    pub(super) fn plain_pool(
        &mut self,
        id: NodeId,
        picture: NodeId,
        pool: &Pool,
        kind: PlainPoolKind,
        reads: Vec<Memory>,
    ) {
        let dims = &self.facts.shape(picture).dims;
        let input = [dims[0], dims[1], dims[2]];
        let kernel = BlockKernel::PlainPool { kind, pool: *pool, input };
        let level = self.facts.level(id);
        self.push(level, kernel, reads, vec![Memory::Node(id)], id).fallback =
            Some("windows are not square, or the pool itself is not computed");
    }

    pub(super) fn batch_moments(&mut self, id: NodeId, x: NodeId) {
        let x = self.facts.storage(x);
        if self.moments.contains_key(&x) {
            return;
        }
        let channels = self.facts.shape(x).dims[0];
        let partial = self.aux(Aux::Partial(MOMENTS * channels * LANES));
        self.moments.insert(x, partial);
        let lanes = Memory::Aux(self.selection.lanes);
        let level = self.facts.level(id);
        let (kernel, reads) = (BlockKernel::Moments { channels }, vec![Memory::Node(x), lanes]);
        self.push(level - 1, kernel, reads, vec![partial], id);
        let find =
            |op: &Op| self.facts.users(x).iter().copied().find(|user| self.facts.op(*user) == op);
        let (mean, variance) = (find(&Op::BatchMean), find(&Op::BatchVar));
        let writes = [mean, variance]
            .into_iter()
            .map(|node| node.map_or_else(|| self.aux(Aux::Fixed(channels)), Memory::Node))
            .collect();
        self.push(level, WholeKernel::ReduceMoments { channels }, vec![partial], writes, id);
    }
}

fn groups(norm: Norm) -> usize {
    match norm {
        Norm::Layer | Norm::Batch => 1,
        Norm::Group(groups) => groups,
    }
}
