//! The input of every measure: logits with their labels, checked once.
//!
//! In: numbers as they came from a run or a file. Out: [`Logits`], in which every value is finite,
//! every label names a class and the optional map to super-classes covers every class.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RowSource;
use super::rows::Rows;
use crate::diag::{Code, Diagnostic, ToDiagnostic};

/// The most classes a set of logits may have: 1,048,576, far above any use, so that no table
/// over the classes can exhaust memory.
pub const MAX_CLASSES: usize = 1 << 20;

/// What belongs to a run beside its logits; each where it is defined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scalars {
    /// R, the size of the parameters (9); > 0.
    pub size: Option<f64>,
    /// R1, the scale of the samples that are not well classified (13).
    pub r1: Option<f64>,
    /// R2, the scale of the well-classified samples (13).
    pub r2: Option<f64>,
    /// λ, the separation of the scales (17).
    pub lambda: Option<f64>,
}

/// Logits `z: [n, K]` (n samples, K ≥ 1 classes) with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    rows: Rows,
    n_classes: usize,
    labels: Vec<usize>,
    /// Super-class of each class, numbered from 0 without gaps.
    super_classes: Option<Vec<usize>>,
    n_super_classes: usize,
    scalars: Scalars,
}

/// Why numbers are no logits.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LogitsError {
    /// No classes, or more than [`MAX_CLASSES`].
    #[error("logits have {found} classes")]
    ClassCount {
        /// The number of classes found.
        found: usize,
    },
    /// The logits cannot be read.
    #[error("the logits cannot be read: {reason}")]
    Unreadable {
        /// What the reader says.
        reason: String,
    },
    /// The values do not fill whole rows, one for each label.
    #[error("{values} logits for {labels} labels and {classes} classes")]
    LabelCount {
        /// Number of logits.
        values: usize,
        /// Number of classes, K.
        classes: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label names no class.
    #[error("sample {sample} has label {label}, there are {classes} classes")]
    LabelRange {
        /// Position of the sample.
        sample: usize,
        /// The label found.
        label: i64,
        /// Number of classes, K.
        classes: usize,
    },
    /// A logit is NaN or infinite.
    #[error("the logit of sample {sample} and class {class} is {value}")]
    NotFinite {
        /// Position of the sample.
        sample: usize,
        /// The class.
        class: usize,
        /// The value found.
        value: f64,
    },
    /// The map to super-classes does not have one entry per class.
    #[error("the coarse map has {found} entries for {classes} classes")]
    CoarseCount {
        /// Number of entries.
        found: usize,
        /// Number of classes, K.
        classes: usize,
    },
    /// A super-class has a negative number.
    #[error("class {class} has super-class {super_class}")]
    CoarseRange {
        /// The class.
        class: usize,
        /// The number found.
        super_class: i64,
    },
    /// A scalar is NaN or infinite, or R is not above 0.
    #[error("scalar {name} is {value}")]
    Scalar {
        /// Which one: `R`, `r1`, `r2` or `lambda`.
        name: &'static str,
        /// The value found.
        value: f64,
    },
}

impl Logits {
    /// Checks logits in row-major order and their labels.
    ///
    /// # Errors
    /// Where the counts do not fit, a label names no class or a value is not finite.
    pub fn new(values: Vec<f64>, n_classes: usize, labels: &[i64]) -> Result<Self, LogitsError> {
        if n_classes == 0 || n_classes > MAX_CLASSES {
            return Err(LogitsError::ClassCount { found: n_classes });
        }
        if labels.len().checked_mul(n_classes) != Some(values.len()) {
            return Err(LogitsError::LabelCount {
                values: values.len(),
                classes: n_classes,
                labels: labels.len(),
            });
        }
        Self::checked(Rows::Memory(values), n_classes, labels)
    }

    /// The same for logits that are read as they are needed, `n_classes` for each label.
    ///
    /// # Errors
    /// As [`Logits::new`], and [`LogitsError::Unreadable`].
    pub fn from_source(
        source: Arc<dyn RowSource>,
        n_classes: usize,
        labels: &[i64],
    ) -> Result<Self, LogitsError> {
        if n_classes == 0 || n_classes > MAX_CLASSES {
            return Err(LogitsError::ClassCount { found: n_classes });
        }
        Self::checked(Rows::of(source), n_classes, labels)
    }

