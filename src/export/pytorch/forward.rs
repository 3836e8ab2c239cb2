//! The body of `forward`: statements with few variables, in the order of the net.
//!
//! A value that is used once stands inside the expression that uses it, but layers with weights begin a line. A value takes the
//! first name that nothing needs any more, so that a chain has one variable and equal blocks have equal lines.

use std::collections::{BTreeMap, BTreeSet};

use super::function::{Written, written};
use super::modules::{Modules, unusual};
use super::text::{WIDTH, float, pair, tuple};
use crate::export::steps::{Step, StepKind};
use crate::ir::{Binary, Graph, NodeId, Norm, Op, Pool, UseId};

/// Names of variables, in the order in which they are taken.
const NAMES: [&str; 6] = ["x", "y", "z", "u", "v", "w"];

/// Columns before a statement.
const MARGIN: usize = 8;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// The module of a layer.
    Module(String),
}

/// A line of `forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// What stands in it.
    pub(super) pieces: Vec<Piece>,
    /// A comment before it: the block that begins here.
    pub(super) comment: Option<String>,
}

/// The statements from `x` to `return`.
pub(super) fn statements(graph: &Graph, steps: &[Step], modules: &Modules) -> Vec<Statement> {
    let logits = graph.output("logits").expect("checked graphs end in logits");
    let mut writer = Writer {
        graph,
        modules,
        steps: steps.iter().map(|step| (step.output, step)).collect(),
        uses: BTreeMap::new(),
        variables: BTreeMap::new(),
        statements: vec![],
        block: None,
    };
    for input in steps.iter().flat_map(|step| &step.inputs) {
        *writer.uses.entry(*input).or_insert(0) += 1;
    }
    if let Some(input) = graph.ids().find(|id| graph[*id].op == Op::Input) {
        writer.variables.insert(input, "x".to_owned());
    }
    let mut consumers: BTreeMap<NodeId, &Step> = BTreeMap::new();
    for step in steps {
        consumers.extend(step.inputs.iter().map(|input| (*input, step)));
    }
    for step in steps {
        let last = step.output == logits;
        let alone = writer.uses.get(&step.output) == Some(&1);
        let nests = consumers.get(&step.output).is_some_and(|user| {
            takes_expressions(&user.kind) && writer.block_of(user) == writer.block_of(step)
        });
        if last || !(alone && nests) || writer.columns(step.output) + MARGIN + 16 > WIDTH {
            writer.assign(step, last);
        }
    }
    writer.statements
}

/// Whether operands of a step may be more than a variable.
fn takes_expressions(kind: &StepKind) -> bool {
    match kind {
        StepKind::Linear { .. }
        | StepKind::Conv { .. }
        | StepKind::Reshape(_)
        | StepKind::GlobalAvgPool
        | StepKind::Concat { .. } => false,
        StepKind::BatchNorm { .. }
        | StepKind::SampleNorm { .. }
        | StepKind::Prelu { .. }
        | StepKind::Unary(_)
        | StepKind::Binary(_)
        | StepKind::Times(_)
        | StepKind::Softmax
        | StepKind::MaxPool(_)
        | StepKind::AvgPool(_)
        | StepKind::Dropout { .. } => true,
    }
}

struct Writer<'a> {
    graph: &'a Graph,
    modules: &'a Modules,
    steps: BTreeMap<NodeId, &'a Step>,
    /// How often a value is still needed.
    uses: BTreeMap<NodeId, usize>,
    variables: BTreeMap<NodeId, String>,
    statements: Vec<Statement>,
    /// The block of the last statement.
    block: Option<u32>,
}

