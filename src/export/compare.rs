//! Whether an exported file gives the logits of `specc`: other programs run it on test samples.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use super::{Format, Source, VERIFY, weights};
use crate::data::Dataset;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::experiment::{Experiment, ExperimentError};
use crate::lower::{Batch, DType, HostTensor, Samples, StateEntry};
use crate::store::{self, Checkpoint, StoreError, write_atomic};
use crate::train::SplitSamples;

/// The largest difference from our logits, as a share of the largest of them, that rounding explains.
const MAX_DIFFERENCE: f64 = 1e-5;

/// Most test samples that are compared.
const SAMPLES: usize = 64;

/// The exit code of the program in Python that says that a package is missing.
const MISSING_PACKAGE: i32 = 3;

/// How far an exported file is from `specc`.
#[derive(Clone, Debug, Deserialize)]
pub struct Compared {
    /// What ran it, with its version.
    program: String,
    /// Test samples that were compared; 0 where tensors were.
    #[serde(default)]
    samples: usize,
    /// Largest difference.
    absolute: f64,
    /// The same as a share of the largest logit.
    relative: f64,
}

impl Compared {
    /// For a reader, in one line.
    pub fn sentence(&self) -> String {
        let Self { program, samples, absolute, relative } = self;
        if *samples == 0 {
            return format!("read again by {program}: every tensor equal");
        }
        format!(
            "{samples} test samples by {program}: largest difference of the logits {absolute:.1e}, {relative:.1e} of the largest logit"
        )
    }

    /// As the field `verified` of `specc.export/1`.
    pub fn document(&self) -> serde_json::Value {
        let Self { program, samples, absolute, relative } = self;
        json!({ "program": program, "samples": samples, "absolute": absolute, "relative": relative })
    }

    /// What is wrong where the difference is too large.
    pub fn to_diagnostic(&self) -> Option<Diagnostic> {
        let Self { program, relative, .. } = self;
        (*relative > MAX_DIFFERENCE).then(|| {
            Diagnostic::new(Code::E0717, "the exported file gives other logits")
                .note(format!(
                    "found: a largest difference of {relative:.1e} of the largest logit ({program})"
                ))
                .expected(format!("at most {MAX_DIFFERENCE:e}"))
        })
    }
}

/// A comparison that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// No Python, or one that cannot.
    #[error("{found}")]
    Python {
        /// What there is instead.
        found: String,
    },
    /// The net cannot be run here.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CompareError {
    /// As messages.
    pub fn diagnostics(&self) -> Diagnostics {
        match self {
            Self::Python { found } => vec![
                Diagnostic::new(Code::E0716, "no Python that can run the exported file")
                    .note(format!("found: {found}"))
                    .expected("Python 3 with `numpy` and `onnxruntime` (ONNX) or `torch` (PyTorch)")
                    .help("install it, or name another Python in `SPECC_PYTHON`"),
            ],
            Self::Experiment(error) => error.diagnostics(),
            Self::Store(error) => vec![crate::diag::ToDiagnostic::to_diagnostic(error)],
        }
    }
}

/// Compares an exported file with the run that it was made of: tensors are read again, everything else runs on the first test
/// samples by the program `python`.
///
/// # Errors
/// [`CompareError`]; a difference is none.
pub fn compare(
    format: Format,
    source: &Source<'_>,
    path: &Path,
    python: &Path,
    experiment: &Experiment<'_>,
    checkpoint: &Checkpoint,
    dataset: &Dataset,
) -> Result<Compared, CompareError> {
    let kind = match format {
        Format::Safetensors => return Ok(read_again(source, path)?),
        Format::Onnx => "onnx",
        Format::Pytorch => "pytorch",
    };
    let io = |source| StoreError::Io { action: "create", path: std::env::temp_dir(), source };
    let folder = tempfile::tempdir().map_err(io)?;
    let (script, samples) = (folder.path().join("verify.py"), folder.path().join("samples"));
    write_atomic(&script, VERIFY.as_bytes())?;
    let tensors = tensors(experiment, checkpoint, dataset)?;
    store::write_tensors(&samples, &tensors, &std::collections::BTreeMap::new())?;
    let mut compared: Compared = ask(python, &script, kind, path, &samples)?;
    compared.samples = tensors[0].shape[0];
    Ok(compared)
}

/// Inputs and logits of the first test samples.
fn tensors(
    experiment: &Experiment<'_>,
    checkpoint: &Checkpoint,
    dataset: &Dataset,
) -> Result<[StateEntry; 2], ExperimentError> {
    let count = dataset.test.len().min(SAMPLES);
    let indices: Vec<u32> = (0..count as u32).collect();
    let samples = SplitSamples::test(dataset);
    let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
    let mut programs = experiment.programs(&[(checkpoint.position.seed, &checkpoint.state)])?;
    let evaluated = programs.eval(&batch).pop().expect("one replica gives one result");
    let (logits, _) = evaluated.map_err(ExperimentError::from)?;
    let len = count * dataset.sample_len();
    let input = match checkpoint.dtype() {
        DType::F32 => {
            let mut values = vec![0.0; len];
            samples.gather_f32(&batch, &mut values);
            HostTensor::F32(values)
        }
        DType::F64 => {
            let mut values = vec![0.0; len];
            samples.gather_f64(&batch, &mut values);
            HostTensor::F64(values)
        }
    };
    let shape = std::iter::once(count).chain(dataset.shape.iter().copied()).collect();
    let entry = |name: &str, shape, values| StateEntry { name: name.to_owned(), shape, values };
    Ok([entry("input", shape, input), entry("logits", vec![count, dataset.classes], logits)])
}

/// What the program in Python finds.
fn ask(
    python: &Path,
    script: &Path,
    kind: &str,
    path: &Path,
    samples: &Path,
) -> Result<Compared, CompareError> {
    let shown = python.display();
    let output = Command::new(python).arg(script).arg(kind).args([path, samples]).output();
    let output =
        output.map_err(|error| CompareError::Python { found: format!("`{shown}`: {error}") })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim().lines().last().unwrap_or_default();
    if output.status.code() == Some(MISSING_PACKAGE) {
        let package = last.rsplit(' ').next().unwrap_or_default();
        let found = format!("`{shown}` without the package `{package}`");
        return Err(CompareError::Python { found });
    }
    let answer = serde_json::from_slice(&output.stdout);
    answer.map_err(|_| CompareError::Python { found: format!("`{shown}` that ends with: {last}") })
}

/// Compares the tensors of a file with those that were written.
fn read_again(source: &Source<'_>, path: &Path) -> Result<Compared, StoreError> {
    let found = store::read_tensors(path)?.tensors;
    let mut expected = weights(source, false);
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    let equal = found.iter().eq(expected);
    let difference = if equal { 0.0 } else { f64::MAX };
    Ok(Compared {
        program: "specc".to_owned(),
        samples: 0,
        absolute: difference,
        relative: difference,
    })
}
