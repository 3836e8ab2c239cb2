//! Which values are kept in memory, and in which task of which level each is computed.
//!
//! A value that is not stored is computed again by every reader. Tasks of one level do not read each other and become one
//! launch; the level of a task is one above what it reads. Invariant: a task reads only what tasks of lower levels stored, or
//! what it computes itself at the same element.

mod behind;
mod updates;

use std::collections::BTreeMap;

use super::facts::{Class, Facts};
use super::product::tiling;
use super::selection::{Body, Home, Read, Selection, TaskIdx};
use crate::ir::{Binary, GradOp, Homogeneity, NodeId, Op, Update};

/// Loads that a value may cost before two readers share it through memory.
const SHARED_COST: usize = 6;

/// Loads that a value may cost before even one reader reads it from memory.
const LONE_COST: usize = 96;

/// Elements of a sum that is not worth a launch of its own.
const SHORT_SUM: usize = 4096;

/// Elements that one block sums.
const BLOCK_SUM: usize = 8192;

/// Most parts of a sum.
const MAX_PARTS: usize = 64;

/// Chooses for the whole graph.
pub(super) fn select(facts: &Facts<'_>) -> Selection {
    let len = facts.graph.len();
    let selection = Selection {
        tasks: vec![],
        home: vec![None; len],
        in_memory: vec![false; len],
        reads: vec![vec![]; len],
    };
    let mut select = Select {
        facts,
        selection,
        cost: vec![0; len],
        is_row: vec![false; len],
        loss: facts.graph.output("loss").filter(|_| !facts.graph.updates.is_empty()),
        by_level: BTreeMap::new(),
    };
    for id in &facts.live {
        select.visit(*id);
    }
    // What a leaf held is copied by the task that overwrites it, which must be known.
    let is_leaf = |update: &&Update| facts.class(update.value) == Class::Leaf;
    let (copies, computed): (Vec<&Update>, Vec<&Update>) =
        facts.graph.updates.iter().partition(is_leaf);
    for update in computed.into_iter().chain(copies) {
        select.write(*update);
    }
    select.find_memory();
    select.selection
}

struct Select<'a, 'g> {
    facts: &'a Facts<'g>,
    selection: Selection,
    /// Loads and costly functions of a value where its reader computes it.
    cost: Vec<usize>,
    /// Whether computing the value takes a whole row.
    is_row: Vec<bool>,
    /// Decides whether updates are made.
    loss: Option<NodeId>,
    /// The task of single numbers of each level.
    by_level: BTreeMap<usize, TaskIdx>,
}

impl Select<'_, '_> {
    /// The first level that may read what these reads name.
    fn level_after(&self, reads: &[Read]) -> usize {
        let after = |read: &Read| match self.selection.home(read.node) {
            Some(task) => self.selection.tasks[task].level + 1,
            None => 0,
        };
        reads.iter().map(after).max().unwrap_or(0)
    }

    fn add(&mut self, body: Body, level: usize, member: NodeId) {
        self.selection.home[member.0 as usize] = Some(self.selection.tasks.len());
        self.selection.tasks.push(Home {
            body,
            level,
            members: vec![member],
            writes: vec![],
            pool: None,
        });
    }

    fn visit(&mut self, id: NodeId) {
        let class = self.facts.class(id);
        let reads = self.reads_of(id, class);
        self.selection.reads[id.0 as usize].clone_from(&reads);
        match class {
            Class::Leaf => {
                if *self.facts.op(id) == Op::Input {
                    self.add(Body::Gather, 0, id);
                }
            }
            Class::Scalar => self.scalar(id, &reads),
            Class::Sum => {
                let parts = parts_of(self.facts.extent(id));
                let level = self.level_after(&reads);
                self.add(Body::Sums { parts }, level, id);
            }
            Class::Product => {
                let level = self.level_after(&reads);
                self.add(Body::Product { tiling: Box::new(tiling(self.facts, id)) }, level, id);
            }
            Class::Light | Class::Window | Class::Row => {
                self.cost[id.0 as usize] = self.cost_of(id, class);
                self.is_row[id.0 as usize] = class == Class::Row
                    || self.facts.inputs(id).iter().any(|input| self.is_inline_row(*input));
                if self.must_store(id) {
                    self.place(id, &reads);
                }
            }
        }
    }

    fn is_inline_row(&self, id: NodeId) -> bool {
        self.selection.home(id).is_none() && self.is_row[id.0 as usize]
    }

