//! Tables of studies as blocks of a page.

use crate::chart;
use crate::report::page::LabelledTable;
use crate::study::{Cell, Table, brief_table};

/// A table whose file has every number by itself, and whose readers see intervals in brackets.
pub(super) fn labelled(id: &str, title: impl Into<String>, table: Table) -> LabelledTable {
    let exact = drawn(&table);
    let shown = drawn(&brief_table(table));
    let shown = (shown != exact).then_some(shown);
    LabelledTable { shown, ..LabelledTable::new(id, title, exact) }
}

fn drawn(table: &Table) -> chart::Table {
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => chart::Cell::Text(text.clone()),
        Cell::Number(number) => chart::Cell::Number(*number),
        Cell::Count(count) => chart::Cell::Number(*count as f64),
        Cell::Flag(flag) => chart::Cell::Text(flag.to_string()),
        Cell::Nothing => chart::Cell::Empty,
    };
    let row = |row: &Vec<Cell>| row.iter().map(cell).collect();
    chart::Table { headings: table.header.clone(), rows: table.rows.iter().map(row).collect() }
}
