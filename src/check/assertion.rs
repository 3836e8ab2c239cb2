//! `assert` items: statements on how the net scales, each a theorem or an error.

use super::blame::Question;
use super::checked::Checked;
use super::{Number, Scaling};
use crate::diag::{Code, Diagnostic, Diagnostics, Span, ToDiagnostic, nearest};
use crate::ir::{Graph, LayerId, ParamId};
use crate::syntax::ast::{Arg, BinaryOp, Call, Expr, ExprKind, UnaryOp};

/// An assertion that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertError {
    /// Not one of the statements.
    #[error("`{found}` is not a statement about a net")]
    UnknownStatement {
        /// What stands there.
        found: String,
        /// Where.
        span: Span,
    },
    /// An argument that the statement does not have or lacks.
    #[error("`{statement}` takes {expected}")]
    Argument {
        /// The statement.
        statement: String,
        /// What it takes.
        expected: &'static str,
        /// Where.
        span: Span,
    },
    /// No layer or tensor of this name.
    #[error("the net has no layer or tensor `{name}`")]
    UnknownName {
        /// The name.
        name: String,
        /// The closest name that exists.
        nearest: Option<String>,
        /// Where.
        span: Span,
    },
}

impl ToDiagnostic for AssertError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::UnknownStatement { found, span } => {
                Diagnostic::new(Code::E0404, "this assertion is not known")
                    .label(*span, format!("found {found}"))
                    .expected("`homogeneous`, `quasi_homogeneous`, `degree_one`, `scale_free` or `degree(…) == d`")
                    .help(near(found, STATEMENTS.into_iter()))
            }
            Self::Argument { statement, expected, span } => {
                Diagnostic::new(Code::E0404, format!("`{statement}` cannot take this argument"))
                    .label(*span, "found this")
                    .expected(*expected)
            }
            Self::UnknownName { name, nearest, span } => {
                let help = match nearest {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => "`specc check` lists the layers".to_owned(),
                };
                Diagnostic::new(Code::E0404, format!("the net has no layer `{name}`"))
                    .label(*span, "not a layer or tensor of the net")
                    .help(help)
            }
        }
    }
}

/// What an `assert` may say.
pub const STATEMENTS: [&str; 5] =
    ["homogeneous", "quasi_homogeneous", "degree_one", "scale_free", "degree"];

fn near<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(found, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "write for example `assert homogeneous(net, degree=4)`".to_owned(),
    }
}

/// What a degree is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Net,
    Input,
    Layer(LayerId),
    Tensor(ParamId),
}

impl Subject {
    fn question(self) -> Question {
        match self {
            Self::Net => Question::Joint,
            Self::Input => Question::Input,
            Self::Layer(layer) => Question::Layer(layer),
            Self::Tensor(tensor) => Question::Tensor(tensor),
        }
    }
}

/// Checks all assertions; the diagnostics of those that fail or cannot be understood.
pub(super) fn check(checked: &Checked, asserts: &[Expr]) -> Diagnostics {
    asserts
        .iter()
        .filter_map(|assert| match one(checked, assert) {
            Ok(found) => found,
            Err(error) => Some(error.to_diagnostic()),
        })
        .collect()
}

fn one(checked: &Checked, assert: &Expr) -> Result<Option<Diagnostic>, AssertError> {
    if let ExprKind::Call(call) = &assert.value {
        return statement(checked, call, assert.span);
    }
    let ExprKind::Binary(operator, left, right) = &assert.value else {
        return Err(unknown("an expression", assert.span));
    };
    let ExprKind::Call(call) = &left.value else {
        return Err(unknown("an expression", left.span));
    };
    comparison(checked, call, *operator, right, assert.span)
}

fn unknown(found: &str, span: Span) -> AssertError {
    AssertError::UnknownStatement { found: found.to_owned(), span }
}

