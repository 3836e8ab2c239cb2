//! `specc analyze`: all measures of stored logits, again at other points or another scale.
//!
//! In: run directories and logits files. Out: tables, or with `--json` one document
//! `specc.analyze/1`:
//!
//! - `inputs`: one object for each file of logits, in the order of the arguments (a run: train,
//!   then test). It holds `file`, `run`, `split`, `seed` (`null` for a file that belongs to no run),
//!   the scalars `R r1 r2 lambda`, and the fields of [`Analysis`].
//! - With a single file the same fields stand at the top level too; with a single run its objects
//!   stand under `train` and `test`.
//! - `ok` and `diagnostics`: when something is wrong with an input, `inputs` is empty.
//!
//! Points come from the arguments, else from the `analyze` item of the run's spec, else they are those of the summary.
//!
//! Probabilities are taken at r1/R where both scalars are known, else at scale 1; `--R`, `--r1`
//! and `--scale` override.

mod inputs;
mod points;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde_json::{Map, Value, json};

use self::inputs::Input;
use self::points::{Vacuous, request};
use crate::diag::{self, Code, Diagnostic, Diagnostics, SourceMap, ToDiagnostic};
use crate::measure::{
    Analysis, Edges, Logits, LogitsError, Scalars, WellCount, analyze, probability_scale,
};
use crate::report::{split_table, well_table};

/// Measure stored logits: runs, or any safetensors file with `logits` and `labels`.
#[derive(Args, Clone, Debug)]
pub struct AnalyzeArgs {
    /// Run directories, or safetensors files with `logits` (n, K) and `labels` (n).
    #[arg(required = true, value_name = "RUN|FILE")]
    pub inputs: Vec<PathBuf>,

    /// R, the size of the parameters, in place of the stored one.
    #[arg(long = "R", value_name = "R", value_parser = above_zero, allow_hyphen_values = true)]
    pub size: Option<f64>,

    /// R1, the scale of probabilities, in place of the stored one.
    #[arg(long, value_name = "R1", value_parser = finite_number, allow_hyphen_values = true)]
    pub r1: Option<f64>,

    /// R2, the scale of well-classified samples, in place of the stored one.
    #[arg(long, value_name = "R2", value_parser = finite_number, allow_hyphen_values = true)]
    pub r2: Option<f64>,

    /// Scale of the logits in probabilities: raw (1), r1 (r1/R), r2 (r2/R), R (1/R) or
    /// temperature=T (1/T). Without it r1 where r1 and R are known, else raw.
    #[arg(long, value_name = "SCALE")]
    pub scale: Option<Scale>,

    /// Tolerances of close-enough accuracy, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = finite_number, allow_hyphen_values = true)]
    pub a: Vec<f64>,

    /// Thresholds on the margin, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = finite_number, allow_hyphen_values = true)]
    pub eta: Vec<f64>,

    /// Thresholds on the normalised margin, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = not_negative, allow_hyphen_values = true)]
    pub mu: Vec<f64>,

    /// The k of top-k, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = positive_count)]
    pub k: Vec<usize>,

    /// Number of bins of the histograms.
    #[arg(long, value_name = "N", default_value = "16", value_parser = bin_count)]
    pub bins: usize,

    /// Bin edges for probabilities, separated by commas; mirrored at 0 for their differences.
    #[arg(long, value_name = "LIST", value_parser = edges, allow_hyphen_values = true)]
    pub edges: Option<Edges>,

    /// Bin edges for margins, separated by commas.
    #[arg(long, value_name = "LIST", value_parser = edges, allow_hyphen_values = true)]
    pub margin_edges: Option<Edges>,

    /// Bin edges for normalised margins, separated by commas.
    #[arg(long, value_name = "LIST", value_parser = edges, allow_hyphen_values = true)]
    pub normalized_margin_edges: Option<Edges>,

    /// Write one JSON document instead of tables.
    #[arg(long)]
    pub json: bool,
}

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
}

/// How the command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// 0, 2 for an unreadable file or an undefined scale, 6 for damaged logits.
    pub exit_code: u8,
    /// What is wrong, for standard error; warnings alone when the exit code is 0.
    pub diagnostics: Diagnostics,
}

