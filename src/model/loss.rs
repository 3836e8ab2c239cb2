//! The selected loss: a form that scales the logits and the base loss it evaluates (paper §2).

use std::collections::BTreeMap;

use super::Value;
use super::bind::Reader;
use super::train::Setting;
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
    /// Cross-entropy with targets or classes of unequal weight.
    WeightedCrossEntropy(WeightedCrossEntropy),
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
    /// `(1 − p_y^q) / q` (Zhang and Sabuncu 2018).
    GeneralizedCrossEntropy {
        /// q, in (0, 1]: towards 0 the cross-entropy, at 1 the mean absolute error.
        q: f64,
    },
    /// `((1 − log p_y)^(1 − α) − 1) / (1 − α)` (Martinez and Stiefelhagen 2018); at α = 1 `log(1 − log p_y)`.
    TamedCrossEntropy {
        /// α ≥ 0; 0 is the cross-entropy.
        alpha: f64,
    },
    /// `log(mean exp(ω a)) / ω − a_y` (Asadi and Littman 2017).
    Mellowmax {
        /// ω > 0.
        omega: f64,
    },
    /// `−log` of `(1 + a + a²/2)_y / Σ (1 + a + a²/2)` (de Brébisson and Vincent 2016).
    TaylorSoftmax,
    /// `−log` of `(a² + ε)_y / Σ (a² + ε)` (de Brébisson and Vincent 2016).
    SphericalSoftmax {
        /// ε > 0.
        eps: f64,
    },
    /// A loss defined in a `.net` file.
    Custom(CustomLoss),
}

/// Cross-entropy `−Σ_c w_c q_c log p_c` with q = (1 − ε)[c = y] + ε / K.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedCrossEntropy {
    /// ε: the share of the target that is spread over all classes, in [0, 1).
    pub smoothing: f64,
    /// w, one number above 0 for each class; 1 where `None`.
    pub weights: Option<Vec<f64>>,
    /// What the sum over the batch is divided by.
    pub per: Per,
}

/// What the sum of a weighted loss over the batch is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// The sum of the weights of the labels, as in PyTorch.
    Weight,
    /// The number of samples.
    Sample,
}

impl Base {
    /// The base loss that a row of the table names, with the arguments that `reader` finds.
    pub(super) fn of(name: &str, reader: &mut Reader<'_, '_>) -> Option<Self> {
        Some(match name {
            "cross_entropy" => {
                let (smoothing, weights) =
                    (reader.float("label_smoothing"), reader.floats("weights"));
                match (smoothing?, weights?) {
                    (0.0, None) => Self::CrossEntropy,
                    (smoothing, weights) => {
                        let per = Per::Weight;
                        Self::WeightedCrossEntropy(WeightedCrossEntropy { smoothing, weights, per })
                    }
                }
            }
            "weighted_cross_entropy" => Self::WeightedCrossEntropy(WeightedCrossEntropy {
                smoothing: 0.0,
                weights: reader.floats("weights")?,
                per: Per::Sample,
            }),
            "truncated" => Self::Truncated { k: reader.float("k")? },
            "mse" => Self::Mse,
            "hinge" => Self::Hinge,
            "sparsemax" => Self::Sparsemax,
            "focal" => Self::Focal { gamma: reader.float("gamma")? },
            "generalized_cross_entropy" => Self::GeneralizedCrossEntropy { q: reader.float("q")? },
            "tamed_cross_entropy" => Self::TamedCrossEntropy { alpha: reader.float("alpha")? },
            "mellowmax" => Self::Mellowmax { omega: reader.float("omega")? },
            "taylor_softmax" => Self::TaylorSoftmax,
            "spherical_softmax" => Self::SphericalSoftmax { eps: reader.float("eps")? },
            _ => return None,
        })
    }

    /// Its name and its arguments, but for those that are not given.
    pub(crate) fn call(&self) -> (&str, Vec<(&'static str, Setting)>) {
        let one = |key, value: &f64| vec![(key, Setting::Number(*value))];
        match self {
            Self::CrossEntropy => ("cross_entropy", vec![]),
            Self::WeightedCrossEntropy(WeightedCrossEntropy { smoothing, weights, per }) => {
                let weights = weights.iter().map(|w| ("weights", Setting::Numbers(w.clone())));
                match per {
                    Per::Sample => ("weighted_cross_entropy", weights.collect()),
                    Per::Weight => {
                        let smoothing = one("label_smoothing", smoothing);
                        ("cross_entropy", smoothing.into_iter().chain(weights).collect())
                    }
                }
            }
            Self::Truncated { k } => ("truncated", one("k", k)),
            Self::Mse => ("mse", vec![]),
            Self::Hinge => ("hinge", vec![]),
            Self::Sparsemax => ("sparsemax", vec![]),
            Self::Focal { gamma } => ("focal", one("gamma", gamma)),
            Self::GeneralizedCrossEntropy { q } => ("generalized_cross_entropy", one("q", q)),
            Self::TamedCrossEntropy { alpha } => ("tamed_cross_entropy", one("alpha", alpha)),
            Self::Mellowmax { omega } => ("mellowmax", one("omega", omega)),
            Self::TaylorSoftmax => ("taylor_softmax", vec![]),
            Self::SphericalSoftmax { eps } => ("spherical_softmax", one("eps", eps)),
            Self::Custom(custom) => (&custom.name, vec![]),
        }
    }

    /// The weights of the classes, where they have any.
    pub fn class_weights(&self) -> Option<&[f64]> {
        match self {
            Self::WeightedCrossEntropy(weighted) => weighted.weights.as_deref(),
            Self::CrossEntropy
            | Self::Truncated { .. }
            | Self::Mse
            | Self::Hinge
            | Self::Sparsemax
            | Self::Focal { .. }
            | Self::GeneralizedCrossEntropy { .. }
            | Self::TamedCrossEntropy { .. }
            | Self::Mellowmax { .. }
            | Self::TaylorSoftmax
            | Self::SphericalSoftmax { .. }
            | Self::Custom(_) => None,
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
