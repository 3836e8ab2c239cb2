//! A loss defined in a `.net` file as lines of Python, from the operations that it became.

use std::collections::{BTreeMap, BTreeSet};

use super::function::{Written, written};
use super::helpers::{AT, MARGIN, helper};
use super::text::float;
use crate::ir::{Binary, ClassOp, Graph, Kind, NodeId, Op, Shape, Unary};
use crate::loss::{self, Scales, Subject};
use crate::model::{Divisor, Form, Loss};
use crate::passes::clean;

/// Columns of an expression that still stands within another one.
const MAX_NESTED: usize = 48;

/// Lines that end in `return`, with the helpers that they call.
pub(super) struct Formula {
    pub(super) lines: Vec<String>,
    pub(super) helpers: BTreeSet<&'static str>,
}

/// The base loss per sample, from `logits` and `labels`.
pub(super) fn formula(loss: &Loss, classes: usize) -> Formula {
    let mut graph = Graph::new();
    let shape = Shape::per_sample([classes]);
    let logits = graph.add_leaf(Op::Input, shape, Kind::Real, loss.span);
    let labels = graph.add_leaf(Op::Labels, Shape::per_sample([]), Kind::Index, loss.span);
    let plain = Loss { form: Form::Plain, size: None, divisor: Divisor::Current, ..loss.clone() };
    let subject = Subject { logits, labels, size: None };
    let objective = loss::attach(&mut graph, &plain, &Scales::default(), &subject, None)
        .expect("the loss of a checked spec can be attached");
    graph.outputs.insert("loss".to_owned(), objective.per_sample);
    let graph = clean(&graph);
    let mut writer = Writer {
        graph: &graph,
        root: graph.output("loss").expect("it was put there"),
        known: BTreeMap::new(),
        numbers: BTreeMap::new(),
        formula: Formula { lines: vec![], helpers: BTreeSet::new() },
    };
    writer.visit(writer.root);
    let text = writer.plain(writer.root);
    let last = match writer.number(writer.root) {
        Some(_) => format!("return logits.new_full((len(logits),), {text})"),
        None => format!("return {text}"),
    };
    writer.formula.lines.push(last);
    writer.formula
}

/// How strongly the parts of an expression hold together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

#[derive(Clone)]
struct Text {
    text: String,
    bond: Bond,
}

struct Writer<'a> {
    graph: &'a Graph,
    root: NodeId,
    known: BTreeMap<NodeId, Text>,
    /// How many variables of a name there are.
    numbers: BTreeMap<&'static str, usize>,
    formula: Formula,
}

