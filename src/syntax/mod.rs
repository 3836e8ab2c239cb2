//! Text in, syntax tree out: the grammar, the tree, the printer and the formatter.
//!
//! [`parse`] keeps every item it understands beside the problems it found. Afterwards names and
//! numbers are as written: nothing is resolved, nothing is defaulted.

pub mod ast;
mod build;
mod colour;
mod error;
mod expected;
mod format;
mod formatted;
mod grammar;
mod layout;
pub mod limits;
mod operators;
mod parse;
mod print;
mod scan;
mod slip;
mod split;

pub use colour::{WordKind, words};
pub use error::{Nesting, NumberFault, StringFault, SyntaxError};
pub use format::format;
pub use formatted::format_bytes;
pub use parse::{decode, outline, parse, parse_expr, parse_override};
pub use print::{print, print_claim_line, print_expr};
pub use scan::{ITEM_KEYWORDS, STATEMENT_KEYWORDS, Token, TokenKind, is_reserved, is_word, tokens};
