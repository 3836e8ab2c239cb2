//! The layout of tables as text; the one file that knows `comfy-table`.
//!
//! In: rows of text. Out: lines without trailing blanks. A [`Grid`] fits a terminal: cells wrap where it is too small, and a line
//! stands below the header. [`Columns`] are as wide as what stands in them.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};

/// A line below the header and nothing else.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table whose first column is aligned to the left, all others to the right.
#[derive(Debug)]
pub(crate) struct Grid(Table);

impl Grid {
    /// An empty table for a terminal of `width` columns; cells wrap where it is too small.
    pub(crate) fn new(width: u16, label: &str, header: impl IntoIterator<Item = String>) -> Self {
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
    pub(crate) fn row(&mut self, label: &str, values: impl IntoIterator<Item = String>) {
        self.0.add_row(cells(label, values));
    }

    /// The table as text, without a newline at its end.
    pub(crate) fn text(&self) -> String {
        self.0.trim_fmt()
    }
}

fn cells(label: &str, values: impl IntoIterator<Item = String>) -> Vec<Cell> {
    let values = values.into_iter().map(|v| Cell::new(v).set_alignment(CellAlignment::Right));
    [Cell::new(label)].into_iter().chain(values).collect()
}

/// Where the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// As words do.
    Left,
    /// As numbers do.
    Right,
}

/// Rows side by side, a header among them where there is one.
#[derive(Debug)]
pub(crate) struct Columns {
    sides: Vec<Side>,
    /// Blanks between columns.
    gap: usize,
    /// Widths below which no column falls.
    least: Vec<usize>,
    rows: Vec<Vec<String>>,
    /// Rows above which a rule stands.
    rules: Vec<usize>,
}

impl Columns {
    /// Without rows, two blanks between columns.
    pub(crate) fn new(sides: impl IntoIterator<Item = Side>) -> Self {
        let sides: Vec<Side> = sides.into_iter().collect();
        Self { least: vec![0; sides.len()], sides, gap: 2, rows: vec![], rules: vec![] }
    }

    /// With columns at least so wide, so that tables of other contents look alike.
    #[cfg(any(feature = "exec", test))]
    pub(crate) fn at_least(self, widths: impl IntoIterator<Item = usize>) -> Self {
        Self { least: widths.into_iter().collect(), ..self }
    }

    /// Without blanks between columns.
    #[cfg(any(feature = "exec", test))]
    pub(crate) fn side_by_side(self) -> Self {
        Self { gap: 0, ..self }
    }

    /// Adds a row of a cell a column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Draws a line of `-` over the whole width here.
    pub(crate) fn rule(&mut self) {
        self.rules.push(self.rows.len());
    }

    /// Cuts cells of the `yielding` columns, the first of them first, until rows fit `width` or a column has 8 characters left.
    pub(crate) fn fit(&mut self, width: usize, yielding: &[usize]) {
        const LEAST: usize = 8;
        for column in yielding {
            let (all, own) = (self.width(), self.widths()[*column]);
            let most = own.saturating_sub(all.saturating_sub(width)).max(own.min(LEAST));
            for row in &mut self.rows {
                row[*column] = clip(&row[*column], most);
            }
        }
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = self.least.clone();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }

    /// Characters of a whole row.
    fn width(&self) -> usize {
        self.widths().iter().sum::<usize>() + self.gap * self.sides.len().saturating_sub(1)
    }

    /// The lines, each with a newline at its end.
    pub(crate) fn text(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(TableStyle::new())
            .set_content_arrangement(ContentArrangement::Disabled)
            .force_no_tty()
            .add_rows(self.rows.iter().map(|row| row.iter().map(Cell::new)));
        for (at, (column, (side, least))) in
            table.column_iter_mut().zip(self.sides.iter().zip(&self.least)).enumerate()
        {
            let gap = if at == 0 { 0 } else { self.gap };
            column.set_padding((gap as u16, 0));
            if *least > 0 {
                let least = Width::Fixed((*least + gap) as u16);
                column.set_constraint(ColumnConstraint::LowerBoundary(least));
            }
            column.set_cell_alignment(match side {
                Side::Left => CellAlignment::Left,
                Side::Right => CellAlignment::Right,
            });
        }
        let rule = "-".repeat(self.width());
        let mut text = String::new();
        for (row, line) in table.lines().enumerate() {
            if self.rules.contains(&row) {
                text.extend([&rule, "\n"]);
            }
            text.extend([line.trim_end(), "\n"]);
        }
        text
    }
}

/// At most so many characters of a text; `…` in place of the last where some are left out.
pub(crate) fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Columns::new([Side::Left, Side::Right, Side::Left]);
        table.row(["name", "n", "word"].map(str::to_owned));
        table.rule();
        table.row(["a", "10", ""].map(str::to_owned));
        table.row(["a longer name", "7", "±"].map(str::to_owned));
        assert_eq!(
            table.text(),
            "name            n  word\n\
             -----------------------\n\
             a              10\n\
             a longer name   7  ±\n"
        );
        table.fit(18, &[0]);
        assert_eq!(table.text().lines().nth(3), Some("a longe…   7  ±"));
    }

    #[test]
    fn least_widths_let_tables_agree() {
        let sides = [Side::Left, Side::Right, Side::Left];
        let mut table = Columns::new(sides).at_least([6, 4, 0]);
        table.row(["a", "1", "b"].map(str::to_owned));
        assert_eq!(table.text(), "a          1  b\n");
        let mut table = Columns::new([Side::Left, Side::Right]).at_least([6, 4]).side_by_side();
        table.row(["a", "1"].map(str::to_owned));
        assert_eq!(table.text(), "a        1\n");
        assert_eq!(Columns::new([Side::Left]).text(), "");
    }
}
