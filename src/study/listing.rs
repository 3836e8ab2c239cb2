//! The runs below some folders, with their labels, how they stand and what they measured.
//!
//! In: folders. Out: [`Row`]s, one a run, in the order of their paths; filtered, sorted and grouped as is asked for. Nothing is
//! compiled: labels are those of `sweep.json`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::samples::value;
use super::{RunState, SweepDocument};
use crate::model::{Measure, NoMeasure};
use crate::stats::Sample;
use crate::store::{RunDir, StoreError};
use crate::train::StoredRun;

/// Folders below a given one that are looked into.
const DEPTH: usize = 4;

/// A run.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is stored.
    pub run: StoredRun,
    /// The label of each axis, where a sweep made it.
    pub labels: BTreeMap<String, String>,
    /// How it stands.
    pub state: RunState,
    /// Whole epochs done.
    pub epochs: u64,
    /// Seconds of training.
    pub seconds: f64,
}

/// A value of a run by the name of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A text: a label, a state.
    Text(String),
    /// A number.
    Number(f64),
    /// A whole number: a seed, a step.
    Count(u64),
    /// Yes or no.
    Flag(bool),
    /// The run has none.
    Nothing,
}

/// A column: `seed`, `state`, `epochs`, `seconds`, `run`, an axis, or a measure.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Something that every run has.
    Own(&'static str),
    /// The label of an axis.
    Axis(String),
    /// A measure.
    Measure(Measure),
}

/// Names of [`Column::Own`].
const OWN: [&str; 6] = ["run", "hash", "seed", "state", "epochs", "seconds"];

impl Column {
    /// The column of a name; `rows` tell which names are axes.
    ///
    /// # Errors
    /// The name fits none.
    pub fn named(name: &str, rows: &[Row]) -> Result<Self, String> {
        if let Some(own) = OWN.iter().find(|own| **own == name) {
            return Ok(Self::Own(own));
        }
        if rows.iter().any(|row| row.labels.contains_key(name)) {
            return Ok(Self::Axis(name.to_owned()));
        }
        name.parse().map(Self::Measure).map_err(|error: NoMeasure| error.to_string())
    }

    /// Its name.
    pub fn name(&self) -> String {
        match self {
            Self::Own(name) => (*name).to_owned(),
            Self::Axis(name) => name.clone(),
            Self::Measure(measure) => measure.to_string(),
        }
    }

    /// What a run has there.
    ///
    /// # Errors
    /// [`StoreError`] where a measure by epoch cannot be read.
    pub fn of(&self, row: &Row) -> Result<Cell, StoreError> {
        let identity = row.run.identity();
        Ok(match self {
            Self::Own("run") => Cell::Text(row.run.path().display().to_string()),
            Self::Own("hash") => Cell::Text(identity.spec_hash.chars().take(12).collect()),
            Self::Own("seed") => Cell::Count(identity.seed),
            Self::Own("state") => Cell::Text(row.state.name().to_owned()),
            Self::Own("epochs") => Cell::Count(row.epochs),
            Self::Own(_) => Cell::Number(row.seconds),
            Self::Axis(axis) => {
                row.labels.get(axis).map_or(Cell::Nothing, |l| Cell::Text(l.clone()))
            }
            Self::Measure(measure) => value(measure, &row.run)?.map_or(Cell::Nothing, Cell::Number),
        })
    }
}

/// All runs below some folders, those of a folder in the order of their names.
///
/// # Errors
/// [`StoreError`] when a folder or a run cannot be read.
pub fn find(roots: &[PathBuf]) -> Result<Vec<Row>, StoreError> {
    let mut rows = vec![];
    for root in roots {
        walk(root, DEPTH, &mut rows)?;
    }
    Ok(rows)
}

fn walk(folder: &Path, depth: usize, rows: &mut Vec<Row>) -> Result<(), StoreError> {
    if RunDir::is_run(folder) {
        let sweep = folder.parent().map(SweepDocument::read).transpose()?.flatten();
        rows.push(row(folder, sweep.as_ref())?);
        return Ok(());
    }
    let io = |error| StoreError::io("read", folder, error);
    let mut folders = vec![];
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort_by_key(|path| natural(path));
    let sweep = SweepDocument::read(folder)?;
    for path in folders {
        if RunDir::is_run(&path) {
            rows.push(row(&path, sweep.as_ref())?);
        } else if depth > 0 {
            walk(&path, depth - 1, rows)?;
        }
    }
    Ok(())
}

/// So that `s10` comes behind `s9`.
fn natural(path: &Path) -> (String, u64) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let head = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name[head.len()..].parse().unwrap_or(0);
    (head.to_owned(), number)
}

fn row(path: &Path, sweep: Option<&SweepDocument>) -> Result<Row, StoreError> {
    let run = StoredRun::open(path)?;
    let hash = &run.identity().spec_hash;
    let cell = sweep.and_then(|sweep| sweep.cells.iter().find(|cell| cell.hash == *hash));
    let labels = cell.map(|cell| cell.labels.clone()).unwrap_or_default();
    let epochs = if let Some(summary) = run.summary() {
        summary.epochs
    } else {
        run.epochs()?.iter().filter(|record| !record.partial).count() as u64
    };
    let seconds = run.times()?.iter().map(|time| time.seconds).sum();
    Ok(Row { labels, state: RunState::of(path), epochs, seconds, run })
}

