//! Documents of text, possible breaks and groups in, lines of at most [`WIDTH`] columns out.
//!
//! A group is printed on one line where it fits and holds no forced break; otherwise each of its
//! own breaks becomes a new line. Printing the parsed result again gives the same lines.

/// Columns of a line; longer lines appear only where nothing can be broken.
pub(super) const WIDTH: usize = 100;

/// Columns of one level of indentation.
const INDENT: usize = 2;

/// A piece of layout.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without a line break.
    Text(String),
    /// A comment at the end of a line; its width does not count.
    Trailing(String),
    /// Nothing, or a new line when the group is broken.
    Soft,
    /// This many blanks, or a new line when the group is broken; with an empty line before it.
    Line {
        /// Blanks on one line.
        blanks: usize,
        /// Whether an empty line comes first.
        empty: bool,
    },
    /// This many blanks, or a new line when what follows does not fit; alone, whatever the group
    /// does.
    Fill(usize),
    /// Always a new line.
    Hard {
        /// Whether an empty line comes first.
        empty: bool,
    },
    /// Text that appears only when the group is broken.
    IfBroken(&'static str),
    /// Parts in a row.
    Row(Vec<Doc>),
    /// Parts indented one level deeper.
    Nest(Vec<Doc>),
    /// Parts that break together; `true` breaks them in any case.
    Group(Vec<Doc>, bool),
}

impl Doc {
    /// Whether a forced break lies inside.
    fn is_forced(&self) -> bool {
        match self {
            // Nothing may follow a comment on its line.
            Self::Hard { .. } | Self::Trailing(_) => true,
            Self::Group(parts, forced) => *forced || parts.iter().any(Self::is_forced),
            Self::Row(parts) | Self::Nest(parts) => parts.iter().any(Self::is_forced),
            Self::Text(_) | Self::Soft | Self::Line { .. } | Self::Fill(_) | Self::IfBroken(_) => {
                false
            }
        }
    }

    /// A group that breaks if any part holds a forced break.
    pub(super) fn group(parts: Vec<Self>, forced: bool) -> Self {
        let forced = forced || parts.iter().any(Self::is_forced);
        Self::Group(parts, forced)
    }
}

/// Prints a document, broken at its top level.
pub(super) fn print(doc: &Doc) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut stack = vec![Frame { indent: 0, broken: true, doc }];
    while let Some(frame) = stack.pop() {
        match frame.doc {
            Doc::Text(text) => {
                column += text.chars().count();
                out.push_str(text);
            }
            Doc::Trailing(text) => out.push_str(text),
            Doc::IfBroken(text) if frame.broken => {
                column += text.len();
                out.push_str(text);
            }
            Doc::Soft | Doc::IfBroken(_) if !frame.broken => {}
            Doc::IfBroken(_) => {}
            Doc::Line { blanks, .. } if !frame.broken => {
                column += blanks;
                out.push_str(&" ".repeat(*blanks));
            }
            Doc::Fill(blanks) if !frame.broken || fits(column + blanks, &stack) => {
                column += blanks;
                out.push_str(&" ".repeat(*blanks));
            }
            Doc::Soft | Doc::Fill(_) => column = new_line(&mut out, frame.indent, false),
            Doc::Line { empty, .. } | Doc::Hard { empty } => {
                column = new_line(&mut out, frame.indent, *empty);
            }
            Doc::Row(parts) => push(&mut stack, parts, frame.indent, frame.broken),
            Doc::Nest(parts) => push(&mut stack, parts, frame.indent + INDENT, frame.broken),
            Doc::Group(parts, forced) => {
                push(&mut stack, parts, frame.indent, false);
                if *forced || !fits(column, &stack) {
                    let from = stack.len() - parts.len();
                    for part in &mut stack[from..] {
                        part.broken = true;
                    }
                }
            }
        }
    }
    let end = out.trim_end().len();
    out.truncate(end);
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

#[derive(Clone, Copy)]
struct Frame<'a> {
    indent: usize,
    broken: bool,
    doc: &'a Doc,
}

fn push<'a>(stack: &mut Vec<Frame<'a>>, parts: &'a [Doc], indent: usize, broken: bool) {
    stack.extend(parts.iter().rev().map(|doc| Frame { indent, broken, doc }));
}

fn new_line(out: &mut String, indent: usize, empty: bool) -> usize {
    let end = out.trim_end_matches(' ').len();
    out.truncate(end);
    if !out.is_empty() {
        out.push_str(if empty { "\n\n" } else { "\n" });
        out.push_str(&" ".repeat(indent));
    }
    indent
}

/// Whether what is on the stack fits on the line up to the next possible break.
fn fits(mut column: usize, stack: &[Frame<'_>]) -> bool {
    let mut below = stack.len();
    let mut above: Vec<Frame<'_>> = vec![];
    loop {
        if column > WIDTH {
            return false;
        }
        let frame = match above.pop() {
            Some(frame) => frame,
            None if below == 0 => return true,
            None => {
                below -= 1;
                stack[below]
            }
        };
        match frame.doc {
            Doc::Text(text) => column += text.chars().count(),
            Doc::IfBroken(text) if frame.broken => column += text.len(),
            Doc::Hard { .. } => return true,
            Doc::Soft | Doc::Line { .. } | Doc::Fill(_) if frame.broken => return true,
            Doc::Trailing(_) | Doc::IfBroken(_) | Doc::Soft => {}
            Doc::Line { blanks, .. } | Doc::Fill(blanks) => column += blanks,
            Doc::Row(parts) | Doc::Nest(parts) => push(&mut above, parts, 0, frame.broken),
            Doc::Group(parts, forced) => push(&mut above, parts, 0, *forced),
        }
    }
}
