//! Comma-separated tables.
//!
//! In: a file, which column is the label, whether there is a header. Out: finite features as f32 in column order without the
//! label, and labels as text, to be turned into classes by [`Classes`].

use std::collections::BTreeMap;
use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, Trim};

use super::error::DataError;
use super::files::{self, MAX_FILE_BYTES};
use super::synthetic::MAX_CLASSES;

/// How to read a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableFormat<'a> {
    /// The label column; the last one if `None`.
    pub(super) label: Option<&'a str>,
    /// Whether the first row is a header; found out if `None`.
    pub(super) header: Option<bool>,
    /// Whether features are kept, or only counted and checked.
    pub(super) keep: bool,
}

/// A table as read.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Features of all rows, if kept.
    pub(super) features: Vec<f32>,
    /// Features of a row.
    pub(super) width: usize,
    /// Label number of each row, an index of `names`.
    pub(super) labels: Vec<u32>,
    /// Distinct labels in the order of their first row, with that row's line.
    pub(super) names: Vec<(String, u64)>,
    /// The label's field, from 1.
    column: usize,
}

/// Reads a table; blank lines are skipped, spaces around fields do not count.
pub(super) fn read(file: &Path, format: TableFormat<'_>) -> Result<Table, DataError> {
    let (reader, bytes) = files::open(file)?;
    if bytes > MAX_FILE_BYTES {
        return Err(DataError::TooLarge {
            file: file.to_path_buf(),
            declared: bytes.into(),
            limit: MAX_FILE_BYTES,
        });
    }
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(reader);
    let mut record = StringRecord::new();
    let mut table = Table::default();
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let mut fields = 0;
    loop {
        let more = reader.read_record(&mut record).map_err(|source| DataError::Table {
            file: file.to_path_buf(),
            line: source.position().map_or(0, ::csv::Position::line),
            source: Box::new(source),
        })?;
        if !more {
            return Ok(table);
        }
        let line = record.position().map_or(0, ::csv::Position::line);
        if fields == 0 {
            fields = record.len();
            let header = start(file, format, &record, &mut table)?;
            if header {
                continue;
            }
        }
        if record.len() != fields {
            let (file, found) = (file.to_path_buf(), record.len());
            return Err(DataError::RowWidth { file, line, found, expected: fields });
        }
        row(file, format, &record, line, &mut known, &mut table)?;
    }
}

/// Finds label column and header by the first row; says whether it is a header.
fn start(
    file: &Path,
    format: TableFormat<'_>,
    record: &StringRecord,
    table: &mut Table,
) -> Result<bool, DataError> {
    if record.len() < 2 {
        return Err(DataError::RowWidth {
            file: file.to_path_buf(),
            line: record.position().map_or(1, ::csv::Position::line),
            found: record.len(),
            expected: 2,
        });
    }
    table.width = record.len() - 1;
    let last = table.width;
    let guess = || (0..last).any(|i| record.get(i).is_some_and(|f| f.parse::<f64>().is_err()));
    let header = format.header.unwrap_or_else(|| format.label.is_some() || guess());
    let position = match format.label {
        None => Some(last),
        Some(name) if header => record.iter().position(|field| field == name),
        Some(_) => None,
    };
    let Some(position) = position else {
        let known = if header { record.iter().map(str::to_owned).collect() } else { vec![] };
        let name = format.label.unwrap_or_default().to_owned();
        return Err(DataError::Column { file: file.to_path_buf(), name, known });
    };
    table.column = position + 1;
    Ok(header)
}

fn row(
    file: &Path,
    format: TableFormat<'_>,
    record: &StringRecord,
    line: u64,
    known: &mut BTreeMap<String, u32>,
    table: &mut Table,
) -> Result<(), DataError> {
    for (i, field) in record.iter().enumerate() {
        let cell = |expected| DataError::Cell {
            file: file.to_path_buf(),
            line,
            column: i + 1,
            found: field.to_owned(),
            expected,
        };
        if i + 1 != table.column {
            let value = field.parse::<f64>().ok().map(|v| v as f32).filter(|v| v.is_finite());
            let value = value.ok_or_else(|| cell("a finite number"))?;
            if format.keep {
                table.features.push(value);
            }
            continue;
        }
        if field.is_empty() {
            return Err(cell("a label"));
        }
        if let Some(&label) = known.get(field) {
            table.labels.push(label);
            continue;
        }
        if known.len() == MAX_CLASSES {
            return Err(cell("at most 65536 different labels"));
        }
        let label = known.len() as u32;
        known.insert(field.to_owned(), label);
        table.names.push((field.to_owned(), line));
        table.labels.push(label);
    }
    Ok(())
}

/// The classes that the labels of a training table stand for.
///
/// If every label is a whole number from 0, it is the class. Otherwise labels are names and classes are numbered in the order
/// of their bytes.
#[derive(Debug)]
pub(super) struct Classes {
    /// The number of classes.
    pub(super) count: usize,
    /// Sorted names; `None` where labels are numbers.
    pub(super) names: Option<Vec<String>>,
}

impl Classes {
    /// Classes of the training table; `stated` is the number in the spec.
    pub(super) fn of(file: &Path, table: &Table, stated: Option<usize>) -> Result<Self, DataError> {
        let numbers: Option<Vec<u32>> =
            table.names.iter().map(|(name, _)| name.parse().ok()).collect();
        if let Some(numbers) = numbers {
            let largest = numbers.iter().max().map_or(0, |&n| n as usize);
            return Ok(Self {
                count: stated.unwrap_or((largest + 1).min(MAX_CLASSES)),
                names: None,
            });
        }
        for (name, line) in &table.names {
            // A number that is no class is a regression target or a mistake, not a name.
            if name.parse::<f64>().is_ok() && name.parse::<u32>().is_err() {
                return Err(table.label_error(
                    file,
                    name,
                    *line,
                    "a whole number from 0, or a name",
                ));
            }
        }
        let mut names: Vec<String> = table.names.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        Ok(Self { count: stated.unwrap_or(names.len()), names: Some(names) })
    }

    /// The class of each row of a table.
    pub(super) fn labels(&self, file: &Path, table: &Table) -> Result<Vec<u32>, DataError> {
        let class = |(name, line): &(String, u64)| match &self.names {
            None => match name.parse::<u32>() {
                Ok(class) if (class as usize) < self.count => Ok(class),
                _ => Err(table.label_error(file, name, *line, "a class number below `classes`")),
            },
            Some(names) => match names.binary_search(name) {
                Ok(class) if class < self.count => Ok(class as u32),
                _ => Err(table.label_error(file, name, *line, "a label of the training rows")),
            },
        };
        let classes: Vec<u32> = table.names.iter().map(class).collect::<Result<_, _>>()?;
        Ok(table.labels.iter().map(|&label| classes[label as usize]).collect())
    }
}

impl Table {
    fn label_error(&self, file: &Path, name: &str, line: u64, expected: &'static str) -> DataError {
        let (file, found) = (file.to_path_buf(), name.to_owned());
        DataError::Cell { file, line, column: self.column, found, expected }
    }
}
