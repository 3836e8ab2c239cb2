//! A page as text for a terminal: tables, and curves as one line of blocks.

use std::fmt::{self, Write as _};

use super::block::{Block, Figure, Page};
use crate::chart::{Cell, Table, short, spark};
use crate::grid::Grid;

/// Rows of a table beyond which the rest is only counted.
const MOST_ROWS: usize = 30;

/// Characters of a curve.
const SPARK: usize = 32;

/// Significant digits.
const DIGITS: usize = 4;

/// The page within `width` columns.
pub fn text(page: &Page, width: u16) -> String {
    let mut out = format!("{}: {}\n{}\n", page.kind, page.title, page.lead);
    for section in page.sections.iter().filter(|section| !section.blocks.is_empty()) {
        let rule = "─".repeat(section.title.chars().count());
        push(&mut out, format_args!("\n{}\n{rule}\n", section.title));
        if !section.finding.is_empty() {
            push(&mut out, format_args!("{}\n", section.finding));
        }
        for block in &section.blocks {
            out += &self::block(block, width);
        }
    }
    out
}

fn block(block: &Block, width: u16) -> String {
    match block {
        Block::Figure(one) => figure(one, width),
        Block::Table(one) => format!("\n{}\n", table(one.visible(), &one.title, width)),
        Block::Note(_, text) => format!("note: {text}\n"),
        Block::Facts(facts) => {
            let mut grid = Grid::new(width, "", [String::new(), String::new()]);
            for fact in facts {
                grid.row(&fact.name, [fact.value.clone(), fact.about.clone()]);
            }
            // The empty header and its line say nothing.
            grid.text().lines().skip(2).fold(String::new(), |all, line| all + line + "\n")
        }
        Block::List(pairs) => {
            let room = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
            let line = |(name, value): &(String, String)| format!("{name:<room$}  {value}\n");
            pairs.iter().map(line).collect()
        }
        Block::Claims(claims) => claims.iter().fold(String::new(), |mut all, claim| {
            push(&mut all, format_args!("{:<8} {}\n", claim.verdict, claim.claim));
            claim.lines.iter().for_each(|line| push(&mut all, format_args!("         {line}\n")));
            all
        }),
        Block::Samples(cards) => cards.iter().fold(String::new(), |all, card| {
            all + &format!("  {}  {}\n", card.title, card.lines.join(", "))
        }),
        // A spec is a file already, and pictures are none of a terminal's.
        Block::Spec(_) | Block::Picture(_) | Block::More(..) => String::new(),
        Block::Words(text) => format!(
            "{}
",
            text.trim_end()
        ),
        Block::Heading(text) => format!("\n{text}\n"),
    }
}

/// Title and finding, then a line a curve, or the numbers.
fn figure(figure: &Figure, width: u16) -> String {
    let chart = &figure.chart;
    let mut out = format!("\n{}\n", chart.title());
    if !chart.finding().is_empty() {
        push(&mut out, format_args!("{}\n", chart.finding()));
    }
    let lines = chart.lines();
    if lines.is_empty() {
        return out + &table(&chart.table(), "", width) + "\n";
    }
    let room = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, values) in lines.iter().take(MOST_ROWS) {
        let ends = [values.first(), values.last()].map(|v| v.map_or(f64::NAN, |v| *v));
        let [first, last] = ends.map(|value| short(value, DIGITS));
        let curve = spark(values, SPARK);
        out += format!("  {label:<room$}  {curve}  {first} → {last}").trim_end();
        out.push('\n');
    }
    if lines.len() > MOST_ROWS {
        push(&mut out, format_args!("  … and {} more\n", lines.len() - MOST_ROWS));
    }
    out
}

fn table(table: &Table, title: &str, width: u16) -> String {
    let mut headings = table.headings.iter().cloned();
    let first = headings.next().unwrap_or_default();
    let mut grid = Grid::new(width, &first, headings);
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(value) => short(*value, DIGITS),
        Cell::Empty => String::new(),
    };
    for row in table.rows.iter().take(MOST_ROWS) {
        let mut cells = row.iter().map(cell);
        let label = cells.next().unwrap_or_default();
        grid.row(&label, cells);
    }
    let mut out = if title.is_empty() { String::new() } else { format!("{title}\n") };
    out += &grid.text();
    if table.rows.len() > MOST_ROWS {
        push(&mut out, format_args!("\n… and {} more rows", table.rows.len() - MOST_ROWS));
    }
    out
}

/// Adds words.
fn push(out: &mut String, words: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(words);
}
