//! Measures of stored logits, again at other points or another scale.
//!
//! In: run directories and logits files of any program, and what is wanted. Out: [`Findings`]. Points are those wanted, else
//! those of the `analyze` item of the run's spec, else those of the summary. Probabilities are taken at r1/R where both
//! scalars are known, else at scale 1, unless another scale is wanted.

mod inputs;
mod points;
mod scale;

use std::collections::BTreeSet;
use std::path::PathBuf;

use self::inputs::Input;
use self::points::{request, vacuous};
use crate::diag::{Diagnostics, ToDiagnostic};
use crate::measure::{Analysis, Edges, Logits, Scalars, analyze, probability_scale};
use crate::model::VacuousRanks;

pub use scale::{Scale, ScaleError};

/// What is wanted of logits; what is left out is as stored, or as usual.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// R, in place of the stored one.
    pub size: Option<f64>,
    /// R1, in place of the stored one.
    pub r1: Option<f64>,
    /// R2, in place of the stored one.
    pub r2: Option<f64>,
    /// The scale of the logits in probabilities.
    pub scale: Option<Scale>,
    /// Tolerances of close-enough accuracy.
    pub a: Vec<f64>,
    /// Thresholds on the margin.
    pub eta: Vec<f64>,
    /// Thresholds on the normalised margin.
    pub mu: Vec<f64>,
    /// The k of top-k.
    pub k: Vec<usize>,
    /// Bins of the histograms.
    pub bins: usize,
    /// Bin edges for probabilities.
    pub edges: Option<Edges>,
    /// Bin edges for margins.
    pub margin_edges: Option<Edges>,
    /// Bin edges for normalised margins.
    pub normalized_margin_edges: Option<Edges>,
}

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// The measures of each set of logits, in the order of the inputs; a run gives train, then test.
    pub measured: Vec<Measured>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
    /// 0, 2 for an unreadable file or an undefined scale, 6 for damaged logits.
    pub exit_code: u8,
}

/// One set of logits with its measures.
#[derive(Debug)]
pub struct Measured {
    /// The run directory, for a run.
    pub run: Option<PathBuf>,
    /// The file of logits.
    pub file: PathBuf,
    /// `train` or `test`, for a run.
    pub split: Option<&'static str>,
    /// The seed, for a run.
    pub seed: Option<u64>,
    /// The scalars that hold now.
    pub scalars: Scalars,
    /// The measures.
    pub analysis: Analysis,
    vacuous: Option<VacuousRanks>,
}

/// Measures the logits of every input; one that cannot be measured is told and stepped over.
pub fn measure_files(paths: &[PathBuf], wanted: &Wanted) -> Findings {
    let (mut measured, mut problems) = (vec![], vec![]);
    for path in paths {
        match inputs::read(path) {
            Ok(found) => {
                for input in found {
                    match measure(wanted, input) {
                        Ok(one) => measured.push(one),
                        Err((file, problem)) => {
                            let place = format!("in: {}", file.display());
                            problems.push((2, problem.to_diagnostic().note(place)));
                        }
                    }
                }
            }
            Err(errors) => problems
                .extend(errors.iter().map(|error| (error.exit_code(), error.to_diagnostic()))),
        }
    }
    let exit_code = problems.first().map_or(0, |(exit_code, _)| *exit_code);
    let mut diagnostics: Diagnostics =
        problems.into_iter().map(|(_, diagnostic)| diagnostic).collect();
    let vacuous: BTreeSet<&VacuousRanks> =
        measured.iter().filter_map(|one: &Measured| one.vacuous.as_ref()).collect();
    diagnostics.extend(vacuous.into_iter().map(|ranks| ranks.diagnostic(None)));
    Findings { measured, diagnostics, exit_code }
}

fn measure(wanted: &Wanted, input: Input) -> Result<Measured, (PathBuf, ScaleError)> {
    let Input { run, file, split, logits, loss, probability_scale, seed, asked } = input;
    let vacuous = vacuous(wanted, &asked, logits.n_classes());
    let stored = logits.scalars();
    let scalars = Scalars {
        size: wanted.size.or(stored.size),
        r1: wanted.r1.or(stored.r1),
        r2: wanted.r2.or(stored.r2),
        lambda: stored.lambda,
    };
    let overridden = wanted.size.is_some() || wanted.r1.is_some();
    let recorded = probability_scale.filter(|_| !overridden);
    let measured = with_scale(wanted, logits, scalars, recorded).and_then(|(logits, scale)| {
        let found = analyze(&logits, loss, scale, &request(wanted, &asked, logits.n_classes()));
        match logits.fault() {
            None => Ok(found),
            Some(fault) => Err(ScaleError::from(fault)),
        }
    });
    match measured {
        Ok(analysis) => Ok(Measured { run, file, split, seed, scalars, analysis, vacuous }),
        Err(error) => Err((file, error)),
    }
}

/// The logits with the scalars that hold now, and the scale of probabilities.
fn with_scale(
    wanted: &Wanted,
    logits: Logits,
    scalars: Scalars,
    recorded: Option<f64>,
) -> Result<(Logits, f64), ScaleError> {
    let logits = logits.with_scalars(scalars)?;
    let scale = match wanted.scale {
        None => recorded.unwrap_or_else(|| probability_scale(scalars)),
        Some(scale) => scale.value(&logits)?,
    };
    if scale.is_finite() { Ok((logits, scale)) } else { Err(ScaleError::NotFinite) }
}
