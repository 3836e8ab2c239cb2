//! `specc analyze`: all measures of stored logits, again at other points or another scale.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::analysis::{Scale, Wanted, measure_files};
use crate::diag::Diagnostics;
use crate::measure::Edges;
use crate::report;

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

    /// Scale of the logits in probabilities: raw (1), r1 (r1/R), r2 (r2/R), R (1/R),
    /// temperature=T (1/T) or fitted (the T of least negative log-likelihood). Without it r1 where r1 and R are known, else raw.
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

/// How the command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyzed {
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
pub fn run(args: &AnalyzeArgs, width: u16, out: &mut dyn Write) -> io::Result<Analyzed> {
    let findings = measure_files(&args.inputs, &args.wanted());
    if args.json {
        serde_json::to_writer(
            &mut *out,
            &report::analysis::document(&findings, args.inputs.len()),
        )?;
        writeln!(out)?;
    } else if findings.exit_code == 0 {
        out.write_all(report::analysis::text(&findings.measured, width).as_bytes())?;
    }
    Ok(Analyzed { exit_code: findings.exit_code, diagnostics: findings.diagnostics })
}

impl AnalyzeArgs {
    fn wanted(&self) -> Wanted {
        Wanted {
            size: self.size,
            r1: self.r1,
            r2: self.r2,
            scale: self.scale,
            a: self.a.clone(),
            eta: self.eta.clone(),
            mu: self.mu.clone(),
            k: self.k.clone(),
            bins: self.bins,
            edges: self.edges.clone(),
            margin_edges: self.margin_edges.clone(),
            normalized_margin_edges: self.normalized_margin_edges.clone(),
        }
    }
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
