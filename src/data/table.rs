//! Tables of fields with a delimiter between them.
//!
//! In: a file, its delimiter, which column is the label, whether there is a header. Out: finite features as f32 in column order without the
//! label, and labels as text, to be turned into classes by [`super::classes::Classes`].

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, Trim};

use super::error::{Action, DataError};
use super::files::{self, MAX_FILE_BYTES};
use super::rounding::Rounding;
use super::synthetic::MAX_CLASSES;

/// How to read a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableFormat<'a> {
    /// The label column; the last one if `None`.
    pub(super) label: Option<&'a str>,
    /// Whether the first row is a header; found out if `None`.
    pub(super) header: Option<bool>,
    /// What stands between two fields.
    pub(super) delimiter: u8,
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
    /// What became of large whole numbers.
    pub(super) rounding: Rounding,
    /// Names of the features, where there is a header.
    pub(super) header: Option<Vec<String>>,
    /// The label's field, from 1.
    column: usize,
}

/// Reads a table; lines of blanks are skipped, spaces around fields do not count.
pub(super) fn read(file: &Path, format: TableFormat<'_>) -> Result<Table, DataError> {
    let (mut reader, bytes) = files::open(file)?;
    if bytes > MAX_FILE_BYTES {
        return Err(DataError::TooLarge {
            file: file.to_path_buf(),
            declared: bytes.into(),
            limit: MAX_FILE_BYTES,
        });
    }
    refuse_packed(file, &mut reader)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(format.delimiter)
        .from_reader(reader);
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
        if is_blank(format, &record) {
            continue;
        }
        if record.len() == 1 && record[0].starts_with('#') {
            let (file, found) = (file.to_path_buf(), record[0].to_owned());
            let expected = "a row of the table, which has no comments";
            return Err(DataError::Cell { file, line, column: 1, found, expected });
        }
        if let Some(column) = runs_on(format, &record) {
            return Err(DataError::Quote { file: file.to_path_buf(), line, column });
        }
        if fields == 0 {
            fields = record.len();
            let header = start(file, format, &record, &mut table)?;
            if header {
                continue;
            }
        }
        if record.len() != fields {
            let (path, found) = (file.to_path_buf(), record.len());
            let width = DataError::RowWidth { file: path, line, found, expected: fields };
            return Err(otherwise_separated(file, format, &record).unwrap_or(width));
        }
        row(file, format, &record, line, &mut known, &mut table)?;
    }
}

/// Packed files are no text, which their first bytes show.
fn refuse_packed(file: &Path, reader: &mut impl BufRead) -> Result<(), DataError> {
    let start = reader.fill_buf().map_err(|e| DataError::io(file, Action::Read, e))?;
    let packed = [&b"\x1f\x8b"[..], b"PK\x03\x04"].into_iter().find(|it| start.starts_with(it));
    let Some(found) = packed.map(<[u8]>::to_vec) else { return Ok(()) };
    let expected = "a table as text: unpack the file, or save the sheet as CSV";
    Err(DataError::Foreign { file: file.to_path_buf(), offset: 0, found, expected })
}

/// Whether a line holds nothing but blanks, which may be its delimiters.
fn is_blank(format: TableFormat<'_>, record: &StringRecord) -> bool {
    let one_field = record.len() == 1 || matches!(format.delimiter, b' ' | b'\t');
    one_field && record.iter().all(str::is_empty)
}

/// The field, from 1, that holds the end of its line and fields of the next: its double quote is not closed.
fn runs_on(format: TableFormat<'_>, record: &StringRecord) -> Option<usize> {
    let delimiter = char::from(format.delimiter);
    let runs_on = |field: &str| field.contains(['\n', '\r']) && field.contains(delimiter);
    record.iter().position(runs_on).map(|position| position + 1)
}

