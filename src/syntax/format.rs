//! A spec's text in, the same spec in canonical layout out, with all comments.
//!
//! Spacing and indentation are canonical. What the writer decides is kept: empty lines (at most
//! one), the line breaks before `->`, before `else` and between statements, whether a body in
//! braces stands on one line, and whether an argument list or list begins on a new line. A line
//! above 100 columns is broken: bodies and the sides of conditional values behind their braces, then between statements and before
//! `->`, then lists at their commas.
//!
//! Afterwards the text parses to the same tree, and formatting it again changes nothing.

use std::collections::BTreeSet;

use super::ast::{
    AxisValues, ChoiceValue, Entry, ItemKind, Key, Spec, Stmt, StmtKind, Sweep, SweepLine,
};
use super::layout::{Doc, print};
use super::parse::parse;
use super::scan::{SOFT_KEYWORDS, Token, TokenKind, is_reserved, scan};
use crate::diag::{Diagnostics, FileId};

/// Formats a whole file; spans of the diagnostics lie in `text` as file 0.
///
/// # Errors
/// The text does not parse.
pub fn format(text: &str) -> Result<String, Diagnostics> {
    let file = FileId(0);
    let (spec, diagnostics) = parse(file, text);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let scanned = scan(file, text);
    let starts = starts(&spec);
    let formatter = Formatter { source: text, tokens: scanned.tokens, starts };
    Ok(print(&formatter.file()))
}

/// The first bytes of all items, statements and entries.
fn starts(spec: &Spec) -> BTreeSet<usize> {
    let mut out = BTreeSet::new();
    for item in &spec.items {
        out.insert(item.span.0.start as usize);
        match &item.kind {
            ItemKind::Net(net) => statements(&net.body, &mut out),
            ItemKind::Block(block) => statements(&block.body, &mut out),
            ItemKind::Loss(loss) => statements(loss.body.as_deref().unwrap_or(&[]), &mut out),
            ItemKind::Train(train) => entries(&train.entries, &mut out),
            ItemKind::Analyze(analyze) => entries(analyze, &mut out),
            ItemKind::Sweep(sweep) => sweep_lines(sweep, &mut out),
            ItemKind::Claim(claim) => {
                out.extend(claim.lines.iter().map(|line| line.span.0.start as usize));
            }
            ItemKind::Data(_) | ItemKind::Let(_) | ItemKind::Import(_) | ItemKind::Assert(_) => {}
        }
    }
    out
}

/// Lines of a sweep, and the settings of its bundles.
fn sweep_lines(sweep: &Sweep, out: &mut BTreeSet<usize>) {
    let start = |key: &Key| key.first().map(|part| part.span.start as usize);
    for line in &sweep.lines {
        match line {
            SweepLine::Axis(axis) => {
                out.extend(start(&axis.key));
                let AxisValues::Choices(choices) = &axis.values else { continue };
                for choice in choices {
                    if let ChoiceValue::Bundle(settings) = &choice.value {
                        out.extend(settings.iter().filter_map(|setting| start(&setting.key)));
                    }
                }
            }
            SweepLine::Where { span, .. } => {
                out.insert(span.0.start as usize);
            }
        }
    }
}

fn entries(entries: &[Entry], out: &mut BTreeSet<usize>) {
    out.extend(entries.iter().map(|entry| entry.key.span.start as usize));
}

fn statements(body: &[Stmt], out: &mut BTreeSet<usize>) {
    for statement in body {
        out.insert(statement.span.0.start as usize);
        match &statement.kind {
            StmtKind::Repeat { body, .. } => statements(body, out),
            StmtKind::If { then, otherwise, .. } => {
                statements(then, out);
                match otherwise.as_slice() {
                    // `else if`: the inner `if` starts no statement of its own.
                    [Stmt { kind: StmtKind::If { condition, .. }, span }]
                        if span.0.start == condition.span.start =>
                    {
                        let inner = span.0.start as usize;
                        statements(otherwise, out);
                        out.remove(&inner);
                    }
                    _ => statements(otherwise, out),
                }
            }
            StmtKind::Chain(_) | StmtKind::Let(_) | StmtKind::Out(_) => {}
        }
    }
}

struct Formatter<'a> {
    source: &'a str,
    /// All tokens with comments.
    tokens: Vec<Token>,
    starts: BTreeSet<usize>,
}

/// What separates two tokens.
#[derive(Clone, Copy)]
enum Gap {
    /// Nothing.
    None,
    /// One blank.
    Blank,
    /// A break of the group around.
    Break(Break),
    /// The break before `->`.
    Arrow,
    /// A new line in any case.
    Line,
}