impl Writer<'_> {
    /// Writes a node after what its expression names.
    fn visit(&mut self, id: NodeId) {
        let inputs = self.graph.inputs(id);
        let margin = self.margin(id).map(|x| vec![x]);
        for input in margin.unwrap_or(inputs) {
            if !self.known.contains_key(&input) {
                self.visit(input);
            }
        }
        self.node(id);
    }

    fn node(&mut self, id: NodeId) {
        let text = self.expression(id);
        let is_value = !matches!(self.graph[id].op, Op::Input | Op::Labels | Op::Const(_));
        let shared = self.graph.users(id).len() > 1 && self.number(id).is_none();
        let long = text.text.chars().count() > MAX_NESTED && id != self.root;
        let text = if is_value && (shared || long) {
            let base = variable(&self.graph[id].op);
            let number = self.numbers.entry(base).or_insert(0);
            *number += 1;
            let name = if *number == 1 { base.to_owned() } else { format!("{base}{number}") };
            self.formula.lines.push(format!("{name} = {}", text.text));
            atom(name)
        } else {
            text
        };
        self.known.insert(id, text);
    }

    /// The constant that a node is in every element.
    fn number(&self, id: NodeId) -> Option<f64> {
        let op = &self.graph[id].op;
        if let Op::Const(value) = op {
            return Some(*value);
        }
        matches!(op, Op::Expand { .. }).then(|| self.number(self.graph.inputs(id)[0])).flatten()
    }

    /// An operand, in parentheses where its bond is weaker than `least`.
    fn operand(&self, id: NodeId, least: Bond) -> String {
        let Text { text, bond } = &self.known[&id];
        if *bond >= least { text.clone() } else { format!("({text})") }
    }

    /// An operand whose methods are called.
    fn object(&self, id: NodeId) -> String {
        match self.number(id) {
            Some(_) => format!("logits.new_tensor({}).expand_as(logits)", self.plain(id)),
            None => self.operand(id, Bond::Atom),
        }
    }

    fn plain(&self, id: NodeId) -> &str {
        &self.known[&id].text
    }

    /// A node as a tensor, also where it is a constant.
    fn tensor(&self, id: NodeId) -> String {
        let text = self.plain(id);
        if self.number(id).is_some() {
            format!("logits.new_tensor({text})")
        } else {
            text.to_owned()
        }
    }

    /// Values of each row as a column.
    fn column(&self, id: NodeId) -> String {
        format!("{}[:, None]", self.operand(id, Bond::Atom))
    }

    fn helped(&mut self, name: &'static str) -> &'static str {
        self.formula.helpers.insert(name);
        name
    }

    fn expression(&mut self, id: NodeId) -> Text {
        let inputs = self.graph.inputs(id);
        let first = || inputs[0];
        match &self.graph[id].op {
            Op::Input => atom("logits"),
            Op::Labels => atom("labels"),
            Op::Const(value) => Text {
                text: float(*value),
                bond: if value.is_sign_positive() { Bond::Atom } else { Bond::Sign },
            },
            Op::Unary(function) => self.unary(*function, first()),
            Op::Binary(Binary::Sub) if let Some(x) = self.margin(id) => {
                let name = self.helped(MARGIN);
                atom(format!("{name}({}, labels)", self.plain(x)))
            }
            Op::Binary(function) => self.binary(*function, inputs[0], inputs[1]),
            Op::Select => {
                let condition = self.condition(inputs[0]);
                let (a, b) = (self.tensor(inputs[1]), self.tensor(inputs[2]));
                atom(format!("torch.where({condition}, {a}, {b})"))
            }
            Op::StopGradient => atom(format!("{}.detach()", self.object(first()))),
            Op::Reshape(shape) if shape.dims.is_empty() => {
                atom(format!("{}.squeeze(1)", self.object(first())))
            }
            Op::Expand { .. } if self.number(id).is_some() => self.known[&first()].clone(),
            Op::Expand { shape, axes } if *axes == [0] && shape.dims.len() == 1 => {
                atom(self.column(first()))
            }
            Op::Expand { .. } | Op::Reshape(_) => self.known[&first()].clone(),
            Op::Sum { .. } => atom(format!("{}.sum(1)", self.object(first()))),
            Op::Slice { start, len, .. } => {
                atom(format!("{}[:, {start}:{}]", self.object(first()), start + len))
            }
            Op::Concat { .. } => self.joined(&inputs),
            Op::Class(op) => self.class(*op, &inputs),
            Op::BatchCount => atom("len(logits)"),
            Op::Param(_)
            | Op::Buffer(_)
            | Op::Hyper(_)
            | Op::Prelu
            | Op::DropoutMask { .. }
            | Op::SumSquares
            | Op::Linear
            | Op::Conv(_)
            | Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::Normalize { .. }
            | Op::NormalizeRunning { .. }
            | Op::BatchMean
            | Op::BatchVar
            | Op::SpectralNorm
            | Op::Modal(_)
            | Op::Grad(_) => unreachable!("formulas of losses hold no layers"),
        }
    }

    /// The values whose margin a difference is: that at the label less the largest other one.
    fn margin(&self, id: NodeId) -> Option<NodeId> {
        if self.graph[id].op != Op::Binary(Binary::Sub) {
            return None;
        }
        let inputs = self.graph.inputs(id);
        let of = |id: NodeId, op: &Op| (self.graph[id].op == *op).then(|| self.graph.inputs(id));
        let gather = Op::Class(ClassOp::Gather);
        let (own, rival) = (of(inputs[0], &gather)?, of(inputs[1], &gather)?);
        let index = of(rival[1], &Op::Class(ClassOp::ArgMaxExcept))?;
        let is_margin = self.graph[own[1]].op == Op::Labels && index == own && rival[0] == own[0];
        is_margin.then_some(own[0])
    }

    /// Numbers, or values per class, side by side.
    fn joined(&self, inputs: &[NodeId]) -> Text {
        let numbers: Option<Vec<String>> =
            inputs.iter().map(|id| self.number(*id).map(float)).collect();
        if let Some(numbers) = numbers {
            let list = numbers.join(", ");
            return atom(format!("logits.new_tensor([{list}]).expand_as(logits)"));
        }
        let parts: Vec<&str> = inputs.iter().map(|id| self.plain(*id)).collect();
        atom(format!("torch.cat([{}], 1)", parts.join(", ")))
    }

    fn unary(&self, function: Unary, x: NodeId) -> Text {
        match written(function) {
            Written::Sign => {
                Text { text: format!("-{}", self.operand(x, Bond::Sign)), bond: Bond::Sign }
            }
            Written::Power(exponent) => Text {
                text: format!("{} ** {}", self.operand(x, Bond::Atom), float(exponent)),
                bond: Bond::Power,
            },
            Written::Positive => atom(format!("({} > 0).to(logits.dtype)", self.plain(x))),
            Written::Method(name) => atom(format!("{}.{name}()", self.operand(x, Bond::Atom))),
            Written::Call(name, more) => atom(format!("{name}({}{more})", self.plain(x))),
        }
    }

    fn binary(&self, function: Binary, a: NodeId, b: NodeId) -> Text {
        let infix = |sign: &str, bond: Bond, right: Bond| {
            let (a, b) = (self.operand(a, bond), self.operand(b, right));
            Text { text: format!("{a} {sign} {b}"), bond }
        };
        let (left, right) = (self.plain(a), self.plain(b));
        let bounded = |name: &str| match (self.number(a), self.number(b)) {
            (None, Some(_)) => Some(atom(format!("{}.clamp({name}={right})", self.object(a)))),
            (Some(_), None) => Some(atom(format!("{}.clamp({name}={left})", self.object(b)))),
            (Some(_), Some(_)) | (None, None) => None,
        };
        let chosen =
            |sign: &str| atom(format!("torch.where({left} {sign} {right}, {left}, {right})"));
        let mask = |sign: &str| atom(format!("({left} {sign} {right}).to(logits.dtype)"));
        match function {
            Binary::Add => infix("+", Bond::Sum, Bond::Product),
            Binary::Sub => infix("-", Bond::Sum, Bond::Product),
            Binary::Mul => infix("*", Bond::Product, Bond::Sign),
            Binary::Div => infix("/", Bond::Product, Bond::Sign),
            Binary::Pow => {
                let (a, b) = (self.operand(a, Bond::Atom), self.operand(b, Bond::Atom));
                Text { text: format!("{a} ** {b}"), bond: Bond::Power }
            }
            Binary::Max => bounded("min").unwrap_or_else(|| chosen(">=")),
            Binary::Min => bounded("max").unwrap_or_else(|| chosen("<=")),
            Binary::Ge => mask(">="),
            Binary::Gt => mask(">"),
            Binary::Eq => mask("=="),
        }
    }

    /// A mask as a condition.
    fn condition(&self, mask: NodeId) -> String {
        let text = self.plain(mask);
        let comparison = text.strip_suffix(").to(logits.dtype)");
        let comparison = comparison.and_then(|text| text.strip_prefix('('));
        comparison.map_or_else(|| format!("{text} != 0"), str::to_owned)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others have helpers, or are derivatives"
    )]
    fn class(&mut self, op: ClassOp, inputs: &[NodeId]) -> Text {
        let x = self.object(inputs[0]);
        if let Some(helper) = helper(op.name()) {
            let index = inputs.get(1).map(|index| format!(", {}", self.plain(*index)));
            let name = self.helped(helper.name);
            return atom(format!("{name}({x}{})", index.unwrap_or_default()));
        }
        let others =
            |writer: &Self| format!("{x}.scatter(1, {}, -math.inf)", writer.column(inputs[1]));
        atom(match op {
            ClassOp::Softmax => format!("F.softmax({x}, 1)"),
            ClassOp::LogSoftmax => format!("F.log_softmax({x}, 1)"),
            ClassOp::Gather => format!("{}({x}, {})", self.helped(AT), self.plain(inputs[1])),
            ClassOp::Scatter { .. } if self.number(inputs[0]) == Some(1.0) => {
                format!("F.one_hot({}, CLASSES).to(logits.dtype)", self.plain(inputs[1]))
            }
            ClassOp::Scatter { .. } => {
                let values = format!("{}.expand(len(logits))[:, None]", self.tensor(inputs[0]));
                let column = self.column(inputs[1]);
                format!("torch.zeros_like(logits).scatter(1, {column}, {values})")
            }
            ClassOp::ArgMax => format!("{x}.argmax(1)"),
            ClassOp::ArgMaxExcept => format!("{}.argmax(1)", others(self)),
            ClassOp::SoftmaxExcept => format!("F.softmax({}, 1)", others(self)),
            _ => unreachable!("it is a derivative"),
        })
    }
}

fn atom(text: impl Into<String>) -> Text {
    Text { text: text.into(), bond: Bond::Atom }
}

/// What a variable with the result of an operation is called.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no word of their own")]
fn variable(op: &Op) -> &'static str {
    match op {
        Op::Class(ClassOp::Softmax) => "p",
        Op::Class(ClassOp::LogSoftmax) => "log_p",
        Op::Class(ClassOp::Gather) => "picked",
        Op::Class(ClassOp::ArgMax | ClassOp::ArgMaxExcept) => "index",
        Op::Class(ClassOp::Scatter { .. }) => "target",
        Op::Class(op) => helper(op.name()).map_or("value", |helper| helper.result),
        Op::Sum { .. } => "total",
        Op::Select => "chosen",
        Op::Unary(Unary::Exp) => "weight",
        Op::Binary(Binary::Mul) => "product",
        Op::Binary(Binary::Add | Binary::Sub) => "term",
        _ => "value",
    }
}