    /// What computing `id` reads, through operands that are computed with it.
    fn reads_of(&self, id: NodeId, class: Class) -> Vec<Read> {
        let same_op = self.facts.is_same_index(id);
        let mut reads: Vec<Read> = vec![];
        let inputs: &[NodeId] = match self.facts.op(id) {
            // Only the shape of the operand matters.
            Op::DropoutMask { .. } => &[],
            _ => self.facts.inputs(id),
        };
        // The vectors of a singular value are found with the value.
        let norm = matches!(self.facts.op(id), Op::Grad(GradOp::SpectralNorm))
            .then(|| self.facts.singular_value(inputs[0]));
        for input in inputs.iter().chain(&norm) {
            let is_stored =
                self.selection.home(*input).is_some() || self.facts.class(*input) == Class::Leaf;
            let through = [Read { node: *input, same: true }];
            let of_input: &[Read] =
                if is_stored { &through } else { &self.selection.reads[input.0 as usize] };
            for read in of_input {
                let same = read.same && same_op;
                match reads.iter_mut().find(|known| known.node == read.node) {
                    Some(known) => known.same &= same,
                    None => reads.push(Read { node: read.node, same }),
                }
            }
        }
        if class == Class::Light
            && let Some(loss) = self.loss
            && self.facts.graph.updates.iter().any(|update| update.value == id)
        {
            reads.push(Read { node: loss, same: false });
        }
        reads
    }

    /// A single number: with all others of its level, or a long sum before it.
    fn scalar(&mut self, id: NodeId, reads: &[Read]) {
        if *self.facts.op(id) == Op::SpectralNorm {
            let level = self.level_after(reads);
            self.add(Body::Spectral, level, id);
            return;
        }
        let is_sum = matches!(self.facts.op(id), Op::Sum { .. } | Op::SumSquares);
        if is_sum && self.facts.extent(id) > SHORT_SUM {
            let parts = parts_of(self.facts.extent(id));
            let level = self.level_after(reads);
            self.add(Body::Sums { parts }, level, id);
            return;
        }
        // Numbers of the same task may be operands, but not of a sum.
        let after = |read: &Read| match self.selection.home(read.node) {
            Some(task) => {
                let home = &self.selection.tasks[task];
                home.level + usize::from(is_sum || home.body != Body::Scalars)
            }
            None => 0,
        };
        let level = reads.iter().map(after).max().unwrap_or(0);
        if let Some(task) = self.by_level.get(&level) {
            self.selection.home[id.0 as usize] = Some(*task);
            self.selection.tasks[*task].members.push(id);
        } else {
            self.by_level.insert(level, self.selection.tasks.len());
            self.add(Body::Scalars, level, id);
        }
    }

    /// Loads and costly functions.
    fn cost_of(&self, id: NodeId, class: Class) -> usize {
        let of_input = |input: &NodeId| match self.selection.home(*input) {
            Some(_) => self.selection.parts(*input),
            None => self.cost[input.0 as usize].max(1),
        };
        let inputs: usize = self.facts.inputs(id).iter().map(of_input).sum();
        let own = match self.facts.op(id) {
            Op::Unary(function) if function.homogeneity() == Homogeneity::None => 4,
            Op::DropoutMask { .. } => return 12,
            Op::Binary(Binary::Div) => 2,
            _ => 0,
        };
        own + if class == Class::Window { 8 + 4 * inputs } else { inputs }
    }

    /// Whether the value has a place of its own.
    fn must_store(&self, id: NodeId) -> bool {
        if self.facts.is_wanted(id) {
            return true;
        }
        let (cost, is_row) = (self.cost[id.0 as usize], self.is_row[id.0 as usize]);
        let is_view = self.facts.is_view(id);
        let mut readers = 0;
        let views = self.facts.users(id).iter().filter(|user| self.facts.is_view(**user));
        let mut through = views.flat_map(|view| self.facts.users(*view));
        if !is_view && through.any(|user| self.facts.class(*user) == Class::Product) {
            return true;
        }
        for user in self.facts.users(id) {
            let reader = self.facts.class(*user);
            match reader {
                // What a product reads, it reads many times.
                Class::Product | Class::Window if !is_view || !self.is_stored_root(id) => {
                    return true;
                }
                Class::Product | Class::Window | Class::Leaf => {}
                Class::Scalar | Class::Sum if is_row => return true,
                Class::Scalar | Class::Sum | Class::Row => readers += 1,
                Class::Light => {
                    readers += 1;
                    let grows = matches!(self.facts.op(*user), Op::Expand { .. })
                        && self.facts.elements(*user) > self.facts.elements(id);
                    if grows && cost > 1 && !is_row {
                        return true;
                    }
                }
            }
        }
        !is_row && (cost > LONE_COST || readers > 1 && cost > SHARED_COST)
    }

