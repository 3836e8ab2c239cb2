//! The text of one task while it is written: variables, places in tensors, what is known already.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ir::{Kind, NodeId, Shape};
use crate::lower::cuda::facts::Facts;
use crate::lower::cuda::layout::Layout;
use crate::lower::cuda::selection::{Selection, TaskIdx};
use crate::lower::cuda::types::Feed;

/// A place in a tensor: one expression for the position in memory and one for each axis, the batch first.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) linear: String,
    pub(super) axes: Vec<String>,
}

impl At {
    /// The only place of a single number.
    pub(super) fn scalar() -> Self {
        Self { linear: "0".to_owned(), axes: vec![] }
    }

    /// A sample's place in a tensor with one element a sample.
    pub(super) fn row() -> Self {
        Self { linear: "row".to_owned(), axes: vec!["row".to_owned()] }
    }
}

/// What the code of all tasks of a phase has in common.
#[derive(Clone, Copy)]
pub(in crate::lower::cuda) struct Ground<'a> {
    pub(in crate::lower::cuda) facts: &'a Facts<'a>,
    pub(in crate::lower::cuda) selection: &'a Selection,
    pub(in crate::lower::cuda) layout: &'a Layout,
    pub(in crate::lower::cuda) feed: Feed,
}

/// The body of a task.
pub(super) struct Code<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) task: TaskIdx,
    text: String,
    depth: usize,
    next: usize,
    /// Variables that hold a value at a place.
    known: BTreeMap<(NodeId, String), String>,
    /// Variables that hold what rows of class values come to.
    pub(super) of_rows: BTreeMap<NodeId, [String; 2]>,
}

impl<'a> Code<'a> {
    pub(super) fn new(ground: Ground<'a>, task: TaskIdx) -> Self {
        Self {
            ground,
            task,
            text: String::new(),
            depth: 1,
            next: 0,
            known: BTreeMap::new(),
            of_rows: BTreeMap::new(),
        }
    }

    pub(super) fn facts(&self) -> &'a Facts<'a> {
        self.ground.facts
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A line at the current depth.
    pub(super) fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{:width$}{line}", "", width = 4 * self.depth);
    }

    /// Lines in braces behind `head`; what becomes known inside is forgotten behind them.
    pub(super) fn block<T>(&mut self, head: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        self.line(&format!("{head} {{"));
        self.depth += 1;
        let known = self.known.clone();
        let result = body(self);
        self.known = known;
        self.depth -= 1;
        self.line("}");
        result
    }

    /// A name that no other variable of the task has.
    pub(super) fn name(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next)
    }

    /// A new constant; numbers and names are taken as they are.
    pub(super) fn constant(&mut self, kind: &str, value: &str) -> String {
        if value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return value.to_owned();
        }
        let name = self.name();
        self.line(&format!("const {kind} {name} = {value};"));
        name
    }

    pub(super) fn find(&self, id: NodeId, at: &At) -> Option<String> {
        self.known.get(&(id, at.linear.clone())).cloned()
    }

    pub(super) fn remember(&mut self, id: NodeId, at: &At, variable: &str) {
        self.known.insert((id, at.linear.clone()), variable.to_owned());
    }

    /// The type of a value.
    pub(super) fn kind(&self, id: NodeId) -> &'static str {
        match self.facts().graph[id].kind {
            Kind::Index => "int",
            Kind::Real if self.facts().is_scalar(id) => "double",
            Kind::Real => "float",
        }
    }

    /// The place at position `linear` of a tensor.
    pub(super) fn at(&mut self, shape: &Shape, linear: &str) -> At {
        let linear = self.constant("int", linear);
        let mut axes = vec![];
        let mut stride = shape.elements();
        if shape.batched {
            axes.push(self.divided(&linear, stride));
        }
        for (axis, size) in shape.dims.iter().enumerate() {
            let is_first = axis == 0 && !shape.batched;
            stride /= (*size).max(1);
            let whole = self.divided(&linear, stride);
            axes.push(match (is_first, *size) {
                (_, 1) => "0".to_owned(),
                (true, _) => whole,
                (false, size) => self.constant("int", &format!("{whole} % {size}")),
            });
        }
        At { linear, axes }
    }

    fn divided(&mut self, linear: &str, by: usize) -> String {
        if by == 1 { linear.to_owned() } else { self.constant("int", &format!("{linear} / {by}")) }
    }

    /// The place with these axes.
    pub(super) fn place(&mut self, shape: &Shape, axes: Vec<String>) -> At {
        let mut linear = String::new();
        let mut stride = shape.elements();
        let sizes = shape.batched.then_some(0).into_iter().chain(shape.dims.iter().copied());
        for (axis, size) in axes.iter().zip(sizes) {
            stride = stride.checked_div(size).unwrap_or(stride);
            if axis == "0" {
                continue;
            }
            if !linear.is_empty() {
                linear += " + ";
            }
            linear += axis;
            if stride != 1 {
                let _ = write!(linear, " * {stride}");
            }
        }
        if linear.is_empty() {
            linear.push('0');
        }
        let linear = self.constant("int", &linear);
        At { linear, axes }
    }

    /// An address of the replica's memory, as floats.
    pub(super) fn floats(offset: usize) -> String {
        format!("(A + {offset}ull)")
    }

    /// An address of the replica's memory, as double precision numbers.
    pub(super) fn doubles(offset: usize) -> String {
        format!("((double*)(A + {offset}ull))")
    }
}

/// A number in the text of a kernel.
pub(super) fn number(value: f64, is_double: bool) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    if value.is_nan() {
        return "NOT_A_NUMBER".to_owned();
    }
    if value.is_infinite() || (!is_double && (value as f32).is_infinite()) {
        return format!("({sign}INF)");
    }
    if is_double { format!("({value:?})") } else { format!("({:?}f)", value as f32) }
}
