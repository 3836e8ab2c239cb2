//! The paper's values against ours.

use serde::Serialize;

use super::{Figure, Losses};
use crate::model::Measure;
use crate::stats::{Difference, Groups, Sample};
use crate::store::StoreError;
use crate::study::{Cell, Table, measured};
use crate::train::StoredRun;

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

/// The paper's values of a figure beside ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Gaps {
    /// In the order of the paper's tables.
    pub values: Vec<Gap>,
    /// Values of epochs that these runs never reach.
    pub beyond: usize,
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
pub fn gaps(figure: &Figure, losses: &[Losses]) -> Result<Gaps, StoreError> {
    let mut found = Gaps::default();
    let summaries = losses.iter().flat_map(|loss| &loss.runs).filter_map(StoredRun::summary);
    let last = summaries.map(|summary| summary.epochs).max();
    for Read { measure, label, value, error } in read(figure) {
        if let (Some(last), Some(epoch)) = (last, measure.epoch())
            && epoch > last
        {
            found.beyond += 1;
            continue;
        }
        let mut values = vec![];
        for run in losses.iter().filter(|loss| loss.label == label).flat_map(|loss| &loss.runs) {
            values.extend(measured(&measure, run)?);
        }
        let mean = (!values.is_empty()).then(|| Sample::of(&values).mean);
        let interval = Difference::of(Groups::Paired(&values)).interval(LEVEL);
        found.values.push(Gap {
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

impl Gaps {
    /// A row for each value.
    pub(super) fn table(&self) -> Table {
        let header = ["measure", "loss", "paper", "read to ±", "here", "95 % interval", "n", "gap"];
        let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
        let row = |gap: &Gap| {
            let interval = gap.interval.map(|[low, high]| format!("[{low:.4}, {high:.4}]"));
            vec![
                Cell::Text(gap.measure.clone()),
                Cell::Text(gap.label.clone()),
                Cell::Number(gap.paper),
                Cell::Number(gap.error),
                number(gap.mean),
                interval.map_or(Cell::Nothing, Cell::Text),
                Cell::Count(gap.n as u64),
                number(gap.gap),
            ]
        };
        let rows = self.values.iter().map(row).collect();
        Table { header: header.map(str::to_owned).into(), rows }
    }

    /// What the table leaves out.
    pub(super) fn left_out(&self) -> Option<String> {
        match self.beyond {
            0 => None,
            1 => {
                Some("1 value of an epoch after the last one here needs `--scale full`.".to_owned())
            }
            n => Some(format!("{n} values of epochs after the last one here need `--scale full`.")),
        }
    }

    /// The table for a terminal, and what it leaves out; nothing without values.
    pub fn text(&self) -> String {
        let table = if self.values.is_empty() { String::new() } else { self.table().text() };
        table + &self.left_out().map_or(String::new(), |text| text + "\n")
    }
}
