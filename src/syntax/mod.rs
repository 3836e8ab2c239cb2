//! Text in, syntax tree out: the grammar, the tree, the printer and the formatter.

pub mod ast;