fn statement(
    checked: &Checked,
    call: &Call,
    span: Span,
) -> Result<Option<Diagnostic>, AssertError> {
    let name = call.callee.value.as_str();
    let expected = match name {
        "homogeneous" => "`net`, `degree=…` and `limit=true`",
        "quasi_homogeneous" | "degree_one" => "`net` and `limit=true`",
        "scale_free" => "the name of a layer or tensor",
        _other => return Err(unknown(name, call.callee.span)),
    };
    let refuse = |span: Span| AssertError::Argument { statement: name.to_owned(), expected, span };
    let arguments = Arguments::read(call, &refuse)?;
    let scaling = if arguments.limit { checked.limit() } else { checked.exact() };
    if name == "scale_free" {
        let (subject, at) = arguments.subject(checked.graph(), &refuse)?;
        return Ok(scale_free(checked, subject, at, span));
    }
    if let Some((word, at)) = arguments.positional.first()
        && word != "net"
    {
        return Err(refuse(*at));
    }
    Ok(match name {
        "homogeneous" => homogeneous(checked, scaling, arguments.degree.as_ref(), span),
        "quasi_homogeneous" if scaling.weights_one.is_some() => None,
        "quasi_homogeneous" => Some(blamed(
            checked,
            scaling,
            Question::WeightsOne,
            span,
            "no exponents with all weights at 1 exist",
        )),
        _degree_one => checked.failures().first().map(|failure| {
            failed("the net is not of degree one layer by layer", span)
                .label(failure.origin, failure.reason.clone())
        }),
    })
}

fn homogeneous(
    checked: &Checked,
    scaling: &Scaling,
    degree: Option<&Number>,
    span: Span,
) -> Option<Diagnostic> {
    match (&scaling.joint, degree) {
        (None, _) => {
            let title = "the logits have no joint degree";
            Some(blamed(checked, scaling, Question::Joint, span, title))
        }
        (Some(found), Some(expected)) if found != expected => Some(
            failed("the joint degree is another one", span)
                .expected(format!("degree {expected}"))
                .note(format!("found: degree {found}")),
        ),
        (Some(_), _) => None,
    }
}

fn scale_free(checked: &Checked, subject: Subject, at: Span, span: Span) -> Option<Diagnostic> {
    let zero = |scaling: &Scaling| degree_of(scaling, subject).is_some_and(|d| d.is_zero());
    if zero(checked.exact()) || zero(checked.limit()) {
        return None;
    }
    let question = subject.question();
    Some(match degree_of(checked.limit(), subject) {
        Some(degree) => failed("it carries scale", span)
            .label(at, format!("the logits have degree {degree} in it"))
            .expected("degree 0, exactly or in the limit eps → 0"),
        // The limit asks for less, so what stands in its way does so for the net as it is, too.
        None => blamed(checked, checked.limit(), question, span, "the logits have no degree in it"),
    })
}

fn degree_of(scaling: &Scaling, subject: Subject) -> Option<Number> {
    match subject {
        Subject::Net => scaling.joint.clone(),
        Subject::Input => scaling.input.clone(),
        Subject::Layer(layer) => scaling.layer(layer).cloned().flatten(),
        Subject::Tensor(tensor) => scaling.tensors.get(tensor.0 as usize).cloned().flatten(),
    }
}

fn comparison(
    checked: &Checked,
    call: &Call,
    operator: BinaryOp,
    right: &Expr,
    span: Span,
) -> Result<Option<Diagnostic>, AssertError> {
    if call.callee.value != "degree" {
        return Err(unknown(&call.callee.value, call.callee.span));
    }
    let expected = "`net`, `input`, `layer=…` or `tensor=…`, compared with a number";
    let refuse =
        |span: Span| AssertError::Argument { statement: "degree".to_owned(), expected, span };
    let arguments = Arguments::read(call, &refuse)?;
    let (subject, _) = arguments.subject(checked.graph(), &refuse)?;
    let wanted = number(right).ok_or_else(|| refuse(right.span))?;
    let scaling = if arguments.limit { checked.limit() } else { checked.exact() };
    let Some(found) = degree_of(scaling, subject) else {
        let title = "the logits have no such degree";
        return Ok(Some(blamed(checked, scaling, subject.question(), span, title)));
    };
    let holds = match operator {
        BinaryOp::Eq => found == wanted,
        BinaryOp::Ne => found != wanted,
        BinaryOp::Lt => found < wanted,
        BinaryOp::Le => found <= wanted,
        BinaryOp::Gt => found > wanted,
        BinaryOp::Ge => found >= wanted,
        BinaryOp::Pow
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::And
        | BinaryOp::Or => return Err(refuse(span)),
    };
    Ok((!holds)
        .then(|| failed("the degree is another one", span).note(format!("found: degree {found}"))))
}

fn failed(title: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0403, format!("assertion does not hold: {title}"))
        .label(span, "asserted here")
}