/// Finds label column and header by the first row; says whether it is a header.
fn start(
    file: &Path,
    format: TableFormat<'_>,
    record: &StringRecord,
    table: &mut Table,
) -> Result<bool, DataError> {
    let line = record.position().map_or(1, ::csv::Position::line);
    if record.len() < 2 {
        let (path, found) = (file.to_path_buf(), record.len());
        let width = DataError::RowWidth { file: path, line, found, expected: 2 };
        return Err(otherwise_separated(file, format, record).unwrap_or(width));
    }
    table.width = record.len() - 1;
    let last = table.width;
    let header = match (format.header, format.label) {
        (Some(header), _) => header,
        (None, Some(_)) => true,
        (None, None) => looks_like_header(file, format, record, line)?,
    };
    let named: Vec<usize> = match format.label {
        None => vec![last],
        Some(name) if header => (0..record.len()).filter(|&i| record[i] == *name).collect(),
        Some(_) => vec![],
    };
    if let (Some(name), [first, second, ..]) = (format.label, &named[..]) {
        let (file, name) = (file.to_path_buf(), name.to_owned());
        return Err(DataError::TwoColumns { file, name, columns: (first + 1, second + 1) });
    }
    let Some(&position) = named.first() else {
        let known = if header { record.iter().map(str::to_owned).collect() } else { vec![] };
        let name = format.label.unwrap_or_default().to_owned();
        return Err(DataError::Column { file: file.to_path_buf(), name, known });
    };
    table.column = position + 1;
    if header {
        let names = record.iter().map(str::to_owned).enumerate();
        table.header = Some(names.filter(|(i, _)| *i != position).map(|(_, name)| name).collect());
    }
    Ok(header)
}

/// Whether a first row is a header: no field of it is a number. It is none where every feature is a number.
///
/// # Errors
/// A row between these: a sample with a field that cannot be used, or a header with numbers as names.
fn looks_like_header(
    file: &Path,
    format: TableFormat<'_>,
    record: &StringRecord,
    line: u64,
) -> Result<bool, DataError> {
    let is_number = |field: &str| field.parse::<f64>().is_ok();
    let features = record.len() - 1;
    let Some(word) = record.iter().take(features).position(|field| !is_number(field)) else {
        return Ok(false);
    };
    if !record.iter().any(is_number) {
        return Ok(true);
    }
    let expected = "a finite number; if the first row is a header, say `header=true`";
    Err(no_number(file, format, record, (line, word), expected))
}

/// The error of a feature that is no number, at this line and position.
fn no_number(
    file: &Path,
    format: TableFormat<'_>,
    record: &StringRecord,
    (line, position): (u64, usize),
    expected: &'static str,
) -> DataError {
    let found = record[position].to_owned();
    let cell = |expected| {
        let file = file.to_path_buf();
        DataError::Cell { file, line, column: position + 1, found: found.clone(), expected }
    };
    if found.contains(',') && found.replacen(',', ".", 1).parse::<f64>().is_ok() {
        return cell("a finite number with a decimal point, not a comma");
    }
    otherwise_separated(file, format, record).unwrap_or_else(|| cell(expected))
}

/// The error of a row whose fields hold another delimiter than the one they were split at.
fn otherwise_separated(
    file: &Path,
    format: TableFormat<'_>,
    record: &StringRecord,
) -> Option<DataError> {
    let used = char::from(format.delimiter);
    let holds = |other: &char| record.iter().any(|field| field.contains(*other));
    // Commas and spaces also stand inside numbers and names, so they count where nothing was split.
    let whole = record.len() < 2;
    let candidates = [';', '\t', '|', ',', ' '];
    let seems = candidates
        .into_iter()
        .filter(|&other| other != used && (whole || !matches!(other, ',' | ' ')))
        .find(holds)?;
    let line = record.position().map_or(0, ::csv::Position::line);
    Some(DataError::Delimiter { file: file.to_path_buf(), line, used, seems })
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
            let value = field.parse::<f64>().ok().filter(|v| (*v as f32).is_finite());
            let value = value
                .ok_or_else(|| no_number(file, format, record, (line, i), "a finite number"))?;
            if format.keep {
                table.rounding.see(i - usize::from(i >= table.column), value);
                table.features.push(value as f32);
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

impl Table {
    /// The error of a label that cannot be used.
    pub(super) fn label_error(
        &self,
        file: &Path,
        name: &str,
        line: u64,
        expected: &'static str,
    ) -> DataError {
        let (file, found) = (file.to_path_buf(), name.to_owned());
        DataError::Cell { file, line, column: self.column, found, expected }
    }
}
