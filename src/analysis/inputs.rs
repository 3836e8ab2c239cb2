//! Where logits are: logits files, and run directories with theirs.
//!
//! In: paths as given. Out: checked [`Logits`] with their split and what the run's summary and spec tell,
//! or a [`InputError`] for each path that holds none.
#![expect(clippy::disallowed_methods, reason = "logits are read from the files that are named")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::diag::{Code, Diagnostic, FileId, ToDiagnostic};
use crate::measure::{Logits, StoredError, open_stored};
use crate::model::{Analyze, stated_analysis};
use crate::store::{StoredFile, read_spec};
use crate::syntax;

/// The largest file that is read, 8 GiB: a billion logits in f64.
const MAX_FILE_BYTES: u64 = 8 << 30;

/// The largest `summary.json` that is read, 16 MiB; real ones have a few KiB.
const MAX_SUMMARY_BYTES: u64 = 16 << 20;

/// The splits of a run, in the order in which they are shown.
const SPLITS: [&str; 3] = ["train", "val", "test"];

/// One set of logits.
#[derive(Debug)]
pub(super) struct Input {
    /// The run directory, for a run.
    pub(super) run: Option<PathBuf>,
    /// The file of logits.
    pub(super) file: PathBuf,
    /// `train`, `val` or `test`, for a run.
    pub(super) split: Option<&'static str>,
    /// The logits.
    pub(super) logits: Logits,
    /// `loss` of the split in the run's summary.
    pub(super) loss: Option<f64>,
    /// `probability_scale` of the split in the run's summary.
    pub(super) probability_scale: Option<f64>,
    /// `seed` in the run's summary.
    pub(super) seed: Option<u64>,
    /// The `analyze` item of the run's spec.
    pub(super) asked: Analyze,
}

/// Why a path holds no logits.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub(super) struct InputError {
    /// The file or folder.
    pub(super) path: PathBuf,
    /// What is wrong with it.
    pub(super) problem: Problem,
}

