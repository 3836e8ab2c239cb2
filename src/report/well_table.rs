//! The size of the well-classified set as a table for a terminal.

use crate::grid::Grid;
use crate::measure::WellCount;

/// A row for each threshold η, for each split the counts of `m > η` and `m ≥ η`.
///
/// The thresholds are those of the first split; the text ends with a newline.
pub fn well_table(columns: &[(&str, &[WellCount])], width: u16) -> String {
    let header = columns
        .iter()
        .flat_map(|(name, _)| [format!("{name} m > eta"), format!("{name} m >= eta")]);
    let mut grid = Grid::new(width, "well classified", header);
    for (idx, first) in
        columns.first().map_or([].as_slice(), |(_, counts)| counts).iter().enumerate()
    {
        let values = columns.iter().flat_map(|(_, counts)| {
            let at = counts.get(idx);
            [at.map(|count| count.above), at.map(|count| count.at_least)]
        });
        let cells = values.map(|count| count.map_or_else(String::new, |count| count.to_string()));
        grid.row(&format!("eta={}", first.eta), cells);
    }
    format!("{}\n", grid.text())
}
