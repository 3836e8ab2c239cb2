//! The scales of a loss: parameters `loss.r1`, `loss.r2`, `loss.lambda`, and their values at the start.

use std::collections::BTreeMap;

use super::LossError;
use crate::diag::Span;
use crate::ir::{Buffer, BufferId, BufferRole, Graph, Init, Param, ParamId, ParamRole, Shape};
use crate::model::{Divisor, Form, Loss, Scale, ScaleExpr};
use crate::syntax::ast::BinaryOp;

/// The buffer of the weights of the classes.
pub const CLASS_WEIGHTS: &str = "loss.class_weights";

/// One scale in the tables of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleParam {
    /// Its parameter, `[1]`.
    pub param: ParamId,
    /// Whether gradient descent moves it. A fixed scale is a parameter that no update touches,
    /// so that checkpoints and records hold every scale alike.
    pub trainable: bool,
}

/// What the loss keeps between steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scales {
    /// R1 of the single- and two-scale forms.
    pub r1: Option<ScaleParam>,
    /// R2 of the two-scale form.
    pub r2: Option<ScaleParam>,
    /// λ of the separation form.
    pub lambda: Option<ScaleParam>,
    /// R(θ₀), `[1]`, for `divisor = initial`; set once, when the parameters have been initialised or loaded.
    pub initial_size: Option<BufferId>,
    /// The weights of the classes, `[k]`, where the base loss has any; set when a run starts.
    pub class_weights: Option<BufferId>,
}

impl Scales {
    /// The scales that gradient descent moves.
    pub fn trained(&self) -> Vec<ParamId> {
        let scales = [self.r1, self.r2, self.lambda];
        scales.iter().flatten().filter(|s| s.trainable).map(|s| s.param).collect()
    }
}

/// Adds the scales of `loss` to the tables of `graph`, after the parameters of the net.
pub fn declare(graph: &mut Graph, loss: &Loss) -> Scales {
    let mut scales = Scales::default();
    for (name, scale) in written(loss) {
        graph.params.push(Param {
            name: format!("loss.{name}"),
            shape: Shape::fixed([1]),
            role: ParamRole::Scale,
            init: Init::Scale,
            layer: None,
            origin: scale.span,
        });
        let param = ParamId(graph.params.len() as u32 - 1);
        let entry = Some(ScaleParam { param, trainable: scale.trainable });
        match name {
            "r1" => scales.r1 = entry,
            "r2" => scales.r2 = entry,
            _ => scales.lambda = entry,
        }
    }
    if loss.divisor == Divisor::Initial && uses_size(&loss.form) {
        scales.initial_size = Some(graph.keep(Buffer {
            name: "loss.R0".to_owned(),
            shape: Shape::fixed([1]),
            role: BufferRole::InitialSize,
            initial: 1.0,
            min_samples: 0,
        }));
    }
    if let Some(weights) = loss.base.class_weights() {
        scales.class_weights = Some(graph.keep(Buffer {
            name: CLASS_WEIGHTS.to_owned(),
            shape: Shape::fixed([weights.len()]),
            role: BufferRole::ClassWeights,
            initial: 1.0,
            min_samples: 0,
        }));
    }
    scales
}

/// Values of the scales at the start by parameter name (`loss.r1`), from R(θ₀) where one is defined; `largest` is the
/// largest number of the run's dtype.
///
/// # Errors
/// [`LossError::ScaleValue`] when a value refers to itself, to a scale that the loss does not have or
/// to an undefined R, or is larger than `largest`.
pub fn initial_scales(
    loss: &Loss,
    size: Option<f64>,
    largest: f64,
) -> Result<BTreeMap<String, f64>, LossError> {
    let written = written(loss);
    let mut values = BTreeMap::new();
    for (name, scale) in &written {
        let mut context = Context { scales: &written, size, span: scale.span, open: vec![*name] };
        let value = context.evaluate(&scale.init)?;
        if !(-largest..=largest).contains(&value) {
            let expected = format!("a number of at most {largest:.1e}");
            return Err(context.error(format!("the value {value:.3e}"), &expected));
        }
        values.insert(format!("loss.{name}"), value);
    }
    Ok(values)
}

