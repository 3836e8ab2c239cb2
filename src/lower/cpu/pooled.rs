//! Gradients behind a max pool: taken from the gradient of the pooled output where a kernel can, so that the larger one is
//! not made at all unless somebody else reads it.

use super::kernels::{BlockKernel, WholeKernel};
use super::select::Selector;
use super::units::{Aux, Head, Memory};
use crate::ir::{GradOp, NodeId, Op};
use crate::kernels::conv::{PooledGradInput, PooledGradWeight};

impl Selector<'_, '_> {
    /// The pooled output's gradient and the pool, where `dy` is that gradient at the winners of disjoint windows.
    fn behind_pool(&self, dy: NodeId) -> Option<(NodeId, NodeId)> {
        match self.heads.get(&self.facts.storage(dy))? {
            Head::Unpool { dy, pool } => {
                let geometry = self.pool_of(*pool);
                let is_disjoint = geometry.stride == geometry.kernel && geometry.pad == 0;
                is_disjoint.then_some((*dy, *pool))
            }
            Head::Layer { .. } | Head::Pooled { .. } => None,
        }
    }

    /// The weight gradient of a convolution, if its kernel reads winners only: does it, and tells so.
    pub(super) fn grad_weight_of_winners(&mut self, id: NodeId) -> bool {
        let Some((dy, pool, plan)) = self.plan_of_winners(id) else { return false };
        let x = self.facts.inputs(id)[1];
        let reads = vec![self.zero_padded(dy), self.memory(x), self.masks_of(pool)];
        let scratch =
            vec![Aux::Scratch(plan.sums_len(), true), Aux::Scratch(plan.scratch_len(), false)];
        let elements = self.facts.shape(id).elements();
        let kernel = BlockKernel::ConvGradWeightPooled(Box::new(plan));
        self.partial(id, kernel, reads, elements, scratch);
        true
    }

    /// The input gradient of a convolution, if its kernel reads winners only: does it, and tells so.
    pub(super) fn grad_input_of_winners(&mut self, id: NodeId) -> bool {
        let Some((dy, pool, plan)) = self.input_plan_of_winners(id) else { return false };
        let weight = self.facts.storage(self.facts.inputs(id)[1]);
        let packed = self.aux(Aux::Fixed(plan.packed_len()));
        let plan = Box::new(plan);
        let level = self.facts.level(weight);
        let pack = WholeKernel::PackPooled(plan.clone());
        self.push(level, pack, vec![Memory::Node(weight)], vec![packed], id);
        let reads = vec![self.memory(dy), packed, self.masks_of(pool)];
        let scratch = self.aux(Aux::Scratch(plan.scratch_len(), false));
        let kernel = BlockKernel::ConvGradInputPooled(plan);
        self.push(self.facts.level(id), kernel, reads, vec![Memory::Node(id)], id)
            .scratch
            .push(scratch);
        true
    }

    /// What a sum over samples and pixels of `x` may read in its place: zero where a window has no winner.
    pub(super) fn sum_of_winners(&mut self, x: NodeId) -> Option<(NodeId, Memory)> {
        let (dy, pool) = self.behind_pool(x)?;
        if self.needs_unpooled(self.facts.storage(x)) {
            return None;
        }
        if let Some(known) = self.winners.get(&pool) {
            return Some((dy, *known));
        }
        let masks = self.masks_of(pool);
        let memory = self.aux(Aux::Block(self.pool_of(pool).out_len()));
        let (level, reads) = (self.facts.level(x), vec![self.memory(dy), masks]);
        self.push(level, BlockKernel::Winners(self.pool_of(pool)), reads, vec![memory], x);
        self.winners.insert(pool, memory);
        Some((dy, memory))
    }

    /// Whether anybody reads the gradient at every position, rather than at the winners.
    pub(super) fn needs_unpooled(&self, id: NodeId) -> bool {
        let reads_winners = |user: &NodeId| match self.facts.op(*user) {
            Op::Grad(GradOp::ConvWeight { .. }) => self.plan_of_winners(*user).is_some(),
            Op::Grad(GradOp::ConvInput { .. }) => self.input_plan_of_winners(*user).is_some(),
            Op::Sum { axes } => axes[..] == [0, 2, 3],
            _ => false,
        };
        self.behind_pool(id).is_none()
            || self.facts.is_root(id)
            || !self.facts.users(id).iter().all(reads_winners)
    }

    fn input_plan_of_winners(&self, id: NodeId) -> Option<(NodeId, NodeId, PooledGradInput)> {
        let (dy, pool) = self.behind_pool(self.facts.inputs(id)[0])?;
        let geometry = *self.conv_of(id)?.geometry();
        let plan = PooledGradInput::new(self.options.isa, geometry, self.pool_of(pool).kernel)?;
        Some((dy, pool, plan))
    }

    fn plan_of_winners(&self, id: NodeId) -> Option<(NodeId, NodeId, PooledGradWeight)> {
        let (dy, pool) = self.behind_pool(self.facts.inputs(id)[0])?;
        let geometry = *self.conv_of(id)?.geometry();
        let size = self.pool_of(pool).kernel;
        let plan = PooledGradWeight::new(self.options.isa, geometry, size)?;
        Some((dy, pool, plan))
    }
}