/// The smallest conflict with its lines, a witness and verified fixes, under the statistics and the eps that were asked about.
fn blamed(
    checked: &Checked,
    scaling: &Scaling,
    question: Question,
    span: Span,
    title: &str,
) -> Diagnostic {
    let diagnostic = failed(title, span);
    let graph = checked.graph();
    let Some((conflict, edits)) = checked.blame_in(scaling, question) else { return diagnostic };
    let mut told = conflict.tell(graph, scaling, diagnostic);
    let what = match question {
        Question::Layer(layer) => format!("`{}`", graph.layer(layer).name),
        Question::Tensor(tensor) => format!("`{}`", graph.param(tensor).name),
        Question::Input => "the input".to_owned(),
        Question::Joint | Question::WeightsOne | Question::Scale => "all parameters".to_owned(),
    };
    if let Some(text) = checked.shown(scaling, question, &what) {
        told = told.note(text);
    }
    edits.into_iter().fold(told, |diagnostic, (_, text)| diagnostic.help(text))
}

/// Arguments as written.
struct Arguments {
    positional: Vec<(String, Span)>,
    named: Option<(bool, String, Span)>,
    degree: Option<Number>,
    limit: bool,
    span: Span,
}

impl Arguments {
    fn read(call: &Call, refuse: &dyn Fn(Span) -> AssertError) -> Result<Self, AssertError> {
        let mut arguments = Self {
            positional: vec![],
            named: None,
            degree: None,
            limit: false,
            span: call.callee.span,
        };
        for Arg { key, value } in &call.args {
            let at = value.span;
            match key.as_ref().map(|key| key.value.as_str()) {
                None => {
                    let word = word(value).ok_or_else(|| refuse(at))?;
                    arguments.positional.push((word, at));
                }
                Some(key @ ("layer" | "tensor")) => {
                    let word = word(value).ok_or_else(|| refuse(at))?;
                    arguments.named = Some((key == "layer", word, at));
                }
                Some("degree") => {
                    arguments.degree = Some(number(value).ok_or_else(|| refuse(at))?);
                }
                Some("limit") => {
                    let ExprKind::Bool(limit) = &value.value else { return Err(refuse(at)) };
                    arguments.limit = *limit;
                }
                Some(_) => return Err(refuse(key.as_ref().map_or(at, |key| key.span))),
            }
        }
        if arguments.positional.len() > 1 {
            return Err(refuse(arguments.positional[1].1));
        }
        Ok(arguments)
    }

    fn subject(
        &self,
        graph: &Graph,
        refuse: &dyn Fn(Span) -> AssertError,
    ) -> Result<(Subject, Span), AssertError> {
        let (layer_only, name, span) = match (&self.named, self.positional.first()) {
            (Some((layer, name, span)), None) => (*layer, name, *span),
            (None, Some((name, span))) => (false, name, *span),
            (Some(_), Some(_)) | (None, None) => return Err(refuse(self.span)),
        };
        if self.named.is_none() && (name == "net" || name == "input") {
            let subject = if name == "net" { Subject::Net } else { Subject::Input };
            return Ok((subject, span));
        }
        let layers = || (0_u32..).map(LayerId).zip(&graph.layers);
        let tensors = || (0_u32..).map(ParamId).zip(&graph.params);
        if let Some((id, _)) = layers().find(|(_, layer)| layer.name == *name) {
            return Ok((Subject::Layer(id), span));
        }
        if let Some((id, _)) = tensors().find(|(_, param)| param.name == *name && !layer_only) {
            return Ok((Subject::Tensor(id), span));
        }
        let known = graph
            .layers
            .iter()
            .map(|layer| layer.name.as_str())
            .chain(graph.params.iter().map(|param| param.name.as_str()));
        let nearest = nearest(name, known).map(str::to_owned);
        Err(AssertError::UnknownName { name: name.clone(), nearest, span })
    }
}

/// A name, or a string for names with dots.
fn word(expr: &Expr) -> Option<String> {
    if let ExprKind::Str(text) = &expr.value {
        return Some(text.clone());
    }
    let ExprKind::Call(call) = &expr.value else { return None };
    call.args.is_empty().then(|| call.callee.value.clone())
}

/// An exact number: an integer, a fraction of integers, or a short decimal.
fn number(expr: &Expr) -> Option<Number> {
    match &expr.value {
        ExprKind::Int(value) => Some(Number::int(*value)),
        ExprKind::Float(value) => Number::from_f64(*value),
        ExprKind::Unary(UnaryOp::Neg, inner) => Some(number(inner)?.neg()),
        ExprKind::Binary(BinaryOp::Div, a, b) => Some(number(a)?.mul(&number(b)?.inverse()?)),
        ExprKind::Unary(UnaryOp::Not, _)
        | ExprKind::Binary(..)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::Call(_)
        | ExprKind::List(_)
        | ExprKind::Range(..)
        | ExprKind::Index(..)
        | ExprKind::Chain(_)
        | ExprKind::If { .. } => None,
    }
}