    /// Whether a view shows memory.
    fn is_stored_root(&self, id: NodeId) -> bool {
        let root = self.facts.root(id);
        self.selection.home(root).is_some_and(|_| self.selection.parts(root) == 1)
            || self.facts.class(root) == Class::Leaf
    }

    /// Finds a task for a stored value.
    fn place(&mut self, id: NodeId, reads: &[Read]) {
        let level = self.level_after(reads);
        let is_row = self.is_row[id.0 as usize];
        if self.join_behind(id, reads, level) {
            return;
        }
        let joined = self.joinable(id, reads, level).or_else(|| {
            let body = if is_row { Body::Rows } else { Body::Elements };
            self.sharing(id, reads, &body, level)
        });
        let Some(task) = joined else {
            self.add(if is_row { Body::Rows } else { Body::Elements }, level, id);
            return;
        };
        self.selection.home[id.0 as usize] = Some(task);
        self.selection.tasks[task].members.push(id);
    }

    /// The task that has just computed what `id` reads.
    fn joinable(&self, id: NodeId, reads: &[Read], level: usize) -> Option<TaskIdx> {
        let below = level.checked_sub(1)?;
        let latest = |read: &&Read| {
            self.selection
                .home(read.node)
                .is_some_and(|task| self.selection.tasks[task].level == below)
        };
        let mut latest = reads.iter().filter(latest);
        let first = self.selection.home(latest.next()?.node)?;
        let task = &self.selection.tasks[first];
        let is_row = self.is_row[id.0 as usize];
        let fits = match &task.body {
            Body::Elements => !is_row && self.same_domain(id, task.members[0]),
            Body::Product { tiling } => {
                tiling.parts == 1 && !is_row && self.same_domain(id, task.members[0])
            }
            Body::Rows => self.facts.shape(id).batched,
            Body::Gather | Body::Sums { .. } | Body::Scalars | Body::Spectral => false,
        };
        let all_here = reads.iter().filter(|read| {
            self.selection
                .home(read.node)
                .is_some_and(|task| self.selection.tasks[task].level == below)
        });
        let is_rows = task.body == Body::Rows;
        let mut all_here = all_here
            .map(|read| (read.same || is_rows) && self.selection.home(read.node) == Some(first));
        (fits && all_here.all(|here| here)).then_some(first)
    }

    /// A task of `level` over the same elements that reads something in common.
    fn sharing(&self, id: NodeId, reads: &[Read], body: &Body, level: usize) -> Option<TaskIdx> {
        let shares = |task: &Home| {
            let theirs = task.members.iter().flat_map(|member| self.selection.reads(*member));
            let mut theirs = theirs.filter(|theirs| !self.facts.is_scalar(theirs.node));
            theirs.any(|theirs| reads.iter().any(|read| read.node == theirs.node))
        };
        self.selection.tasks.iter().position(|task| {
            task.level == level
                && task.body == *body
                && (*body == Body::Rows || self.same_domain(id, task.members[0]))
                && shares(task)
        })
    }

    fn same_domain(&self, a: NodeId, b: NodeId) -> bool {
        let (a, b) = (self.facts.shape(a), self.facts.shape(b));
        a.batched == b.batched && a.elements() == b.elements()
    }

    /// Marks what is read from memory.
    fn find_memory(&mut self) {
        let mut in_memory = vec![false; self.facts.graph.len()];
        for (at, task) in self.selection.tasks.iter().enumerate() {
            for member in task.all() {
                let is_home = self.selection.home(member) == Some(at);
                if !is_home {
                    in_memory[member.0 as usize] = true;
                    continue;
                }
                let is_rows = task.body == Body::Rows;
                // What a pool behind a product reads of it never leaves the registers.
                let is_behind = !task.members.contains(&member);
                for read in self.selection.reads(member) {
                    let is_here = self.selection.home(read.node) == Some(at);
                    if !is_here || !(read.same || is_rows || is_behind) {
                        in_memory[read.node.0 as usize] = true;
                    }
                }
                let is_part = self.selection.parts(member) > 1;
                in_memory[member.0 as usize] |= is_part || self.facts.is_scalar(member);
            }
            for write in &task.writes {
                in_memory[write.value.0 as usize] |= self.selection.home(write.value) != Some(at);
            }
        }
        if let Some(logits) = self.facts.graph.output("logits") {
            in_memory[logits.0 as usize] = true;
        }
        self.selection.in_memory = in_memory;
    }
}

/// Parts that a sum of `extent` elements is taken in.
fn parts_of(extent: usize) -> usize {
    extent.div_ceil(BLOCK_SUM).clamp(1, MAX_PARTS)
}
