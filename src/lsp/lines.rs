//! Places of the protocol and places of the compiler: lines with UTF-16 units, and bytes.
//!
//! A line ends at `\n`, `\r\n` or `\r`, as the protocol says. Any position has a byte: what lies behind the end of a line or of
//! the text, or inside a character, is moved to the border before it.

use std::ops::Range;

use lsp_types::Position;

use crate::diag::Span;

/// Where the lines of a text begin.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of a text.
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = |at: usize| {
            bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
        };
        let behind = (0..bytes.len()).filter(|at| ends(*at)).map(|at| at + 1);
        Self { starts: std::iter::once(0).chain(behind).collect() }
    }

    /// The byte of a position.
    pub(super) fn offset(&self, text: &str, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else { return text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text[start..end].trim_end_matches(['\r', '\n']);
        let mut units = 0;
        for (at, c) in content.char_indices() {
            units += c.len_utf16();
            if units > position.character as usize {
                return start + at;
            }
        }
        start + content.len()
    }

    /// The position of a byte.
    pub(super) fn position(&self, text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let units = text[self.starts[line]..offset].chars().map(char::len_utf16).sum::<usize>();
        Position::new(line as u32, units as u32)
    }

    /// The positions of a range of bytes.
    pub(super) fn range(&self, text: &str, range: Range<usize>) -> lsp_types::Range {
        let end = range.end.max(range.start);
        lsp_types::Range::new(self.position(text, range.start), self.position(text, end))
    }

    /// The line of a byte.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }
}

/// The bytes of a span.
pub(super) fn bytes(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_utf16_and_bytes_count_utf8() {
        let text = "// λ → 𝜆x\r\nnet é\rloss\n";
        let lines = Lines::new(text);
        let at = |line, character| lines.offset(text, Position::new(line, character));
        assert_eq!(&text[at(0, 3)..at(0, 4)], "λ");
        assert_eq!(&text[at(0, 7)..at(0, 9)], "𝜆");
        assert_eq!(&text[at(0, 9)..at(0, 10)], "x");
        // Inside a surrogate pair, behind the line, behind the text.
        assert_eq!(at(0, 8), at(0, 7));
        assert_eq!(&text[at(0, 900)..at(1, 0)], "\r\n");
        assert_eq!(&text[at(1, 4)..at(1, 5)], "é");
        assert_eq!(&text[at(2, 0)..at(2, 4)], "loss");
        assert_eq!(at(77, 0), text.len());
        for (offset, _) in text.char_indices() {
            let position = lines.position(text, offset);
            let back = lines.offset(text, position);
            assert!(back == offset || text[back..].starts_with("\r\n"), "{offset}");
        }
        assert_eq!(lines.position(text, 4), Position::new(0, 3));
    }
}
