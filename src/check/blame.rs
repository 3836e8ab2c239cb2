//! Why a degree does not exist: the smallest set of equations that cannot hold together, told at the lines involved.

use super::degrees::tensor;
use super::layerwise::is_norm;
use super::system::contradiction;
use super::{Equation, Linear, Number, Scaling, Unknown};
use crate::diag::{Diagnostic, Span};
use crate::ir::{Graph, LayerId, ModalOp, NodeId, Op, ParamId, ParamRole};

/// What was asked of the exponents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// All parameters have exponent 1.
    Joint,
    /// Weights and gains have exponent 1, the others any.
    WeightsOne,
    /// One layer has exponent 1, everything else 0.
    Layer(LayerId),
    /// One tensor has exponent 1, everything else 0.
    Tensor(ParamId),
    /// The input has exponent 1, the parameters 0.
    Input,
    /// Any exponents, but the logits have a degree other than 0.
    Scale,
}

impl Question {
    /// The same question about an edited copy of a graph; `None` where its tensor is gone.
    pub(super) fn moved(self, from: &Graph, to: &Graph) -> Option<Self> {
        match self {
            Self::Tensor(id) => {
                let name = &from.param(id).name;
                let place = to.params.iter().position(|param| param.name == *name)?;
                Some(Self::Tensor(ParamId(place as u32)))
            }
            // Edits keep the table of layers.
            Self::Joint | Self::WeightsOne | Self::Layer(_) | Self::Input | Self::Scale => {
                Some(self)
            }
        }
    }
}

/// Equations that cannot hold together under a question; every proper subset can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What was asked.
    pub question: Question,
    /// Positions in [`super::Degrees::equations`], ascending.
    pub equations: Vec<usize>,
}

/// The value a question gives an unknown; `None` where it is free.
pub(super) fn known(graph: &Graph, question: Question, unknown: Unknown) -> Option<Number> {
    let one = |holds: bool| Some(if holds { Number::ONE } else { Number::ZERO });
    match (question, unknown) {
        (question, Unknown::Given(_)) => one(question == Question::Input),
        (Question::Joint, Unknown::Param(_)) => one(true),
        (Question::WeightsOne, Unknown::Param(id)) => match graph.param(id).role {
            ParamRole::Weight | ParamRole::Gain => Some(Number::ONE),
            ParamRole::Bias | ParamRole::Shift | ParamRole::Slope | ParamRole::Scale => None,
        },
        (Question::Layer(layer), Unknown::Param(id)) => one(graph.param(id).layer == Some(layer)),
        (Question::Tensor(tensor), Unknown::Param(id)) => one(tensor == id),
        (Question::Input, Unknown::Param(_)) => Some(Number::ZERO),
        (Question::Scale, Unknown::Param(_)) => None,
    }
}

/// The smallest conflict found, or `None` when the answer to the question is yes.
pub fn conflict(graph: &Graph, scaling: &Scaling, question: Question) -> Option<Conflict> {
    let mut equations: Vec<(Linear, Number)> = scaling
        .degrees
        .equations
        .iter()
        .map(|equation| equation.form.substitute(|unknown| known(graph, question, unknown)))
        .collect();
    let asked = equations.len();
    if question == Question::Scale {
        equations.push((scaling.logits.clone(), Number::MINUS_ONE));
    }
    let mut members = contradiction(&equations)?;
    members.retain(|position| *position < asked);
    Some(Conflict { question, equations: members })
}

/// Equations that do not hold at the exponents of a question that leaves none free, by position, with their operations, in the
/// order of the net.
pub(super) fn violated<'a>(
    graph: &'a Graph,
    scaling: &'a Scaling,
    question: Question,
) -> impl Iterator<Item = (usize, NodeId)> + 'a {
    let broken = move |(_, equation): &(usize, &Equation)| {
        let (free, sum) = equation.form.substitute(|unknown| known(graph, question, unknown));
        free.is_zero() && !sum.is_zero()
    };
    let equations = scaling.degrees.equations.iter().enumerate();
    equations.filter(broken).map(|(i, equation)| (i, equation.node))
}

