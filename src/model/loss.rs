//! The selected loss: a form that scales the logits and the base loss it evaluates (paper §2).

use std::collections::BTreeMap;

use super::Value;
use crate::diag::Span;
use crate::syntax::ast;

/// A loss with all defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// How logits are scaled before the base loss sees them.
    pub form: Form,
    /// The loss of the scaled logits.
    pub base: Base,
    /// What R is made of. `None` where the form does not use R.
    pub size: Option<Size>,
    /// Which R divides the logits.
    pub divisor: Divisor,
    /// Learning rate of the scales as a multiple of `lr`.
    pub scale_lr: f64,
    /// The call that selects the loss.
    pub span: Span,
}

impl Loss {
    /// The margin from which a sample is well classified, where the form knows one.
    pub fn delta(&self) -> Option<f64> {
        match &self.form {
            Form::Plain | Form::SingleScale { .. } => None,
            Form::TwoScale { delta, .. } | Form::Separation { delta, .. } => Some(*delta),
        }
    }
}

/// How the logits are scaled; ẑ = z / R.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// `base(z)`.
    Plain,
    /// `base(r1 ẑ)`: (13) with R2 := R1.
    SingleScale {
        /// R1.
        r1: Scale,
    },
    /// `base(r ẑ)`, r = r2 on well-classified samples, else r1: (13), (14), (16).
    TwoScale {
        /// Margin from which a sample is well classified; the paper's η.
        delta: f64,
        /// What `delta` is compared with.
        on: On,
        /// R1.
        r1: Scale,
        /// R2.
        r2: Scale,
    },
    /// `base(λ z)` on well-classified samples, else `base(z)`: (17), (18).
    Separation {
        /// Margin from which a sample is well classified.
        delta: f64,
        /// What `delta` is compared with.
        on: On,
        /// λ; `R_s` in the paper.
        lambda: Scale,
    },
}

/// A scale of the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Whether gradient descent moves it.
    pub trainable: bool,
    /// Its value at the start.
    pub init: ScaleExpr,
    /// Where it was written, or the call where it is a default.
    pub span: Span,
}

/// A starting value; evaluated once R(θ₀) is known.
#[derive(Clone, Debug, PartialEq)]
pub enum ScaleExpr {
    /// A number.
    Number(f64),
    /// R(θ₀).
    Size,
    /// Another scale by name: `r1`.
    Scale(String),
    /// −x.
    Neg(Box<ScaleExpr>),
    /// Arithmetic: one of `+ - * / ^`.
    Binary(ast::BinaryOp, Box<ScaleExpr>, Box<ScaleExpr>),
}

/// The loss of the scaled logits a, per sample; p = softmax(a).
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// `−log p_y` (4).
    CrossEntropy,
    /// `−log max(p_y, k)`, zero gradient where `p_y < k` (12).
    Truncated {
        /// Floor of the probability, in (0, 1).
        k: f64,
    },
    /// `Σ (p_i − [i = y])²`.
    Mse,
    /// max(0, 1 − margin).
    Hinge,
    /// Sparsemax loss (Martins and Astudillo 2016).
    Sparsemax,
    /// `−(1 − p_y)^γ log p_y`.
    Focal {
        /// γ ≥ 0.
        gamma: f64,
    },
    /// A loss defined in a `.net` file.
    Custom(CustomLoss),
}

impl Base {
    /// The base loss that a row of the table names; `number` gives its arguments.
    pub(super) fn of(name: &str, mut number: impl FnMut(&str) -> Option<f64>) -> Option<Self> {
        Some(match name {
            "truncated" => Self::Truncated { k: number("k")? },
            "mse" => Self::Mse,
            "hinge" => Self::Hinge,
            "sparsemax" => Self::Sparsemax,
            "focal" => Self::Focal { gamma: number("gamma")? },
            _ => Self::CrossEntropy,
        })
    }

    /// Its name and its arguments.
    pub(crate) fn call(&self) -> (&str, Vec<(&'static str, f64)>) {
        match self {
            Self::CrossEntropy => ("cross_entropy", vec![]),
            Self::Truncated { k } => ("truncated", vec![("k", *k)]),
            Self::Mse => ("mse", vec![]),
            Self::Hinge => ("hinge", vec![]),
            Self::Sparsemax => ("sparsemax", vec![]),
            Self::Focal { gamma } => ("focal", vec![("gamma", *gamma)]),
            Self::Custom(custom) => (&custom.name, vec![]),
        }
    }
}

/// A user's loss with its arguments bound.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomLoss {
    /// The name.
    pub name: String,
    /// Values of its parameters and of the `let`s visible to it.
    pub values: BTreeMap<String, Value>,
    /// Its statements: `let`s and one `out`.
    pub body: Vec<ast::Stmt>,
}

/// What R is made of (paper §5, decision 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Product of the Frobenius norms of the weights.
    Weights,
    /// Product over layers of the norm of weight and bias together, (9) as written.
    Layer,
    /// Product of the largest singular values of the weights.
    Spectral,
    /// What the scaling analysis derives.
    Derived,
}

/// Which R divides the logits (paper §5, decision 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// R of the present parameters, differentiated.
    Current,
    /// The same without its gradient.
    Detached,
    /// R(θ₀).
    Initial,
}

/// What `delta` is compared with (paper §5, decision 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The margin m.
    Raw,
    /// m / R.
    Normalized,
}