/// What is wrong with a file or folder.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// It cannot be opened or read.
    #[error("{0}")]
    Unreadable(io::Error),
    /// It is a device or a pipe.
    #[error("neither a file nor a folder")]
    NotAFile,
    /// It is larger than what is read.
    #[error("{length} bytes")]
    TooLarge {
        /// Its length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A folder without stored logits.
    #[error("no logits")]
    NoLogits,
    /// A `resolved.net` that cannot be read.
    #[error("{reason}")]
    Spec {
        /// The first thing that is wrong with it.
        reason: String,
    },
    /// A `summary.json` that is no JSON object.
    #[error("{reason}")]
    Summary {
        /// What the reader of JSON says.
        reason: String,
    },
    /// A file that does not hold logits.
    #[error(transparent)]
    Stored(#[from] StoredError),
}

/// Reads a logits file, the splits of a run, or those of all seeds of a folder of runs.
pub(super) fn read(path: &Path) -> Result<Vec<Input>, Vec<InputError>> {
    let at = |problem| vec![InputError { path: path.to_owned(), problem }];
    let metadata = fs::metadata(path).map_err(|error| at(Problem::Unreadable(error)))?;
    if !metadata.is_dir() {
        let logits = read_logits(path).map_err(|error| vec![error])?;
        return Ok(vec![Input {
            run: None,
            file: path.to_owned(),
            split: None,
            logits,
            loss: None,
            probability_scale: None,
            seed: None,
            asked: Analyze::default(),
        }]);
    }
    if has_logits(path) {
        return read_run(path);
    }
    let runs = seeds(path).map_err(|error| at(Problem::Unreadable(error)))?;
    if runs.is_empty() {
        return Err(at(Problem::NoLogits));
    }
    let (mut inputs, mut errors) = (vec![], vec![]);
    for run in runs {
        match read_run(&run) {
            Ok(found) => inputs.extend(found),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(inputs) } else { Err(errors) }
}

fn logits_file(run: &Path, split: &str) -> PathBuf {
    run.join("logits").join(format!("{split}.safetensors"))
}

fn has_logits(run: &Path) -> bool {
    SPLITS.iter().any(|split| logits_file(run, split).exists())
}

/// The runs `s<seed>` with logits inside a folder, in the order of their seeds.
fn seeds(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let seed = name.to_str().and_then(|name| name.strip_prefix('s')?.parse::<u64>().ok());
        if let Some(seed) = seed
            && has_logits(&entry.path())
        {
            found.push((seed, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn read_run(run: &Path) -> Result<Vec<Input>, Vec<InputError>> {
    let summary = read_summary(run).map_err(|error| vec![error])?;
    let asked = read_asked(run).map_err(|error| vec![error])?;
    let (mut inputs, mut errors) = (vec![], vec![]);
    for split in SPLITS {
        let file = logits_file(run, split);
        if !file.exists() {
            continue;
        }
        let measures = match split {
            "train" => &summary.train,
            "val" => &summary.val,
            _ => &summary.test,
        };
        match read_logits(&file) {
            Ok(logits) => inputs.push(Input {
                run: Some(run.to_owned()),
                file,
                split: Some(split),
                logits,
                loss: measures.loss,
                probability_scale: measures.probability_scale,
                seed: summary.seed,
                asked: asked.clone(),
            }),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(inputs) } else { Err(errors) }
}

/// What is wanted of the summary of a run; whatever is left out is not known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SummaryPart {
    seed: Option<u64>,
    train: SplitPart,
    val: SplitPart,
    test: SplitPart,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SplitPart {
    loss: Option<f64>,
    probability_scale: Option<f64>,
}

/// The summary of a run; empty where there is none.
fn read_summary(run: &Path) -> Result<SummaryPart, InputError> {
    let path = run.join("summary.json");
    if !path.exists() {
        return Ok(SummaryPart::default());
    }
    let bytes = read_bytes(&path, MAX_SUMMARY_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| InputError {
        path,
        problem: Problem::Summary { reason: error.to_string() },
    })
}

/// The points that the spec of a run asks for; none where the directory holds no spec.
fn read_asked(run: &Path) -> Result<Analyze, InputError> {
    let path = run.join("resolved.net");
    if !path.exists() {
        return Ok(Analyze::default());
    }
    let at = |reason| InputError { path: path.clone(), problem: Problem::Spec { reason } };
    let text = read_spec(&path).map_err(|error| at(error.reason))?;
    let (spec, mut problems) = syntax::parse(FileId(0), &text);
    let asked = stated_analysis(&spec);
    problems.extend(asked.as_ref().err().into_iter().flatten().cloned());
    match (asked, problems.into_iter().next()) {
        (Ok(asked), None) => Ok(asked),
        (_, problem) => Err(at(problem.map_or_else(String::new, |problem| problem.title))),
    }
}

fn read_logits(path: &Path) -> Result<Logits, InputError> {
    let at = |problem| InputError { path: path.to_owned(), problem };
    let (file, length) = open(path, MAX_FILE_BYTES)?;
    open_stored(Arc::new(StoredFile::new(file, length))).map_err(|error| at(error.into()))
}

fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let unreadable =
        |error| InputError { path: path.to_owned(), problem: Problem::Unreadable(error) };
    let mut bytes = vec![];
    let (file, _) = open(path, limit)?;
    file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// A regular file of at most `limit` bytes, and its length.
fn open(path: &Path, limit: u64) -> Result<(File, u64), InputError> {
    let at = |problem| InputError { path: path.to_owned(), problem };
    let unreadable = |error| at(Problem::Unreadable(error));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(at(Problem::NotAFile));
    }
    if metadata.len() > limit {
        return Err(at(Problem::TooLarge { length: metadata.len(), limit }));
    }
    Ok((File::open(path).map_err(unreadable)?, metadata.len()))
}

impl InputError {
    /// 2 for a file that cannot be read, 6 for one that is damaged or lacks something.
    pub(super) fn exit_code(&self) -> u8 {
        match self.problem {
            Problem::Unreadable(_) | Problem::NotAFile | Problem::TooLarge { .. } => 2,
            Problem::NoLogits
            | Problem::Spec { .. }
            | Problem::Summary { .. }
            | Problem::Stored(_) => 6,
        }
    }
}

impl ToDiagnostic for InputError {
    fn to_diagnostic(&self) -> Diagnostic {
        let path = self.path.display();
        let diagnostic = match &self.problem {
            Problem::Unreadable(error) => Diagnostic::new(Code::E0658, "a file cannot be read")
                .note(format!("found: {error}"))
                .expected("a run directory or a safetensors file")
                .help("check the path and the permissions"),
            Problem::NotAFile => Diagnostic::new(Code::E0658, "this is not a regular file")
                .expected("a run directory or a safetensors file")
                .help("write the logits to a file first"),
            Problem::TooLarge { length, limit } => {
                Diagnostic::new(Code::E0658, "a file is too large")
                    .note(format!("found: {length} bytes"))
                    .expected(format!("at most {limit} bytes"))
                    .help("store fewer samples in one file")
            }
            Problem::NoLogits => Diagnostic::new(Code::E0657, "this folder holds no stored logits")
                .expected("`logits/train.safetensors` or `logits/test.safetensors` inside")
                .help("finish the run with `specc train … --resume`, or name a logits file"),
            Problem::Spec { reason } => {
                Diagnostic::new(Code::E0657, "the spec of this run is damaged")
                    .note(format!("found: {reason}"))
                    .expected("`resolved.net` as training wrote it")
                    .help("name the files in `logits/` directly, or run again with `--force`")
            }
            Problem::Summary { reason } => {
                Diagnostic::new(Code::E0657, "the summary of this run is damaged")
                    .note(format!("found: {reason}"))
                    .expected("`summary.json` as training wrote it")
                    .help("name the files in `logits/` directly, or run again with `--force`")
            }
            Problem::Stored(error) => error.to_diagnostic(),
        };
        diagnostic.note(format!("in: {path}"))
    }
}
