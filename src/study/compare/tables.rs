//! Tables and sentences of a comparison, for every view of it.

use super::{Comparison, DifferenceEntry, Matched, Moves, Spread};
use crate::study::{Cell, Table};

/// What the columns of [`matched_table`] mean.
pub const MATCHED_COLUMNS: &str =
    "diff: what is left, a part of the direction; by scale: what a temperature explains";

/// What [`seeds_table`] counts.
pub const SEEDS_MEANING: &str = "gained: right in the group alone; lost: right in the baseline alone; \
     McNemar's exact p is for the two models of a seed, not for the methods";

/// The ends of both intervals.
const ENDS: usize = 4;

/// A row for each measure and group.
pub fn comparison_table(found: &Comparison) -> Table {
    let mut header = names(&["measure", "group", "n", "mean", "sd", "diff"]);
    header.extend(ends(found.level));
    header.extend(names(&["wins", "rho", "p", "floor", "family p"]));
    let mut rows = vec![];
    for measure in &found.measures {
        for (at, (group, spread)) in found.groups.iter().zip(&measure.groups).enumerate() {
            let mut row = lead(&measure.measure, &group.name, spread);
            if let Some(entry) = at.checked_sub(1).map(|at| &measure.differences[at]) {
                row.push(number(entry.mean));
                row.extend(intervals(entry));
                row.extend([
                    entry
                        .wins
                        .map_or(Cell::Nothing, |wins| Cell::Text(format!("{wins}/{}", entry.n))),
                    number(entry.correlation),
                    number(entry.p),
                    number(entry.p_floor),
                    number(entry.p_family),
                ]);
            }
            row.resize(header.len(), Cell::Nothing);
            rows.push(row);
        }
    }
    Table { header, rows }
}

/// The same at equal sharpness, with what a temperature explains.
pub fn matched_table(found: &Comparison, matched: &Matched) -> Table {
    let mut header =
        names(&["measure", "group", "n", "mean", "sd", "diff", "raw diff", "by scale"]);
    header.extend(ends(found.level));
    header.extend(names(&["p", "family p"]));
    let mut rows = vec![];
    for measure in &matched.measures {
        for (at, (group, spread)) in found.groups.iter().zip(&measure.groups).enumerate() {
            let mut row = lead(&measure.measure, &group.name, spread);
            if let Some(at) = at.checked_sub(1) {
                let entry = &measure.differences[at];
                row.extend([entry.mean, measure.raw[at], measure.by_scale[at]].map(number));
                row.extend(intervals(entry));
                row.extend([entry.p, entry.p_family].map(number));
            }
            row.resize(header.len(), Cell::Nothing);
            rows.push(row);
        }
    }
    Table { header, rows }
}

/// One of the tables above for a reader: intervals in brackets.
pub fn brief_table(mut table: Table) -> Table {
    let Some(at) = table.header.iter().position(|name| name.starts_with("low ")) else {
        return table;
    };
    let brackets = |cells: &[Cell]| match cells {
        [Cell::Number(low), Cell::Number(high)] => Cell::Text(format!("[{low:.4}, {high:.4}]")),
        _ => Cell::Nothing,
    };
    for row in &mut table.rows {
        let both = [brackets(&row[at..at + 2]), brackets(&row[at + 2..at + ENDS])];
        row.splice(at..at + ENDS, both);
    }
    let level = table.header[at].trim_start_matches("low ").to_owned();
    let both = [format!("{level} seeds"), "new images too".to_owned()];
    table.header.splice(at..at + ENDS, both);
    table
}

/// Each group with its mean fitted temperature.
pub fn temperatures(found: &Comparison, matched: &Matched) -> String {
    let mean = |spread: &Spread| spread.mean.map_or("-".to_owned(), |t| format!("{t:.4}"));
    let groups = found.groups.iter().zip(&matched.temperatures);
    let each: Vec<String> =
        groups.map(|(group, spread)| format!("{} {}", group.name, mean(spread))).collect();
    format!("temperatures fitted crosswise on halves of the test set: {}", each.join(", "))
}

