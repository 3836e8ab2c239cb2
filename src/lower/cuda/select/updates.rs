//! Writes of parameters and kept tensors, each after everything else has read the old value.

use super::Select;
use crate::ir::{NodeId, Op, Update, Written};
use crate::lower::cuda::selection::{Body, Home, TaskIdx};

impl Select<'_, '_> {
    /// Finds the task that writes a parameter or kept tensor, once everything else has read it.
    pub(super) fn write(&mut self, update: Update) {
        let home = self.selection.home(update.value);
        let last_reader = |except: Option<TaskIdx>| {
            let tasks = self.selection.tasks.iter().enumerate();
            let readers = tasks
                .filter(|(at, task)| Some(*at) != except && self.reads_target(task, update.target));
            readers.map(|(_, task)| task.level + 1).max().unwrap_or(0)
        };
        let after_loss = self.loss.and_then(|loss| self.selection.home(loss));
        let after_loss = after_loss.map_or(0, |task| self.selection.tasks[task].level + 1);
        if let Some(at) = home {
            let task = &self.selection.tasks[at];
            let keeps = match &task.body {
                Body::Elements => true,
                Body::Product { tiling } => tiling.parts == 1 && task.pool.is_none(),
                _ => false,
            };
            let reads_elsewhere = task.members.iter().any(|member| {
                let mut reads = self.selection.reads(*member).iter();
                reads.any(|read| !read.same && self.is_target(read.node, update.target))
            });
            if keeps && !reads_elsewhere && last_reader(home).max(after_loss) <= task.level {
                self.selection.tasks[at].writes.push(update);
                return;
            }
        }
        let after_home = home.map_or(0, |task| self.selection.tasks[task].level + 1);
        let overwriting = self.selection.tasks.iter().position(|task| {
            task.writes.iter().any(|write| self.is_target(update.value, write.target))
        });
        if let Some(task) = overwriting {
            assert!(
                last_reader(overwriting) <= self.selection.tasks[task].level
                    && self.same_domain(update.value, self.selection.tasks[task].members[0]),
                "broken invariant: a tensor is set aside by the task that overwrites it"
            );
            self.selection.tasks[task].writes.push(update);
            return;
        }
        let level = last_reader(None).max(after_home).max(after_loss);
        self.selection.tasks.push(Home {
            body: Body::Elements,
            level,
            members: vec![update.value],
            writes: vec![update],
            pool: None,
        });
    }

    fn is_target(&self, id: NodeId, target: Written) -> bool {
        match (self.facts.op(id), target) {
            (Op::Param(param), Written::Param(target)) => *param == target,
            (Op::Buffer(buffer), Written::Buffer(target)) => *buffer == target,
            (_, _) => false,
        }
    }

    fn reads_target(&self, task: &Home, target: Written) -> bool {
        let of_members = task.all().flat_map(|member| {
            let own = self.is_target(member, target);
            self.selection.reads(member).iter().map(move |read| (read.node, own))
        });
        let mut all = of_members.map(|(node, own)| own || self.is_target(node, target));
        all.any(|is_target| is_target)
            || task.members.iter().any(|member| self.is_target(*member, target))
            || task.writes.iter().any(|write| self.is_target(write.value, target))
    }
}
