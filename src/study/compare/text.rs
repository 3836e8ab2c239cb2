//! A comparison as text, as rows, and for LaTeX.

use std::fmt::Write as _;
use std::ops::Range;

use super::{Comparison, DifferenceEntry, Matched, Moves, Spread};
use crate::study::{Cell, Table};

/// The columns with the ends of intervals.
const INTERVALS: Range<usize> = 6..10;

/// Letters of a value that are shown.
const LONGEST: usize = 48;

/// Samples that are named on the screen.
const SHOWN: usize = 8;

/// A row for each measure and group.
pub fn comparison_table(found: &Comparison) -> Table {
    let level = found.level * 100.0;
    let header = [
        "measure".to_owned(),
        "group".to_owned(),
        "n".to_owned(),
        "mean".to_owned(),
        "sd".to_owned(),
        "diff".to_owned(),
        format!("low {level}%"),
        format!("high {level}%"),
        "low, new images".to_owned(),
        "high, new images".to_owned(),
        "wins".to_owned(),
        "rho".to_owned(),
        "p".to_owned(),
        "floor".to_owned(),
        "family p".to_owned(),
    ];
    let mut rows = vec![];
    for measure in &found.measures {
        for (at, (group, spread)) in found.groups.iter().zip(&measure.groups).enumerate() {
            let mut row = lead(&measure.measure, &group.name, spread);
            match at.checked_sub(1).map(|at| &measure.differences[at]) {
                None => row.extend((0..10).map(|_| Cell::Nothing)),
                Some(entry) => row.extend(difference(entry)),
            }
            rows.push(row);
        }
    }
    Table { header: header.into(), rows }
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

fn difference(entry: &DifferenceEntry) -> [Cell; 10] {
    let wins = entry.wins.map_or(Cell::Nothing, |wins| Cell::Text(format!("{wins}/{}", entry.n)));
    [
        number(entry.mean),
        number(entry.interval.map(|[low, _]| low)),
        number(entry.interval.map(|[_, high]| high)),
        number(entry.interval_new_images.map(|[low, _]| low)),
        number(entry.interval_new_images.map(|[_, high]| high)),
        wins,
        number(entry.correlation),
        number(entry.p),
        number(entry.p_floor),
        number(entry.p_family),
    ]
}

/// The table for a reader: intervals in brackets.
fn brief(found: &Comparison) -> Table {
    let mut table = comparison_table(found);
    let entries = found
        .measures
        .iter()
        .flat_map(|measure| std::iter::once(None).chain(measure.differences.iter().map(Some)));
    for (row, entry) in table.rows.iter_mut().zip(entries) {
        let intervals = entry.map(|entry| [entry.interval, entry.interval_new_images]);
        let [seeds, images] = intervals.unwrap_or_default();
        row.splice(INTERVALS, [bracket(seeds), bracket(images)]);
    }
    let level = found.level * 100.0;
    table.header.splice(INTERVALS, [format!("{level}% seeds"), "new images too".to_owned()]);
    table
}

/// The table, and what stands behind its numbers.
pub fn comparison_text(found: &Comparison) -> String {
    let mut text = brief(found).text();
    let baseline = &found.groups[0].name;
    let entries = || found.measures.iter().flat_map(|measure| &measure.differences);
    let paired = entries().filter(|entry| entry.paired).count();
    let how = match (paired, entries().count()) {
        (0, _) => "not paired, since groups share no seeds one to one: Welch's interval and p",
        (paired, all) if paired == all => {
            "paired by seed: Student's interval, sign-flip p, max-T over the measures"
        }
        _ => "paired by seed where wins are given, else Welch's interval and p",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "diff: group less `{baseline}`; {how}");
    for measure in &found.measures {
        for entry in measure.differences.iter().filter(|entry| entry.identical) {
            let _ = writeln!(
                text,
                "{}: `{}` and `{baseline}` are identical in {n} of {n} seeds",
                measure.measure,
                entry.group,
                n = entry.n
            );
        }
    }
    if let Some(matched) = &found.matched {
        text += &matched_text(found, matched);
    }
    for moves in found.samples.iter().flatten() {
        text += &moves_text(baseline, moves);
    }
    for differing in &found.differing {
        let values = differing.values.iter().map(|value| match value {
            None => "-".to_owned(),
            Some(value) if value.chars().count() > LONGEST => {
                value.chars().take(LONGEST).chain(['…']).collect()
            }
            Some(value) => value.clone(),
        });
        let values = values.collect::<Vec<_>>().join(" | ");
        let _ = writeln!(text, "differs: {}: {values}", differing.key);
    }
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// What is left at equal sharpness.
fn matched_text(found: &Comparison, matched: &Matched) -> String {
    let header = ["measure", "group", "n", "mean", "sd", "diff", "raw diff", "by scale"];
    let mut header: Vec<String> = header.map(str::to_owned).into();
    header.extend(["interval", "new images too", "p", "family p"].map(str::to_owned));
    let mut rows = vec![];
    for measure in &matched.measures {
        for (at, (group, spread)) in found.groups.iter().zip(&measure.groups).enumerate() {
            let mut row = lead(&measure.measure, &group.name, spread);
            match at.checked_sub(1) {
                None => row.extend((0..7).map(|_| Cell::Nothing)),
                Some(at) => {
                    let entry = &measure.differences[at];
                    row.extend([
                        number(entry.mean),
                        number(measure.raw[at]),
                        number(measure.by_scale[at]),
                        bracket(entry.interval),
                        bracket(entry.interval_new_images),
                        number(entry.p),
                        number(entry.p_family),
                    ]);
                }
            }
            rows.push(row);
        }
    }
    let temperature = |spread: &Spread| spread.mean.map_or("-".to_owned(), |t| format!("{t:.4}"));
    let temperatures: Vec<String> = found
        .groups
        .iter()
        .zip(&matched.temperatures)
        .map(|(group, spread)| format!("{} {}", group.name, temperature(spread)))
        .collect();
    let mut text = format!(
        "\nat equal sharpness (temperatures fitted crosswise on halves of the test set: {})\n",
        temperatures.join(", ")
    );
    text += &Table { header, rows }.text();
    text += "diff: what is left, a part of the direction; by scale: what a temperature explains\n";
    text += &curves_text(matched);
    // Writing to a string cannot fail.
    for left_out in &matched.left_out {
        let _ = writeln!(text, "note: {left_out}");
    }
    text
}

/// Close-enough of each group at the same mean largest probabilities.
fn curves_text(matched: &Matched) -> String {
    let Some(first) = matched.curves.first() else { return String::new() };
    let mut at: Vec<f64> =
        matched.curves.iter().flat_map(|curve| &curve.points).map(|point| point.p_max).collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    let mut header = vec!["mean p_max".to_owned()];
    header.extend(matched.curves.iter().map(|curve| curve.group.clone()));
    let rows = at.iter().map(|p_max| {
        let own = matched.curves.iter().map(|curve| {
            let point = curve.points.iter().find(|point| point.p_max == *p_max);
            point.map_or(Cell::Nothing, |point| Cell::Number(point.close_enough))
        });
        std::iter::once(Cell::Number(*p_max)).chain(own).collect()
    });
    let table = Table { header, rows: rows.collect() };
    format!(
        "\nclose-enough at {} over all temperatures: a higher curve is a better direction\n{}",
        first.a,
        table.text()
    )
}

/// Where samples went.
fn moves_text(baseline: &str, moves: &Moves) -> String {
    const STATES: [&str; 3] = ["well", "marginal", "poor"];
    let name = moves.margin.replace('_', " ");
    let mut text = format!(
        "\nsamples of `{}` against `{baseline}`, {name} against {}\n",
        moves.group, moves.mu
    );
    let header = ["from \\ to", "well", "marginal", "poor"].map(str::to_owned).into();
    let row = |(state, shares): (&str, &[f64; 3])| {
        std::iter::once(Cell::Text(state.to_owned()))
            .chain(shares.iter().map(|share| Cell::Number(*share)))
            .collect()
    };
    let rows = STATES.into_iter().zip(&moves.transitions).map(row).collect();
    text += &Table { header, rows }.text();
    // Writing to a string cannot fail.
    for seed in &moves.seeds {
        let _ = writeln!(
            text,
            "seed {}: {} gained, {} lost, McNemar's p {:.4} for these two models, not for the methods",
            seed.seed, seed.gained, seed.lost, seed.p
        );
    }
    let most = moves.most.iter().take(SHOWN);
    let most = most.map(|m| format!("{} ({:+.3})", m.sample, m.group - m.baseline));
    let _ = writeln!(text, "moved most: {}", most.collect::<Vec<_>>().join(", "));
    text
}

fn bracket(interval: Option<[f64; 2]>) -> Cell {
    match interval {
        Some([low, high]) => Cell::Text(format!("[{low:.4}, {high:.4}]")),
        None => Cell::Nothing,
    }
}

/// Rows of a `tabular`.
pub fn comparison_latex(found: &Comparison) -> String {
    let table = comparison_table(found);
    let escape = |text: &str| {
        let mut escaped = String::new();
        for c in text.chars() {
            match c {
                '_' | '%' | '#' | '$' | '&' | '{' | '}' => escaped.extend(['\\', c]),
                other => escaped.push(other),
            }
        }
        escaped
    };
    let columns: String =
        (0..table.header.len()).map(|column| if column < 2 { 'l' } else { 'r' }).collect();
    let header: Vec<String> = table.header.iter().map(|name| escape(name)).collect();
    let mut text = format!("\\begin{{tabular}}{{{columns}}}\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} \\\\\\hline", header.join(" & "));
    for row in table.short_rows() {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(text, "{} \\\\", cells.join(" & "));
    }
    text + "\\end{tabular}\n"
}