impl Writer<'_> {
    fn assign(&mut self, step: &Step, last: bool) {
        let mut read = vec![];
        let expression = self.expression(step.output, &mut read);
        for id in read {
            let left = self.uses.get_mut(&id).expect("what is read has users");
            *left -= 1;
            if *left == 0 {
                self.variables.remove(&id);
            }
        }
        let taken: BTreeSet<&str> = self.variables.values().map(String::as_str).collect();
        let numbered = (1..).map(|i| format!("x{i}"));
        let mut names = NAMES.map(str::to_owned).into_iter().chain(numbered);
        let name = names.find(|name| !taken.contains(name.as_str())).expect("names have no end");
        let head = if last { "return ".to_owned() } else { format!("{name} = ") };
        self.variables.insert(step.output, name);
        let comment = self.comment(step);
        let mut pieces = vec![Piece::Text(head)];
        pieces.extend(expression);
        self.statements.push(Statement { pieces, comment });
    }

    /// The outermost block that a step stands in.
    fn block_of(&self, step: &Step) -> Option<UseId> {
        let mut at = step.layer.and_then(|layer| self.graph.layer(layer).inside);
        let mut block = None;
        while let Some(id) = at {
            let block_use = &self.graph.uses[id.0 as usize];
            if block_use.name != "repeat" {
                block = Some(id);
            }
            at = block_use.inside;
        }
        block
    }

    /// The same, where it is another one than before.
    fn comment(&mut self, step: &Step) -> Option<String> {
        let block = self.block_of(step);
        let number = block.map(|id| id.0);
        let is_new = number != self.block;
        self.block = number;
        block.filter(|_| is_new).map(|id| self.graph.uses[id.0 as usize].name.clone())
    }

    /// The value of a node: a variable, or the expression of its step. `read` gets the variables in it.
    fn expression(&self, id: NodeId, read: &mut Vec<NodeId>) -> Vec<Piece> {
        if let Some(name) = self.variables.get(&id) {
            read.push(id);
            return vec![Piece::Text(name.clone())];
        }
        let step = self.steps[&id];
        let operands: Vec<Vec<Piece>> =
            step.inputs.iter().map(|input| self.expression(*input, read)).collect();
        self.applied(step, operands)
    }

    /// Columns that the expression of a node takes.
    fn columns(&self, id: NodeId) -> usize {
        let width = |piece: &Piece| match piece {
            Piece::Text(text) => text.chars().count(),
            Piece::Module(layer) => self.modules.path(layer).len(),
        };
        self.expression(id, &mut vec![]).iter().map(width).sum()
    }

    fn applied(&self, step: &Step, mut operands: Vec<Vec<Piece>>) -> Vec<Piece> {
        let layer = step.layer.map_or("", |layer| self.graph.layer(layer).name.as_str());
        let call = |function: &str, mut x: Vec<Piece>, more: &str| {
            x.insert(0, Piece::Text(format!("{function}(")));
            x.push(Piece::Text(format!("{more})")));
            x
        };
        let module = |mut x: Vec<Piece>| {
            x.splice(0..0, [Piece::Module(layer.to_owned()), Piece::Text("(".to_owned())]);
            x.push(Piece::Text(")".to_owned()));
            x
        };
        let method = |mut x: Vec<Piece>, text: String| {
            x.push(Piece::Text(text));
            x
        };
        if let StepKind::Binary(function) = &step.kind {
            return self.joined(step, operator(*function), operands);
        }
        if let StepKind::Concat { axis } = &step.kind {
            let mut all = vec![Piece::Text("torch.cat([".to_owned())];
            for (i, operand) in operands.into_iter().enumerate() {
                all.extend((i > 0).then(|| Piece::Text(", ".to_owned())));
                all.extend(operand);
            }
            all.push(Piece::Text(format!("], {axis})")));
            return all;
        }
        let x = operands.swap_remove(0);
        let shape = &self.graph[step.output].shape.dims;
        match &step.kind {
            StepKind::BatchNorm { .. } if shape.len() > 4 => {
                let normal = module(method(x, ".flatten(2)".to_owned()));
                method(normal, format!(".unflatten(2, {})", tuple(&shape[1..])))
            }
            StepKind::Linear { .. }
            | StepKind::Conv { .. }
            | StepKind::BatchNorm { .. }
            | StepKind::SampleNorm { affine: Some(_), .. }
            | StepKind::Prelu { .. } => module(x),
            StepKind::SampleNorm { norm: Norm::Group(groups), eps, affine: None } => {
                call("F.group_norm", x, &format!(", {groups}{}", unusual("eps", *eps, 1e-5)))
            }
            StepKind::SampleNorm { norm: Norm::Layer | Norm::Batch, eps, affine: None } => {
                let eps = unusual("eps", *eps, 1e-5);
                call("F.layer_norm", x, &format!(", {}{eps}", tuple(shape)))
            }
            StepKind::Unary(function) => match written(*function) {
                Written::Sign => call("torch.neg", x, ""),
                Written::Power(exponent) => call("torch.pow", x, &format!(", {}", float(exponent))),
                Written::Positive => unreachable!("layers have no masks"),
                Written::Method(name) => call(&format!("torch.{name}"), x, ""),
                Written::Call(name, more) => call(name, x, &more),
            },
            StepKind::Times(factor) => {
                let x = self.enclosed(step.inputs[0], x);
                let mut all = vec![Piece::Text(format!("{} * ", float(*factor)))];
                all.extend(x);
                all
            }
            StepKind::Softmax => call("F.softmax", x, ", 1"),
            StepKind::MaxPool(pool) => call("F.max_pool2d", x, &window(pool)),
            StepKind::AvgPool(pool) => call("F.avg_pool2d", x, &window(pool)),
            StepKind::GlobalAvgPool => method(x, ".mean((2, 3))".to_owned()),
            StepKind::Reshape(shape) if shape.dims.len() == 1 => {
                method(x, ".flatten(1)".to_owned())
            }
            StepKind::Reshape(shape) => {
                let sizes: Vec<String> = shape.dims.iter().map(usize::to_string).collect();
                method(x, format!(".reshape(-1, {})", sizes.join(", ")))
            }
            StepKind::Dropout { p } => {
                call("F.dropout", x, &format!(", {}, self.training", float(*p)))
            }
            StepKind::Binary(_) | StepKind::Concat { .. } => {
                unreachable!("they take several operands")
            }
        }
    }

    fn joined(&self, step: &Step, operator: &str, operands: Vec<Vec<Piece>>) -> Vec<Piece> {
        let mut all = vec![];
        for (i, operand) in operands.into_iter().enumerate() {
            all.extend((i > 0).then(|| Piece::Text(format!(" {operator} "))));
            let sums = operator == "+" && i == 0;
            all.extend(if sums { operand } else { self.enclosed(step.inputs[i], operand) });
        }
        all
    }

    /// In parentheses, where it is a sum or a product.
    fn enclosed(&self, id: NodeId, mut x: Vec<Piece>) -> Vec<Piece> {
        let kind = self.steps.get(&id).map(|step| &step.kind);
        let is_joined = matches!(kind, Some(StepKind::Binary(_) | StepKind::Times(_)));
        if is_joined && !self.variables.contains_key(&id) {
            x.insert(0, Piece::Text("(".to_owned()));
            x.push(Piece::Text(")".to_owned()));
        }
        x
    }
}

fn operator(function: Binary) -> &'static str {
    match function {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Pow => "**",
        Binary::Max | Binary::Min | Binary::Ge | Binary::Gt | Binary::Eq => {
            unreachable!("layers add and multiply branches")
        }
    }
}

fn window(pool: &Pool) -> String {
    let stride = (pool.stride != pool.kernel).then(|| format!(", stride={}", pair(pool.stride)));
    let pad = (pool.pad != [0, 0]).then(|| format!(", padding={}", pair(pool.pad)));
    format!(", {}{}{}", pair(pool.kernel), stride.unwrap_or_default(), pad.unwrap_or_default())
}
