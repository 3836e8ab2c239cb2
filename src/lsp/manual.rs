//! The reference as answers: what its tables and constraints say about a word.
//!
//! In: `grammar/REFERENCE.md`, as it is printed. Out: for a word of the language the rows of tables that begin with it, and the
//! constraints that name it. The documentation that an editor shows is thus the reference itself.

use std::sync::OnceLock;

const REFERENCE: &str = include_str!("../../grammar/REFERENCE.md");

/// A row of a table.
#[derive(Debug)]
struct Row {
    section: String,
    /// The words of its first cell.
    words: Vec<String>,
    /// The heads of its cells with their texts.
    cells: Vec<(String, String)>,
}

/// A numbered constraint.
#[derive(Debug)]
struct Constraint {
    /// The words it holds for, each with its number.
    of: Vec<(String, String)>,
    text: String,
}

#[derive(Debug, Default)]
struct Manual {
    rows: Vec<Row>,
    constraints: Vec<Constraint>,
}

/// The rows about a word, in Markdown, one line each; those that only say `known` are left out.
pub(super) fn rows(word: &str, known: &str) -> Vec<String> {
    let about = manual().rows.iter().filter(|row| row.words.iter().any(|other| other == word));
    let says_known = |row: &Row| !known.is_empty() && row.cells.iter().any(|(_, t)| t == known);
    let about = about.filter(|row| !says_known(row));
    about.map(|row| shown(row, word)).collect()
}

/// The rows of one section about a word.
pub(super) fn rows_in(section: &str, word: &str) -> Vec<String> {
    let of = manual().rows.iter().filter(|row| row.section == section);
    let about = of.filter(|row| row.words.iter().any(|other| other == word));
    about.map(|row| shown(row, word)).collect()
}

/// The code in the first cells of a section's tables, with the last cells of their rows.
pub(super) fn first_cells(section: &str) -> Vec<(&'static str, &'static str)> {
    let of = manual().rows.iter().filter(|row| row.section == section);
    let cell = |cell: &'static (String, String)| cell.1.trim_matches('`');
    of.filter_map(|row| Some((cell(row.cells.first()?), cell(row.cells.last()?)))).collect()
}

/// The constraints of a word, in Markdown, one line each.
pub(super) fn constraints(word: &str) -> Vec<String> {
    let all = manual().constraints.iter().filter_map(|constraint| {
        let (_, number) = constraint.of.iter().find(|(other, _)| other == word)?;
        Some(format!("{number}. {}", constraint.text))
    });
    all.collect()
}

fn shown(row: &Row, word: &str) -> String {
    let mut cells = row.cells.iter();
    let first = cells.next().map_or("", |(_, text)| text.as_str());
    let name = if row.words.len() == 1 { first.to_owned() } else { format!("`{word}`") };
    let rest: Vec<String> = cells
        .filter(|(_, text)| !text.is_empty())
        .map(|(head, text)| if head.is_empty() { text.clone() } else { format!("{head}: {text}") })
        .collect();
    format!("*{}*: {name} · {}", row.section, rest.join(" · "))
}

fn manual() -> &'static Manual {
    static MANUAL: OnceLock<Manual> = OnceLock::new();
    MANUAL.get_or_init(|| {
        let mut manual = Manual::default();
        let mut section = String::new();
        let mut heads: Option<Vec<String>> = None;
        for line in REFERENCE.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                title.clone_into(&mut section);
            }
            if !line.starts_with('|') {
                heads = None;
                manual.constraints.extend(constraint(line));
                continue;
            }
            let cells = cells(line);
            match &heads {
                None => heads = Some(cells),
                Some(_) if cells.iter().all(|cell| cell.chars().all(|c| c == '-')) => {}
                Some(heads) => manual.rows.push(Row {
                    section: section.clone(),
                    words: cells.first().map_or(vec![], |cell| words(cell)),
                    cells: heads.iter().cloned().zip(cells).collect(),
                }),
            }
        }
        manual
    })
}

/// The cells of a line; `\|` stands for a bar.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').replace("\\|", "\u{1}");
    let inner = inner.strip_suffix('|').unwrap_or(&inner);
    inner.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// The names that the code in a cell begins with.
fn words(cell: &str) -> Vec<String> {
    let code = cell.split('`').skip(1).step_by(2);
    let name = |text: &str| {
        let mut depth = 0_u32;
        let mut name = String::new();
        for c in text.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                c if depth == 0 && (c.is_alphanumeric() || c == '_' || c == '.') => name.push(c),
                _ if depth > 0 => {}
                _ => break,
            }
        }
        name
    };
    code.map(name).filter(|name| !name.is_empty()).collect()
}

/// `- conv C1, depthwise_conv C1. The input is a picture: rank 4 (E0304).`
fn constraint(line: &str) -> Option<Constraint> {
    let (of, text) = line.strip_prefix("- ")?.split_once(". ")?;
    let one = |part: &str| {
        let (word, number) = part.trim().split_once(' ')?;
        let counted = number.strip_prefix('C').is_some_and(|n| n.parse::<u32>().is_ok());
        counted.then(|| (word.to_owned(), number.to_owned()))
    };
    let of = of.split(',').map(one).collect::<Option<Vec<_>>>()?;
    Some(Constraint { of, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_answers() {
        assert!(constraints("conv").iter().any(|text| text.contains("rank 4 (E0304)")));
        assert!(rows("tanh", "").iter().any(|text| text.contains("d_in = 0")));
        assert!(rows("focal", "").iter().any(|text| text.contains("(1 − p_y)^γ log p_y")));
        assert!(rows_in("Measures", "close_enough").iter().any(|text| text.contains("max_i p_i")));
        assert!(rows_in("Measures", "masses.well").iter().any(|text| text.contains('μ')));
        assert!(rows("data", "").iter().any(|text| text.contains("the data set")));
        assert_eq!(rows("nothing_of_the_kind", ""), Vec::<String>::new());
    }
}
