//! Tables as Parquet files, which pandas, polars and DuckDB read with their types.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{Cell, Table};

/// Rows that are written together: a reader loads so many at once.
const GROUP_ROWS: usize = 1 << 20;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Count,
    Flag,
}

impl Kind {
    /// Of a column; one without any cell counts as numbers.
    fn of<'a>(mut cells: impl Iterator<Item = &'a Cell> + Clone) -> Self {
        let all = |fits: fn(&Cell) -> bool| {
            let mut some = cells.clone().filter(|cell| **cell != Cell::Nothing).peekable();
            some.peek().is_some() && some.all(fits)
        };
        if all(|cell| matches!(cell, Cell::Flag(_))) {
            Self::Flag
        } else if all(|cell| matches!(cell, Cell::Count(_))) {
            Self::Count
        } else if cells.any(|cell| matches!(cell, Cell::Text(_) | Cell::Flag(_))) {
            Self::Text
        } else {
            Self::Number
        }
    }

    fn field(self, name: &str) -> Result<Arc<Type>, ParquetError> {
        let (physical, logical) = match self {
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Number => (Physical::DOUBLE, None),
            Self::Count => (Physical::INT64, None),
            Self::Flag => (Physical::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        field.build().map(Arc::new)
    }
}

/// The bytes of a file with these columns; empty cells are null.
///
/// # Errors
/// [`ParquetError`], of memory alone.
pub fn parquet(table: &Table) -> Result<Vec<u8>, ParquetError> {
    let column = |at: usize| table.rows.iter().map(move |row| &row[at]);
    let kinds: Vec<Kind> = (0..table.header.len()).map(|at| Kind::of(column(at))).collect();
    let fields = kinds.iter().zip(&table.header).map(|(kind, name)| kind.field(name));
    let fields = fields.collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("runs").with_fields(fields).build()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(vec![], schema, Arc::new(properties))?;
    for rows in table.rows.chunks(GROUP_ROWS) {
        let mut group = file.next_row_group()?;
        for (at, kind) in kinds.iter().enumerate() {
            let cells: Vec<&Cell> = rows.iter().map(|row| &row[at]).collect();
            write(&mut group, *kind, &cells)?;
        }
        group.close()?;
    }
    file.into_inner()
}

fn write(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    kind: Kind,
    cells: &[&Cell],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let present = cells.iter().filter(|cell| ***cell != Cell::Nothing);
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(**cell != Cell::Nothing)).collect();
    let levels = Some(&levels[..]);
    match kind {
        Kind::Text => {
            let values: Vec<ByteArray> =
                present.map(|cell| ByteArray::from(cell.exact().into_bytes())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
        }
        Kind::Number => {
            let values: Vec<f64> = present.map(|cell| number(cell)).collect();
            column.typed::<DoubleType>().write_batch(&values, levels, None)?;
        }
        Kind::Count => {
            let count = |cell: &&&Cell| match cell {
                Cell::Count(count) => i64::try_from(*count).ok(),
                Cell::Text(_) | Cell::Number(_) | Cell::Flag(_) | Cell::Nothing => None,
            };
            let values: Vec<i64> = present.map(|cell| count(&cell).unwrap_or(i64::MAX)).collect();
            column.typed::<Int64Type>().write_batch(&values, levels, None)?;
        }
        Kind::Flag => {
            let values: Vec<bool> = present.map(|cell| **cell == Cell::Flag(true)).collect();
            column.typed::<BoolType>().write_batch(&values, levels, None)?;
        }
    }
    column.close()
}

fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Number(value) => *value,
        Cell::Count(count) => *count as f64,
        Cell::Text(_) | Cell::Flag(_) | Cell::Nothing => f64::NAN,
    }
}