/// Whether the form divides by R or compares with it.
pub fn uses_size(form: &Form) -> bool {
    match form {
        Form::Plain => false,
        Form::SingleScale { .. } | Form::TwoScale { .. } => true,
        Form::Separation { on, .. } => *on == crate::model::On::Normalized,
    }
}

fn written(loss: &Loss) -> Vec<(&'static str, &Scale)> {
    match &loss.form {
        Form::Plain => vec![],
        Form::SingleScale { r1 } => vec![("r1", r1)],
        Form::TwoScale { r1, r2, .. } => vec![("r1", r1), ("r2", r2)],
        Form::Separation { lambda, .. } => vec![("lambda", lambda)],
    }
}

struct Context<'a> {
    scales: &'a [(&'static str, &'a Scale)],
    size: Option<f64>,
    span: Span,
    /// Scales being evaluated, to notice a circle.
    open: Vec<&'static str>,
}

impl Context<'_> {
    fn evaluate(&mut self, expr: &ScaleExpr) -> Result<f64, LossError> {
        match expr {
            ScaleExpr::Number(value) => Ok(*value),
            ScaleExpr::Size => {
                self.size.ok_or_else(|| self.error("`R`", "a net that has a size R"))
            }
            ScaleExpr::Neg(x) => Ok(-self.evaluate(x)?),
            ScaleExpr::Binary(op, a, b) => {
                let (a, b) = (self.evaluate(a)?, self.evaluate(b)?);
                self.combine(*op, a, b)
            }
            ScaleExpr::Scale(name) => {
                let Some((name, scale)) = self.scales.iter().find(|(known, _)| known == name)
                else {
                    return Err(self.error(format!("`{name}`"), "a scale of this loss"));
                };
                if self.open.contains(name) {
                    return Err(self.error(
                        format!("`{name}`, whose own value needs this one"),
                        "values that do not need each other",
                    ));
                }
                self.open.push(name);
                let value = self.evaluate(&scale.init);
                self.open.pop();
                value
            }
        }
    }

    fn combine(&self, op: BinaryOp, a: f64, b: f64) -> Result<f64, LossError> {
        match op {
            BinaryOp::Add => Ok(a + b),
            BinaryOp::Sub => Ok(a - b),
            BinaryOp::Mul => Ok(a * b),
            BinaryOp::Div => Ok(a / b),
            BinaryOp::Pow => Ok(libm::pow(a, b)),
            BinaryOp::Rem
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => Err(self.error("another operator", "one of `+ - * / ^`")),
        }
    }

    fn error(&self, found: impl Into<String>, expected: impl Into<String>) -> LossError {
        LossError::ScaleValue { span: self.span, found: found.into(), expected: expected.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;
    use crate::model::{Base, On};

    fn two_scale(r1: ScaleExpr, r2: ScaleExpr) -> Loss {
        let span = Span::new(FileId(0), 0, 0);
        let scale = |init| Scale { trainable: true, init, span };
        Loss {
            form: Form::TwoScale { delta: 0.01, on: On::Raw, r1: scale(r1), r2: scale(r2) },
            base: Base::CrossEntropy,
            size: None,
            divisor: Divisor::Current,
            scale_lr: 1.0,
            span,
        }
    }

    #[test]
    fn a_scale_may_use_the_size_and_another_scale() {
        let ten = Box::new(ScaleExpr::Number(10.0));
        let r1 = Box::new(ScaleExpr::Scale("r1".to_owned()));
        let r2 = ScaleExpr::Binary(BinaryOp::Mul, ten, r1);
        let values = initial_scales(&two_scale(ScaleExpr::Size, r2), Some(3.0), f64::MAX).unwrap();
        let expected = [("loss.r1", 3.0), ("loss.r2", 30.0)];
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn a_circle_is_an_error() {
        let name = |name: &str| ScaleExpr::Scale(name.to_owned());
        assert!(initial_scales(&two_scale(name("r2"), name("r1")), Some(3.0), f64::MAX).is_err());
    }
}
