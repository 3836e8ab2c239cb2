//! Diagnostics as text for a terminal; the one file that knows `annotate-snippets`.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, FileId, Severity, SourceMap, Span};

/// How a diagnostic is drawn.
#[derive(Clone, Copy, Debug)]
pub struct RenderStyle {
    /// ANSI colours.
    pub color: bool,
    /// Columns to fit into; taken as 40 to 200.
    pub width: usize,
}

/// Draws one diagnostic; the text ends without a newline.
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap, style: RenderStyle) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let width = style.width.clamp(MIN_WIDTH, MAX_WIDTH);
    let notes: Vec<_> =
        diagnostic.notes.iter().map(|note| wrap(note, width - NOTE_INDENT)).collect();
    let help: Vec<_> = diagnostic.help.iter().map(|help| wrap(help, width - HELP_INDENT)).collect();
    let mut group = level
        .primary_title(&diagnostic.title)
        .id(diagnostic.code.id())
        .elements(snippets(diagnostic, sources));
    for note in &notes {
        group = group.element(Level::NOTE.no_name().message(note));
    }
    for help in &help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let text = renderer.decor_style(DecorStyle::Ascii).term_width(width).render(&[group]);
    if style.color {
        return text;
    }
    // Blanks at the ends of lines are no part of the drawing.
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Narrowest and widest terminal that the drawing adapts to, in columns.
const MIN_WIDTH: usize = 40;
const MAX_WIDTH: usize = 200;
/// Columns that stand before the text of a note and of a help line, for line numbers of four digits.
const NOTE_INDENT: usize = 7;
const HELP_INDENT: usize = 13;

/// Breaks lines at blanks so that they have at most `width` columns where words allow.
fn wrap(text: &str, width: usize) -> String {
    text.split('\n').map(|line| wrap_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for (i, word) in text.split(' ').enumerate() {
        let len = word.chars().count();
        if i > 0 {
            if column + 1 + len > width {
                out.push('\n');
                column = 0;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += len;
    }
    out
}

fn snippets<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a SourceMap,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut files: Vec<_> = vec![];
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
        .into_iter()
        .map(|file| {
            let text = sources.text(file);
            let (from, to, first_line) = window(diagnostic, file, text);
            let annotations = diagnostic.labels.iter().enumerate().filter_map(move |(i, label)| {
                let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let range = range(label.span, text, from, to);
                (label.span.file == file).then(|| kind.span(range).label(&label.text))
            });
            Snippet::source(&text[from..to])
                .line_start(first_line)
                .path(sources.name(file))
                .annotations(annotations)
        })
        .collect()
}

/// The lines that the labels in `file` touch, as bytes, and the number of the first one.
///
/// Drawing costs time in proportion to the text it is given, so it is given no more than this.
fn window(diagnostic: &Diagnostic, file: FileId, text: &str) -> (usize, usize, usize) {
    let spans = diagnostic.labels.iter().map(|label| label.span).filter(|span| span.file == file);
    let (mut first, mut last) = (text.len(), 0);
    for span in spans {
        let range = range(span, text, 0, text.len());
        first = first.min(range.start);
        last = last.max(range.end);
    }
    let from = text[..first].rfind('\n').map_or(0, |i| i + 1);
    let to = text[last.max(from)..].find('\n').map_or(text.len(), |i| last.max(from) + i + 1);
    (from, to, text[..from].matches('\n').count() + 1)
}

/// A span as bytes of `text[from..to]`, moved onto the borders of characters.
fn range(span: Span, text: &str, from: usize, to: usize) -> std::ops::Range<usize> {
    let border = |mut at: usize| {
        at = at.clamp(from, to);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at - from
    };
    let start = border(span.start as usize);
    start..border(span.end as usize).max(start)
}
