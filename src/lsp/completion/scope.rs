//! The names that an item has bound up to a place, by its tokens.

use crate::syntax::{Token, TokenKind, is_reserved};

/// Names bound in the item at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Parameters in the head, `let`s and variables of repeats, in order.
    pub(super) names: Vec<String>,
}

impl Scope {
    /// The names that the tokens of an item bind.
    pub(super) fn of(tokens: &[Token], text: &str) -> Self {
        let word = |i: usize| tokens.get(i).map_or("", |token: &Token| token.text(text));
        let keyword = word(0);
        let mut scope = Self::default();
        let mut depth = 0_i32;
        let mut in_head = true;
        for (i, token) in tokens.iter().enumerate().skip(1) {
            let before = word(i - 1);
            match token.text(text) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                "{" => in_head = false,
                name if token.kind == TokenKind::Word && !is_reserved(name) => {
                    let param = in_head && depth == 1 && matches!(before, "(" | ",");
                    let takes_params = matches!(keyword, "block" | "loss" | "net");
                    let turn = before == "repeat" && word(i + 1) == "in";
                    if (param && takes_params) || before == "let" || turn {
                        scope.names.push(name.to_owned());
                    }
                }
                _ => {}
            }
        }
        scope
    }
}

/// The axes of all sweeps of a text with their labels, by its tokens.
pub(super) fn axes(tokens: &[Token], text: &str) -> Vec<(String, Vec<String>)> {
    let tokens: Vec<&Token> =
        tokens.iter().filter(|token| token.kind != TokenKind::Comment).collect();
    let word = |i: usize| tokens.get(i).map_or("", |token| token.text(text));
    let mut found = vec![];
    for i in 1..tokens.len() {
        if word(i) != "in" || tokens[i - 1].kind != TokenKind::Word || word(i - 1) == "repeat" {
            continue;
        }
        let mut first = i - 1;
        while first >= 2 && word(first - 1) == "." {
            first -= 2;
        }
        if word(first.wrapping_sub(1)) == "repeat" {
            continue;
        }
        let key = text[tokens[first].start..tokens[i - 1].end].to_owned();
        found.push((key, labels(&tokens, text, i + 1)));
    }
    found
}

/// The labels in the list that opens at a token: names before a colon, or values that are names.
fn labels(tokens: &[&Token], text: &str, open: usize) -> Vec<String> {
    let word = |i: usize| tokens.get(i).map_or("", |token| token.text(text));
    let mut labels = vec![];
    if word(open) != "[" {
        return labels;
    }
    let mut depth = 0_i32;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match word(i) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            name if depth == 1 && token.kind == TokenKind::Word => {
                let is_first = matches!(word(i - 1), "[" | ",");
                if is_first && matches!(word(i + 1), ":" | "," | "]") {
                    labels.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    labels
}
