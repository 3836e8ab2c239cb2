//! The numbers of a chart as a table: HTML for readers, CSV for programs.

use std::fmt::Write as _;

use super::number::{exact, short};
use super::svg::escaped;

/// Significant digits in HTML; CSV has all of them.
const DIGITS: usize = 6;

/// Headings and rows of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What each column holds.
    pub headings: Vec<String>,
    /// The values.
    pub rows: Vec<Vec<Cell>>,
}

/// A value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name.
    Text(String),
    /// A number; empty where it is not finite.
    Number(f64),
    /// Nothing.
    Empty,
}

impl Cell {
    pub(super) fn maybe(value: Option<f64>) -> Self {
        value.map_or(Self::Empty, Self::Number)
    }
}

impl Table {
    pub(super) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { headings: headings.map(str::to_owned).to_vec(), rows: vec![] }
    }

    /// Without the columns that say nothing in any row.
    pub(super) fn without_empty_columns(mut self) -> Self {
        for column in (0..self.headings.len()).rev() {
            let mut cells = self.rows.iter().map(|row| row.get(column));
            if !self.rows.is_empty() && cells.all(|cell| matches!(cell, Some(Cell::Empty))) {
                self.headings.remove(column);
                self.rows.iter_mut().for_each(|row| drop(row.remove(column)));
            }
        }
        self
    }

    /// Comma-separated, with a line of headings; numbers read back as the same doubles.
    pub fn csv(&self) -> String {
        let mut out = String::new();
        let heading = self.headings.iter().map(|heading| quoted(heading));
        let rows = self.rows.iter().map(|row| {
            row.iter().map(|cell| match cell {
                Cell::Text(text) => quoted(text),
                Cell::Number(value) => exact(*value),
                Cell::Empty => String::new(),
            })
        });
        out.push_str(&heading.collect::<Vec<_>>().join(","));
        out.push('\n');
        for row in rows {
            out.push_str(&row.collect::<Vec<_>>().join(","));
            out.push('\n');
        }
        out
    }

    /// A `table` element with a caption.
    pub fn html(&self, caption: &str) -> String {
        let is_number = |column: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.any(|cell| matches!(cell, Cell::Number(_)))
        };
        let mut out = format!("<table><caption>{}</caption>\n<thead><tr>", escaped(caption));
        // Writing to a string cannot fail.
        for (column, heading) in self.headings.iter().enumerate() {
            let class = if is_number(column) { " class=\"number\"" } else { "" };
            let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escaped(heading));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for cell in row {
                let _ = match cell {
                    Cell::Text(text) => write!(out, "<td>{}</td>", escaped(text)),
                    Cell::Number(value) => {
                        write!(out, "<td class=\"number\">{}</td>", short(*value, DIGITS))
                    }
                    Cell::Empty => write!(out, "<td></td>"),
                };
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table>\n");
        out
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Table};

    #[test]
    fn cells_are_quoted_and_escaped() {
        let mut table = Table::new(["a,b", "y"]);
        table.rows.push(vec![Cell::Text("<x>".to_owned()), Cell::Number(0.1)]);
        table.rows.push(vec![Cell::Empty, Cell::Number(f64::NAN)]);
        assert_eq!(table.csv(), "\"a,b\",y\n<x>,0.1\n,\n");
        assert!(table.html("t").contains("<td>&lt;x&gt;</td><td class=\"number\">0.1</td>"));
    }
}
