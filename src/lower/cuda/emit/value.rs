//! The value of a node at a place: read from memory, or computed from its operands there and then.

use super::code::{At, Code, number};
use super::{rows, window};
use crate::ir::ClassOp;
use crate::ir::{Binary, GradOp, Hyper, NodeId, Op, Unary};
use crate::lower::cuda::facts::Class;
use crate::lower::cuda::layout::matrix;

/// The kind of random words of dropout masks, as in `philox.rs`.
const DROPOUT_STREAM: u32 = 3 << 28;

impl Code<'_> {
    /// A variable or number that holds the value of `id` at `at`.
    pub(super) fn value(&mut self, id: NodeId, at: &At) -> String {
        if let Some(known) = self.find(id, at) {
            return known;
        }
        let home = self.ground.selection.home(id);
        let text = match home {
            Some(home) if home != self.task => self.load(id, at),
            Some(_) | None => self.compute(id, at),
        };
        let variable = self.constant(self.kind(id), &text);
        self.remember(id, at, &variable);
        variable
    }

    /// Reads a stored value.
    pub(super) fn load(&mut self, id: NodeId, at: &At) -> String {
        let (facts, layout) = (self.facts(), self.ground.layout);
        if *facts.op(id) == Op::Input {
            return format!("{}[{}]", Self::floats(layout.input), at.linear);
        }
        let offset = layout.offset(id);
        let parts = self.ground.selection.parts(id);
        if facts.is_scalar(id) {
            let base = Self::doubles(offset);
            return if parts > 1 {
                format!("sum_parts({base}, {parts}, 1)")
            } else {
                format!("{base}[0]")
            };
        }
        let base = Self::floats(offset);
        if parts > 1 {
            let stride = facts.elements(id);
            return format!("sum_parts({base} + {}, {parts}, {stride})", at.linear);
        }
        let cast = if self.kind(id) == "int" { "(int)" } else { "" };
        format!("{cast}{base}[{}]", at.linear)
    }

    /// Where a stored tensor begins, seen through views of it.
    pub(super) fn address(&self, id: NodeId) -> String {
        let (facts, layout) = (self.facts(), self.ground.layout);
        let mut id = id;
        while self.ground.selection.home(id).is_none() && matches!(facts.op(id), Op::Reshape(_)) {
            id = facts.inputs(id)[0];
        }
        Self::floats(match facts.op(id) {
            Op::Param(param) => layout.kept[param.0 as usize],
            Op::Buffer(buffer) => layout.kept[layout.n_params + buffer.0 as usize],
            Op::Input => layout.input,
            _ => layout.offset(id),
        })
    }

    /// Computes a value from its operands.
    fn compute(&mut self, id: NodeId, at: &At) -> String {
        let facts = self.facts();
        let inputs = facts.inputs(id).to_vec();
        let is_double = facts.is_scalar(id);
        match facts.op(id).clone() {
            Op::Input => panic!("broken invariant: the input has a task of its own"),
            Op::Labels => format!("F[{} + {}]", self.ground.feed.labels, at.linear),
            Op::Param(param) => self.kept(param.0 as usize, is_double, at),
            Op::Buffer(buffer) => {
                self.kept(self.ground.layout.n_params + buffer.0 as usize, is_double, at)
            }
            Op::Hyper(Hyper::Lr) => "call.lr".to_owned(),
            Op::Hyper(Hyper::BiasCorrection { beta }) => {
                format!("bias_correction(call.step, {})", number(beta, true))
            }
            Op::Hyper(Hyper::Setting(at)) => {
                format!("((const double *)(F + {}))[{at}]", self.ground.feed.settings)
            }
            Op::Const(value) => number(value, true),
            Op::BatchCount => "(double)call.n".to_owned(),
            Op::Unary(function) => {
                let x = self.value(inputs[0], at);
                unary(function, &x, is_double)
            }
            Op::Binary(function) => {
                let (a, b) = (self.value(inputs[0], at), self.value(inputs[1], at));
                binary(function, &a, &b)
            }
            Op::Select => {
                let [mask, a, b] = [0, 1, 2].map(|port| self.value(inputs[port], at));
                format!("f_select({mask}, {a}, {b})")
            }
            Op::StopGradient => self.value(inputs[0], at),
            Op::Reshape(_) => {
                let place = self.at(&facts.shape(inputs[0]).clone(), &at.linear);
                let x = self.value(inputs[0], &place);
                self.cast(inputs[0], id, &x)
            }
            Op::Expand { axes, .. } => {
                let chosen = axes.iter().map(|axis| at.axes[*axis].clone()).collect();
                let place = self.place(&facts.shape(inputs[0]).clone(), chosen);
                let x = self.value(inputs[0], &place);
                self.cast(inputs[0], id, &x)
            }
            Op::DropoutMask { p, stream } => {
                let word = DROPOUT_STREAM | stream & ((1 << 28) - 1);
                let kept = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
                let (len, indices) = (facts.shape(id).elements(), self.ground.feed.indices);
                let row = &at.axes[0];
                format!(
                    "dropout(call, {word}u, {}, {}, (unsigned)F[{indices} + {row}], {} - {row} * {len})",
                    number(p, true),
                    number(kept, false),
                    at.linear
                )
            }
            Op::Slice { axis, start, .. } => {
                let mut axes = at.axes.clone();
                axes[axis] = self.constant("int", &format!("{} + {start}", at.axes[axis]));
                let place = self.place(&facts.shape(inputs[0]).clone(), axes);
                self.value(inputs[0], &place)
            }
            Op::Grad(GradOp::Slice { axis, start, .. }) => {
                self.part_of_axis(id, at, axis, &[(start, inputs[0])])
            }
            Op::Concat { axis } => {
                let mut start = 0;
                let mut parts = vec![];
                for input in &inputs {
                    parts.push((start, *input));
                    start += facts.shape(*input).dims[axis - 1];
                }
                self.part_of_axis(id, at, axis, &parts)
            }
            Op::Grad(GradOp::SpectralNorm) => self.singular(inputs[0], at),
            Op::Class(ClassOp::Scatter { .. }) => {
                let row = At { linear: at.axes[0].clone(), axes: vec![at.axes[0].clone()] };
                let (v, index) = (self.value(inputs[0], &row), self.value(inputs[1], &row));
                format!("({} == {index} ? {v} : 0.0f)", at.axes[1])
            }
            Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::Grad(GradOp::MaxPool(_) | GradOp::AvgPool { .. }) => window::value(self, id, at),
            Op::Class(_) | Op::Sum { .. } => rows::value(self, id, at),
            op => {
                let class = facts.class(id);
                assert!(
                    class != Class::Light,
                    "broken invariant: {op} is computed element by element"
                );
                panic!("broken invariant: {op} is read before it is computed")
            }
        }
    }

    fn kept(&mut self, position: usize, is_double: bool, at: &At) -> String {
        let base = Self::floats(self.ground.layout.kept[position]);
        let cast = if is_double { "(double)" } else { "" };
        format!("{cast}{base}[{}]", at.linear)
    }

    /// A value of one type as that of another node.
    fn cast(&self, from: NodeId, to: NodeId, value: &str) -> String {
        let (from, to) = (self.kind(from), self.kind(to));
        if from == to { value.to_owned() } else { format!("({to}){value}") }
    }

    /// The element of the part that `at` lies in along an axis, 0 where none does.
    fn part_of_axis(
        &mut self,
        id: NodeId,
        at: &At,
        axis: usize,
        parts: &[(usize, NodeId)],
    ) -> String {
        let result = self.name();
        let kind = self.kind(id);
        self.line(&format!("{kind} {result} = 0;"));
        for (start, part) in parts {
            let shape = self.facts().shape(*part).clone();
            let end = start + shape.dims[axis - 1];
            let along = at.axes[axis].clone();
            self.block(&format!("if ({along} >= {start} && {along} < {end})"), |code| {
                let mut axes = at.axes.clone();
                axes[axis] = code.constant("int", &format!("{along} - {start}"));
                let place = code.place(&shape, axes);
                let value = code.value(*part, &place);
                code.line(&format!("{result} = {value};"));
            });
        }
        result
    }

    /// u vᵀ of the largest singular value of `w`, which a task of a lower level has found.
    fn singular(&mut self, w: NodeId, at: &At) -> String {
        let facts = self.facts();
        let norm = facts.singular_value(w);
        let [rows, columns] = matrix(facts, norm);
        let base = Self::doubles(self.ground.layout.offset(norm));
        let (row, column) =
            (format!("{} / {columns}", at.linear), format!("{} % {columns}", at.linear));
        format!("(float)({base}[1 + {row}] * {base}[{} + {column}])", 1 + rows)
    }
}

fn unary(function: Unary, x: &str, is_double: bool) -> String {
    let name = function.name();
    match function {
        Unary::Power(value) | Unary::LeakyRelu(value) | Unary::LeakyStep(value) => {
            format!("f_{name}({x}, {})", number(value, is_double))
        }
        Unary::Neg => format!("-{x}"),
        _ => format!("f_{name}({x})"),
    }
}

fn binary(function: Binary, a: &str, b: &str) -> String {
    match function {
        Binary::Add => format!("{a} + {b}"),
        Binary::Sub => format!("{a} - {b}"),
        Binary::Mul => format!("{a} * {b}"),
        Binary::Div => format!("{a} / {b}"),
        _ => format!("f_{}({a}, {b})", function.name()),
    }
}