/// Conditions that a run must meet, all of them: `test.accuracy > 0.9 && loss == two`.
#[derive(Clone, Debug)]
pub struct Filter(Vec<(Column, Compare, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Longer signs first, so that `<=` is not `<`.
const SIGNS: [(&str, Compare); 6] = [
    ("==", Compare::Equal),
    ("!=", Compare::Unequal),
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("<", Compare::Less),
    (">", Compare::More),
];

impl Filter {
    /// Reads conditions; `rows` tell which names are axes.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str, rows: &[Row]) -> Result<Self, String> {
        let condition = |part: &str| {
            let (sign, compare) = SIGNS
                .into_iter()
                .filter_map(|(sign, compare)| Some((part.find(sign)?, sign, compare)))
                .min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())))
                .map(|(_, sign, compare)| (sign, compare))
                .ok_or_else(|| {
                    format!("`{}` compares nothing; expected `test.accuracy > 0.9`", part.trim())
                })?;
            let (left, right) = part.split_once(sign).unwrap_or((part, ""));
            let value = right.trim().trim_matches('"').to_owned();
            let is_order = !matches!(compare, Compare::Equal | Compare::Unequal);
            if value.is_empty() || (is_order && value.parse::<f64>().is_err()) {
                return Err(format!("`{}` is nothing to compare with", right.trim()));
            }
            Ok((Column::named(left.trim(), rows)?, compare, value))
        };
        text.split("&&").map(condition).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a run meets them; one without the value meets none.
    ///
    /// # Errors
    /// As [`Column::of`].
    pub fn keeps(&self, row: &Row) -> Result<bool, StoreError> {
        for (column, compare, value) in &self.0 {
            let order = match column.of(row)? {
                Cell::Nothing => return Ok(false),
                Cell::Text(text) => text.as_str().cmp(value),
                Cell::Flag(flag) => flag.to_string().as_str().cmp(value),
                Cell::Number(number) => against(number, value),
                Cell::Count(count) => against(count as f64, value),
            };
            let holds = match compare {
                Compare::Equal => order.is_eq(),
                Compare::Unequal => order.is_ne(),
                Compare::Less => order.is_lt(),
                Compare::AtMost => order.is_le(),
                Compare::More => order.is_gt(),
                Compare::AtLeast => order.is_ge(),
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A number beside one as text.
fn against(number: f64, value: &str) -> Ordering {
    let value = value.parse::<f64>().ok();
    value.and_then(|value| number.partial_cmp(&value)).unwrap_or(Ordering::Greater)
}

/// Sorts rows by a column, ascending or, behind `-`, descending; runs without the value come last.
///
/// # Errors
/// As [`Column::of`].
pub fn sort(rows: &mut Vec<Row>, column: &Column, descending: bool) -> Result<(), StoreError> {
    let mut keyed: Vec<(Cell, Row)> =
        rows.drain(..).map(|row| Ok((column.of(&row)?, row))).collect::<Result<_, StoreError>>()?;
    let turn = |order: Ordering| if descending { order.reverse() } else { order };
    keyed.sort_by(|(a, _), (b, _)| match (a, b) {
        (Cell::Number(a), Cell::Number(b)) => turn(a.total_cmp(b)),
        (Cell::Count(a), Cell::Count(b)) => turn(a.cmp(b)),
        (Cell::Text(a), Cell::Text(b)) => turn(a.cmp(b)),
        (a, b) => rank(a).cmp(&rank(b)),
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// Numbers before texts before nothing.
fn rank(cell: &Cell) -> u8 {
    match cell {
        Cell::Number(_) | Cell::Count(_) => 0,
        Cell::Text(_) | Cell::Flag(_) => 1,
        Cell::Nothing => 2,
    }
}

/// Axes with their labels.
type Labels = Vec<(String, String)>;

/// Runs that agree in some axes.
#[derive(Clone, Debug)]
pub struct Group {
    /// The label of each axis asked for.
    pub labels: Labels,
    /// Runs in it.
    pub runs: usize,
    /// For each measure: the sample over the runs that have it.
    pub measures: Vec<Sample>,
}

/// Groups finished runs by axes, in the order of their first run.
///
/// # Errors
/// As [`Column::of`].
pub fn group(rows: &[Row], axes: &[String], measures: &[Column]) -> Result<Vec<Group>, StoreError> {
    let mut groups: Vec<(Labels, Vec<&Row>)> = vec![];
    for row in rows {
        let label = |axis: &String| {
            (axis.clone(), row.labels.get(axis).cloned().unwrap_or_else(|| "-".to_owned()))
        };
        let labels: Vec<_> = axes.iter().map(label).collect();
        match groups.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, own)) => own.push(row),
            None => groups.push((labels, vec![row])),
        }
    }
    let sample = |column: &Column, own: &[&Row]| -> Result<Sample, StoreError> {
        let mut values = vec![];
        for row in own {
            if let Cell::Number(value) = column.of(row)? {
                values.push(value);
            }
        }
        Ok(Sample::of(&values))
    };
    groups
        .into_iter()
        .map(|(labels, own)| {
            let measures = measures.iter().map(|column| sample(column, &own));
            Ok(Group { labels, runs: own.len(), measures: measures.collect::<Result<_, _>>()? })
        })
        .collect()
}