#[derive(Clone, Copy)]
enum Break {
    /// Inside `(` or `[`.
    Soft,
    /// After a comma, and inside the braces of a body.
    Line,
    /// Between statements.
    Statement,
    /// Between items.
    Item,
}

impl Formatter<'_> {
    fn text(&self, i: usize) -> &str {
        self.tokens[i].text(self.source)
    }

    fn is(&self, i: usize, text: &str) -> bool {
        self.tokens.get(i).is_some_and(|token| token.is(self.source, text))
    }

    /// The first token from `i` on that is no comment; the number of tokens if there is none.
    fn next(&self, mut i: usize) -> usize {
        while self.tokens.get(i).is_some_and(|token| token.kind == TokenKind::Comment) {
            i += 1;
        }
        i
    }

    /// The last token before `i` that is no comment.
    fn before(&self, i: usize) -> Option<usize> {
        (0..i).rev().find(|i| self.tokens[*i].kind != TokenKind::Comment)
    }

    /// The bracket that closes the one at `open`.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for i in open..self.tokens.len() {
            if self.tokens[i].kind == TokenKind::Symbol {
                match self.text(i) {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => depth -= 1,
                    _ => {}
                }
            }
            if depth == 0 {
                return i;
            }
        }
        self.tokens.len()
    }

    fn file(&self) -> Doc {
        let mut parts = vec![];
        let mut i = 0;
        let mut first = true;
        while self.next(i) < self.tokens.len() {
            let end = self.end_of_run(self.next(i), self.tokens.len());
            let (comments, gap) = self.gap(i, Gap::Break(Break::Item), !first);
            parts.extend(comments);
            parts.extend(gap);
            parts.push(self.run(self.next(i), end));
            first = false;
            i = end;
        }
        parts.extend(self.gap(i, Gap::None, !first).0);
        Doc::Row(parts)
    }

    /// Where the item, statement or entry that starts at `i` ends; at most `end`.
    ///
    /// Comments behind it belong to what follows.
    fn end_of_run(&self, start: usize, end: usize) -> usize {
        let mut i = start;
        let mut last = start;
        while i < end {
            if i > start && self.starts.contains(&self.tokens[i].start) {
                break;
            }
            if self.tokens[i].kind == TokenKind::Symbol && matches!(self.text(i), "(" | "[" | "{") {
                i = self.closing(i);
            }
            last = i + 1;
            i = self.next(i + 1);
        }
        last.min(end)
    }

    /// The comments from token `i` on, and the break before the next other token.
    ///
    /// `empty` says whether the first line may keep an empty line before it.
    fn gap(&self, i: usize, gap: Gap, empty: bool) -> (Vec<Doc>, Option<Doc>) {
        let spaced = matches!(gap, Gap::Break(Break::Statement | Break::Item));
        let mut empty = empty;
        let next = self.next(i);
        let comments: Vec<_> = (i..next)
            .flat_map(|i| {
                let token = self.tokens[i];
                let text = token.text(self.source).trim_end().to_owned();
                let docs = if token.newlines == 0 && i > 0 {
                    vec![Doc::Trailing(format!(" {text}"))]
                } else {
                    let empty = empty && spaced && token.newlines > 1;
                    vec![Doc::Hard { empty }, Doc::Text(text)]
                };
                empty = true;
                docs
            })
            .collect();
        let wide = self.tokens.get(next).is_some_and(|token| token.newlines > 1);
        let empty = empty && spaced && wide;
        if !comments.is_empty() {
            return (comments, Some(Doc::Hard { empty }));
        }
        let gap = match gap {
            Gap::None => None,
            Gap::Blank => Some(Doc::Text(" ".to_owned())),
            Gap::Line => Some(Doc::Hard { empty: false }),
            Gap::Break(Break::Soft) => Some(Doc::Soft),
            Gap::Break(Break::Line) => Some(Doc::Line { blanks: 1, empty: false }),
            // Statements written on one line share it as long as they fit.
            Gap::Break(Break::Statement) => {
                let apart = self.tokens.get(next).is_some_and(|token| token.newlines > 0);
                Some(if apart { Doc::Line { blanks: 2, empty } } else { Doc::Fill(2) })
            }
            Gap::Break(Break::Item) => Some(Doc::Hard { empty }),
            Gap::Arrow => {
                let after = self.next(next + 1);
                let broken = self.tokens[next].newlines > 0
                    || self.tokens.get(after).is_some_and(|token| token.newlines > 0);
                Some(if broken { Doc::Hard { empty: false } } else { Doc::Fill(1) })
            }
        };
        (comments, gap)
    }

    /// One item, statement, entry or element: the tokens `start..end`.
    fn run(&self, start: usize, end: usize) -> Doc {
        let mut parts = vec![];
        // From the first `->` on, lines are indented as continuations.
        let mut chain = vec![];
        let mut in_chain = false;
        let apart = self.is_conditional_apart(start, end);
        let mut forced = false;
        let mut has_body = false;
        let mut i = start;
        while i < end {
            let at = self.next(i);
            if at >= end {
                break;
            }
            let is_symbol = self.tokens[at].kind == TokenKind::Symbol;
            in_chain |= is_symbol && self.is(at, "->");
            let target = if in_chain { &mut chain } else { &mut parts };
            if at > start {
                let (comments, gap) = self.gap(i, self.gap_before(start, at), false);
                let has_comments = !comments.is_empty();
                let lead: Vec<_> = comments.into_iter().chain(gap).collect();
                if has_comments && !in_chain {
                    target.push(Doc::Nest(lead));
                } else {
                    target.extend(lead);
                }
            }
            if is_symbol && self.is(at, "{") {
                let close = self.closing(at);
                let broken = self.body_is_broken(at, close);
                forced |= broken;
                has_body = true;
                let body = self.body(at, close);
                // Branches break together, unless each `else` has a line of its own.
                target.push(if apart { Doc::group(vec![body], broken) } else { body });
                i = close + 1;
            } else if is_symbol && (self.is(at, "(") || self.is(at, "[")) {
                let close = self.closing(at);
                target.push(self.list(at, close));
                i = close + 1;
            } else {
                target.push(Doc::Text(self.text(at).to_owned()));
                i = at + 1;
            }
        }
        parts.push(Doc::Nest(chain));
        if has_body && !apart { Doc::group(parts, forced) } else { Doc::Row(parts) }
    }

    /// Whether an `else` of the statement `start..end` was written on a line of its own.
    fn is_conditional_apart(&self, start: usize, end: usize) -> bool {
        let mut i = start;
        while i < end && self.is_if_statement(start) {
            if self.tokens[i].kind == TokenKind::Symbol && matches!(self.text(i), "(" | "[" | "{") {
                i = self.closing(i);
            } else if self.is(i, "else") && self.tokens[i].newlines > 0 {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Whether the run that starts at `start` is an `if` statement rather than a value.
    fn is_if_statement(&self, start: usize) -> bool {
        self.is(start, "if") && self.starts.contains(&self.tokens[start].start)
    }

    /// Whether a body was written on several lines, or could not be read on one.
    fn body_is_broken(&self, open: usize, close: usize) -> bool {
        (open + 1..=close).any(|i| {
            let starts_with_bracket = self.starts.contains(&self.tokens[i].start)
                && matches!(self.text(i), "(" | "[" | "!");
            self.tokens[i].newlines > 0 || starts_with_bracket
        })
    }

    /// `{ statements }`; its lines belong to the group of the statement around.
    fn body(&self, open: usize, close: usize) -> Doc {
        let mut inner = vec![];
        let mut i = open + 1;
        let mut first = true;
        while self.next(i) < close {
            let (comments, gap) = self.gap(i, Gap::Break(Break::Statement), !first);
            let only_blank = first && comments.is_empty();
            inner.extend(comments);
            inner.extend(if only_blank {
                Some(Doc::Line { blanks: 1, empty: false })
            } else {
                gap
            });
            let at = self.next(i);
            let end = self.end_of_run(at, close);
            inner.push(self.run(at, end));
            first = false;
            i = end;
        }
        let (comments, _) = self.gap(i, Gap::Break(Break::Statement), !first);
        let last = if comments.is_empty() {
            Doc::Line { blanks: 1, empty: false }
        } else {
            Doc::Hard { empty: false }
        };
        inner.extend(comments);
        Doc::Row(vec![Doc::Text("{".to_owned()), Doc::Nest(inner), last, Doc::Text("}".to_owned())])
    }

    /// Arguments, parameters, a list, an index or a value in parentheses.
    fn list(&self, open: usize, close: usize) -> Doc {
        let adjacent = open > 0 && self.tokens[open - 1].end == self.tokens[open].start;
        let after_word = adjacent && self.before(open).is_some_and(|i| self.is_callee(i));
        let after_value =
            adjacent && self.before(open).is_some_and(|i| self.tokens[i].ends_operand(self.source));
        let takes_comma = if self.is(open, "(") { after_word } else { !after_value };
        let mut inner = vec![];
        let mut i = open + 1;
        let mut kind = Break::Soft;
        loop {
            let at = self.next(i);
            if at >= close {
                break;
            }
            let (comments, gap) = self.gap(i, Gap::Break(kind), false);
            inner.extend(comments);
            inner.extend(gap);
            let end = self.end_of_element(at, close);
            inner.push(self.run(at, end));
            let comma = self.next(end);
            i = end;
            if comma < close && self.is(comma, ",") {
                // Comments before the comma move behind it.
                let (comments, _) = self.gap(end, Gap::None, false);
                i = comma + 1;
                if self.next(i) < close {
                    inner.push(Doc::Text(",".to_owned()));
                } else if takes_comma {
                    inner.push(Doc::IfBroken(","));
                }
                inner.extend(comments);
            } else if takes_comma {
                inner.push(Doc::IfBroken(","));
            }
            kind = Break::Line;
        }
        let (comments, gap) = self.gap(i, Gap::Break(Break::Soft), false);
        inner.extend(comments);
        let forced = close > open + 1 && self.tokens[open + 1].newlines > 0;
        let empty = inner.is_empty();
        let mut parts = vec![Doc::Text(self.text(open).to_owned()), Doc::Nest(inner)];
        if !empty {
            parts.extend(gap);
        }
        parts.push(Doc::Text(self.text(close).to_owned()));
        Doc::group(parts, forced && !empty)
    }

    /// Where the element that starts at `start` ends: behind its last token before a comma.
    fn end_of_element(&self, start: usize, close: usize) -> usize {
        let mut i = start;
        let mut last = start;
        while i < close && !self.is(i, ",") {
            if self.tokens[i].kind == TokenKind::Symbol && matches!(self.text(i), "(" | "[" | "{") {
                i = self.closing(i);
            }
            last = i + 1;
            i = self.next(i + 1);
        }
        last
    }

    /// Whether the token at `i` is a name that a `(` directly behind it calls.
    fn is_callee(&self, i: usize) -> bool {
        let text = self.text(i);
        self.tokens[i].kind == TokenKind::Word
            && (!is_reserved(text) || SOFT_KEYWORDS.contains(&text))
    }

    /// What separates the token at `at` from the one before it in the run that starts at `start`.
    fn gap_before(&self, start: usize, at: usize) -> Gap {
        let Some(before) = self.before(at) else { return Gap::None };
        let adjacent = self.tokens[before].end == self.tokens[at].start;
        let symbol = self.tokens[at].kind == TokenKind::Symbol;
        let previous = self.tokens[before].kind == TokenKind::Symbol;
        // The `else` of a value stays behind the brace.
        if self.is(at, "else") && self.tokens[at].newlines > 0 && self.is_if_statement(start) {
            return Gap::Line;
        }
        if symbol {
            match self.text(at) {
                "->" => return Gap::Arrow,
                ".." | "." | "^" | ":" => return Gap::None,
                "(" if adjacent && self.is_callee(before) => return Gap::None,
                "[" if adjacent && self.tokens[before].ends_operand(self.source) => {
                    return Gap::None;
                }
                "=" if self.in_arguments(at) => return Gap::None,
                _ => {}
            }
        }
        if previous {
            match self.text(before) {
                ".." | "." | "^" => return Gap::None,
                "-" | "!" if self.is_prefix(before) => return Gap::None,
                "=" if self.in_arguments(before) => return Gap::None,
                _ => {}
            }
        }
        Gap::Blank
    }

    /// Whether the operator at `i` stands before its only operand.
    fn is_prefix(&self, i: usize) -> bool {
        let Some(before) = self.before(i) else { return true };
        // The `in` of `repeat i in …` ends no operand.
        let loop_in = self.is(before, "in")
            && self
                .before(before)
                .and_then(|name| self.before(name))
                .is_some_and(|repeat| self.is(repeat, "repeat"));
        loop_in || !self.tokens[before].ends_operand(self.source)
    }

    /// Whether the innermost bracket around the token at `i` is a parenthesis.
    ///
    /// An `=` is at most a name away from the bracket or comma before it.
    fn in_arguments(&self, i: usize) -> bool {
        self.before(i)
            .and_then(|key| self.before(key))
            .is_some_and(|i| self.is(i, "(") || self.is(i, ","))
    }
}