/// Runs the command; results go to `out`, problems are returned.
///
/// `width` is the number of columns of the terminal. With `--json` exactly one document is
/// written, also when something is wrong.
///
/// # Errors
/// Only if `out` cannot be written.
pub fn run(args: &AnalyzeArgs, width: u16, out: &mut dyn Write) -> io::Result<Outcome> {
    let (mut measured, mut problems) = (vec![], vec![]);
    for path in &args.inputs {
        match inputs::read(path) {
            Ok(found) => {
                let results: Vec<_> = found.into_iter().map(|input| measure(args, input)).collect();
                for result in results {
                    match result {
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
    let vacuous: BTreeSet<&Vacuous> =
        measured.iter().filter_map(|one| one.vacuous.as_ref()).collect();
    diagnostics.extend(vacuous.into_iter().map(ToDiagnostic::to_diagnostic));
    let ok = exit_code == 0;
    if args.json {
        serde_json::to_writer(&mut *out, &document(args, &measured, ok, &diagnostics))?;
        writeln!(out)?;
    } else if ok {
        write_tables(&measured, width, out)?;
    }
    Ok(Outcome { exit_code, diagnostics })
}

/// One set of logits with its measures.
#[derive(Debug)]
struct Measured {
    run: Option<PathBuf>,
    file: PathBuf,
    split: Option<&'static str>,
    seed: Option<u64>,
    scalars: Scalars,
    analysis: Analysis,
    vacuous: Option<Vacuous>,
}

/// Why logits that were read cannot be measured as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum ScaleError {
    /// A scalar that the scale needs is not known.
    #[error("{needs} is not known")]
    Undefined {
        /// The scale asked for.
        scale: &'static str,
        /// The scalar it lacks.
        needs: &'static str,
    },
    /// The scale is beyond the range of f64.
    #[error("the scale is not finite")]
    NotFinite,
    /// An overriding scalar is out of range.
    #[error(transparent)]
    Scalar(#[from] LogitsError),
}

fn measure(args: &AnalyzeArgs, input: Input) -> Result<Measured, (PathBuf, ScaleError)> {
    let Input { run, file, split, logits, loss, probability_scale, seed, asked } = input;
    let vacuous = Vacuous::of(args, &asked, logits.n_classes());
    let stored = logits.scalars();
    let scalars = Scalars {
        size: args.size.or(stored.size),
        r1: args.r1.or(stored.r1),
        r2: args.r2.or(stored.r2),
        lambda: stored.lambda,
    };
    let overridden = args.size.is_some() || args.r1.is_some();
    let recorded = probability_scale.filter(|_| !overridden);
    let measured = with_scale(args, logits, scalars, recorded).map(|(logits, scale)| {
        analyze(&logits, loss, scale, &request(args, &asked, logits.n_classes()))
    });
    match measured {
        Ok(analysis) => Ok(Measured { run, file, split, seed, scalars, analysis, vacuous }),
        Err(error) => Err((file, error)),
    }
}

/// The logits with the scalars that hold now, and the scale of probabilities.
fn with_scale(
    args: &AnalyzeArgs,
    logits: Logits,
    scalars: Scalars,
    recorded: Option<f64>,
) -> Result<(Logits, f64), ScaleError> {
    let logits = logits.with_scalars(scalars)?;
    let scale = match args.scale {
        None => recorded.unwrap_or_else(|| probability_scale(scalars)),
        Some(scale) => scale.value(scalars)?,
    };
    if scale.is_finite() { Ok((logits, scale)) } else { Err(ScaleError::NotFinite) }
}

impl Scale {
    fn value(self, scalars: Scalars) -> Result<f64, ScaleError> {
        let scale = self.name();
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
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::R1 => "r1",
            Self::R2 => "r2",
            Self::Size => "R",
            Self::Temperature(_) => "temperature",
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
            other => match other.strip_prefix("temperature=") {
                Some(value) => above_zero(value).map(Self::Temperature),
                None => Err("expected raw, r1, r2, R or temperature=T".to_owned()),
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
            Self::NotFinite => {
                Diagnostic::new(Code::E0656, "the scale of the logits is not finite")
                    .expected("a scale within the range of f64")
                    .help("check `--R` and `--r1`, or choose `--scale raw`")
            }
            Self::Scalar(error) => error.to_diagnostic(),
        }
    }
}

fn document(
    args: &AnalyzeArgs,
    measured: &[Measured],
    ok: bool,
    diagnostics: &Diagnostics,
) -> Value {
    let inputs: Vec<Value> =
        if ok { measured.iter().map(object).map(Value::Object).collect() } else { vec![] };
    let mut document = Map::new();
    document.insert("schema".to_owned(), json!("specc.analyze/1"));
    document.insert("ok".to_owned(), json!(ok));
    // No problem here lies in a line of a spec.
    let sources = SourceMap::new();
    let problems = diagnostics.iter().map(|diagnostic| diag::json(diagnostic, &sources));
    document.insert("diagnostics".to_owned(), problems.collect());
    document.insert("inputs".to_owned(), Value::Array(inputs.clone()));
    if ok && let [one] = measured {
        document.extend(object(one));
    }
    let one_run = measured.first().is_some_and(|first| {
        first.run.is_some() && measured.iter().all(|other| other.run == first.run)
    });
    if ok && one_run && args.inputs.len() == 1 {
        for (one, object) in measured.iter().zip(inputs) {
            document.extend(one.split.map(|split| (split.to_owned(), object)));
        }
    }
    Value::Object(document)
}

fn object(one: &Measured) -> Map<String, Value> {
    let mut object = Map::new();
    let mut insert = |key: &str, value: Value| object.insert(key.to_owned(), value);
    insert("file", json!(one.file.display().to_string()));
    insert("run", json!(one.run.as_ref().map(|run| run.display().to_string())));
    insert("split", json!(one.split));
    insert("seed", json!(one.seed));
    insert("R", json!(one.scalars.size));
    insert("r1", json!(one.scalars.r1));
    insert("r2", json!(one.scalars.r2));
    insert("lambda", json!(one.scalars.lambda));
    if let Ok(Value::Object(fields)) = serde_json::to_value(&one.analysis) {
        object.extend(fields);
    }
    object
}

fn write_tables(measured: &[Measured], width: u16, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = measured;
    while let Some(first) = rest.first() {
        let together = rest
            .iter()
            .position(|other| first.run.is_none() || other.run != first.run)
            .unwrap_or(rest.len())
            .max(1);
        let (group, others) = rest.split_at(together);
        rest = others;
        if measured.len() > group.len() {
            writeln!(out, "{}", first.run.as_ref().unwrap_or(&first.file).display())?;
        }
        let columns: Vec<(&str, _)> =
            group.iter().map(|one| (one.split.unwrap_or("value"), &one.analysis.summary)).collect();
        out.write_all(split_table(&columns, width).as_bytes())?;
        let counts: Vec<(&str, &[WellCount])> = group
            .iter()
            .map(|one| (one.split.unwrap_or("value"), one.analysis.well_counts.as_slice()))
            .collect();
        writeln!(out)?;
        out.write_all(well_table(&counts, width).as_bytes())?;
        if !rest.is_empty() {
            writeln!(out)?;
        }
    }
    Ok(())
}

fn finite_number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err("expected a finite number".to_owned()),
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    finite_number(text)
        .ok()
        .filter(|value| *value > 0.0)
        .ok_or_else(|| "expected a finite number above 0".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    finite_number(text)
        .ok()
        .filter(|value| *value >= 0.0)
        .ok_or_else(|| "expected a finite number that is not negative".to_owned())
}

fn positive_count(text: &str) -> Result<usize, String> {
    text.trim()
        .parse::<usize>()
        .ok()
        .filter(|value| *value > 0)
        .ok_or_else(|| "expected a whole number above 0".to_owned())
}

fn bin_count(text: &str) -> Result<usize, String> {
    positive_count(text)
        .ok()
        .filter(|value| *value <= 1 << 20)
        .ok_or_else(|| "expected a whole number from 1 to 1048576".to_owned())
}

fn edges(text: &str) -> Result<Edges, String> {
    let numbers = text.split(',').map(finite_number).collect::<Result<Vec<f64>, String>>()?;
    Edges::new(numbers).map_err(|error| error.to_string())
}