    fn checked(rows: Rows, n_classes: usize, labels: &[i64]) -> Result<Self, LogitsError> {
        let infinite = |(): &mut (), _: usize, row: &[f64]| {
            row.iter().position(|value| !value.is_finite()).map(|class| (class, row[class]))
        };
        let found = rows.map(labels.len(), n_classes, || (), infinite);
        if let Some(reason) = rows.fault() {
            return Err(LogitsError::Unreadable { reason });
        }
        let first = found.into_iter().enumerate().find_map(|(at, found)| Some((at, found?)));
        if let Some((sample, (class, value))) = first {
            return Err(LogitsError::NotFinite { sample, class, value });
        }
        let labels = labels
            .iter()
            .enumerate()
            .map(|(sample, &label)| {
                usize::try_from(label)
                    .ok()
                    .filter(|label| *label < n_classes)
                    .ok_or(LogitsError::LabelRange { sample, label, classes: n_classes })
            })
            .collect::<Result<Vec<usize>, LogitsError>>()?;
        Ok(Self {
            rows,
            n_classes,
            labels,
            super_classes: None,
            n_super_classes: 0,
            scalars: Scalars::default(),
        })
    }

    /// The same for logits in f32; measures are computed in f64 on the exact values.
    ///
    /// # Errors
    /// As [`Logits::new`].
    pub fn from_f32(values: &[f32], n_classes: usize, labels: &[i64]) -> Result<Self, LogitsError> {
        Self::new(values.iter().copied().map(f64::from).collect(), n_classes, labels)
    }

    /// Adds the super-class of each class; the numbers may have gaps.
    ///
    /// # Errors
    /// Where there is not one entry per class, or one is negative.
    pub fn with_coarse(mut self, coarse: &[i64]) -> Result<Self, LogitsError> {
        if coarse.len() != self.n_classes {
            return Err(LogitsError::CoarseCount { found: coarse.len(), classes: self.n_classes });
        }
        if let Some(class) = coarse.iter().position(|super_class| *super_class < 0) {
            return Err(LogitsError::CoarseRange { class, super_class: coarse[class] });
        }
        let mut numbers: BTreeMap<i64, usize> = coarse.iter().map(|id| (*id, 0)).collect();
        for (position, number) in numbers.values_mut().enumerate() {
            *number = position;
        }
        self.super_classes = Some(coarse.iter().map(|id| numbers[id]).collect());
        self.n_super_classes = numbers.len();
        Ok(self)
    }

    /// Adds R and the scales of the loss; replaces those given before.
    ///
    /// # Errors
    /// Where one is not finite, or R is not above 0.
    pub fn with_scalars(mut self, scalars: Scalars) -> Result<Self, LogitsError> {
        let named = [
            ("R", scalars.size),
            ("r1", scalars.r1),
            ("r2", scalars.r2),
            ("lambda", scalars.lambda),
        ];
        for (name, value) in named {
            if let Some(value) = value
                && (!value.is_finite() || (name == "R" && value <= 0.0))
            {
                return Err(LogitsError::Scalar { name, value });
            }
        }
        self.scalars = scalars;
        Ok(self)
    }

    /// n, the number of samples.
    pub fn n_samples(&self) -> usize {
        self.labels.len()
    }

    /// K, the number of classes; at least 1.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The label of each sample, below K.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// R and the scales, where they are known.
    pub fn scalars(&self) -> Scalars {
        self.scalars
    }

    /// The super-class of each class, numbered without gaps in the order of the numbers given.
    pub fn super_classes(&self) -> Option<&[usize]> {
        self.super_classes.as_deref()
    }

    /// Number of different super-classes; 0 without a map.
    pub fn n_super_classes(&self) -> usize {
        self.n_super_classes
    }

    /// `of` of the logits of each sample and of its label, in file order.
    pub fn map_rows<T: Send>(&self, of: impl Fn(&[f64], usize) -> T + Sync) -> Vec<T> {
        self.map_rows_with(|| (), |(), row, label| of(row, label))
    }

    /// The same with a `scratch` that many rows use one after the other.
    pub fn map_rows_with<S, T: Send>(
        &self,
        scratch: impl Fn() -> S + Sync,
        of: impl Fn(&mut S, &[f64], usize) -> T + Sync,
    ) -> Vec<T> {
        let of =
            |scratch: &mut S, sample: usize, row: &[f64]| of(scratch, row, self.labels[sample]);
        self.rows.map(self.n_samples(), self.n_classes, scratch, of)
    }

