//! The paper's values against ours.

use serde::Serialize;

use super::{Figure, Losses};
use crate::model::Measure;
use crate::stats::{Difference, Groups, Sample};
use crate::store::StoreError;
use crate::study::measured;

/// The values of `paper.md`'s tables: figure, measure, label, value, error of reading.
const VALUES: &str = include_str!("../../specs/paper/values.csv");

/// The level of the intervals.
const LEVEL: f64 = 0.95;

/// A value of the paper beside ours.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// What is measured.
    pub measure: String,
    /// The loss.
    pub label: String,
    /// The paper's value.
    pub paper: f64,
    /// The error of reading it off the figure.
    pub error: f64,
    /// Runs that have the measure.
    pub n: usize,
    /// Our mean.
    pub mean: Option<f64>,
    /// Student's 95 % interval of our mean.
    pub interval: Option<[f64; 2]>,
    /// Our mean less the paper's value.
    pub gap: Option<f64>,
}

/// A value that was read off a figure.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) measure: Measure,
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) error: f64,
}

/// What was read off a figure.
pub(super) fn read(figure: &Figure) -> Vec<Read> {
    let mut reader = csv::Reader::from_reader(VALUES.as_bytes());
    let rows = reader.deserialize::<(String, String, String, f64, f64)>().flatten();
    rows.filter(|(number, ..)| number == figure.number)
        .filter_map(|(_, measure, label, value, error)| {
            Some(Read { measure: measure.parse().ok()?, label, value, error })
        })
        .collect()
}

/// The values of a figure, those of the paper first.
///
/// # Errors
/// [`StoreError`] when a run cannot be read.
pub fn gaps(figure: &Figure, losses: &[Losses]) -> Result<Vec<Gap>, StoreError> {
    let mut found = vec![];
    for Read { measure, label, value, error } in read(figure) {
        let mut values = vec![];
        for run in losses.iter().filter(|loss| loss.label == label).flat_map(|loss| &loss.runs) {
            values.extend(measured(&measure, run)?);
        }
        let mean = (!values.is_empty()).then(|| Sample::of(&values).mean);
        let interval = Difference::of(Groups::Paired(&values)).interval(LEVEL);
        found.push(Gap {
            measure: measure.to_string(),
            label,
            paper: value,
            error,
            n: values.len(),
            mean,
            interval: interval.map(|interval| [interval.low, interval.high]),
            gap: mean.map(|mean| mean - value),
        });
    }
    Ok(found)
}

/// Headings of the table of gaps.
pub(super) const HEADINGS: [&str; 8] =
    ["measure", "loss", "paper", "read to", "here", "95 % interval", "n", "gap"];

impl Gap {
    pub(super) fn cells(&self) -> [String; 8] {
        let number =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
        let interval = self.interval.map_or("–".to_owned(), |[l, h]| format!("[{l:.4}, {h:.4}]"));
        let gap = self.gap.map_or("–".to_owned(), |gap| format!("{gap:+.4}"));
        [
            self.measure.clone(),
            self.label.clone(),
            format!("{:.3}", self.paper),
            format!("± {:.3}", self.error),
            number(self.mean),
            interval,
            self.n.to_string(),
            gap,
        ]
    }
}

/// The table for a terminal; nothing without values.
pub fn gaps_text(gaps: &[Gap]) -> String {
    if gaps.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 8]> = gaps.iter().map(Gap::cells).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADINGS[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    line(HEADINGS.to_vec()) + &body.collect::<String>()
}
