//! Calibration as a table for a terminal.

use super::number;
use crate::grid::Grid;
use crate::measure::Calibration;

/// A row for each number, a column for each split; the text ends with a newline.
pub fn calibration_table(columns: &[(&str, &Calibration)], width: u16) -> String {
    let names = columns.iter().map(|(name, _)| (*name).to_owned());
    let mut grid = Grid::new(width, "calibration", names);
    let mut row = |label: &str, value: fn(&Calibration) -> Option<f64>| {
        let cells = columns.iter().map(|(_, found)| value(found).map_or_else(String::new, number));
        grid.row(label, cells);
    };
    row("negative log-likelihood", |found| found.nll);
    row("Brier score", |found| found.brier);
    row("expected calibration error", |found| found.ece);
    row("the same, bins of equal mass", |found| found.ece_adaptive);
    format!("{}\n", grid.text())
}
