//! A comparison as text, as rows, and for LaTeX.

use std::fmt::Write as _;
use std::ops::Range;

use super::{Cell, Comparison, DifferenceEntry, Table};

/// The columns with the ends of intervals.
const INTERVALS: Range<usize> = 6..10;

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
    let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
    let mut rows = vec![];
    for measure in &found.measures {
        for (at, (group, spread)) in found.groups.iter().zip(&measure.groups).enumerate() {
            let mut row = vec![
                Cell::Text(measure.measure.clone()),
                Cell::Text(group.name.clone()),
                Cell::Count(spread.n as u64),
                number(spread.mean),
                number(spread.sd),
            ];
            match at.checked_sub(1).map(|at| &measure.differences[at]) {
                None => row.extend((0..10).map(|_| Cell::Nothing)),
                Some(entry) => row.extend(difference(entry)),
            }
            rows.push(row);
        }
    }
    Table { header: header.into(), rows }
}

fn difference(entry: &DifferenceEntry) -> [Cell; 10] {
    let number = |value: Option<f64>| value.map_or(Cell::Nothing, Cell::Number);
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
    let interval = |interval: Option<[f64; 2]>| match interval {
        Some([low, high]) => Cell::Text(format!("[{low:.4}, {high:.4}]")),
        None => Cell::Nothing,
    };
    let mut table = comparison_table(found);
    let entries = found
        .measures
        .iter()
        .flat_map(|measure| std::iter::once(None).chain(measure.differences.iter().map(Some)));
    for (row, entry) in table.rows.iter_mut().zip(entries) {
        let intervals = entry.map(|entry| [entry.interval, entry.interval_new_images]);
        let [seeds, images] = intervals.unwrap_or_default();
        row.splice(INTERVALS, [interval(seeds), interval(images)]);
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
    for note in &found.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
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