/// Most lines named per conflict, so that a message stays readable.
const LINES: usize = 8;

/// Places in the spec and what to say there.
pub(super) type Lines = Vec<(Span, String)>;

impl Conflict {
    /// Adds the lines involved and the degrees that clash to a diagnostic.
    #[must_use]
    pub fn tell(&self, graph: &Graph, scaling: &Scaling, mut diagnostic: Diagnostic) -> Diagnostic {
        let (mut lines, others) = self.lines(graph, scaling);
        lines.extend(others);
        if lines.len() > LINES {
            let more = lines.len() - LINES;
            lines.truncate(LINES);
            diagnostic = diagnostic.note(format!("{more} more lines take part"));
        }
        for (span, text) in lines {
            diagnostic = diagnostic.label(span, text);
        }
        diagnostic
    }

    /// The places where degrees clash and, without those, the tensors that take part; each place once.
    pub(super) fn lines(&self, graph: &Graph, scaling: &Scaling) -> (Lines, Lines) {
        let mut seen: Vec<Span> = vec![];
        let mut new = |span: Span| {
            let new = !seen.contains(&span);
            seen.extend(new.then_some(span));
            new
        };
        let (mut clashes, mut tensors) = (vec![], vec![]);
        let members = || self.equations.iter().map(|i| &scaling.degrees.equations[*i]);
        for equation in members() {
            let span = graph[equation.node].origin;
            if new(span) {
                clashes.push((span, self.clash(graph, equation)));
            }
        }
        for equation in members() {
            for (unknown, _) in equation.form.terms() {
                let Unknown::Param(id) = unknown else { continue };
                let value = known(graph, self.question, *unknown);
                let span = graph.param(*id).origin;
                if value.as_ref().is_some_and(|value| !value.is_zero()) && new(span) {
                    let name = &graph.param(*id).name;
                    tensors.push((span, format!("`{name}` takes part in this degree")));
                }
            }
        }
        (clashes, tensors)
    }

    /// One equation that cannot hold, in words.
    pub fn clash(&self, graph: &Graph, equation: &Equation) -> String {
        let degree = |form: &Linear| {
            let (rest, sum) = form.substitute(|unknown| known(graph, self.question, unknown));
            match (rest.is_zero(), sum.is_zero()) {
                (true, _) => format!("degree {sum}"),
                (false, true) => format!("degree {}", describe(graph, &rest)),
                (false, false) => format!("degree {sum} + {}", describe(graph, &rest)),
            }
        };
        let op = &graph[equation.node].op;
        let (left, right) = (degree(&equation.left), degree(&equation.right));
        let Some(other) = equation.other else {
            return if let Op::Modal(ModalOp::BatchNorm { eps, .. })
            | Op::Normalize { eps, .. }
            | Op::NormalizeRunning { eps } = op
            {
                format!("{} with eps = {eps} needs degree 0, but finds {left}", op.word())
            } else if *op == Op::Prelu {
                format!("a slope of `prelu` needs degree 0, but has {left}")
            } else {
                format!("{} needs degree 0, but finds {left}", op.word())
            };
        };
        if is_norm(op) {
            return format!("running statistics have {right}, but the input has {left}");
        }
        let bias = |id: NodeId| tensor(graph, id).map(|param| &graph.param(param).name);
        match (bias(equation.operand), bias(other)) {
            (None, Some(name)) => {
                format!("`{name}` has {right}, but what it is added to has {left}")
            }
            (Some(name), None) => {
                format!("`{name}` has {left}, but what it is added to has {right}")
            }
            (None, None) | (Some(_), Some(_)) => format!("{} joins {left} with {right}", op.word()),
        }
    }
}

/// A form with the names of its tensors.
pub fn describe(graph: &Graph, form: &Linear) -> String {
    form.describe(|unknown| match unknown {
        Unknown::Param(id) => graph.param(id).name.clone(),
        Unknown::Given(_) => "x".to_owned(),
    })
}
