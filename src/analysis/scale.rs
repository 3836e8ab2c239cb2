//! The scale at which probabilities are taken, and why there may be none.

use std::str::FromStr;

use crate::diag::{Code, Diagnostic, ToDiagnostic};
use crate::measure::{Logits, LogitsError, fitted_scale};

/// The scale s at which probabilities `softmax(s z)` are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 1: the logits as they are.
    Raw,
    /// r1 / R.
    R1,
    /// r2 / R.
    R2,
    /// 1 / R: normalised logits.
    Size,
    /// 1 / T, with T > 0.
    Temperature(f64),
    /// 1 / T with the T of least mean negative log-likelihood on these logits.
    Fitted,
}

/// Why logits that were read cannot be measured as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScaleError {
    /// A scalar that the scale needs is not known.
    #[error("{needs} is not known")]
    Undefined {
        /// The scale asked for.
        scale: &'static str,
        /// The scalar it lacks.
        needs: &'static str,
    },
    /// No temperature is best.
    #[error("no temperature is best")]
    NoFit,
    /// The scale is beyond the range of f64.
    #[error("the scale is not finite")]
    NotFinite,
    /// An overriding scalar is out of range.
    #[error(transparent)]
    Scalar(#[from] LogitsError),
}

impl Scale {
    pub(super) fn value(self, logits: &Logits) -> Result<f64, ScaleError> {
        let (scale, scalars) = (self.name(), logits.scalars());
        let size = scalars.size.ok_or(ScaleError::Undefined { scale, needs: "R" });
        let over_size = |value: Option<f64>, needs| {
            Ok(value.ok_or(ScaleError::Undefined { scale, needs })? / size.clone()?)
        };
        match self {
            Self::Raw => Ok(1.0),
            Self::R1 => over_size(scalars.r1, "r1"),
            Self::R2 => over_size(scalars.r2, "r2"),
            Self::Size => Ok(1.0 / size?),
            Self::Temperature(temperature) => Ok(1.0 / temperature),
            Self::Fitted => fitted_scale(logits).ok_or(ScaleError::NoFit),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::R1 => "r1",
            Self::R2 => "r2",
            Self::Size => "R",
            Self::Temperature(_) => "temperature",
            Self::Fitted => "fitted",
        }
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "raw" => Ok(Self::Raw),
            "r1" => Ok(Self::R1),
            "r2" => Ok(Self::R2),
            "R" => Ok(Self::Size),
            "fitted" => Ok(Self::Fitted),
            other => match other.strip_prefix("temperature=") {
                Some(value) => match value.trim().parse::<f64>() {
                    Ok(value) if value.is_finite() && value > 0.0 => Ok(Self::Temperature(value)),
                    Ok(_) | Err(_) => Err("expected a finite number above 0".to_owned()),
                },
                None => Err("expected raw, r1, r2, R, fitted or temperature=T".to_owned()),
            },
        }
    }
}

impl ToDiagnostic for ScaleError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Undefined { scale, needs } => {
                Diagnostic::new(Code::E0656, format!("`--scale {scale}` needs `{needs}`"))
                    .note(format!("found: no `{needs}` beside the logits"))
                    .expected(format!("`{needs}` in the file or as `--{needs}`"))
                    .help(format!("give `--{needs}`, or choose `--scale raw`"))
            }
            Self::NoFit => Diagnostic::new(Code::E0656, "no temperature is best for these logits")
                .note("found: a likelihood that only grows with the scale, or only falls")
                .expected("samples of which some are right and some are not")
                .help("choose another scale, such as `--scale raw`"),
            Self::NotFinite => {
                Diagnostic::new(Code::E0656, "the scale of the logits is not finite")
                    .expected("a scale within the range of f64")
                    .help("check `--R` and `--r1`, or choose `--scale raw`")
            }
            Self::Scalar(error) => error.to_diagnostic(),
        }
    }
}
