//! Pools of 2 × 2 that a product computes behind its own elements, and their gradients.

use super::Select;
use crate::ir::{GradOp, NodeId, Op, Pool};
use crate::lower::cuda::selection::{Body, PoolBehind, Read, TaskIdx};

impl Select<'_, '_> {
    /// Joins a product whose windows `id` pools, or whose elements it spreads over windows; whether it could.
    pub(super) fn join_behind(&mut self, id: NodeId, reads: &[Read], level: usize) -> bool {
        let Some(below) = level.checked_sub(1) else { return false };
        let tasks = &self.selection.tasks;
        let mut homes = reads.iter().filter_map(|read| self.selection.home(read.node));
        let Some(at) = homes.find(|task| tasks[*task].level == below) else { return false };
        if homes.any(|task| task != at && tasks[task].level == below) {
            return false;
        }
        let Body::Product { tiling } = &tasks[at].body else { return false };
        if tiling.parts > 1 || tasks[at].pool.is_some() {
            return false;
        }
        let found = self.pool_of(id, at);
        let found = found.filter(|found| found.is_gradient || tiling.windowed().is_some());
        let Some(found) = found else { return false };
        let home = &mut self.selection.tasks[at];
        if let (false, Body::Product { tiling }) = (found.is_gradient, &mut home.body) {
            **tiling = tiling.windowed().expect("this was asked before");
        }
        home.pool = Some(found);
        self.selection.home[id.0 as usize] = Some(at);
        true
    }

    /// The pool, or the gradient of one, through which alone `id` reads the product of task `at`.
    fn pool_of(&self, id: NodeId, at: TaskIdx) -> Option<PoolBehind> {
        let is_plain =
            |pool: &Pool| pool.kernel == [2, 2] && pool.stride == [2, 2] && pool.pad == [0, 0];
        let inputs = self.facts.inputs(id);
        if let Op::MaxPool(pool) = self.facts.op(id) {
            let is_member = self.selection.tasks[at].members.contains(&inputs[0]);
            return (is_plain(pool) && is_member).then(|| PoolBehind {
                node: id,
                is_gradient: false,
                members: vec![id],
            });
        }
        let gradient = self.only_gradient(id)?;
        let Op::Grad(GradOp::MaxPool(pool)) = self.facts.op(gradient) else { return None };
        let [x, dy] = [0, 1].map(|port| self.facts.inputs(gradient)[port]);
        let reads_task = |read: &Read| self.selection.home(read.node) == Some(at);
        let of = |id: NodeId| match self.selection.home(id) {
            Some(_) => vec![Read { node: id, same: true }],
            None => self.selection.reads[id.0 as usize].clone(),
        };
        let through_gradient = of(dy).iter().all(|read| !reads_task(read) || read.same);
        let same_size = self.same_domain(dy, self.selection.tasks[at].members[0]);
        let x_is_known = self.selection.home(x).is_some_and(|task| task != at);
        let fits = is_plain(pool) && through_gradient && same_size && x_is_known;
        let elsewhere = !self.reaches(id, gradient, at);
        (fits && elsewhere).then(|| PoolBehind {
            node: gradient,
            is_gradient: true,
            members: vec![id],
        })
    }

    /// The gradient of a maximum pool that computing `id` takes at the same element, where there is one and no other.
    fn only_gradient(&self, id: NodeId) -> Option<NodeId> {
        let mut found = vec![];
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            if matches!(self.facts.op(next), Op::Grad(GradOp::MaxPool(_))) {
                found.push(next);
            } else if self.facts.is_same_index(next) {
                let inputs = self.facts.inputs(next).iter();
                open.extend(inputs.filter(|input| self.selection.home(**input).is_none()));
            }
        }
        found.dedup();
        (found.len() == 1).then(|| found[0])
    }

    /// Whether computing `id` reads task `at` without going through `except`.
    fn reaches(&self, id: NodeId, except: NodeId, at: TaskIdx) -> bool {
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            for input in self.facts.inputs(next).iter().copied().filter(|input| *input != except) {
                match self.selection.home(input) {
                    Some(task) if task == at => return true,
                    Some(_) => {}
                    None => open.push(input),
                }
            }
        }
        false
    }
}
