//! The words of a text by what they are, for those who show it in colours.

use std::ops::Range;

use super::scan::{ITEM_KEYWORDS, TokenKind, is_reserved, scan};
use crate::diag::FileId;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordKind {
    /// A keyword that starts an item.
    Item,
    /// Any other keyword.
    Keyword,
    /// A name in front of its arguments.
    Call,
    /// A name.
    Name,
    /// A number.
    Number,
    /// A string with its quotes.
    Str,
    /// A comment.
    Comment,
    /// An operator, a bracket, or what is no part of the language.
    Symbol,
}

/// The pieces of a text in order, with their places in bytes; blanks lie between them.
pub fn words(text: &str) -> Vec<(Range<usize>, WordKind)> {
    let tokens = scan(FileId(0), text).tokens;
    let kind = |i: usize| {
        let token = &tokens[i];
        let word = token.text(text);
        let is_called = tokens.get(i + 1).is_some_and(|next| {
            next.start == token.end && next.kind == TokenKind::Symbol && next.text(text) == "("
        });
        match token.kind {
            TokenKind::Word if ITEM_KEYWORDS.contains(&word) => WordKind::Item,
            TokenKind::Word if is_reserved(word) => WordKind::Keyword,
            TokenKind::Word if is_called => WordKind::Call,
            TokenKind::Word => WordKind::Name,
            TokenKind::Number => WordKind::Number,
            TokenKind::Str => WordKind::Str,
            TokenKind::Comment => WordKind::Comment,
            TokenKind::Symbol | TokenKind::Unknown => WordKind::Symbol,
        }
    };
    (0..tokens.len()).map(|i| (tokens[i].start..tokens[i].end, kind(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::{WordKind, words};

    #[test]
    fn every_piece_has_its_kind() {
        let text = "net a { conv(8) } // end";
        let found = words(text).into_iter().map(|(place, kind)| (&text[place], kind));
        let kinds: Vec<_> = found.filter(|(_, kind)| *kind != WordKind::Symbol).collect();
        assert_eq!(
            kinds,
            [
                ("net", WordKind::Item),
                ("a", WordKind::Name),
                ("conv", WordKind::Call),
                ("8", WordKind::Number),
                ("// end", WordKind::Comment),
            ]
        );
    }
}
