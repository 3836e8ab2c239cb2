//! Listings and groups of runs as text, CSV and JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Cell, Column, Group, Row, SlurmTask};
use crate::grid::{Columns, Side};
use crate::stats::Sample;
use crate::store::StoreError;

/// A header and rows of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<Cell>>,
}

/// The cells of some columns.
///
/// # Errors
/// As [`Column::of`].
pub fn listing(rows: &[Row], columns: &[Column]) -> Result<Table, StoreError> {
    let cells = |row: &Row| columns.iter().map(|column| column.of(row)).collect();
    Ok(Table {
        header: columns.iter().map(Column::name).collect(),
        rows: rows.iter().map(cells).collect::<Result<_, _>>()?,
    })
}

/// Groups, with mean and standard deviation of each measure in columns of their own.
pub fn grouped(groups: &[Group], axes: &[String], measures: &[Column]) -> Table {
    let mut header: Vec<String> = axes.to_vec();
    header.push("n".to_owned());
    header.extend(measures.iter().flat_map(|m| [m.name(), format!("{} sd", m.name())]));
    let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
    let row = |group: &Group| {
        let labels = group.labels.iter().map(|(_, label)| Cell::Text(label.clone()));
        let of = |sample: &Sample| {
            [number((sample.n > 0).then_some(sample.mean)), number(sample.deviation())]
        };
        let numbers = group.measures.iter().flat_map(of);
        labels.chain([Cell::Count(group.runs as u64)]).chain(numbers).collect()
    };
    Table { header, rows: groups.iter().map(row).collect() }
}

impl Cell {
    /// As written in a CSV file: numbers so that they read back as they are.
    pub(super) fn exact(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Nothing => String::new(),
        }
    }

    fn short(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) if *number == 0.0 || (1e-4..1e6).contains(&number.abs()) => {
                format!("{number:.4}")
            }
            Self::Number(number) => format!("{number:.3e}"),
            Self::Nothing => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => (*count).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Number(number) => (*number).into(),
            Self::Nothing => Value::Null,
        }
    }
}

impl Table {
    /// The rows as a reader sees them.
    pub fn short_rows(&self) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| row.iter().map(Cell::short).collect()).collect()
    }

    /// Columns side by side: texts to the left, numbers to the right; no blanks at the ends of lines.
    pub fn text(&self) -> String {
        let is_text =
            |column: usize| self.rows.iter().any(|row| matches!(row[column], Cell::Text(_)));
        let side = |column: usize| if is_text(column) { Side::Left } else { Side::Right };
        let mut columns = Columns::new((0..self.header.len()).map(side));
        columns.row(self.header.iter().cloned());
        self.short_rows().into_iter().for_each(|row| columns.row(row));
        columns.text()
    }

    /// As CSV.
    ///
    /// # Errors
    /// None but of memory: the text is written to memory.
    pub fn csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(vec![]);
        writer.write_record(&self.header)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::exact))?;
        }
        let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Each row as an object.
    pub fn objects(&self) -> Vec<BTreeMap<&str, Value>> {
        let names = || self.header.iter().map(String::as_str);
        self.rows.iter().map(|row| names().zip(row.iter().map(Cell::json)).collect()).collect()
    }
}

/// `specc runs --json`, `specc.runs/1`.
#[derive(Clone, Debug, Serialize)]
pub struct RunsDocument<'a> {
    schema: &'static str,
    ok: bool,
    diagnostics: &'a [Value],
    runs: Vec<BTreeMap<&'a str, Value>>,
    groups: Vec<BTreeMap<&'a str, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slurm: Option<&'a [SlurmTask]>,
}

impl<'a> RunsDocument<'a> {
    /// Of a table of runs or of groups.
    pub fn new(
        runs: Option<&'a Table>,
        groups: Option<&'a Table>,
        diagnostics: &'a [Value],
    ) -> Self {
        let objects = |table: Option<&'a Table>| table.map(Table::objects).unwrap_or_default();
        let ok = runs.is_some() || groups.is_some();
        Self {
            schema: "specc.runs/1",
            ok,
            diagnostics,
            runs: objects(runs),
            groups: objects(groups),
            slurm: None,
        }
    }

    /// With the tasks of Slurm that are not over.
    #[must_use]
    pub fn with_slurm(self, tasks: Option<&'a [SlurmTask]>) -> Self {
        Self { slurm: tasks, ..self }
    }
}