    /// Why rows could not be read since they were checked: what was measured meanwhile is not to be used.
    pub fn fault(&self) -> Option<LogitsError> {
        self.rows.fault().map(|reason| LogitsError::Unreadable { reason })
    }
}

impl ToDiagnostic for LogitsError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::ClassCount { found } => {
                Diagnostic::new(Code::E0653, format!("`logits` have {found} classes"))
                    .expected(format!("shape [n, K] with 1 ≤ K ≤ {MAX_CLASSES}"))
                    .help("store one row of K logits for each sample")
            }
            Self::Unreadable { reason } => {
                Diagnostic::new(Code::E0658, "the logits cannot be read to their end")
                    .note(format!("found: {reason}"))
                    .expected("a file that stays as it is while it is measured")
                    .help("run the command again when nothing writes to the file")
            }
            Self::LabelCount { values, classes, labels } => Diagnostic::new(
                Code::E0653,
                format!("{} rows of logits, but {labels} labels", values / (*classes).max(1)),
            )
            .note(format!("found: {values} logits, {classes} classes"))
            .expected("one label for each row of `logits`")
            .help("store `logits` [n, K] and `labels` [n] of the same samples"),
            Self::LabelRange { sample, label, classes } => {
                Diagnostic::new(Code::E0654, format!("label {label} names no class"))
                    .note(format!("found: label {label} at sample {sample}"))
                    .expected(format!("labels from 0 to {}", classes - 1))
                    .help("number the classes from 0, in the order of the logits")
            }
            Self::NotFinite { sample, class, value } => {
                Diagnostic::new(Code::E0655, format!("a logit is {}", show(*value)))
                    .note(format!("found: {} at sample {sample}, class {class}", show(*value)))
                    .expected("finite logits")
                    .help(
                        "the network diverged before these logits were stored; use earlier weights",
                    )
            }
            Self::CoarseCount { found, classes } => Diagnostic::new(
                Code::E0653,
                format!("`coarse` has {found} entries for {classes} classes"),
            )
            .expected(format!("shape [{classes}]: the super-class of each class"))
            .help("`coarse` maps classes, not samples, to super-classes"),
            Self::CoarseRange { class, super_class } => Diagnostic::new(
                Code::E0654,
                format!("super-class {super_class} of class {class} is negative"),
            )
            .expected("super-classes numbered from 0")
            .help("give every class a super-class, or leave `coarse` out"),
            Self::Scalar { name, value } => {
                Diagnostic::new(Code::E0656, format!("`{name}` is {}", show(*value)))
                    .expected(if *name == "R" {
                        "a finite number above 0"
                    } else {
                        "a finite number"
                    })
                    .help(format!(
                        "give another value, or leave `{name}` out where it is not defined"
                    ))
            }
        }
    }
}

/// A number as users write it.
fn show(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "infinite" } else { "minus infinite" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_input_is_refused_with_its_place() {
        assert_eq!(Logits::new(vec![], 0, &[]), Err(LogitsError::ClassCount { found: 0 }));
        assert!(matches!(
            Logits::new(vec![1.0; 5], 2, &[0, 1]),
            Err(LogitsError::LabelCount { values: 5, .. })
        ));
        assert!(matches!(
            Logits::new(vec![1.0; 4], 2, &[0, 2]),
            Err(LogitsError::LabelRange { sample: 1, label: 2, .. })
        ));
        assert!(matches!(
            Logits::new(vec![1.0, 2.0, 3.0, f64::NAN], 2, &[0, 1]),
            Err(LogitsError::NotFinite { sample: 1, class: 1, .. })
        ));
        let logits = Logits::new(vec![1.0; 4], 2, &[0, 1]).unwrap();
        assert!(logits.clone().with_coarse(&[0]).is_err());
        assert!(logits.clone().with_coarse(&[0, -1]).is_err());
        let zero = Scalars { size: Some(0.0), ..Scalars::default() };
        assert!(logits.with_scalars(zero).is_err());
    }

    #[test]
    fn super_classes_lose_their_gaps() {
        let logits = Logits::new(vec![0.0; 3], 3, &[0]).unwrap();
        let logits = logits.with_coarse(&[4_000_000_000, 7, 7]).unwrap();
        assert_eq!(logits.super_classes(), Some([1, 0, 0].as_slice()));
        assert_eq!(logits.n_super_classes(), 2);
    }

    #[test]
    fn no_samples_are_legitimate() {
        assert_eq!(Logits::new(vec![], 3, &[]).unwrap().n_samples(), 0);
    }
}
