//! Statements that repeat as loops over the modules that differ.

use super::forward::{Piece, Statement};
use super::modules::{Modules, is_taken};
use super::text::listed;

/// Most statements of one iteration.
const MAX_PERIOD: usize = 60;

/// The lines of the statements.
pub(super) fn lines(statements: &[Statement], modules: &Modules) -> Vec<String> {
    let mut lines = vec![];
    let mut at = 0;
    while at < statements.len() {
        if let Some((period, count)) = repeated(&statements[at..], modules) {
            let body = &statements[at..at + period * count];
            lines.extend(looped(body, period, modules));
            at += period * count;
        } else {
            lines.extend(straight(&statements[at], 8, |_, layer| modules.path(layer)));
            at += 1;
        }
    }
    lines
}

/// How long what repeats at the beginning is, and how often it stands there; the choice that saves most lines.
fn repeated(statements: &[Statement], modules: &Modules) -> Option<(usize, usize)> {
    let mut best: Option<(isize, usize, usize)> = None;
    for period in 1..=MAX_PERIOD.min(statements.len() / 2) {
        let pattern = &statements[..period];
        let has_modules = layers(pattern).next().is_some();
        let matching = statements.chunks_exact(period).take_while(|chunk| alike(pattern, chunk));
        let count = matching.count();
        let body: Vec<&str> = layers(&statements[..period * count]).collect();
        // A loop over a list has one line more, any other has one for each iteration, one before and one behind them.
        let around = if modules.list(&body).is_some() { 1 } else { count + 2 };
        let saved = (period * count) as isize - (period + around) as isize;
        if has_modules && count > 1 && saved > best.map_or(0, |(most, ..)| most) {
            best = Some((saved, period, count));
        }
    }
    best.map(|(_, period, count)| (period, count))
}

/// Equal but for the numbers of modules.
fn alike(a: &[Statement], b: &[Statement]) -> bool {
    let same = |(a, b): (&Piece, &Piece)| match (a, b) {
        (Piece::Text(a), Piece::Text(b)) => a == b,
        (Piece::Module(a), Piece::Module(b)) => stem(a) == stem(b),
        (Piece::Text(_), Piece::Module(_)) | (Piece::Module(_), Piece::Text(_)) => false,
    };
    a.iter().zip(b).all(|(a, b)| {
        a.comment == b.comment
            && a.pieces.len() == b.pieces.len()
            && a.pieces.iter().zip(&b.pieces).all(same)
    })
}

fn layers(statements: &[Statement]) -> impl Iterator<Item = &str> {
    statements.iter().flat_map(|statement| &statement.pieces).filter_map(|piece| match piece {
        Piece::Module(layer) => Some(layer.as_str()),
        Piece::Text(_) => None,
    })
}

/// The name of a layer without its numbers.
fn stem(layer: &str) -> &str {
    layer.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
}

/// Whether a local variable can have the name: not that of another variable, of an import or of Python's own.
fn is_free(name: &str) -> bool {
    let imports = ["math", "json", "torch", "nn", "self"];
    name.len() > 1 && !imports.contains(&name) && !is_taken(name)
}

/// A loop over tuples of modules.
fn looped(body: &[Statement], period: usize, modules: &Modules) -> Vec<String> {
    let stems: Vec<&str> = layers(&body[..period]).map(stem).collect();
    let name = |at: usize| {
        let stem = stems[at];
        let base = if is_free(stem) { stem } else { "layer" };
        let earlier = stems[..at].iter().filter(|other| **other == stem).count();
        let alone = stems.iter().filter(|other| **other == stem).count() == 1;
        if alone { base.to_owned() } else { format!("{base}{}", earlier + 1) }
    };
    let names: Vec<String> = (0..stems.len()).map(name).collect();
    let mut lines = vec![];
    if let Some(comment) = &body[0].comment {
        lines.push(format!("        # {comment}"));
    }
    if let Some(list) = modules.list(&layers(body).collect::<Vec<_>>()) {
        lines.push(format!("        for {} in {list}:", names.join(", ")));
    } else {
        lines.push(format!("        for {} in (", names.join(", ")));
        for iteration in body.chunks(period) {
            let paths: Vec<String> = layers(iteration).map(|layer| modules.path(layer)).collect();
            let (open, close) = if paths.len() == 1 { ("", ",") } else { ("(", "),") };
            lines.push(listed(12, open, &paths, close));
        }
        lines.push("        ):".to_owned());
    }
    let mut slot = 0;
    for (at, statement) in body[..period].iter().enumerate() {
        let plain = Statement { comment: None, ..statement.clone() };
        let shown = if at == 0 { &plain } else { statement };
        lines.extend(straight(shown, 12, |_, _| {
            slot += 1;
            names[slot - 1].clone()
        }));
    }
    lines
}

/// A statement as it stands, with its comment.
fn straight(
    statement: &Statement,
    indent: usize,
    mut module: impl FnMut(usize, &str) -> String,
) -> Vec<String> {
    let margin = " ".repeat(indent);
    let mut lines = vec![];
    lines.extend(statement.comment.as_ref().map(|comment| format!("{margin}# {comment}")));
    let pieces = statement.pieces.iter().enumerate().map(|(at, piece)| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Module(layer) => module(at, layer),
    });
    lines.push(format!("{margin}{}", pieces.collect::<String>()));
    lines
}
