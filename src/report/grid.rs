//! The look that all terminal tables share; the one file that knows `comfy-table`.
//!
//! In: a header and rows of text. Out: a table whose first column is aligned to the left, all
//! others to the right, with one line below the header and no trailing blanks.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// A line below the header and nothing else.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table under construction.
#[derive(Debug)]
pub(super) struct Grid(Table);

impl Grid {
    /// An empty table for a terminal of `width` columns; cells wrap where it is too small.
    pub(super) fn new(width: u16, label: &str, header: impl IntoIterator<Item = String>) -> Self {
        let mut table = Table::new();
        table
            .load_style(STYLE)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width)
            .force_no_tty()
            .set_header(cells(label, header));
        Self(table)
    }

    /// Adds a row.
    pub(super) fn row(&mut self, label: &str, values: impl IntoIterator<Item = String>) {
        self.0.add_row(cells(label, values));
    }

    /// The table as text, without a newline at its end.
    pub(super) fn text(&self) -> String {
        self.0.trim_fmt()
    }
}

fn cells(label: &str, values: impl IntoIterator<Item = String>) -> Vec<Cell> {
    let values = values.into_iter().map(|v| Cell::new(v).set_alignment(CellAlignment::Right));
    [Cell::new(label)].into_iter().chain(values).collect()
}
