//! A comparison as text, and for LaTeX.

use std::fmt::Write as _;

use super::tables::{MATCHED_COLUMNS, SEEDS_MEANING};
use super::tables::{
    brief_table, comparison_table, curves_table, curves_title, matched_table, seeds_table,
    temperatures, transitions_table,
};
use super::{Comparison, Matched, Moves};

/// Letters of a value that are shown.
const LONGEST: usize = 48;

/// Samples that are named on the screen.
const SHOWN: usize = 8;

/// The table, and what stands behind its numbers.
pub fn comparison_text(found: &Comparison) -> String {
    let mut text = brief_table(comparison_table(found)).text();
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
    let mut text = format!("\nat equal sharpness ({})\n", temperatures(found, matched));
    text += &brief_table(matched_table(found, matched)).text();
    text.extend([MATCHED_COLUMNS, "\n"]);
    if let Some(title) = curves_title(matched) {
        text.extend(["\n", &title, "\n", &curves_table(matched).text()]);
    }
    // Writing to a string cannot fail.
    for left_out in &matched.left_out {
        let _ = writeln!(text, "note: {left_out}");
    }
    text
}

/// Where samples went.
fn moves_text(baseline: &str, moves: &Moves) -> String {
    let mut text = format!(
        "\nsamples of `{}` against `{baseline}`, {} against {}\n",
        moves.group,
        moves.margin_name(),
        moves.mu
    );
    text += &transitions_table(moves).text();
    text += &seeds_table(moves).text();
    text.extend([SEEDS_MEANING, "\n"]);
    let most = moves.most.iter().take(SHOWN);
    let most: Vec<String> =
        most.map(|moved| format!("{} ({:+.3})", moved.sample, moved.change())).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "moved most: {}", most.join(", "));
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
