//! Which runs are asked for, and what of them.
//!
//! In: folders, a condition, a column to sort by, columns or axes. Out: the [`Row`]s that fit, and a [`Table`] of them or of their
//! groups.

use std::path::PathBuf;

use super::{
    Column, Filter, QueryError, Renamed, Row, Table, find, group, grouped, listing, rename, sort,
};

/// Measures that are shown where none are asked for.
const MEASURES: [&str; 2] = ["test.accuracy", "test.close_enough(0.05)"];

/// A question about runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Runs, or folders with runs.
    pub roots: Vec<PathBuf>,
    /// Only runs for which this holds: `test.accuracy > 0.9 && loss == two`.
    pub condition: Option<String>,
    /// The column to sort by; with `-` before it, the largest first.
    pub sort: Option<String>,
    /// Columns by name; where there are none, every axis, how runs stand, two measures and the directory.
    pub columns: Vec<String>,
    /// Axes whose combinations of labels are the rows.
    pub group: Option<Vec<String>>,
}

impl Query {
    /// The runs that fit, in order.
    ///
    /// # Errors
    /// A root that is no folder, a condition or a column that cannot be understood, or a run that cannot be read.
    pub fn rows(&self) -> Result<Vec<Row>, QueryError> {
        self.check_roots()?;
        let mut rows = find(&self.roots)?;
        if let Some(text) = &self.condition {
            let filter = Filter::parse(text, &rows)?;
            let mut kept = vec![];
            for row in rows {
                if filter.keeps(&row)? {
                    kept.push(row);
                }
            }
            rows = kept;
        }
        if let Some(key) = &self.sort {
            let name = key.strip_prefix('-');
            let column = Column::named(name.unwrap_or(key), &rows)?;
            sort(&mut rows, &column, name.is_some())?;
        }
        Ok(rows)
    }

    /// A table of runs, or of their groups.
    ///
    /// # Errors
    /// A column or an axis that there is not, or a run that cannot be read.
    pub fn table(&self, rows: &[Row]) -> Result<Table, QueryError> {
        let columns = self.columns(rows)?;
        let Some(axes) = &self.group else { return Ok(listing(rows, &columns)?) };
        let unknown = |axis: &&String| !rows.iter().any(|row| row.labels.contains_key(*axis));
        if let Some(unknown) = axes.iter().find(unknown).filter(|_| !rows.is_empty()) {
            return Err(format!("no run has a label of the axis `{unknown}`").into());
        }
        let is_measure = |column: &Column| matches!(column, Column::Measure(_));
        let measures: Vec<Column> = columns.into_iter().filter(is_measure).collect();
        Ok(grouped(&group(rows, axes, &measures)?, axes, &measures))
    }

    /// Gives runs of earlier versions below the roots the identity and the name that they have now.
    ///
    /// # Errors
    /// A root that is no folder, or a run that cannot be read or moved.
    pub fn rename(&self) -> Result<Vec<Renamed>, QueryError> {
        self.check_roots()?;
        Ok(rename(&self.roots)?)
    }

    fn check_roots(&self) -> Result<(), QueryError> {
        match self.roots.iter().find(|root| !root.is_dir()) {
            Some(missing) => Err(format!("there is no folder `{}`", missing.display()).into()),
            None => Ok(()),
        }
    }

    /// The columns asked for, or every axis, and what a run is.
    fn columns(&self, rows: &[Row]) -> Result<Vec<Column>, String> {
        let mut names: Vec<String> = self.columns.clone();
        if names.is_empty() {
            for axis in rows.iter().flat_map(|row| row.labels.keys()) {
                if !names.contains(axis) {
                    names.push(axis.clone());
                }
            }
            names.extend(["seed", "state", "epochs"].map(str::to_owned));
            names.extend(MEASURES.map(str::to_owned));
            names.extend(["seconds", "run"].map(str::to_owned));
        }
        names.iter().map(|name| Column::named(name.trim(), rows)).collect()
    }
}