/// What the curves over all temperatures show; nothing where there is none.
pub fn curves_title(matched: &Matched) -> Option<String> {
    let first = matched.curves.first()?;
    Some(format!(
        "close-enough at {} over all temperatures: a higher curve is a better direction",
        first.a
    ))
}

/// Close-enough of each group at the same mean largest probabilities.
pub(super) fn curves_table(matched: &Matched) -> Table {
    let mut at: Vec<f64> =
        matched.curves.iter().flat_map(|curve| &curve.points).map(|point| point.p_max).collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    let mut header = names(&["mean p_max"]);
    header.extend(matched.curves.iter().map(|curve| curve.group.clone()));
    let rows = at.iter().map(|p_max| {
        let own = matched.curves.iter().map(|curve| {
            let point = curve.points.iter().find(|point| point.p_max == *p_max);
            point.map_or(Cell::Nothing, |point| Cell::Number(point.close_enough))
        });
        std::iter::once(Cell::Number(*p_max)).chain(own).collect()
    });
    Table { header, rows: rows.collect() }
}

/// The mean shares of samples by where they were and where they are.
pub(super) fn transitions_table(moves: &Moves) -> Table {
    let mut header = names(&["from \\ to"]);
    header.extend(names(&Moves::STATES));
    let row = |(state, shares): (&str, &[f64; 3])| {
        let shares = shares.iter().map(|share| Cell::Number(*share));
        std::iter::once(Cell::Text(state.to_owned())).chain(shares).collect()
    };
    Table { header, rows: Moves::STATES.into_iter().zip(&moves.transitions).map(row).collect() }
}

/// For each seed the samples that are right on one side alone.
pub fn seeds_table(moves: &Moves) -> Table {
    let row = |seed: &super::SeedMoves| {
        let counts = [seed.seed, seed.gained, seed.lost].map(Cell::Count);
        counts.into_iter().chain([Cell::Number(seed.p)]).collect()
    };
    Table {
        header: names(&["seed", "gained", "lost", "McNemar's p"]),
        rows: moves.seeds.iter().map(row).collect(),
    }
}

/// The samples that moved most with their mean margins.
pub fn most_table(moves: &Moves) -> Table {
    let row = |moved: &super::MovedSample| {
        vec![
            Cell::Count(moved.sample as u64),
            Cell::Count(moved.label as u64),
            Cell::Number(moved.baseline),
            Cell::Number(moved.group),
            Cell::Number(moved.change()),
        ]
    };
    Table {
        header: names(&["sample", "class", "baseline", "group", "change"]),
        rows: moves.most.iter().map(row).collect(),
    }
}

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

/// Headings of [`intervals`].
fn ends(level: f64) -> [String; ENDS] {
    let level = level * 100.0;
    [
        format!("low {level}%"),
        format!("high {level}%"),
        "low, new images".to_owned(),
        "high, new images".to_owned(),
    ]
}

fn intervals(entry: &DifferenceEntry) -> [Cell; ENDS] {
    let ends = |interval: Option<[f64; 2]>| {
        [interval.map(|[low, _]| low), interval.map(|[_, high]| high)].map(number)
    };
    let ([low, high], [low_images, high_images]) =
        (ends(entry.interval), ends(entry.interval_new_images));
    [low, high, low_images, high_images]
}

/// Measure, group and spread.
fn lead(measure: &str, group: &str, spread: &Spread) -> Vec<Cell> {
    vec![
        Cell::Text(measure.to_owned()),
        Cell::Text(group.to_owned()),
        Cell::Count(spread.n as u64),
        number(spread.mean),
        number(spread.sd),
    ]
}

fn number(value: Option<f64>) -> Cell {
    value.map_or(Cell::Nothing, Cell::Number)
}
